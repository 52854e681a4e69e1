"""Every step of every pack can be granted: there is a role for it, and platform engineers may hand it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from policies.shelf import shipped

RBAC = Path(__file__).resolve().parents[2] / "deploy" / "rbac"
STEPS = {rule.step for pack in shipped().packs.values() for edition in pack.editions for rules in edition.steps.values() for rule in rules}


def documents(file: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((RBAC / file).read_text(encoding="utf-8")))


def test_there_is_a_role_for_every_step_of_every_pack_and_for_no_other() -> None:
    granted = {role["metadata"]["name"]: role["rules"] for role in documents("approve.yaml")}
    expected = {
        f"govcloud-approve-{step}": [
            {"apiGroups": ["govcloud.dev"], "resources": ["approvalsteps"], "resourceNames": [step], "verbs": ["approve"]}
        ]
        for step in STEPS
    }
    assert granted == expected


def test_platform_engineers_may_hand_out_each_of_them() -> None:
    (role,) = documents("platform-engineer.yaml")
    bindable = {name for rule in role["rules"] if "bind" in rule["verbs"] for name in rule["resourceNames"]}
    assert {f"govcloud-approve-{step}" for step in STEPS} <= bindable
