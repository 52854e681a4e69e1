"""From a spec to a plan: which transition the edit asks for, whether the rules allow it, and what would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from govcloud.api.common import Stage
from govcloud.api.request import RequestSpec
from govcloud.core.canonical import canonical
from govcloud.core.case import LAID_OUT, Case
from govcloud.core.checks import violations_of
from govcloud.core.facts import Facts
from govcloud.core.funding import planned_agreement, planned_item, priced_as_agreed
from govcloud.core.offices import office_of
from govcloud.core.plan import (
    Departure,
    Plan,
    PlannedPrice,
    Values,
    lengths,
    planned_changes,
    planned_prices,
    planned_step,
    yuan,
)
from govcloud.core.steps import article_of, trial_article
from govcloud.core.violations import Violation
from govcloud.reasons import Reason
from policies.rules import Edition
from policies.sources import Days
from policies.steps import Transition
from stacks.diff import ResourceChange, diff, losses, rebuilds, shrinks
from stacks.kind import Parameters, Problem, Quota
from stacks.program import Program
from stacks.program_json import to_json
from stacks.request import Wanted, lay_out, problems_of
from stacks.transform import with_power, with_stage

Moves = tuple[Violation, ...]


def transition_of(facts: Facts, spec: RequestSpec) -> Transition | Moves | None:
    """What the edit asks for: a transition, nothing (the spec is what the completed plan says), or why it cannot be asked for."""
    if facts.completed is None:
        return _first_transition(facts, spec)
    before = facts.completed.wanted()
    moves = _moves(before, spec)
    if not moves:
        return _way_back(facts, before, spec)
    if _gives_up(facts, spec):
        return "Terminate"
    if len(moves) > 1:
        return (
            Violation("one-transition", ", ".join(f"spec.{move}" for move in moves),
                      f"one edit asks for {len(moves)} things at once ({', '.join(moves)}); ask for one, let it finish, then ask for the next",
                      "一次修改只能申请一个事项,请分别提出", reason=Reason.MIXED_EDIT),
        )  # fmt: skip
    match moves[0]:
        case "stage":
            return _stage_move(facts, before.stage, spec)
        case "suspended":
            return _suspension_move(facts, spec)
        case "trial":
            return _extension_move(facts, before, spec)
        case _:
            return _change_move(facts, before, spec)


def transition_and_violations(facts: Facts, spec: RequestSpec, edition: Edition) -> tuple[Transition | None, Moves]:
    """The transition asked for, and everything that stands against it. Departures from rules in principle do not: they go into the plan."""
    asked = transition_of(facts, spec)
    if asked is None:
        return None, ()
    if isinstance(asked, tuple):
        return None, asked
    found = violations_of(_case(facts, spec, asked, edition))
    return asked, tuple(violation for violation in found if violation.strength == "hard")


def _case(facts: Facts, spec: RequestSpec, transition: Transition, edition: Edition) -> Case:
    if problems := _problems(facts, spec, transition):
        return Case(facts, spec, transition, edition, problems)
    target = _target(facts, spec, transition)
    program = target.program if transition in LAID_OUT else None
    return Case(facts, spec, transition, edition, (), Decimal(yuan(target.prices)), program)


def _departures(case: Case) -> tuple[Departure, ...]:
    return tuple(
        Departure(rule=violation.rule, field=violation.field, zh=violation.zh, en=violation.en, article=violation.article)
        for violation in violations_of(case)
        if violation.strength == "inPrinciple"
    )


def make_plan(facts: Facts, spec: RequestSpec, transition: Transition, edition: Edition) -> Plan:
    """The plan for a transition that the checks found nothing against."""
    latest = facts.latest
    target = _target(facts, spec, transition)
    case = _case(facts, spec, transition, edition)
    return Plan(
        request=facts.request.key,
        number=max(latest.number if latest else 0, facts.progress.last_plan) + 1,
        generation=facts.request.generation,
        previous=latest.digest if latest else None,
        base_plan=facts.progress.completed_plan,
        base_running=facts.progress.running,
        replaces=facts.unfinished,
        unit=spec.unit,
        applicant=spec.applicant,
        transition=transition,
        stage=spec.stage,
        # What is at its default is left out: whether somebody wrote it down does not make another plan.
        spec=spec.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        values=_values(facts, spec, edition),
        steps=tuple(planned_step(rule, office_of(facts, rule)) for rule in case.steps),
        circumstances=case.circumstances,
        departures=_departures(case),
        program=to_json(target.program),
        diff=planned_changes(_differences(facts, target.program)),
        quota=dict(vars(target.quota)),
        prices=target.prices,
        monthly_cost=yuan(target.prices),
    )


# What the edit asks for


def _way_back(facts: Facts, before: RequestSpec, spec: RequestSpec) -> Transition | None:
    """An edit that was taken back. What a change that cannot finish did meanwhile is undone by another change."""
    stuck = facts.started is not None and facts.started.transition in LAID_OUT
    return _change_move(facts, before, spec) if stuck else None


def _gives_up(facts: Facts, spec: RequestSpec) -> bool:
    """Termination in place of a change that cannot finish: that the change still stands in the spec is no second wish."""
    return facts.started is not None and _moves(facts.started.wanted(), spec) == ("stage",) and spec.stage == "Terminated"


def _first_transition(facts: Facts, spec: RequestSpec) -> Transition | Moves:
    if spec.stage == "Terminated":
        if facts.progress.operation is not None:
            return "Terminate"  # a provisioning that cannot finish is given up
        return (Violation("stage", "spec.stage", "nothing was provisioned, so there is nothing to terminate; delete the request instead",
                          "尚未开通任何资源,无需终止;请直接删除申请"),)  # fmt: skip
    has_trial = facts.edition is not None and facts.edition.trial is not None
    if spec.stage == "Production" and has_trial:
        return (Violation("trial-first", "spec.stage", "services start in a trial; set stage: Trial, and Production once the trial was assessed",
                          "须先试用,测试评估同意后方可转为正式环境", _trial_article(facts)),)  # fmt: skip
    if spec.stage == "Trial" and facts.edition is not None and not has_trial:
        return (Violation("no-trial", "spec.stage", "this regulation has no trial; set stage: Production", "本办法没有试用环节,请申请正式环境"),)
    if spec.suspended:
        return (Violation("suspended", "spec.suspended", "a request cannot start suspended", "新申请不能处于暂停状态"),)
    return "Provision"


def _trial_article(facts: Facts) -> str | None:
    return trial_article(facts.edition) if facts.edition else None


def _moves(before: RequestSpec, after: RequestSpec) -> tuple[str, ...]:
    """Names of what differs; services, system and who pays count as one thing, materials go along with anything.

    The agreement and the item of the annual plan may come with the promotion: from then on the services cost money.
    """
    found = [name for name in ("stage", "suspended", "trial") if getattr(before, name) != getattr(after, name)]
    content = [name for name in ("system", "purpose") if getattr(before, name) != getattr(after, name)]
    if _by_name(before) != _by_name(after):
        content.insert(0, "services")
    content += [] if (before.stage, after.stage) == _GOING_LIVE else _paid_otherwise(before, after)
    return (*found, *content[:1])


_GOING_LIVE = ("Trial", "Production")


def _paid_otherwise(before: RequestSpec, after: RequestSpec) -> list[str]:
    """Another agreement, or another item of an annual plan."""
    found = {
        "agreementRef": before.agreement_ref != after.agreement_ref,
        "annualPlanItemRef": before.annual_plan_item_ref != after.annual_plan_item_ref,
    }
    return [name for name, differs in found.items() if differs]


def _by_name(spec: RequestSpec) -> Mapping[str, Any]:
    """Services in any order, as the API shows them: one is itself by its name, not by its place."""
    return {service.name: service.model_dump(mode="json", by_alias=True) for service in spec.services}


def _stage_move(facts: Facts, before: Stage, spec: RequestSpec) -> Transition | Moves:
    if (before, spec.stage) == ("Trial", "Production"):
        return "Promote"
    if spec.stage == "Terminated":
        return "Terminate"
    return (
        Violation(
            "stage",
            "spec.stage",
            f"a service does not go from {before} back to {spec.stage}",
            f"不能由 {before} 退回 {spec.stage}",
            article_of(facts.edition, "Promote") if facts.edition else None,
        ),
    )


def _suspension_move(facts: Facts, spec: RequestSpec) -> Transition | Moves:
    trial = facts.progress.trial
    if not spec.suspended and trial and trial.expired_at and facts.progress.production_since is None:
        return (Violation("resume", "spec.suspended", "the trial is over: extend it (spec.trial.extensionDays) or go live (spec.stage: Production)",
                          "试用已到期,请申请延长试用或转为正式环境", _trial_article(facts)),)  # fmt: skip
    return "Suspend" if spec.suspended else "Resume"


def _extension_move(facts: Facts, before: RequestSpec, spec: RequestSpec) -> Transition | Moves:
    if facts.progress.production_since is not None:
        return (
            Violation(
                "extension",
                "spec.trial.extensionDays",
                "the trial ended with the promotion to production",
                "已转为正式环境,试用已结束",
                article_of(facts.edition, "Promote") if facts.edition else None,
            ),
        )
    if spec.trial.extension_days <= before.trial.extension_days:
        return (Violation("extension", "spec.trial.extensionDays",
                          f"an extension only grows: {before.trial.extension_days} days are approved already", "延长天数只能增加", _trial_article(facts)),)  # fmt: skip
    return "ExtendTrial"


def _change_move(facts: Facts, before: RequestSpec, spec: RequestSpec) -> Transition:
    edition, completed = facts.edition, facts.completed
    assert edition is not None and completed is not None  # noqa: S101  a change has something to change, under a pack
    rule = edition.major_change
    if rule.service_added_or_removed and {s.name for s in before.services} != {s.name for s in spec.services}:
        return "MajorChange"
    if before.system != spec.system or before.purpose != spec.purpose:
        return "MajorChange"
    if _problems(facts, spec, "Change"):
        return "Change"  # whatever it is, the checks will say what is wrong with it
    cost = Decimal(yuan(_target(facts, spec, "Change").prices))
    grown = cost * 100 > Decimal(completed.monthly_cost) * (100 + rule.cost_increase_percent)
    return "MajorChange" if grown else "Change"


# What is wanted, and what is there


@dataclass(frozen=True)
class _Target:
    """What a plan leads to."""

    program: Program
    quota: Quota
    prices: tuple[PlannedPrice, ...]


def _target(facts: Facts, spec: RequestSpec, transition: Transition) -> _Target:
    """A fresh layout where services are laid out; else the completed plan's own program, carried on or ended."""
    if transition in LAID_OUT:
        layout = lay_out(_wanted(facts, spec))
        return _Target(layout.program, layout.quota, priced_as_agreed(facts, spec, planned_prices(layout.prices)))
    completed = facts.completed
    if transition == "Terminate" or completed is None:
        return _Target(Program(), Quota(), ())
    program = with_power(completed.resources(), not spec.suspended)
    if transition == "Promote":
        program = with_stage(program, "production")
    prices = priced_as_agreed(facts, spec, completed.prices) if transition == "Promote" else completed.prices
    return _Target(program, completed.needed_quota(), prices)


def _wanted(facts: Facts, spec: RequestSpec) -> Wanted:
    assert facts.catalog is not None and facts.jurisdiction is not None  # noqa: S101  `blocked` was looked at before
    return Wanted(
        owner=facts.request.key.uid,
        unit=spec.unit,
        stage="production" if facts.progress.production_since or spec.stage == "Production" else "trial",
        running=facts.progress.running,
        protection_level=spec.system.protection_level,
        external_network=facts.jurisdiction.spec.cloud.external_network,
        offerings={offering.name: offering for offering in facts.catalog.spec.offerings},
        images={image.name: image for image in facts.catalog.spec.images},
        services=_services(spec),
    )


def _services(spec: RequestSpec) -> Mapping[str, tuple[str, Parameters]]:
    return {service.name: (service.kind.name, service.parameters) for service in spec.services}


def _problems(facts: Facts, spec: RequestSpec, transition: Transition) -> tuple[Problem, ...]:
    if transition not in LAID_OUT:
        return ()
    found = _repeated_names(spec) or problems_of(_wanted(facts, spec))
    if not found:
        program = lay_out(_wanted(facts, spec)).program
        found = (*_shrinking(facts, program), *_losing(facts, program))
    return tuple(replace(problem, field=f"spec.{problem.field.removeprefix('spec.')}") for problem in found)


def _shrinking(facts: Facts, program: Program) -> Iterator[Problem]:
    for base in _bases(facts):
        yield from shrinks(base, program)


def _losing(facts: Facts, program: Program) -> Iterator[Problem]:
    """Only what was handed over holds data: what an unfinished first provisioning made may be made anew."""
    if facts.completed is not None:
        handed_over = facts.completed.resources()
        yield from rebuilds(handed_over, program)
        yield from losses(handed_over, program)


def _repeated_names(spec: RequestSpec) -> tuple[Problem, ...]:
    names = [service.name for service in spec.services]
    return tuple(
        Problem(
            "spec.services",
            f"the name {name!r} is used {names.count(name)} times; each service has its own",
            f"服务名称 {name} 重复",
        )
        for name in sorted({n for n in names if names.count(n) > 1})
    )


def _bases(facts: Facts) -> tuple[Program, ...]:
    """What may run now, each resource as in one of these: the completed plan's program, and those of plans that began and cannot finish."""
    completed = with_power(facts.completed.resources(), facts.progress.running) if facts.completed else Program()
    return (completed, *(facts.plans[number].resources() for number in facts.unfinished))


def _differences(facts: Facts, program: Program) -> tuple[ResourceChange, ...]:
    """What may happen to each resource, from whatever may run now."""
    found: dict[tuple[str, str, str], ResourceChange] = {}
    for change in (change for base in _bases(facts) for change in diff(base, program)):
        same = found.setdefault((change.type, change.resource, change.operation), change)
        fields = tuple(dict.fromkeys((*same.fields, *change.fields)))
        found[change.type, change.resource, change.operation] = replace(change, fields=fields)
    return tuple(found.values())


def _values(facts: Facts, spec: RequestSpec, edition: Edition) -> Values:
    assert facts.catalog is not None and facts.jurisdiction is not None  # noqa: S101
    jurisdiction, catalog = facts.jurisdiction.spec, facts.catalog.spec
    text = canonical(spec.model_dump(mode="json", by_alias=True, include={"services"}))
    return Values(
        catalog=facts.catalog.name,
        offerings=tuple(o for o in catalog.offerings if f'"{o.name}"' in text),
        images=tuple(i for i in catalog.images if f'"{i.name}"' in text),
        pack=jurisdiction.pack,
        edition=edition.effective_from,
        jurisdiction=facts.jurisdiction.name,
        external_network=jurisdiction.cloud.external_network,
        backup_project=jurisdiction.cloud.backup_project,
        quarantine_project=jurisdiction.cloud.quarantine_project,
        extension_days=spec.trial.extension_days,
        backup_every_days=_days(edition.protection.backup_every(spec.system.protection_level)),
        tightened=jurisdiction.tightened,
        agreement=planned_agreement(facts, spec),
        annual_plan_item=planned_item(facts, spec),
        **lengths(edition),
    )


def _days(days: Days | None) -> int | None:
    return days.value if days else None
