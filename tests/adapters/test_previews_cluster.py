"""What the engine says about a copy of a stack, with the provider as an executable, on the real OpenStack. Needs a development cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adapters.stack_tenants import ENOUGH, JURISDICTION, clouds_file, new_tenant
from provider.engine_kit import pulumi_binary
from provider.provider_kit import MemoryJournal

from govcloud.adapters.pulumi_logins import controller_login
from govcloud.adapters.pulumi_previews import open_previews
from govcloud.failures import Stop
from stacks.diff import allowed_operations, diff

pytestmark = pytest.mark.cluster

SERVICES: dict[str, dict[str, Any]] = {
    "lan": {"network": {"cidr": "10.20.0.0/24"}},
    "data": {"blockStorage": {"sizeGib": 1, "offering": "disk"}},
    "files": {"objectStorage": {"quotaGib": 1}},
}
BIGGER: dict[str, dict[str, Any]] = {**SERVICES, "data": {"blockStorage": {"sizeGib": 2, "offering": "disk"}}}


def test_by_hand_the_engine_says_what_the_plan_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", clouds_file())
    journal = MemoryJournal()
    with (
        new_tenant(tmp_path) as tenant,
        tenant.stacks(journal) as stacks,
        open_previews(tmp_path, str(pulumi_binary()), controller_login("govcloud")) as previews,
    ):

        def changes(plan: int, program: Any) -> set[tuple[str, str]]:
            told = previews.preview(tenant.key, tenant.unit, plan, program)
            assert {name for name, _ in told} >= {resource.name for resource in program.resources}
            return {each for each in told if each[1] != "same"}

        first, second = tenant.program(SERVICES), tenant.program(BIGGER)
        with pytest.raises(Stop, match="has no project yet"):
            changes(1, first)
        stacks.ensure_unit(tenant.unit, JURISDICTION, ENOUGH)
        assert changes(1, first) == allowed_operations(diff(None, first))
        stacks.up(tenant.key, tenant.unit, 1, first, allowed_operations(diff(None, first)))
        written = len(journal.intents)
        assert changes(1, first) == set()
        assert changes(2, second) == allowed_operations(diff(first, second)) == {("data", "update")}
        assert stacks.up(tenant.key, tenant.unit, 1, first, frozenset()).operations == {"same": len(first.resources)}
        assert len(journal.intents) == written
