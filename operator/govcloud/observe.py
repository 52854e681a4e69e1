"""Look at everything that a decision about one request may depend on. Reads only, through ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from govcloud.api.faults import faults_in, place
from govcloud.api.progress import Progress
from govcloud.api.request import RequestSpec
from govcloud.api.request_status import RequestStatus
from govcloud.core.accounts import accounts_named
from govcloud.core.backup_sets import is_regular
from govcloud.core.calendar import official_day
from govcloud.core.ending_steps import backup_name
from govcloud.core.facts import Facts, OtherRequest, RunningResource
from govcloud.core.guard import Admission, after_look
from govcloud.core.objects import (
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)
from govcloud.core.plan import Plan, parse_plan
from govcloud.core.steps import has_steps_by_budget
from govcloud.core.tightening import InForce, tighten
from govcloud.core.violations import Violation
from govcloud.failures import Retry, Stop
from govcloud.ports import ClusterView, Sources, StackOutcome
from govcloud.reasons import Reason
from policies.rules import PackMissing
from policies.shelf import Shelf

Found = TypeVar("Found")


def observe(ports: Sources, namespace: str, name: str, look: Callable[[], Admission] | None = None) -> Facts | None:
    """The facts about a request at this moment; None when it does not exist.

    Args:
        look: how to come by the decisions and the state of the policies; by default both are read now.
    """
    request = ports.cluster.request(namespace, name)
    if request is None:
        return None
    now = ports.clock.now().replace(microsecond=0)  # what people read ends at the second, and nothing is due early
    spec, faults = parse_spec(request.spec)
    told = status_of(request)
    progress = told.progress
    unit_name = spec.unit if spec else str(request.spec.get("unit", ""))
    unit = ports.cluster.unit(unit_name) if unit_name else None
    superior = ports.cluster.unit(unit.spec.superior) if unit and unit.spec.superior else None
    jurisdiction = ports.cluster.jurisdiction(unit.spec.jurisdiction) if unit else None
    catalog = ports.cluster.catalog(jurisdiction.spec.catalog) if jurisdiction else None
    rules, pack_fault = _in_force(ports.packs, jurisdiction, now)
    pinned = ports.cluster.plans(request.key)
    plans, damaged = _read_plans(request, pinned)
    stack, unreadable = _stack(ports, request, progress)
    admission = look() if look else look_at_admission(ports.cluster)
    named = _accounts(request, progress, plans)
    return Facts(
        now=now,
        ahead=ports.clock.ahead(),
        request=request,
        spec=spec,
        spec_faults=faults,
        progress=progress,
        told=told,
        namespace_unit=ports.cluster.namespace_unit(namespace),
        unit=unit,
        superior=superior,
        jurisdiction=jurisdiction,
        catalog=catalog,
        edition=rules.edition if rules else None,
        loosened=rules.loosened if rules else (),
        blocked=_missing(unit_name, unit, jurisdiction, catalog) or pack_fault,
        plans=plans,
        planned_at={plan.number: plan.created_at for plan in pinned},
        damaged=damaged,
        admission=admission,
        cloud_services=_services(jurisdiction) if jurisdiction else None,
        backup=_backup(ports, progress, plans),
        resources=tuple(RunningResource(name, kind, id_) for name, (kind, id_) in stack.resources.items())
        if stack
        else (),
        outputs=stack.outputs if stack else {},
        unreadable=unreadable,
        annual_plans=_there(ports.cluster.annual_plan, named["AnnualPlan"]),
        agreements=_there(ports.cluster.agreement, named["ServiceAgreement"]),
        pause=_pause(ports.cluster, request),
        has_stack=stack is not None,
        others_of_the_unit=_others(ports.cluster, request, unit_name) if rules and has_steps_by_budget(rules.edition) else (),
        drift=ports.stacks.drift(request.key) if stack is not None else None,
        regular=_regular_backups(ports.cluster, request, progress),
        superseded=_superseded(ports.cluster, progress, plans),
        restore_set=ports.cluster.backup(spec.restore_from.backup) if spec and spec.restore_from else None,
    )


def _regular_backups(cluster: ClusterView, request: RequestObject, progress: Progress) -> tuple[BackupObject, ...]:
    if progress.completed_plan is None or progress.terminated_at is not None:
        return ()
    return tuple(sorted(filter(is_regular, cluster.backups_of(request.key.uid)), key=lambda backup: backup.spec.number))


def _superseded(cluster: ClusterView, progress: Progress, plans: Mapping[int, Plan]) -> tuple[BackupObject, ...]:
    started = plans.get(progress.operation.plan) if progress.operation else None
    earlier = (plans[number] for number in (started.replaces if started else ()) if number in plans)
    sets = (cluster.backup(backup_name(plan)) for plan in earlier if plan.transition == "Terminate")
    return tuple(found for found in sets if found is not None)


def _others(cluster: ClusterView, request: RequestObject, unit: str) -> tuple[OtherRequest, ...]:
    """The unit's other requests. One that does not fit the model is no application: nothing can be planned for it."""
    others = (other for other in cluster.requests() if other.key.uid != request.key.uid and other.spec.get("unit") == unit)
    read = ((other, parse_spec(other.spec)[0], status_of(other)) for other in others)
    return tuple(
        OtherRequest(other.key, spec, status.progress, is_current=status.observed_generation == other.generation)
        for other, spec, status in read
        if spec is not None
    )


def look_at_admission(cluster: ClusterView) -> Admission:
    """The decisions, then the policies: every decision that was read had been made when the policies were looked at.

    Before anything new is believed, it is tried whether the API server really refuses what they forbid.
    """
    remembered, approvals = cluster.guard(), tuple(cluster.approvals())
    look = cluster.policies()
    if look.fault is None and after_look(remembered, look, approvals) != remembered:
        look = cluster.policies(tried=True)
    return Admission(approvals, look.fault, remembered, after_look(remembered, look, approvals))


def _pause(cluster: ClusterView, request: RequestObject) -> PauseObject | None:
    """The oldest order to leave the request as it is."""
    found = (pause for pause in cluster.pauses() if pause.covers(request.key))
    return min(found, key=lambda pause: (pause.created_at, pause.name), default=None)


def _accounts(request: RequestObject, progress: Progress, plans: Mapping[int, Plan]) -> Mapping[str, set[str]]:
    """Names of the annual plans and agreements that the spec or any plan names. A request that has ended and gone holds nothing any more."""
    if progress.terminated_at is not None and not request.has_finalizer:
        return {"AnnualPlan": set(), "ServiceAgreement": set()}
    specs = (request.spec, *(plan.spec for plan in plans.values()))
    refs = [ref for spec in specs for ref in accounts_named(spec)]
    return {kind: {ref.name for ref in refs if ref.kind == kind} for kind in ("AnnualPlan", "ServiceAgreement")}


def _there(look: Callable[[str], Found | None], names: set[str]) -> dict[str, Found]:
    """What exists of what is named, by name."""
    return {name: found for name in sorted(names) if (found := look(name)) is not None}


def parse_spec(raw: Mapping[str, Any]) -> tuple[RequestSpec | None, tuple[Violation, ...]]:
    """The spec, or everything that does not fit the model."""
    try:
        return RequestSpec.model_validate(raw), ()
    except ValidationError as error:
        return None, tuple(_faults(error))


def status_of(request: RequestObject) -> RequestStatus:
    """The status as the controller wrote it last.

    Raises:
        Stop: it cannot be read. Better to stand still than to forget what was begun.
    """
    if not request.status:
        return RequestStatus()
    try:
        return RequestStatus.model_validate(request.status)
    except ValidationError as error:
        where = f"{request.key.namespace}/{request.key.name}"
        raise Stop(Reason.PROGRAM_FAULT, f"the status of {where} cannot be read; put back the one before: {error}") from error


def _faults(error: ValidationError) -> Iterator[Violation]:
    for fault in faults_in(error, RequestSpec):
        yield Violation("schema", place(("spec", *fault.location)), fault.en, fault.zh, reason=Reason.INVALID_SPEC)


def _in_force(
    packs: Shelf, jurisdiction: JurisdictionObject | None, now: datetime
) -> tuple[InForce | None, tuple[Reason, str] | None]:
    if jurisdiction is None:
        return None, None
    found = rules_in_force(packs, jurisdiction, now)
    return (found, None) if isinstance(found, InForce) else (None, found)


def rules_in_force(packs: Shelf, jurisdiction: JurisdictionObject, now: datetime) -> InForce | tuple[Reason, str]:
    """The edition of the jurisdiction's pack that holds today, as the jurisdiction tightened it; or why there is none."""
    try:
        edition = packs.pack(jurisdiction.spec.pack).in_force(official_day(now))
    except PackMissing as error:
        return Reason.PACK_MISSING, f"the jurisdiction {jurisdiction.name}: {error}"
    return tighten(edition, jurisdiction.spec.tightened)


def _missing(
    unit_name: str, unit: UnitObject | None, jurisdiction: JurisdictionObject | None, catalog: CatalogObject | None
) -> tuple[Reason, str] | None:
    """The first thing that is not there, with what to do."""
    if unit is None:
        return Reason.UNIT_MISSING, f"there is no UsingUnit {unit_name!r}; the platform engineer creates it"
    if jurisdiction is None:
        return (
            Reason.JURISDICTION_MISSING,
            f"the UsingUnit {unit.name} names the Jurisdiction {unit.spec.jurisdiction!r}, which does not exist",
        )
    if catalog is None:
        return (
            Reason.CATALOG_MISSING,
            f"the Jurisdiction {jurisdiction.name} names the CloudServiceCatalog {jurisdiction.spec.catalog!r}, which does not exist",
        )
    return None


def _read_plans(request: RequestObject, pinned: Sequence[PinnedPlan]) -> tuple[dict[int, Plan], frozenset[int]]:
    """The plans that can be read, and the numbers of those that cannot or that say something else than their place."""
    plans: dict[int, Plan] = {}
    damaged: set[int] = set()
    for item in sorted(pinned, key=lambda p: p.number):
        try:
            plan = parse_plan(item.text)
        except (ValidationError, ValueError):
            damaged.add(item.number)
            continue
        if (plan.number, plan.request.uid, plan.text()) != (item.number, request.key.uid, item.text):
            damaged.add(item.number)
        plans[item.number] = plan
    return plans, frozenset(damaged)


def _stack(
    ports: Sources, request: RequestObject, progress: Progress
) -> tuple[StackOutcome | None, tuple[Reason, str] | None]:
    """What the stack holds, where there can be one, or why that cannot be read. No state is read for requests that never began."""
    began = progress.completed_plan is not None or progress.operation is not None
    if not began or progress.terminated_at is not None:
        return None, None
    try:
        return ports.stacks.outcome(request.key), None
    except (Retry, Stop) as error:
        return None, (error.reason, f"the state of the request's stack cannot be read: {error.message}")


def _services(jurisdiction: JurisdictionObject) -> frozenset[str] | None:
    """What the cloud offers, as it was last heard; None where it never said: planning goes on without.

    Raises:
        Retry: nobody asked yet. That is a matter of a moment, and a plan that lacks a service should not be made in it.
    """
    if jurisdiction.status.observed_generation == 0:
        raise Retry(Reason.PLANNING, f"what the cloud of {jurisdiction.name} offers is being looked up", timedelta(seconds=1))
    return frozenset(jurisdiction.status.cloud_services) or None


def _backup(ports: Sources, progress: Progress, plans: Mapping[int, Plan]) -> BackupObject | None:
    """The backup set of the termination or restore under way. Its name follows from the plan, so one that a crash left unrecorded is found."""
    plan = plans.get(progress.operation.plan) if progress.operation else None
    if plan is not None and plan.transition in ("Terminate", "Restore"):
        return ports.cluster.backup(backup_name(plan))
    return None
