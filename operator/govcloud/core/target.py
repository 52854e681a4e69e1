"""Where a transition leads: the program, its quota and prices, and what stands between it and what runs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from govcloud.api.backup import MOST_PARTS
from govcloud.api.progress import Drift
from govcloud.api.request import RequestSpec
from govcloud.core.case import LAID_OUT
from govcloud.core.facts import Facts
from govcloud.core.funding import priced_as_agreed
from govcloud.core.plan import Plan, PlannedPrice, planned_prices
from govcloud.core.repairs import as_found, repair_problems, repairs_of
from govcloud.core.restoring import planned_restore
from policies.steps import Transition
from stacks.database import Database
from stacks.database_changes import lasting, on_other_networks, stuck_on_their_storage
from stacks.diff import ResourceChange, diff, losses, rebuilds, shrinks
from stacks.kind import Parameters, Problem, Quota
from stacks.network_changes import on_other_addresses
from stacks.program import Program
from stacks.request import Wanted, data_of, lay_out, problems_of
from stacks.transform import Origin, made_from, origins_in, with_power, with_removal, with_stage


@dataclass(frozen=True)
class Target:
    """What a plan leads to."""

    program: Program
    quota: Quota
    prices: tuple[PlannedPrice, ...]


def target_of(facts: Facts, spec: RequestSpec, transition: Transition) -> Target:
    """A fresh layout where services are laid out; else the completed plan's own program, carried on or ended."""
    if transition in LAID_OUT:
        layout = lay_out(_wanted(facts, spec))
        return Target(_as_restored(facts, layout.program), layout.quota, priced_as_agreed(facts, spec, planned_prices(layout.prices)))
    completed = facts.completed
    if transition == "Terminate" or completed is None:
        return Target(Program(), Quota(), ())
    if transition == "Restore":
        return Target(_restored(facts, spec, completed), completed.needed_quota(), completed.prices)
    program = with_power(completed.resources(), not spec.suspended)
    if transition == "Promote":
        program = with_stage(program, "production")
    prices = priced_as_agreed(facts, spec, completed.prices) if transition == "Promote" else completed.prices
    return Target(program, completed.needed_quota(), prices)


def _restored(facts: Facts, spec: RequestSpec, completed: Plan) -> Program:
    """What runs now, with the volumes made from their backups."""
    restore = planned_restore(facts, spec)
    trigger = f"restore-{facts.next_plan}"
    origins = {volume.resource: Origin(volume.backup_id, trigger) for volume in restore.volumes} if restore else {}
    return made_from(with_power(completed.resources(), facts.progress.running), origins)


def _as_restored(facts: Facts, program: Program) -> Program:
    """A volume that was once made from a backup stays that volume."""
    return made_from(program, origins_in(facts.completed.resources())) if facts.completed else program


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


def problems_in(facts: Facts, spec: RequestSpec, transition: Transition) -> tuple[Problem, ...]:
    """What cannot be laid out at all, would shrink what cannot shrink, or lose what was handed over."""
    if transition not in LAID_OUT:
        return ()
    found = _repeated_names(spec) or problems_of(_wanted(facts, spec))
    if not found:
        program = _as_restored(facts, lay_out(_wanted(facts, spec)).program)
        found = (*_more_than_a_backup_holds(program), *_shrinking(facts, program), *_losing(facts, spec, program))
    return tuple(replace(problem, field=f"spec.{problem.field.removeprefix('spec.')}") for problem in found)


def _more_than_a_backup_holds(program: Program) -> Iterator[Problem]:
    """What cannot be backed up as a whole could never be ended: nothing is destroyed without a proven backup."""
    if (count := len(data_of(program))) > MOST_PARTS:
        yield Problem(
            "spec.services",
            f"the services hold data in {count} volumes, databases and containers; a backup holds at most {MOST_PARTS}, and without one the "
            "request could not be ended; split it into several requests",
            f"各项服务共有 {count} 个存有数据的卷、数据库和容器，而一次备份最多包含 {MOST_PARTS} 个，未备份则无法终止；请拆分为多个申请",
        )


def _shrinking(facts: Facts, program: Program) -> Iterator[Problem]:
    for base in _bases(facts):
        yield from shrinks(base, program)


def _losing(facts: Facts, spec: RequestSpec, program: Program) -> Iterator[Problem]:
    """Only what was handed over holds data: what an unfinished first provisioning made may be made anew."""
    if facts.completed is not None:
        yield from repair_problems(facts, spec)
        handed_over = facts.completed.resources()
        before, now = _parameters(facts.completed.wanted()), _parameters(spec)
        told = tuple(lasting(before, now))
        yield from told
        # What says which parameter it is tells more than what says which resource.
        more_clearly = {problem.field.partition(".")[0] for problem in told}
        as_it_is = as_found(handed_over, repairs_of(facts, spec))
        yield from (problem for problem in rebuilds(as_it_is, program) if problem.field not in more_clearly)
        yield from losses(handed_over, program)
        yield from stuck_on_their_storage(handed_over, program, _reoffered(before, now))
        yield from on_other_addresses(handed_over, program)
        databases = {name for name, parameters in before.items() if isinstance(parameters, Database)}
        yield from on_other_networks(handed_over, program, databases)


def _reoffered(old: Mapping[str, Parameters], new: Mapping[str, Parameters]) -> frozenset[str]:
    """Names of the services that ask for another offering than before."""
    return frozenset(
        name
        for name in old.keys() & new.keys()
        if getattr(old[name], "offering", None) != getattr(new[name], "offering", None)
    )


def _parameters(spec: RequestSpec) -> dict[str, Parameters]:
    return {service.name: service.parameters for service in spec.services}


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
    """What may run now, each resource as in one of these: the completed plan's program, and those of plans that began and cannot finish.

    A restore or a termination that can be given up has not run its program yet.
    """
    completed = with_power(facts.completed.resources(), facts.progress.running) if facts.completed else Program()
    begun = (facts.plans[number] for number in facts.unfinished)
    return (completed, *(plan.resources() for plan in begun if plan.transition not in _STOPPING))


_STOPPING = ("Restore", "Terminate")


def _stopped(facts: Facts, transition: Transition) -> Iterator[Program]:
    """A restore stops everything first; one that was given up may have, and so may a termination, which lets containers be deleted with what they hold."""
    begun = {facts.plans[number].transition for number in facts.unfinished}
    if facts.completed is not None and (transition == "Restore" or begun & set(_STOPPING)):
        off = with_power(facts.completed.resources(), False)
        yield with_removal(off) if "Terminate" in begun else off


def differences(facts: Facts, program: Program, transition: Transition, repairs: Sequence[Drift] = ()) -> tuple[ResourceChange, ...]:
    """What may happen to each resource, from whatever may run now. `repairs`: what differs from that and is to be put back."""
    found: dict[tuple[str, str, str], ResourceChange] = {}
    bases = (*_bases(facts), *_stopped(facts, transition))
    for change in (change for base in bases for change in diff(as_found(base, repairs), program)):
        same = found.setdefault((change.type, change.resource, change.operation), change)
        fields = tuple(dict.fromkeys((*same.fields, *change.fields)))
        found[change.type, change.resource, change.operation] = replace(change, fields=fields)
    return tuple(found.values())
