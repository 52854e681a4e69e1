"""A place under any regulation pack: offices and people for its steps, an application that brings what it asks for. Made of the pack's own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from reconcile.backing_up import BackingUp, regular_backups
from reconcile.world import (
    AGREEMENT,
    ANNUAL_PLAN,
    ITEM,
    NAMESPACE,
    START,
    SUPERIOR,
    UNIT,
    World,
    agreement_spec,
    annual_plan_spec,
    catalog_spec,
    material,
)

from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.unit import UnitSpec
from govcloud.core.calendar import months_after, official_day
from policies.rules import Edition, Pack
from policies.shelf import Shelf
from policies.steps import COMMITTING, StepRule, Transition

Spec = dict[str, Any]

TITLES = {"superiorUnit": "主管单位", "unit": "使用单位"}
PARTIES = {"unit": UNIT, "provider": "浔云科技有限公司", "authority": "主管部门"}
CONTAINER = {"name": "files", "objectStorage": {"quotaGib": 100, "offering": "objects"}}
YEARLY_COST = 360
"""Yuan: the container's 100 GiB at 0.3 yuan, twelve times."""


class Place(World):
    """A city under one pack, with an office and a person for every step, and a unit that asks for a container.

    Args:
        everything: make every condition of every step hold: a secondary unit, a budget that reaches all thresholds, a wish for experts.
    """

    def __init__(self, directory: Path, pack: Pack, everything: bool = False) -> None:
        self.pack, self.everything = pack, everything
        self.packs = Shelf({pack.id: pack})
        self.officials = {rule.step: (_office(rule), f"official.{rule.step}") for rule in every_rule(self.edition)}
        super().__init__(directory)

    @property
    def edition(self) -> Edition:
        return self.pack.in_force(official_day(START))

    def populate(self) -> None:
        looked_at = JurisdictionStatus(observed_generation=1, cloud_services=self.cloud.offered)
        self.cluster.put_jurisdiction(self.pack.id, self.jurisdiction(), looked_at)
        self.cluster.put_catalog("catalog", catalog_spec())
        superior = SUPERIOR if self.everything else None
        self.cluster.put_unit(SUPERIOR, self._unit(TITLES["superiorUnit"], None))
        self.cluster.put_unit(UNIT, self._unit(TITLES["unit"], superior))
        self.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec(jurisdiction=self.pack.id, urgent=self.urgent_tasks()))
        self.cluster.put_agreement(AGREEMENT, agreement_spec(parties=PARTIES))
        self.cluster.put_namespace(NAMESPACE, UNIT)

    def jurisdiction(self, **changes: Any) -> JurisdictionSpec:
        rules = {rule.step: rule for rule in every_rule(self.edition) if rule.office == "jurisdiction"}
        said = {
            "title": self.pack.title,
            "level": "City",
            "pack": self.pack.id,
            "catalog": "catalog",
            "offices": [{"step": step, "office": _office(rule)} for step, rule in rules.items()],
            "cloud": {"externalNetwork": "public"},
        }
        return JurisdictionSpec.model_validate(said | changes)

    def put_jurisdiction(self, **changes: Any) -> None:
        """Apply the jurisdiction with something different in it."""
        looked_at = JurisdictionStatus(observed_generation=1, cloud_services=self.cloud.offered)
        self.cluster.put_jurisdiction(self.pack.id, self.jurisdiction(**changes), looked_at)

    def _unit(self, title: str, superior: str | None) -> UnitSpec:
        level = "Secondary" if superior else "Primary"
        said = {"title": title, "jurisdiction": self.pack.id, "budgetLevel": level, "superior": superior}
        return UnitSpec.model_validate(said)

    # What a request brings

    def first_wish(self) -> Spec:
        return {
            "unit": UNIT,
            "applicant": "li.na",
            "purpose": "New",
            "system": {"name": "档案系统", "classified": False, "governmentFunded": True, "protectionLevel": 2},
            "application": self.materials("Provision"),
            "declarations": self.declarations(),
            "budget": str(self.budget()),
            "expertReview": self.everything and _asks_for_experts(self.edition),
            "annualPlanItemRef": self.payer("Provision"),
            "agreementRef": self.agreement("Provision"),
            "services": [CONTAINER],
            "stage": "Trial" if self.edition.trial else "Production",
        }

    def materials(self, *transitions: Transition, purpose: str = "New") -> list[Spec]:
        rules = self.edition.materials[purpose]  # type: ignore[index]
        return [material(rule.kind) for rule in rules if {*rule.transitions} & {*transitions}]

    def declarations(self) -> list[Spec]:
        return [{"kind": rule.kind, "answer": "Met", "evidence": "见技术方案"} for rule in self.edition.declarations]

    def budget(self) -> int:
        """Yuan a year: as little as the container costs, or as much as reaches every threshold."""
        thresholds = [rule.when.budget_from or 0 for rule in every_rule(self.edition)]
        return max(YEARLY_COST, *thresholds) if self.everything else YEARLY_COST

    def payer(self, transition: Transition) -> Spec | None:
        """The item of the annual plan; where every condition is to hold, and the pack knows such, an urgent task beside it that pays for this only."""
        if self.edition.annual_plan is None:
            return None
        tasks = [task["name"] for task in self.urgent_tasks() if self.everything and task["name"] == _urgent_task(transition)]
        return {"plan": ANNUAL_PLAN, "item": tasks[0] if tasks else ITEM}

    def urgent_tasks(self) -> list[Spec]:
        """One for each transition that commits money, where the pack knows such tasks, let in by the office that may."""
        rule = self.edition.annual_plan.urgent if self.edition.annual_plan else None
        if rule is None:
            return []
        approval = {"office": self.officials[rule.step][0], "documentNumber": "平新政〔2026〕3号", "reason": "防汛应急"}
        said = {"title": "防汛系统", "unit": UNIT, "budget": {"yearly": "1000000", "documentNumber": "新财预〔2026〕10号"}, "approval": approval}
        return [{"name": _urgent_task(transition), **said} for transition in COMMITTING]

    def adjustment(self, sentence: str) -> Spec | None:
        rule = self.edition.adjustment
        return {"reason": rule.reasons[0].kind, "explanation": sentence} if rule else None

    def agreement(self, *transitions: Transition) -> Spec | None:
        """The agreement, where one of these transitions is the first to need it."""
        rule = self.edition.agreement
        return {"name": AGREEMENT} if rule and rule.needed_from.transition in transitions else None

    # How far it may go

    def carry_out(self, **changes: Any) -> None:
        """Ask for something, let every office approve it, and see it done."""
        self.apply(**changes)
        self.run()
        number = self.shown_plan().number
        self.approve()
        assert self.status().progress.completed_plan == number, self.next_action()

    def ask(self, transition: Transition) -> None:
        """Come to where this transition waits for its offices."""
        _BEFORE[transition](self)
        self.apply(**self.wish(transition))
        self.run()
        assert self.shown_plan().transition == transition, self.next_action()

    def wish(self, transition: Transition) -> Spec:
        """The fields that ask for a transition."""
        return _WISHES[transition](self)

    def begin(self) -> None:
        self.carry_out()

    def go_live(self) -> None:
        """In production, by way of the trial where there is one."""
        self.begin()
        if self.edition.trial:
            self.wait_for_acceptance()
            self.carry_out(**self.wish("Promote"))

    def back_up(self) -> None:
        """In production with a volume beside the container, of which there is a proven backup."""
        disk = {"name": "disk", "blockStorage": {"sizeGib": 1, "offering": "disk"}}
        self.go_live()
        self.carry_out(**self.wish("MajorChange") | {"services": [CONTAINER, disk]})
        BackingUp(self).each_week(1)

    def backed_up(self) -> str:
        return regular_backups(self)[-1].name

    def wait_for_acceptance(self) -> None:
        """As long as the pack wants it to have run before it is accepted."""
        if self.edition.acceptance:
            since = self.status().progress.running_since
            assert since is not None
            self.clock.advance(months_after(since, self.edition.acceptance.stable_running.value) - self.clock.now())
            self.clock.advance(timedelta(seconds=1))
            self.run()


def every_rule(edition: Edition) -> list[StepRule]:
    return [rule for rules in edition.steps.values() for rule in rules]


def _office(rule: StepRule) -> str:
    return TITLES.get(rule.office) or f"办理 {rule.step} 的单位"


def _urgent_task(transition: Transition) -> str:
    return f"urgent-{transition.lower()}"


def _asks_for_experts(edition: Edition) -> bool:
    return any(rule.when.expert_review for rule in every_rule(edition))


def _promotion(place: Place) -> Spec:
    needed = {"agreementRef": place.agreement("Provision", "Promote"), "annualPlanItemRef": place.payer("Promote")}
    return {"stage": "Production", "application": place.materials("Provision", "Promote"), **needed}


def _more(gib: int) -> Spec:
    return {"name": "files", "objectStorage": {**CONTAINER["objectStorage"], "quotaGib": gib}}  # type: ignore[dict-item]


_BEFORE: Mapping[Transition, Callable[[Place], object]] = {
    "Provision": lambda place: None,
    "ExtendTrial": lambda place: place.begin(),
    "Promote": lambda place: (place.begin(), place.wait_for_acceptance()),
    "Change": lambda place: place.go_live(),
    "MajorChange": lambda place: place.go_live(),
    "Suspend": lambda place: place.go_live(),
    "Resume": lambda place: (place.go_live(), place.carry_out(suspended=True)),
    "Restore": lambda place: place.back_up(),
    "Terminate": lambda place: place.go_live(),
}
_WISHES: Mapping[Transition, Callable[[Place], Spec]] = {
    "Provision": lambda place: {},
    "ExtendTrial": lambda place: {"trial": {"extensionDays": 5}},
    "Promote": _promotion,
    "Change": lambda place: {
        "services": [_more(120)],
        "annualPlanItemRef": place.payer("Change"),
        "budget": str(place.budget() + YEARLY_COST),
        "adjustment": place.adjustment("上级部署新增数据"),
    },
    "MajorChange": lambda place: {
        "services": [CONTAINER, {**CONTAINER, "name": "archive"}],
        "annualPlanItemRef": place.payer("MajorChange"),
        "budget": str(place.budget() + YEARLY_COST),
        "adjustment": place.adjustment("上级部署新增归档"),
    },
    "Suspend": lambda place: {"suspended": True},
    "Resume": lambda place: {"suspended": False},
    "Restore": lambda place: {"restoreFrom": {"backup": place.backed_up(), "services": ["disk"], "reason": "误删数据"}},
    "Terminate": lambda place: {"stage": "Terminated", "termination": {"reason": "系统停用"}},
}


def possible(edition: Edition) -> list[Transition]:
    """The transitions that can be asked for: without a trial nothing is extended or promoted."""
    without_trial = {"ExtendTrial", "Promote"} if edition.trial is None else set()
    return [transition for transition in edition.steps if transition not in without_trial]
