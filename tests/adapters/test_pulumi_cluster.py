"""The whole life of a stack on the real engine and the real OpenStack. Numbered steps; each looks at the cloud, not at our own word.

Needs a development cloud (`make up`); `GOVCLOUD_DEV_DIR` says where it is.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapters.stack_tenants import ENOUGH, JURISDICTION, Tenant, clouds_file, new_key, new_tenant, unit_called
from provider.provider_kit import MemoryJournal

from govcloud.adapters.master_key import derive, load_or_create
from govcloud.adapters.pulumi_logins import controller_login, service_user_login
from govcloud.failures import Stop
from govcloud.reasons import Reason
from stacks.diff import allowed_operations, diff
from stacks.program import Program
from stacks.provider.clouds import Cloud, auth_of
from stacks.provider.journal import EffectContext, Write, WriteOutcome
from stacks.provider.session import JournaledSession
from stacks.request import credentials_in, endpoints_in
from stacks.transform import with_power, with_stage
from stacks.unit import PASSWORD

pytestmark = pytest.mark.cluster

NEW_CREDENTIAL = 20_000
"""A generation after the first."""


def services(size: int = 1, offering: str = "small", database: bool = False) -> dict[str, dict[str, Any]]:
    """A request of every kind."""
    machines = {"count": 2, "offering": offering, "image": "cirros", "bootVolumeGib": 1}
    rule = {"protocol": "tcp", "portMin": 443, "remotePrefix": "0.0.0.0/0"}
    wanted: dict[str, dict[str, Any]] = {
        "lan": {"network": {"cidr": "10.20.0.0/24"}},
        "web": {"virtualMachine": {**machines, "securityRules": [rule]}},
        "data": {"blockStorage": {"sizeGib": size, "offering": "disk", "attachTo": {"service": "web", "index": 1}}},
        "files": {"objectStorage": {"quotaGib": 1}},
    }
    if database:
        wanted["orders"] = {
            "database": {"engine": "postgresql", "offering": "pg", "storageGib": 1, "databaseName": "orders"}
        }
    return wanted


WHOLE = Counter(
    {
        **{("server", f"web-{index}"): 1 for index in (0, 1)},
        **{("port", f"web-{index}-port"): 1 for index in (0, 1)},
        **{("volume", name): 1 for name in ("web-0-boot", "web-1-boot", "data")},
        ("network", "lan"): 1,
        ("subnet", "lan-subnet"): 1,
        ("router", "lan-router"): 1,
        ("port", "network:router_interface"): 1,
        ("group", "web-group"): 1,
        ("rule", "443"): 1,
    }
)


@pytest.fixture
def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    with new_tenant(tmp_path) as made:
        yield made


def test_a_request_lives_its_whole_life_in_place(tenant: Tenant) -> None:
    journal = MemoryJournal()
    with tenant.stacks(journal) as stacks:

        def up(old: Program | None, new: Program, plan: int = 1) -> Any:
            return stacks.up(tenant.key, tenant.unit, plan, new, allowed_operations(diff(old, new)))

        def drift() -> dict[str, tuple[str, ...]]:
            stacks.look_for_drift(tenant.unit, [tenant.key])
            return {each.resource: each.fields for each in stacks.drift(tenant.key) or ()}

        # 1. The unit's project has the quota that was approved.
        access = stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        quota = tenant.admin.compute.get_quota_set(access.project_id)
        assert (quota.instances, quota.cores, quota.ram) == (ENOUGH.instances, ENOUGH.cores, ENOUGH.ram)

        # 2. All is made in the unit's own project, marked, with credentials for a client.
        trial = tenant.program(services(database=True))
        made = up(None, trial)
        assert made.operations == {"create": len(trial.resources)}
        assert tenant.found() == WHOLE
        server = tenant.admin.compute.get_server(made.resources["web-0"][1])
        assert server.project_id == access.project_id
        assert server.metadata["govcloud_request"] == tenant.key.uid
        assert server.metadata["govcloud_stage"] == "trial"
        assert {item.service for item in endpoints_in(made.outputs)} == {"web", "orders", "files"}
        assert len(credentials_in(made.outputs)["orders.password"]) == 43

        # 3. A second run does nothing and writes nothing.
        before = len(journal.intents)
        assert up(None, trial).operations == {"same": len(trial.resources)}
        assert len(journal.intents) == before

        # 4. Power off and on: two servers and the container's user, nothing else.
        assert up(trial, with_power(trial, False)).operations["update"] == 3
        assert tenant.admin.compute.get_server(made.resources["web-0"][1]).status == "SHUTOFF"
        assert up(with_power(trial, False), trial).operations["update"] == 3

        # 5. Promotion: marks change, ids do not; nothing is created, replaced or deleted.
        production = with_stage(trial, "production")
        promoted = up(trial, production)
        assert set(promoted.operations) == {"update", "same"}
        assert promoted.resources == made.resources
        server = tenant.admin.compute.get_server(made.resources["web-0"][1])
        assert server.metadata["govcloud_stage"] == "production"

        # 6. A volume grows and machines get another flavor, in place.
        bigger = tenant.program(services(size=2, offering="medium", database=True), stage="production")
        changed = up(production, bigger, 2)
        assert changed.operations["update"] == 3
        assert changed.resources == made.resources
        assert tenant.admin.block_storage.get_volume(made.resources["data"][1]).size == 2
        flavor = tenant.admin.compute.get_server(made.resources["web-1"][1]).flavor
        assert flavor.name == "m1.medium"

        # 7. Nothing differs from the state until somebody changes something by hand; that is noticed, and nothing is written.
        assert drift() == {}
        rule = made.resources["web-rule-tcp-443-443-0.0.0.0-0"][1]
        tenant.admin.network.delete_security_group_rule(rule)
        tenant.admin.network.update_network(made.resources["lan"][1], name="mine")
        tenant.admin.compute.set_server_metadata(made.resources["web-0"][1], govcloud_stage="trial")
        before = len(journal.intents)
        assert drift() == {"web-rule-tcp-443-443-0.0.0.0-0": (), "lan": ("name",), "web-0": ("metadata",)}
        assert len(journal.intents) == before

        # 8. The state holds no secret in plain.
        password = credentials_in(made.outputs)["orders.password"]
        files = [path for path in tenant.state.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if password.encode() in path.read_bytes()]

        # 9. Destruction leaves nothing.
        assert stacks.destroy(tenant.key, tenant.unit, 3).operations == {"delete": len(trial.resources)}
        assert not tenant.found()


class KillingJournal(MemoryJournal):
    """Kills its process, as the kernel would, at the n-th intent or outcome."""

    def __init__(self, moment: str, count: int) -> None:
        super().__init__()
        self.moment, self.count = moment, count

    def intent(self, context: EffectContext, write: Write) -> str:
        number = super().intent(context, write)
        self._tick("intent", len(self.intents))
        return number

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        super().outcome(intent, outcome)
        self._tick("outcome", len(self.outcomes))

    def _tick(self, moment: str, so_far: int) -> None:
        if (self.moment, self.count) == (moment, so_far):
            os.kill(os.getpid(), signal.SIGKILL)


def _killed(tenant: Tenant, what: str, moment: str, count: int) -> None:
    """Run `what` in a process of its own, which is killed in the middle."""
    script = (
        "import sys; from pathlib import Path; from adapters import test_pulumi_cluster as t;"
        "t.in_a_process_that_is_killed(*sys.argv[1:])"
    )
    tests = Path(__file__).parents[1]
    root = tests.parent
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            what,
            moment,
            str(count),
            str(tenant.state),
            tenant.unit.name,
            tenant.unit.uid,
            tenant.key.uid,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root / "operator", root, tests)))},
        cwd=root,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL


def in_a_process_that_is_killed(
    what: str, moment: str, count: str, state: str, name: str, unit_uid: str, uid: str
) -> None:
    """What the killed process does."""
    unit = unit_called(name, unit_uid)
    tenant = Tenant(unit, new_key(unit, uid), Path(state), None)
    program = tenant.program(services())
    with tenant.stacks(KillingJournal(moment, int(count)), NEW_CREDENTIAL) as stacks:
        if what == "up":
            stacks.up(tenant.key, unit, 1, program, allowed_operations(diff(None, program)))
        elif what == "rotate":
            stacks.rotate_credential(unit)
        else:
            stacks.destroy(tenant.key, unit, 1)


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("outcome", 7),
        *(
            pytest.param(moment, count, marks=pytest.mark.soak)
            for moment in ("intent", "outcome")
            for count in range(1, 18)
        ),
    ],
)
def test_a_controller_killed_while_it_provisions_finishes_after_its_restart(
    tenant: Tenant, moment: str, count: int
) -> None:
    program = tenant.program(services())
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
    _killed(tenant, "up", moment, count)
    with tenant.stacks() as stacks:
        allowed = allowed_operations(diff(None, program))
        outcome = stacks.up(tenant.key, tenant.unit, 1, program, allowed)
        assert tenant.found() == WHOLE
        assert outcome.resources.keys() == {item.name for item in program.resources}
        again = stacks.up(tenant.key, tenant.unit, 1, program, allowed)
        assert again.operations == {"same": len(program.resources)}


def test_what_a_killed_controller_had_made_is_gone_after_a_destruction(tenant: Tenant) -> None:
    """Nothing of it is in the state yet, and the next plan does not make it either: it is found by its marks."""
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
    _killed(tenant, "up", "outcome", 6)
    assert not list(tenant.state.rglob("*.attrs")), "a kill can leave half a one, and a state beside it cannot be read"
    _killed(tenant, "destroy", "outcome", 1)
    with tenant.stacks() as stacks:
        stacks.destroy(tenant.key, tenant.unit, 2)
    assert not tenant.found()


def test_an_attempt_that_fails_forgets_nothing_of_what_a_killed_one_had_made(tenant: Tenant) -> None:
    """It came to its own end before it made, and so found, what the first one had been making."""
    program = tenant.program(services())
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
    _killed(tenant, "up", "outcome", 6)
    assert tenant.found()
    with tenant.stacks() as stacks:
        with pytest.raises(Stop):
            stacks.up(tenant.key, tenant.unit, 1, program, frozenset())
        stacks.destroy(tenant.key, tenant.unit, 2)
    assert not tenant.found()


def _credentials(tenant: Tenant) -> list[str]:
    """Names of the application credentials of the unit's service user, as it is shown them itself."""
    master_key = load_or_create(tenant.state / "master.key", may_create=False)
    password = derive(master_key, f"{tenant.unit.uid}/{PASSWORD.name}")
    login = service_user_login(
        controller_login("govcloud"), f"govcloud-{tenant.unit.name}", password, f"unit-{tenant.unit.name}"
    )
    user = Cloud(login, JournaledSession(auth_of(login), MemoryJournal()))
    path = f"/users/{user.user_id}/application_credentials"
    return sorted(each["name"] for each in user.listing("identity", path, "application_credentials"))


@pytest.mark.soak
@pytest.mark.parametrize("steps_before", [0, 1])
@pytest.mark.parametrize("moment", ["intent", "outcome"])
def test_a_rotation_killed_at_any_step_ends_with_one_credential_that_works(
    tenant: Tenant, steps_before: int, moment: str
) -> None:
    name, program = f"govcloud-{tenant.unit.name}", tenant.program(services())
    allowed = allowed_operations(diff(None, program))
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        stacks.up(tenant.key, tenant.unit, 1, program, allowed)
    assert _credentials(tenant) == [name]
    with tenant.stacks(generation=NEW_CREDENTIAL) as stacks:
        for _ in range(steps_before):
            stacks.rotate_credential(tenant.unit)
            assert _credentials(tenant) == [name, f"{name}-{NEW_CREDENTIAL}"]
    _killed(tenant, "rotate", moment, 1)
    with tenant.stacks(generation=NEW_CREDENTIAL) as stacks:
        for _ in range(3):
            stacks.rotate_credential(tenant.unit)
            assert stacks.up(tenant.key, tenant.unit, 1, program, allowed).operations == {
                "same": len(program.resources)
            }
        assert _credentials(tenant) == [f"{name}-{NEW_CREDENTIAL}"]
        off = with_power(program, False)
        stacks.up(tenant.key, tenant.unit, 1, off, allowed_operations(diff(program, off)))


def _lose_all_state(tenant: Tenant) -> None:
    """The disk is gone; the master key was kept elsewhere."""
    shutil.rmtree(tenant.state / "pulumi")
    (tenant.state / "pulumi" / "state" / ".pulumi").mkdir(parents=True)


def test_a_lost_state_is_made_anew_from_the_marks_in_the_cloud(tenant: Tenant) -> None:
    program, bigger = tenant.program(services(database=True)), tenant.program(services(size=2, database=True))
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        stacks.up(tenant.key, tenant.unit, 1, program, allowed_operations(diff(None, program)))
        made = stacks.up(tenant.key, tenant.unit, 2, bigger, allowed_operations(diff(program, bigger)))
    _lose_all_state(tenant)
    journal = MemoryJournal()
    with tenant.stacks(journal) as stacks:
        assert stacks.outcome(tenant.key) is None
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        before = len(journal.intents)
        rebuilt = stacks.rebuild(tenant.key, tenant.unit, 2, bigger, frozenset())
        assert rebuilt.resources == made.resources
        assert stacks.up(tenant.key, tenant.unit, 2, bigger, frozenset()).operations == {"same": len(bigger.resources)}
        assert len(journal.intents) == before
    assert tenant.found() == WHOLE

    # What the cloud does not have is named, unless an operation under way accounts for it.
    tenant.admin.network.delete_security_group_rule(made.resources["web-rule-tcp-443-443-0.0.0.0-0"][1])
    _lose_all_state(tenant)
    with tenant.stacks() as stacks:
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        with pytest.raises(Stop, match="web-rule-tcp-443") as told:
            stacks.rebuild(tenant.key, tenant.unit, 2, bigger, frozenset())
        assert told.value.reason is Reason.RESOURCE_FAILED
        rest = stacks.rebuild(tenant.key, tenant.unit, 2, bigger, frozenset({"web-rule-tcp-443-443-0.0.0.0-0"}))
        assert rest.resources.keys() == made.resources.keys() - {"web-rule-tcp-443-443-0.0.0.0-0"}
