"""`Jurisdiction`: a city, district or province: which pack holds there, who its offices are, which cloud and catalog it uses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from govcloud.api.calendar import OwnCalendar
from govcloud.api.common import Conditions, Line, Model, Moment, ObjectName, SignatureAlgorithm, Token, Word
from govcloud.api.marks import checked_by, keyed_by, rule
from govcloud.api.notification import Notifications

PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", min_length=60, max_length=128)]


class Office(Model):
    """Who decides a step here."""

    step: Word = Field(description="the approval step, as the regulation pack names it")
    office: Line = Field(description="the office's name, exactly as its approvals carry it")


ED25519_KEY = "MCowBQYDK2VwAyEA"
SM2_KEY = "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAE"
"""How every public key of the algorithm begins, in base64: the algorithm's name stands in the key itself."""


class OfficeKey(Model):
    """A public key of an office. It counts for decisions that reach the cluster from `validFrom` on, until it ends or is revoked."""

    model_config = checked_by(
        rule(
            f"self.publicKey.startsWith(self.algorithm == 'SM2' ? '{SM2_KEY}' : '{ED25519_KEY}')",
            "publicKey is not a key of this algorithm / 公钥与算法不符",
        )
    )

    public_key: PublicKey = Field(
        description="what stands between BEGIN and END PUBLIC KEY, on one line (openssl pkey -in office.pem -pubout)"
    )
    algorithm: SignatureAlgorithm
    office: Line = Field(description="whose key it is, exactly as its approvals carry the name")
    steps: Annotated[tuple[Word, ...], Field(max_length=32)] = Field(
        (), description="the only steps that it may decide; none named: all of its office"
    )
    valid_from: Moment
    valid_until: Moment | None = None
    revoked_at: Moment | None = Field(
        None, description="from this moment on nothing signed with it counts; may lie in the past, for a key that was stolen then"
    )
    revocation_reason: Line | None = Field(None, description="for instance: stolen, replaced, the official has left")


class Approvals(Model):
    """How decisions are proven here."""

    signatures_required: bool = Field(False, description="whether a decision without a valid signature counts for nothing")
    keys: Annotated[tuple[OfficeKey, ...], Field(max_length=256, json_schema_extra=keyed_by("publicKey"))] = ()


class Cloud(Model):
    """How the jurisdiction's cloud is laid out."""

    external_network: Line = Field(description="name of the network to the outside")
    backup_project: Line = Field("govcloud-backups", description="OpenStack project that keeps backups")
    quarantine_project: Line = Field(
        "govcloud-quarantine", description="OpenStack project in which backups are restored to prove them"
    )


_Days = Annotated[int, Field(ge=0, le=36500)]


class StepLimit(Model):
    """How long an office may take here."""

    step: Word
    working_days: Annotated[int, Field(ge=1, le=365)]


class Tightened(Model):
    """Values that this jurisdiction sets stricter than its pack; a looser one refuses every request here, with the reason."""

    trial_days: Annotated[int, Field(ge=1, le=365)] | None = Field(None, description="at most the pack's")
    max_trial_extension_days: Annotated[int, Field(ge=0, le=365)] | None = Field(
        None, description="at most the pack's; hard here, also where the pack sets it in principle"
    )
    grace_days: _Days | None = Field(None, description="at most the pack's")
    provisioning_days: Annotated[int, Field(ge=1, le=365)] | None = Field(None, description="working days; at most the pack's")
    change_days: Annotated[int, Field(ge=1, le=365)] | None = Field(None, description="working days; at most the pack's")
    step_limits: Annotated[tuple[StepLimit, ...], Field(max_length=32, json_schema_extra=keyed_by("step"))] = Field(
        (), description="working days for a step; at most the pack's"
    )
    expert_review: Literal["Always"] | None = Field(None, description="an expert review for every application (JJ 15)")
    budget_review_from: Annotated[int, Field(ge=1, le=10**12)] | None = Field(
        None, description="yuan a year from which on the steps are needed that depend on the budget; at most the pack's"
    )
    major_change_cost_percent: Annotated[int, Field(ge=0, le=10000)] | None = Field(
        None, description="from how much more cost on a change is a major one; at most the pack's"
    )
    stable_running_months: Annotated[int, Field(ge=0, le=120)] | None = Field(None, description="at least the pack's")
    backup_retention_days: _Days | None = Field(None, description="at least the pack's")
    cooling_off_days: _Days | None = Field(None, description="at least the pack's")
    settlement_months: Annotated[int, Field(ge=1, le=120)] | None = Field(None, description="at most the pack's")
    report_day: Annotated[int, Field(ge=1, le=28)] | None = Field(
        None, description="day of the month until which the reports are due; at most the pack's"
    )


class JurisdictionSpec(Model):
    """What holds in this jurisdiction."""

    title: Line
    level: Literal["Province", "City", "District", "County"] | None = Field(
        None, description="level of the administration; needed where the pack says at which levels there is a platform (SD 3.2)"
    )
    pack: Word = Field(description="regulation pack, for instance jiujiang")
    catalog: ObjectName = Field(description="name of the CloudServiceCatalog that is in use")
    offices: Annotated[tuple[Office, ...], Field(max_length=32, json_schema_extra=keyed_by("step"))] = ()
    cloud: Cloud
    tightened: Tightened = Tightened()
    calendar: OwnCalendar = OwnCalendar()
    approvals: Approvals = Approvals()
    notifications: Notifications | None = Field(None, description="who is told of state changes; none: nobody")


class JurisdictionStatus(Model):
    """What the controller says of the jurisdiction."""

    observed_generation: int = 0
    conditions: Conditions = ()
    cloud_services: Annotated[tuple[Token, ...], Field(max_length=64)] = Field(
        (), description="OpenStack service types that the cloud offers"
    )
