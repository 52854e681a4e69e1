"""From a spec to a plan: whether the rules allow what the edit asks for, and what would change."""

from __future__ import annotations

from decimal import Decimal

from govcloud.api.request import RequestSpec
from govcloud.core.canonical import canonical
from govcloud.core.case import LAID_OUT, Case
from govcloud.core.checks import violations_of
from govcloud.core.facts import Facts
from govcloud.core.funding import planned_agreement, planned_item
from govcloud.core.moves import Moves, transition_of
from govcloud.core.offices import office_of
from govcloud.core.plan import Departure, Plan, Values, lengths, planned_changes, planned_step, yuan
from govcloud.core.repairs import repairs_of
from govcloud.core.restoring import planned_restore
from govcloud.core.target import differences, problems_in, target_of
from govcloud.core.waivers import planned_waivers
from policies.rules import Edition
from policies.steps import Transition
from stacks.program_json import to_json


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
    if problems := problems_in(facts, spec, transition):
        return Case(facts, spec, transition, edition, problems)
    target = target_of(facts, spec, transition)
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
    target = target_of(facts, spec, transition)
    case = _case(facts, spec, transition, edition)
    repairs = repairs_of(facts, spec)
    return Plan(
        request=facts.request.key,
        number=facts.next_plan,
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
        waivers=planned_waivers(case),
        program=to_json(target.program),
        repairs=repairs,
        diff=planned_changes(differences(facts, target.program, transition, repairs)),
        quota=dict(vars(target.quota)),
        prices=target.prices,
        monthly_cost=yuan(target.prices),
        restore=planned_restore(facts, spec) if transition == "Restore" else None,
    )


def _values(facts: Facts, spec: RequestSpec, edition: Edition) -> Values:
    assert facts.catalog is not None and facts.jurisdiction is not None  # noqa: S101
    jurisdiction, catalog = facts.jurisdiction.spec, facts.catalog.spec
    text = canonical(spec.model_dump(mode="json", by_alias=True, include={"services"}))
    backups = edition.protection.backups_at(spec.system.protection_level)
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
        backup_every_days=backups.every.value if backups else None,
        backup_kept_days=backups.kept.value if backups else None,
        tightened=jurisdiction.tightened,
        agreement=planned_agreement(facts, spec),
        annual_plan_item=planned_item(facts, spec),
        **lengths(edition),
    )
