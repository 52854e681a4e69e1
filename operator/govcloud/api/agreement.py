"""`ServiceAgreement` 服务协议: who agreed with whom on which services, at which prices, up to which amount, until when (L5, L14, L15)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from govcloud.api.common import Conditions, Line, Model, Money, Name, ObjectName, Sha256
from govcloud.api.marks import checked_by, keyed_by, rule
from govcloud.api.reservation import Reservation


class Parties(Model):
    """Who signs. Three where the authority is one of them (LY 7.4)."""

    unit: ObjectName = Field(description="the using unit 使用单位")
    provider: Line = Field(description="the cloud service provider 云服务商")
    authority: Line | None = Field(None, description="the competent authority 主管部门, in a three-party agreement")


class AgreedService(Model):
    """One offering of the catalog at the price agreed on: lower than the catalog's or equal, never higher."""

    offering: Name = Field(description="name of the offering in the catalog")
    unit_price: Money = Field(description="yuan per month for one, or per GiB and month for storage")
    storage_unit_price: Money | None = Field(
        None, description="yuan per GiB and month of storage that comes with it, where the catalog has such a price"
    )


class AgreementText(Model):
    """The signed document, which also holds what software cannot check: quality, security, rights and duties, breach."""

    sha256: Sha256 = Field(description="SHA-256 of the document")
    location: Line = Field(description="where the document lies, for people")


class Filing(Model):
    """The authority has the agreement on file 备案."""

    number: Line = Field(description="number under which it is filed 备案号")
    filed_on: date


_TERMS = ("number", "parties", "services", "amount", "validFrom", "validUntil", "text", "signedOn")


class AgreementSpec(Model):
    """The agreement. Once it is signed, its terms stay; other terms are another agreement."""

    model_config = checked_by(
        rule("self.validFrom <= self.validUntil", "validFrom must not be after validUntil / 起始日期不得晚于截止日期"),
        rule(
            f"!has(oldSelf.signedOn) || (has(self.signedOn) && {' && '.join(f'self.{term} == oldSelf.{term}' for term in _TERMS)})",
            "a signed agreement cannot be edited; sign another one and name it in agreementRef / 已签署的服务协议不可修改",
        ),
        rule(
            "!has(oldSelf.filing) || (has(self.filing) && self.filing == oldSelf.filing)",
            "a filing cannot be edited; sign and file another agreement / 已备案的服务协议不可修改",
        ),
        rule("!has(self.filing) || has(self.signedOn)", "what is filed is signed: set signedOn / 备案前须先签署"),
    )

    number: Line = Field(description="number of the agreement 协议编号")
    parties: Parties
    services: Annotated[
        tuple[AgreedService, ...], Field(min_length=1, max_length=256, json_schema_extra=keyed_by("offering"))
    ]
    amount: Money = Field(description="yuan a year: the most that all services under it may cost 资金额度")
    valid_from: date = Field(description="first day of the term")
    valid_until: date = Field(description="last day of the term")
    text: AgreementText
    signed_on: date | None = Field(None, description="day of the last signature; without it the agreement is a draft")
    filing: Filing | None = None


class AgreementStatus(Model):
    """Whether the agreement is in force, and what is reserved of its amount, in yuan a year."""

    observed_generation: int = 0
    conditions: Conditions = Field((), description="InForce; Expiring when the term ends soon; WithinAmount")
    reserved: Money = "0.00"
    left: Money = Field("0.00", description="0 where more is reserved than the amount")
    reservations: Annotated[tuple[Reservation, ...], Field(max_length=1024, json_schema_extra=keyed_by("uid"))] = ()
