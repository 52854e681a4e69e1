"""The guide for officials names phases and reasons that there are."""

from __future__ import annotations

import re
from pathlib import Path

from govcloud.reasons import Reason

GUIDE = (Path(__file__).parents[2] / "docs" / "officials.zh.md").read_text(encoding="utf-8")
PHASES = {"Planning", "AwaitingApproval", "Provisioning", "Trial", "Suspended", "Production", "Terminating", "Terminated", "Rejected"}
"""Design, section 7: what `status.phase` may say."""


def rows(heading: str) -> set[str]:
    section = GUIDE.split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_it_explains_every_phase() -> None:
    assert rows("谁在等谁") == PHASES


def test_its_reasons_are_of_the_closed_list() -> None:
    named = rows("常见的“不算数”")
    assert named
    assert named <= set(Reason)
