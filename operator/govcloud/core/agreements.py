"""Whether a service agreement is in force, and what it says of prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from govcloud.api.agreement import AgreementSpec
from govcloud.core.plan import PlannedPrice
from govcloud.reasons import Reason
from policies.money import AgreementRule
from policies.sources import Strength
from stacks.offerings import storage_item


@dataclass(frozen=True)
class Fault:
    """One reason why an agreement does not count, with the article that asks for more."""

    reason: Reason
    field: str
    en: str
    zh: str
    article: str | None = None
    strength: Strength = "hard"


def faults_of(agreement: AgreementSpec, rule: AgreementRule | None, today: date) -> Iterator[Fault]:
    """Why the agreement does not count on a day, all at once. `rule` is None where the regulation asks for no agreement."""
    article = rule.source.cite() if rule else None
    if agreement.signed_on is None:
        yield Fault(Reason.NOT_SIGNED, "signedOn", "it is a draft; sign it and set signedOn", "尚未签署", article)
    if rule and rule.three_party and agreement.parties.authority is None:
        yield Fault(Reason.NOT_SIGNED, "parties.authority", "the authority is not a party; the agreement is one of three parties",
                    "须为三方协议,缺少主管部门", article)  # fmt: skip
    if rule and rule.filed and agreement.filing is None:
        yield Fault(Reason.NOT_FILED, "filing", "it is not filed with the authority", "尚未向主管部门备案", article)
    if today < agreement.valid_from:
        yield Fault(Reason.NOT_YET_VALID, "validFrom", f"its term begins on {agreement.valid_from}", f"自 {agreement.valid_from} 起生效")
    if today > agreement.valid_until:
        yield Fault(Reason.EXPIRED, "validUntil", f"its term ended on {agreement.valid_until}; sign another one and name it",
                    f"已于 {agreement.valid_until} 到期,请另行签订")  # fmt: skip
    yield from _too_long(agreement, rule)


def _too_long(agreement: AgreementSpec, rule: AgreementRule | None) -> Iterator[Fault]:
    if rule is None or (most := rule.max_term) is None:
        return
    end = last_day(agreement.valid_from, most.value)
    if agreement.valid_until > end:
        yield Fault(Reason.TERM_TOO_LONG, "validUntil", f"its term is longer than {most.value} years; end it by {end}",
                    f"期限超过 {most.value} 年,应不晚于 {end}", most.source.cite(), most.strength)  # fmt: skip


def last_day(start: date, years: int) -> date:
    """The last day of a term of so many years that begins on `start`."""
    leap_day = (start.month, start.day) == (2, 29)
    return start.replace(year=start.year + years, day=28 if leap_day else start.day) - timedelta(days=0 if leap_day else 1)


def warned_from(agreement: AgreementSpec, rule: AgreementRule | None) -> date:
    """The day from which on people are told that the term ends."""
    return agreement.valid_until - timedelta(days=rule.warning.value if rule else 0)


def at_agreed_prices(prices: Iterable[PlannedPrice], agreement: AgreementSpec) -> tuple[PlannedPrice, ...]:
    """The same items at the agreement's prices, where it has one for them."""
    agreed = {service.offering: service.unit_price for service in agreement.services}
    agreed |= {storage_item(s.offering): s.storage_unit_price for s in agreement.services if s.storage_unit_price is not None}
    return tuple(price.model_copy(update={"unit_price": agreed.get(price.item, price.unit_price)}) for price in prices)
