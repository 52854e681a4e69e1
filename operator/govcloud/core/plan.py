"""A plan: what an approval is about. Frozen when it is made; effects run from it and never from the live spec."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr

from govcloud.api.annual_plan import Budget
from govcloud.api.common import Digest, Stage, User
from govcloud.api.jurisdiction import Tightened
from govcloud.api.progress import Drift
from govcloud.api.request import RequestKey, RequestSpec
from govcloud.api.waiver import Waiver
from govcloud.core.canonical import canonical, sha256, sm3
from govcloud.core.planned_restore import PlannedRestore
from govcloud.core.steps import Circumstances
from policies.rules import Edition
from policies.steps import StepRule, Transition
from stacks.diff import ResourceChange, allowed_operations
from stacks.kind import Image, Model, Money, Offering, PriceItem, Quota
from stacks.program import Program
from stacks.program_json import from_json


class PlannedStep(Model):
    """One approval that the plan needs, with the office already resolved."""

    step: str
    office: str
    zh: str
    en: str
    article: str
    working_days: int | None = None
    other_person_than: tuple[str, ...] = ()
    """Steps that another person has to decide, if of the same office."""


def planned_step(rule: StepRule, office: str) -> PlannedStep:
    """A step of the pack, for the office that decides it here."""
    return PlannedStep(
        step=rule.step,
        office=office,
        zh=rule.zh,
        en=rule.en,
        article=rule.source.cite(),
        working_days=rule.working_days.value if rule.working_days else None,
        other_person_than=(*rule.other_office_than, *rule.other_person_than),
    )


def lengths(edition: Edition) -> dict[str, int]:
    """The lengths of time, in days, that a plan takes from its edition, by their names in `Values`."""
    return {
        "trial_days": edition.trial.days.value if edition.trial else 0,
        "cooling_off_days": edition.cooling_off.value,
        "backup_retention_days": edition.backup_retention.value,
    }


class Departure(Model):
    """A rule in principle 原则上 that the plan departs from: every approval of it says why."""

    rule: str
    field: str
    zh: str
    en: str
    article: str | None

    def sentence(self) -> str:
        """English, then Chinese, with the article."""
        cited = f" [{self.article}]" if self.article else ""
        return f"{self.en} / {self.zh}{cited}"


class PlannedChange(Model):
    """One line of the diff: what happens to one resource."""

    service: str
    resource: str
    type: str
    operation: Literal["create", "update", "replace", "delete"]
    fields: tuple[str, ...] = ()


class PlannedPrice(Model):
    """One line of the monthly cost: `quantity` of an item of the catalog at its ceiling (A9). Yuan for one and month, or GiB and month."""

    service: str
    item: str
    quantity: int
    unit: Literal["month", "GiB-month"]
    unit_price: Money


class PlannedAgreement(Model):
    """The service agreement at whose prices the plan is priced."""

    name: str
    number: str
    amount: Money
    valid_until: date


class PlannedItem(Model):
    """The item of an annual plan, or the urgent task, that pays."""

    plan: str
    item: str
    title: str
    budget: Budget | None


WaiverGround = Literal["NoBackupPossible", "BackupMismatch", "BackupFailed"]
"""Why a waiver is heard: there can be no proven backup of the part, or how it failed."""


class PlannedWaiver(Waiver):
    """A part that the plan gives up without a proven backup, by its very id. `consent`: the step by which the unit itself agrees."""

    service: str
    source_id: str
    ground: WaiverGround
    consent: str


class Values(Model):
    """The values of catalog, pack and jurisdiction that the plan used: later editions do not touch it."""

    catalog: str
    offerings: tuple[Offering, ...]
    images: tuple[Image, ...]
    pack: str
    edition: date
    jurisdiction: str
    external_network: str
    backup_project: str
    quarantine_project: str
    trial_days: int
    extension_days: int
    cooling_off_days: int
    backup_retention_days: int
    backup_every_days: int | None = Field(None, description="how often the protection level asks for a backup; none: it does not")
    backup_kept_days: int | None = Field(None, description="how long such a backup is kept; none in plans of before they were made")
    tightened: Tightened | None = Field(None, description="what the jurisdiction set stricter; none in plans of before it was kept")
    agreement: PlannedAgreement | None = None
    annual_plan_item: PlannedItem | None = None


class Plan(Model):
    """See the design, section 5.

    `generation` is that of the spec it was made for: an edit and its undoing make another plan. `base_plan`, `base_running` and `replaces`
    (plans that began and cannot finish) say what the diff is against: when that changes before the plan starts, the plan is made anew.
    """

    format: Literal[1] = 1
    request: RequestKey
    number: int
    generation: int
    previous: Digest | None
    base_plan: int | None
    base_running: bool
    replaces: tuple[int, ...] = ()
    unit: str
    applicant: User
    transition: Transition
    stage: Stage
    spec: Mapping[str, Any]
    values: Values
    steps: tuple[PlannedStep, ...]
    circumstances: Circumstances | None = None
    """What the choice of the steps depended on; none in plans of before it was kept."""
    departures: tuple[Departure, ...] = ()
    waivers: tuple[PlannedWaiver, ...] = ()
    """What is destroyed without a proven backup; nothing but in a termination."""
    repairs: tuple[Drift, ...] = ()
    """What differed from what the controller left, and is put back."""
    program: Mapping[str, Any]
    diff: tuple[PlannedChange, ...]
    quota: Mapping[str, int]
    prices: tuple[PlannedPrice, ...]
    monthly_cost: Money
    restore: PlannedRestore | None = None

    @property
    def yearly(self) -> Decimal:
        """What a year of it costs, in yuan."""
        return Decimal(self.monthly_cost) * 12

    def text(self) -> str:
        """Canonical JSON: what is stored and what the digest is over."""
        return self._text

    # Everything below is asked for several times a pass and cannot change.

    _pinned_text: str | None = PrivateAttr(None)
    """The text that it was read from: a later version may know more fields, and the digest must stay what was approved."""

    @cached_property
    def _text(self) -> str:
        return self._pinned_text or canonical(self.model_dump(mode="json", by_alias=True))

    @cached_property
    def digest(self) -> str:
        return sha256(self._text)

    @cached_property
    def digest_sm3(self) -> str | None:
        return sm3(self._text)

    @cached_property
    def _program(self) -> Program:
        return from_json(self.program)

    @cached_property
    def _wanted(self) -> RequestSpec:
        return RequestSpec.model_validate(self.spec)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Another plan, with its own text and digest: what is remembered of this one does not go along."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**fields, **(update or {})})

    def resources(self) -> Program:
        """The program that this plan leads to."""
        return self._program

    def wanted(self) -> RequestSpec:
        """The spec that this plan was made for."""
        return self._wanted

    def needed_quota(self) -> Quota:
        return Quota(**self.quota)

    def allowed(self) -> frozenset[tuple[str, str]]:
        """The only operations that a run under this plan may carry out: (logical name, operation)."""
        return allowed_operations(tuple(_as_change(change) for change in self.diff))

    def trial_length(self) -> timedelta:
        return timedelta(days=self.values.trial_days + self.values.extension_days)


def revision_name(key: RequestKey, number: int) -> str:
    """Name of the ControllerRevision that pins a plan."""
    return f"{key.name[:200]}-{key.uid[:8]}-{number}"


@lru_cache(maxsize=1024)
def parse_plan(text: str) -> Plan:
    """Read a pinned plan.

    Raises:
        pydantic.ValidationError, ValueError: the text is not a plan of a format that this version knows.
    """
    if canonical(json.loads(text)) != text:
        raise ValueError("the text is not canonical JSON (RFC 8785), as a plan is written")
    plan = Plan.model_validate_json(text)
    plan._pinned_text = text
    return plan


def pinned_text(document: Mapping[str, Any]) -> str:
    """The canonical text of the plan in a ControllerRevision as JSON, or of a plan given as such.

    Raises:
        ValueError, KeyError, TypeError: it is neither.
    """
    if document.get("kind") == "ControllerRevision":
        return canonical(json.loads(document["data"]["text"]))
    return canonical(document)


def planned_changes(changes: tuple[ResourceChange, ...]) -> tuple[PlannedChange, ...]:
    return tuple(
        PlannedChange(service=c.service, resource=c.resource, type=c.type, operation=c.operation, fields=c.fields)
        for c in changes
    )


def planned_prices(prices: Iterable[tuple[str, PriceItem]]) -> tuple[PlannedPrice, ...]:
    return tuple(
        PlannedPrice(service=service, item=p.item, quantity=p.quantity, unit=p.unit, unit_price=str(p.unit_price))
        for service, p in prices
    )


def yuan(prices: Iterable[PlannedPrice]) -> str:
    """The monthly cost of all items, in yuan with two decimals."""
    return f"{sum((Decimal(price.unit_price) * price.quantity for price in prices), start=Decimal(0)):.2f}"


def _as_change(change: PlannedChange) -> ResourceChange:
    return ResourceChange(change.service, change.resource, change.type, change.operation, change.fields)
