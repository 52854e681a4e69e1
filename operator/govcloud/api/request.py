"""`CloudServiceRequest`: one application system's cloud services, and the stage it should be in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model

from govcloud.api.common import (
    Line,
    Model,
    Money,
    Name,
    ObjectName,
    Sha256,
    Stage,
    Token,
    Uid,
    User,
    Word,
)
from govcloud.api.marks import checked_by, default_in_cluster, immutable, keyed_by, rule, validations
from govcloud.api.waiver import Waivers
from stacks.catalog import CATALOG, kind_named
from stacks.kind import Parameters, ServiceKind


class Material(Model):
    """A document that the application carries (L1, L3): which one, its number, its digest, where it lies. Never its content."""

    kind: Word = Field(description="which material, by its code in the regulation pack, for instance project-approval")
    number: Line = Field(description="document number 文号")
    sha256: Sha256 = Field(description="SHA-256 of the document")
    location: Line = Field(description="where the document lies, for people")


class System(Model):
    """The application system that is to run on the cloud."""

    name: Line
    classified: bool = Field(
        description="whether the system handles state secrets 涉密; such systems are refused (XH-C 2, SD 1, ZY 2)"
    )
    government_funded: bool = Field(description="whether it is paid with government funds; others are refused (JJ 2)")
    protection_level: Annotated[int, Field(ge=1, le=4)] = Field(description="level of classified protection 等级保护")


class Trial(Model):
    """The free trial (JJ 16)."""

    extension_days: Annotated[int, Field(ge=0, le=365)] = Field(
        0, description="calendar days added to the trial, in all, by approval"
    )


class AgreementRef(Model):
    """The service agreement under which the services are used (JJ 22)."""

    name: ObjectName = Field(description="name of the ServiceAgreement")


class AnnualPlanItemRef(Model):
    """The item of an annual plan that pays for the services."""

    plan: ObjectName = Field(description="name of the AnnualPlan")
    item: Name = Field(description="name of an item, or of an urgent task, of that plan")


class Declaration(Model):
    """An answer to a question that the regulation pack asks of an application (ZY 13, JJ 23)."""

    kind: Word = Field(description="which question, by its code in the pack, for instance data-exchange")
    answer: Literal["Met", "NotRequired", "NotMet"] = Field(
        description="NotRequired only where the pack asks for it where required; NotMet is a ground of refusal"
    )
    evidence: Line = Field(description="what shows it: a document, an interface; or why it is not required")


class Adjustment(Model):
    """Why services or budget are adjusted after they were reviewed (ZY 16)."""

    reason: Word = Field(description="one of the reasons that the pack allows, by its code")
    explanation: Line = Field(description="what happened; another sentence for every adjustment")


class RestoreFrom(Model):
    """Data that services get back from a backup set. It takes the place of what they hold, which is backed up and proven first."""

    backup: ObjectName = Field(
        description="name of a verified ServiceBackup of this unit: of this request, or what the termination of another one left"
    )
    services: Annotated[tuple[Name, ...], Field(max_length=32)] = Field(
        (), description="names of the services that get their data back; none: all that the set holds data of"
    )
    reason: Line = Field(description="why; with another sentence the same data is restored once more")


class Termination(Model):
    """The application for termination (JJ 19)."""

    reason: Line
    waivers: Waivers = Field(
        (), description="parts that may be destroyed without a proven backup; heard only where there can be none, or where it failed"
    )


_KINDS = ", ".join(kind.name for kind in CATALOG)
# A sum and not a filtered list: the API server cannot bound the cost of the latter and would refuse the rule.
_NUMBER_OF_KINDS = " + ".join(f"(has(self.{kind.name}) ? 1 : 0)" for kind in CATALOG)


class ServiceEntry(Model):
    """One service: a name, and exactly one kind with its parameters."""

    model_config = checked_by(
        rule(
            f"{_NUMBER_OF_KINDS} == 1",
            f"a service has exactly one of {_KINDS} / 每项服务只能选一类",
            message_expression=f"'service ' + self.name + ' must have exactly one of {_KINDS} / 每项服务只能选一类'",
        )
    )

    name: Name = Field(description="name of the service, unique in the request")

    @property
    def kind(self) -> ServiceKind:
        """The kind that is set. CEL and `problems` see to it that there is exactly one."""
        return kind_named(self._set_kinds()[0])

    @property
    def parameters(self) -> Parameters:
        value = getattr(self, self._set_kinds()[0])
        assert isinstance(value, Parameters)  # noqa: S101  the model's own fields say so
        return value

    def _set_kinds(self) -> list[str]:
        return [kind.name for kind in CATALOG if getattr(self, kind.name, None) is not None]

    def model_post_init(self, _context: Any) -> None:
        if len(found := self._set_kinds()) != 1:
            names = ", ".join(kind.name for kind in CATALOG)
            raise ValueError(f"a service has exactly one kind of {names}; {self.name!r} has {found or 'none'}")


if TYPE_CHECKING:
    Service = ServiceEntry
else:
    # One optional field a kind, in the catalog's order: a new kind appears here by itself.
    Service = create_model(
        "Service",
        __base__=ServiceEntry,
        **{
            kind.name: (kind.parameters | None, Field(None, alias=kind.name, description=kind.title))
            for kind in CATALOG
        },
    )


class RequestSpec(Model):
    """What the unit asks for. One transition an edit: stage, suspension, trial or services, never two of them at once."""

    model_config = checked_by(
        rule(
            "!has(self.stage) || self.stage != 'Terminated' || has(self.termination)",
            "stage Terminated is an application for termination and says why: set termination.reason (JJ 19) / 终止须写明原因",
        )
    )

    unit: ObjectName = Field(
        description="the using unit 使用单位; cannot change",
        json_schema_extra=validations(
            immutable("a request stays with its unit; another unit makes its own request / 申请单位不可变更")
        ),
    )
    applicant: User = Field(description="the person who asks; must be the authenticated user")
    purpose: Literal["New", "Migration"] = Field(description="a new system 新建 or one moved to the cloud 迁移 (JJ 14)")
    system: System
    application: Annotated[tuple[Material, ...], Field(max_length=32)] = Field(
        description="materials of the application (JJ 14, XH-C 6)"
    )
    declarations: Annotated[tuple[Declaration, ...], Field(max_length=32, json_schema_extra=keyed_by("kind"))] = Field(
        (), description="answers to the pack's questions (ZY 13)"
    )
    budget: Money | None = Field(
        None, description="yuan for a service year; where steps depend on it (LY 7.3). At least twelve times the planned monthly cost"
    )
    expert_review: bool = Field(False, description="ask for an expert review, where the pack leaves it open (JJ 15)")
    adjustment: Adjustment | None = Field(None, description="goes with a change where the pack names reasons (ZY 16)")
    services: Annotated[tuple[Service, ...], Field(min_length=1, max_length=32, json_schema_extra=keyed_by("name"))] = (
        Field(description="what is asked for")
    )
    stage: Stage = Field(
        "Trial",
        description="the stage the services should be in; Terminated is final once destruction has begun",
        json_schema_extra=default_in_cluster(),
    )
    trial: Trial = Trial()
    suspended: bool = Field(False, description="whether the servers should be stopped while everything is kept")
    repairs: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0,
        description="how often what status.progress.drift names was asked to be put back; one more asks for it again, by an approved change",
    )
    agreement_ref: AgreementRef | None = Field(
        None, description="the service agreement; may be named with the promotion"
    )
    annual_plan_item_ref: AnnualPlanItemRef | None = Field(
        None, description="the item of the annual plan, or the urgent task"
    )
    restore_from: RestoreFrom | None = Field(
        None, description="data to get back; leaving it in place, or taking it out later, does nothing"
    )
    termination: Termination | None = Field(None, description="goes with stage Terminated")


class RequestKey(Model):
    """Which request: namespace, name and uid."""

    namespace: Token
    name: ObjectName
    uid: Uid
