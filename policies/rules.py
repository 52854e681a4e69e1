"""The models of the regulation packs. A typo in a pack stops the controller at its start, not at midnight.

A pack is data: every value says where it comes from. Decisions about it are made in `govcloud.core`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any

import yaml
from pydantic import Field, model_validator

from policies.applications import AdjustmentRule, DeclarationRule, MaterialRule, Purpose, Refusal
from policies.duties import AcceptanceRule, MajorChangeRule, PlatformRule, ReportRule, SettlementRule, TrialRule
from policies.money import AgreementRule, AnnualPlanRule, PriceRule
from policies.protection import PROJECT_DEFAULT, Protection
from policies.sources import Days, Line, PackModel, Source, Word, WorkingDays
from policies.steps import COMMITTING, TRANSITIONS, StepRule, Transition


class PackMissing(Exception):
    """There is no such pack, or none of its editions is in force."""


class Edition(PackModel):
    """What holds from one day on, until the next edition."""

    effective_from: date
    refusals: tuple[Refusal, ...]
    materials: Mapping[Purpose, tuple[MaterialRule, ...]]
    declarations: tuple[DeclarationRule, ...] = ()
    adjustment: AdjustmentRule | None = Field(None, description="none where a change needs no reason of a list")
    steps: Mapping[Transition, tuple[StepRule, ...]]
    trial: TrialRule | None = Field(
        description="none where the regulation has no trial: then a request starts in Production"
    )
    acceptance: AcceptanceRule | None = Field(None, description="none where nothing but the steps of Promote is asked for")
    provisioning: WorkingDays = Field(description="how long the provider may take to have resources ready")
    change: WorkingDays = Field(description="how long the provider may take to finish a change")
    major_change: MajorChangeRule
    platforms: PlatformRule | None = Field(None, description="none where the regulation does not say who runs a platform")
    backup_retention: Days = Field(description="calendar days that a termination's backup is kept")
    cooling_off: Days = Field(description="calendar days between a proven backup and the destruction")
    log_retention: Days = Field(description="calendar days that the audit log is kept at least")
    protection: Protection = PROJECT_DEFAULT
    settlement: SettlementRule | None = Field(None, description="none where the regulation does not say when it is settled")
    reports: tuple[ReportRule, ...] = Field((), description="what the provider hands in every month")
    annual_plan: AnnualPlanRule | None = Field(None, description="none where no annual plan is asked for")
    agreement: AgreementRule | None = Field(None, description="none where the units sign no agreements of their own")
    prices: PriceRule | None = None

    @model_validator(mode="after")
    def _every_transition_has_its_steps(self) -> Edition:
        if missing := [t for t in TRANSITIONS if t not in self.steps]:
            raise ValueError(
                f"steps lacks {', '.join(missing)}; a transition without approval is written as an empty list"
            )
        return self

    @model_validator(mode="after")
    def _every_step_is_there_once_and_differs_from_one_that_is_there(self) -> Edition:
        for transition, rules in self.steps.items():
            names = [rule.step for rule in rules]
            if len(set(names)) < len(names):
                raise ValueError(f"steps of {transition}: {', '.join(names)}: a step stands there once")
            for rule in rules:
                others = {*names} - {rule.step}
                if unknown := {*rule.other_office_than, *rule.other_person_than} - others:
                    raise ValueError(f"step {rule.step} of {transition} is to differ from {', '.join(sorted(unknown))}, no other step there")
        return self

    @model_validator(mode="after")
    def _urgent_tasks_are_let_in_by_a_step(self) -> Edition:
        """Whoever may let a task in beside the plan decides on the requests that name one, wherever they commit money."""
        if self.annual_plan is None or (urgent := self.annual_plan.urgent) is None:
            return self
        asked = {t for t in COMMITTING for rule in self.steps[t] if rule.step == urgent.step and rule.when.urgent_task}
        if lacking := [t for t in COMMITTING if t not in asked]:
            raise ValueError(f"annualPlan.urgent: {', '.join(lacking)} lacks the step {urgent.step} with when.urgentTask")
        return self

    @model_validator(mode="after")
    def _limits_run_from_where_they_can(self) -> Edition:
        """An office is asked; a provider starts once all have approved."""
        offices = (rule.working_days for rules in self.steps.values() for rule in rules)
        if any(limit and limit.runs_from != "asked" for limit in offices):
            raise ValueError("the limit of a step runs from asked")
        if {self.provisioning.runs_from, self.change.runs_from} != {"approved"}:
            raise ValueError("the limits of the provider, provisioning and change, run from approved")
        return self


class Pack(PackModel):
    """One regulation, with all its editions."""

    id: Word
    title: Line
    documents: Mapping[str, Line] = Field(description="key by which articles are cited, and the document's number or name")
    editions: Annotated[tuple[Edition, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _every_article_is_of_a_document_named_here(self) -> Pack:
        for where, source in sources_in(self, self.id):
            if source.document is not None and source.document not in self.documents:
                raise ValueError(f"{where} cites {source.document}, which is none of the documents {', '.join(self.documents)}")
        return self

    def in_force(self, day: date) -> Edition:
        """The edition in force on a day.

        Raises:
            PackMissing: the regulation was not in force yet.
        """
        begun = [edition for edition in self.editions if edition.effective_from <= day]
        if not begun:
            raise PackMissing(
                f"no edition of {self.id!r} was in force on {day}; the first begins {self.editions[0].effective_from}"
            )
        return max(begun, key=lambda edition: edition.effective_from)


def sources_in(value: Any, where: str) -> Iterator[tuple[str, Source]]:
    """Every source in a pack or a part of one, with the place where it stands."""
    if isinstance(value, Source):
        yield where, value
    elif isinstance(value, PackModel):
        for name in type(value).model_fields:
            yield from sources_in(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from sources_in(item, f"{where}.{key}")
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from sources_in(item, f"{where}[{place}]")


def parse(text: str) -> Pack:
    """Read a pack from YAML.

    Raises:
        pydantic.ValidationError, yaml.YAMLError: with the place and what is wrong there.
    """
    raw: Any = yaml.safe_load(text)
    return Pack.model_validate(raw)
