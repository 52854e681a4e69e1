"""A world in memory: a city with its offices, two units, a catalog, and one request; people who decide; a controller that is called pass by pass.

Everything has a default, so that a test says only what is different in it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, Protocol, TypeVar

from audit.logs import SIGNER, QuickFiles, Time, open_log

from govcloud.adapters.audit_journal import settle_interrupted
from govcloud.adapters.memory import (
    Crash,
    FixedClock,
    MemoryBackups,
    MemoryCloud,
    MemoryCluster,
    MemoryRestores,
    MemoryStacks,
    Thing,
    Wire,
)
from govcloud.adapters.remembering_cluster import remembering
from govcloud.adapters.status_book import StatusBook
from govcloud.api.agreement import AgreementSpec
from govcloud.api.annual_plan import AnnualPlanSpec
from govcloud.api.approval import ApprovalSpec, RequestRef
from govcloud.api.catalog import CatalogSpec
from govcloud.api.common import Condition, as_written
from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.progress import Progress, TerminationRecord, TrialRecord
from govcloud.api.request_status import NextAction, PlanView, RequestStatus
from govcloud.api.unit import UnitSpec
from govcloud.audit.log import AuditLog
from govcloud.audit.query import Filter, search
from govcloud.audit.records import Entry, Record
from govcloud.audit.tickets import Receipt
from govcloud.audit.verify import Report, verify
from govcloud.core.decide import decide
from govcloud.core.facts import Facts
from govcloud.core.objects import ApprovalObject, RequestObject
from govcloud.core.plan import Plan, PlannedStep, parse_plan
from govcloud.core.remembered import Remembered
from govcloud.frozen import FrozenPlans
from govcloud.observe import observe
from govcloud.ports import Ports
from govcloud.reconcile import Pass, Reconciler
from govcloud.rounds import Rounds
from policies.shelf import Shelf, shipped

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday morning in Jiujiang, far from any holiday."""

NAMESPACE, NAME = "health-center", "orders"
UNIT, SUPERIOR = "jj-health-center", "jj-health"
APPLICANT = "li.na"
AUTHORITY, PROVIDER = "九江市信息化工作办公室", "浔云科技有限公司"
SUPERIOR_TITLE, UNIT_TITLE = "九江市卫生健康委员会", "九江市急救中心"

OFFICIALS = {
    "superior-unit": (SUPERIOR_TITLE, "zhao.gang"),
    "authority": (AUTHORITY, "sun.li"),
    "unit-consent": (UNIT_TITLE, "qian.wei"),
    "provider-consent": (PROVIDER, "zhou.min"),
}
"""Step -> the office that decides it, and a person there."""

Spec = dict[str, Any]
Found = TypeVar("Found")


def material(kind: str) -> dict[str, str]:
    return {"kind": kind, "number": f"九卫〔2026〕{len(kind)}号", "sha256": "ab" * 32, "location": "档案室 3 柜"}


def waiver(part: str, **changes: Any) -> Spec:
    """The unit's word that a part may go without a backup."""
    told = {"zh": "数据已迁至市大数据平台", "en": "the data was moved to the city's data platform"}
    return {"part": part, "reason": "TakenOver", **told, "number": f"九急〔2026〕{len(part)}号", "sha256": "ef" * 32} | changes


def services() -> list[Spec]:
    return [
        {"name": "inner", "network": {"cidr": "10.20.0.0/24"}},
        {
            "name": "web",
            "virtualMachine": {
                "count": 2,
                "offering": "vm-small",
                "image": "cirros",
                "bootVolumeGib": 1,
                "securityRules": [{"protocol": "tcp", "portMin": 443, "remotePrefix": "10.0.0.0/8"}],
            },
        },
        {
            "name": "db",
            "database": {"engine": "postgresql", "offering": "pg-small", "storageGib": 2, "databaseName": "orders"},
        },
        {
            "name": "data",
            "blockStorage": {"sizeGib": 2, "offering": "disk", "attachTo": {"service": "web", "index": 0}},
        },
        {"name": "files", "objectStorage": {"quotaGib": 1, "offering": "objects"}},
    ]


def request_spec(**changes: Any) -> Spec:
    return {
        "unit": UNIT,
        "applicant": APPLICANT,
        "purpose": "New",
        "system": {"name": "急救订单系统", "classified": False, "governmentFunded": True, "protectionLevel": 2},
        "application": [
            material(kind) for kind in ("project-approval", "technical-plan", "project-contract", "self-test-report")
        ],
        "services": services(),
        "stage": "Trial",
    } | changes


def catalog_spec(**changes: Any) -> CatalogSpec:
    return CatalogSpec.model_validate(
        {
            "title": "九江市政务云 2026 年服务目录",
            "validFrom": "2026-01-01",
            "validUntil": "2026-12-31",
            "offerings": [
                _machine("vm-small", "m1.small", 1, 2048, "100"),
                _machine("vm-medium", "m1.medium", 2, 4096, "190"),
                _machine("vm-gone", "m9.gone", 2, 4096, "110"),
                _machine("pg-small", "m1.small", 1, 2048, "300")
                | {"kind": "database", "datastore": "postgresql", "datastoreVersion": "15", "storageUnitPrice": "1"},
                {"name": "disk", "kind": "blockStorage", "volumeType": "standard", "unitPrice": "0.5"},
                {"name": "objects", "kind": "objectStorage", "unitPrice": "0.3"},
            ],
            "images": [{"name": "cirros", "image": "cirros"}],
        }
        | changes
    )


def _machine(name: str, flavor: str, vcpus: int, ram: int, price: str) -> Spec:
    said = {"name": name, "kind": "virtualMachine", "flavor": flavor, "vcpus": vcpus, "ramMib": ram}
    return said | {"volumeType": "standard", "unitPrice": price}


def jurisdiction_spec(**changes: Any) -> JurisdictionSpec:
    return JurisdictionSpec.model_validate(
        {
            "title": "九江市",
            "pack": "jiujiang",
            "catalog": "jiujiang-2026",
            "offices": [
                {"step": "authority", "office": AUTHORITY},
                {"step": "provider-consent", "office": PROVIDER},
            ],
            "cloud": {"externalNetwork": "public"},
        }
        | changes
    )


AGREEMENT, ANNUAL_PLAN, ITEM = "health-center-2026", "jiujiang-2026", "orders"


def agreement_spec(**changes: Any) -> AgreementSpec:
    """Signed, filed, and at the catalog's own prices."""
    prices = {"vm-small": "100", "vm-medium": "190", "vm-gone": "110", "pg-small": "300", "disk": "0.5", "objects": "0.3"}
    services = [{"offering": name, "unitPrice": price} for name, price in prices.items()]
    return AgreementSpec.model_validate(
        {
            "number": "JJ-XY-2026-017",
            "parties": {"unit": UNIT, "provider": PROVIDER},
            "services": services,
            "amount": "1000000",
            "validFrom": "2026-01-01",
            "validUntil": "2026-12-31",
            "text": {"sha256": "cd" * 32, "location": "档案室 3 柜"},
            "signedOn": "2025-12-20",
            "filing": {"number": "九云备〔2025〕81号", "filedOn": "2025-12-25"},
        }
        | changes
    )


def annual_plan_spec(**changes: Any) -> AnnualPlanSpec:
    """One item, approved, with a budget."""
    item = {
        "name": ITEM,
        "title": "急救订单系统",
        "unit": UNIT,
        "documentNumber": "九府办字〔2025〕96号",
        "budget": {"yearly": "1000000", "documentNumber": "九财预〔2026〕14号"},
    }
    return AnnualPlanSpec.model_validate({"jurisdiction": "jiujiang", "year": 2026, "items": [item]} | changes)


def unit_spec(title: str, superior: str | None = None) -> UnitSpec:
    level = "Secondary" if superior else "Primary"
    return UnitSpec.model_validate(
        {"title": title, "jurisdiction": "jiujiang", "budgetLevel": level, "superior": superior}
    )


class SigningOffice(Protocol):
    """An office that signs its decisions."""

    def signs(self, spec: ApprovalSpec, namespace: str, signed_at: datetime) -> ApprovalSpec: ...


class WiredLog:
    """The real audit log, reached over the wire like everything else: a dead process records nothing."""

    def __init__(self, wire: Wire, directory: Path) -> None:
        self._wire, self.directory = wire, directory
        self._time = Time()
        self._opened = 0
        self._open()

    def append(self, entry: Entry) -> Receipt:
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[Entry]) -> tuple[Receipt, ...]:
        with self._wire.write(f"audit.{entries[0].phase}"):
            return self._log.append_many(entries)

    def open_intents(self) -> tuple[Record, ...]:
        return self._log.open_intents()

    def copied(self, wire: Wire, directory: Path) -> WiredLog:
        """The same log, closed meanwhile and copied to `directory`, written on by somebody else."""
        made = copy.copy(self)
        made._wire, made.directory, made._time = wire, directory, copy.copy(self._time)
        made._open()
        return made

    def reopen(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self._log.close()

    def verified(self) -> Report:
        """What the verifier says of the closed log."""
        self.close()
        report = verify(self.directory, SIGNER.public_key)
        self._open()
        return report

    def records(self) -> list[Record]:
        """What was recorded, read back from the disk."""
        return list(search(self.directory))

    def _open(self) -> None:
        self._opened += 1
        numbers = iter(range(1, 10**9))
        opened = self._opened
        self._log: AuditLog = open_log(
            self.directory, QuickFiles(), self._time, new_id=lambda: f"record-{opened}-{next(numbers)}"
        )


class World:
    """All of it. `cluster`, `cloud`, `stacks`, `backups`, `audit` are the twins; `wire` lets calls between them and the controller fail."""

    packs: Shelf = shipped()
    officials: Mapping[str, tuple[str, str]] = OFFICIALS

    def __init__(self, directory: Path) -> None:
        self.wire, self.clock = Wire(), FixedClock(START)
        self.cluster = MemoryCluster(self.wire, self.clock)
        self.cloud = MemoryCloud(self.wire)
        self.stacks = MemoryStacks(self.wire, self.cloud)
        self.backups = MemoryBackups(self.wire, self.cloud)
        self.restores = MemoryRestores(self.wire, self.cloud)
        self.status_book = StatusBook()
        self.audit = WiredLog(self.wire, directory)
        self._numbers = iter(range(1, 10**6))
        self.populate()
        self.cluster.guarded_since(START - timedelta(days=1))
        self.start_controller()

    def copied(self, directory: Path) -> World:
        """Another world in the same state. `directory` holds a copy of this one's closed log."""
        made = copy.copy(self)
        locks: dict[int, Any] = {id(each._lock): RLock() for each in (self.wire, self.cluster, self.cloud, self.stacks)}
        parts = ("wire", "clock", "cluster", "cloud", "stacks", "backups", "restores", "status_book", "_numbers")
        vars(made).update(copy.deepcopy({name: vars(self)[name] for name in parts}, locks))
        made.audit = self.audit.copied(made.wire, directory)
        made.start_controller()
        return made

    def populate(self) -> None:
        """Put everything around requests there, as it should be."""
        looked_at = JurisdictionStatus(observed_generation=1, cloud_services=self.cloud.offered)
        self.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(), looked_at)
        self.cluster.put_catalog("jiujiang-2026", catalog_spec())
        self.cluster.put_unit(SUPERIOR, unit_spec(SUPERIOR_TITLE))
        self.cluster.put_unit(UNIT, unit_spec(UNIT_TITLE, SUPERIOR))
        self.cluster.put_annual_plan(ANNUAL_PLAN, annual_plan_spec())
        self.cluster.put_agreement(AGREEMENT, agreement_spec())
        self.cluster.put_namespace(NAMESPACE, UNIT)
        self.cluster.put_namespace("health", SUPERIOR)

    # The controller

    def start_controller(self) -> None:
        """A fresh process: nothing is remembered but what the cluster, the cloud and the disks hold."""
        frozen = FrozenPlans(lambda uid: search(self.audit.directory, Filter(request=uid)))
        cluster = remembering(self.cluster, self.status_book)
        self.ports = Ports(
            cluster, self.stacks, self.cloud, self.backups, self.restores, self.audit, self.clock, frozen, self.packs  # type: ignore[arg-type]
        )
        self.reconciler = Reconciler(self.ports)

    def restart_controller(self) -> None:
        """After a crash: the next process settles what the last one left open, and goes on. It may die over that, too."""
        while True:
            self.wire.restart()
            self.audit.reopen()
            try:
                settle_interrupted(self.audit)  # type: ignore[arg-type]
            except Crash:
                continue
            self.start_controller()
            return

    def step(self, name: str = NAME) -> Pass:
        """One pass."""
        return self.reconciler.reconcile(NAMESPACE, name)

    def run(self, name: str = NAME, limit: int = 80) -> list[str]:
        """Passes until one says that nothing is to be done at once; the actions that were taken."""
        actions = []
        for _ in range(limit):
            done = self.step(name)
            actions.append(done.action)
            if done.again_after is None or done.again_after > timedelta(0):
                return actions
        raise AssertionError(f"no rest after {limit} passes: {actions[-8:]}")

    def run_patiently(self, name: str = NAME, limit: int = 200) -> list[str]:
        """The same, waiting out every backoff; ends at a rest that only a person or a far-off moment ends."""
        actions: list[str] = []
        for _ in range(limit):
            done = self.step(name)
            actions.append(done.action)
            if done.again_after is None or done.again_after > timedelta(minutes=10):
                return actions
            self.clock.advance(done.again_after)
        raise AssertionError(f"no rest after {limit} passes: {actions[-8:]}")

    def facts(self, name: str = NAME) -> Facts:
        """What the controller sees now."""
        found = observe(self.ports, NAMESPACE, name)
        assert found is not None
        return found

    def decided(self, name: str = NAME) -> Any:
        """The action that the controller would take now."""
        return decide(self.facts(name))

    def look_for_drift(self) -> None:
        """A round of the watch, and the pass that follows it."""
        Rounds(self.ports).look_for_drift()
        self.run()

    def delete_by_hand(self, name: str) -> None:
        """Somebody deletes a resource behind the controller's back."""
        self.cloud.remove(self.things()[name].id)

    # The applicant

    def apply(self, name: str = NAME, **changes: Any) -> RequestObject:
        """Create the default request, or edit the fields that are named. Who asks for production names the unit's agreement with it."""
        stored = self.cluster.request(NAMESPACE, name)
        spec = dict(stored.spec) if stored else self.first_wish()
        if changes.get("stage") == "Production" and not spec.get("agreementRef"):
            spec["agreementRef"] = {"name": AGREEMENT}
        return self.cluster.apply_request(NAMESPACE, name, spec | changes)

    def first_wish(self) -> Spec:
        """The spec of a request that is not there yet."""
        return request_spec()

    def edit_service(self, service: str, name: str = NAME, **parameters: Any) -> RequestObject:
        """Change parameters of one service."""
        found = copy.deepcopy(list(self.request(name).spec["services"]))
        for entry in found:
            if entry["name"] == service:
                kind = next(key for key in entry if key != "name")
                entry[kind] |= parameters
        return self.apply(name, services=found)

    def terminate(self, name: str = NAME, *, waived: Sequence[str] = ()) -> RequestObject:
        """Ask for the end; of the parts that are named, without a backup."""
        waivers = {"waivers": [waiver(part) for part in waived]} if waived else {}
        return self.apply(name, stage="Terminated", termination={"reason": "系统停用", **waivers})

    # The offices

    def decide(
        self,
        step: str,
        decision: str = "Approved",
        /,
        *,
        name: str = NAME,
        signed_by: SigningOffice | None = None,
        after: timedelta = timedelta(minutes=1),
        **changes: Any,
    ) -> ApprovalObject:
        """One decision of the right office on the plan that waits, unless `changes` say otherwise; `after` passes before it."""
        self.clock.advance(after)
        request, plan = self.request(name), self.status(name).plan
        office, person = self.officials.get(step, ("某办公室", "mou.ren"))
        number = next(self._numbers)
        said = {
            "request": RequestRef(name=name, uid=request.key.uid),
            "step": step,
            "decision": decision,
            "plan_digest": plan.digest if plan else "sha256:" + "0" * 64,
            "office": office,
            "approver": person,
            "document_number": f"九云〔2026〕{number}号",
        }
        spec = ApprovalSpec(**{**said, **changes})
        if signed_by is not None:
            spec = signed_by.signs(spec, NAMESPACE, self.clock.now())
        return self.cluster.create_approval(NAMESPACE, f"{name}-{step}-{number}", spec)

    def approve(self, *steps: str, name: str = NAME) -> None:
        """The named offices approve, or all that the waiting plan needs, one after the other; the controller runs after each."""
        plan = self.status(name).plan
        assert plan is not None
        for step in steps or plan.steps:
            self.decide(step, name=name)
            self.run(name)

    def forge_progress(self, progress: Progress, name: str = NAME, *, believed: bool = False) -> None:
        """Write what only the controller may write; or what it takes over where it has no record of its own."""
        status = self.status(name).model_copy(update={"progress": progress})
        request = self.cluster.damage_status(self.request(name), as_written(status))
        if believed:
            self.status_book = StatusBook({request.key.uid: Remembered(request.status["progress"])})
            self.start_controller()

    def verdict(self, approval: ApprovalObject) -> Condition | None:
        """What the controller said of a decision."""
        found = next(a for a in self.cluster.approvals() if a.uid == approval.uid)
        return found.status.conditions[0] if found.status else None

    def judged(self, approval: ApprovalObject) -> str:
        """The reason in the controller's answer to a decision."""
        return _there(self.verdict(approval)).reason

    # What can be seen

    def request(self, name: str = NAME) -> RequestObject:
        found = self.cluster.request(NAMESPACE, name)
        assert found is not None
        return found

    def status(self, name: str = NAME) -> RequestStatus:
        return RequestStatus.model_validate(self.request(name).status)

    def shown_plan(self, name: str = NAME) -> PlanView:
        return _there(self.status(name).plan)

    def next_action(self, name: str = NAME) -> NextAction:
        return _there(self.status(name).next_action)

    def trial_record(self, name: str = NAME) -> TrialRecord:
        return _there(self.status(name).progress.trial)

    def termination_record(self, name: str = NAME) -> TerminationRecord:
        return _there(self.status(name).progress.termination)

    def condition(self, kind: str, name: str = NAME) -> Condition:
        return next(c for c in self.status(name).conditions if c.type == kind)

    def plan(self, number: int, name: str = NAME) -> Plan:
        pinned = {plan.number: plan for plan in self.cluster.plans(self.request(name).key)}
        return parse_plan(pinned[number].text)

    def every_plan(self) -> list[Plan]:
        """All plans of all requests that there ever were."""
        return [parse_plan(pinned.text) for pinned in self.cluster.every_plan()]

    def things(self, name: str = NAME) -> dict[str, Thing]:
        """What the cloud holds for the request, by logical name."""
        owner = self.request(name).key.uid
        found = [thing for thing in self.cloud.things() if thing.owner == owner]
        names = [thing.name for thing in found]
        assert len(set(names)) == len(names), f"made twice: {sorted(names)}"
        return {thing.name: thing for thing in found}

    def servers(self, name: str = NAME) -> dict[str, object]:
        """Machine -> power state."""
        return {
            thing.name: thing.inputs["power_state"]
            for thing in self.things(name).values()
            if "power_state" in thing.inputs
        }

    def next_step(self, name: str = NAME) -> PlannedStep | None:
        action = self.decided(name)
        found: PlannedStep | None = action.standing.next_step
        return found

    @contextmanager
    def nothing_touched(self) -> Iterator[None]:
        """Inside, neither cloud nor stacks nor backups are written to."""
        before = len(self.cloud_writes())
        yield
        assert self.cloud_writes()[before:] == []

    def cloud_writes(self) -> list[str]:
        return [name for name in self.wire.writes if name.startswith(("cloud.", "stacks.", "backup."))]

    def writes_in(self, what: Callable[[], object]) -> list[str]:
        """The writes that something makes."""
        before = len(self.wire.writes)
        what()
        return self.wire.writes[before:]

    # How far it may go at once

    def to_trial(self, name: str = NAME, **changes: Any) -> World:
        """A request that was planned, approved and provisioned."""
        self.apply(name, **changes)
        self.run(name)
        self.approve(name=name)
        assert self.status(name).phase == "Trial", self.status(name).next_action
        return self

    def to_production(self, name: str = NAME) -> World:
        """The same, promoted."""
        self.to_trial(name)
        self.apply(name, stage="Production")
        self.run(name)
        self.approve(name=name)
        assert self.status(name).phase == "Production", self.status(name).next_action
        return self


def _there(found: Found | None) -> Found:
    assert found is not None
    return found


def without_times(status: Mapping[str, Any]) -> Any:
    """A status without the moments in it, to compare two runs that took different time."""
    return _without(status, {"lastTransitionTime", "startedAt", "endsAt", "due", "deadline"})


def _without(value: Any, keys: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys and not key.endswith("At")}
    return [_without(item, keys) for item in value] if isinstance(value, list | tuple) else value


__all__ = ["START", "Crash", "World"]
