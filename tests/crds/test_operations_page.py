"""The page for operations has a line for every reason that asks somebody for something."""

from __future__ import annotations

import re
from pathlib import Path

from govcloud.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("What a person must change", "What waiting may cure")


def reasons_that_ask() -> set[str]:
    """The reasons below the two headings of the closed list."""
    source = (ROOT / "operator" / "govcloud" / "reasons.py").read_text(encoding="utf-8")
    parts = re.split(r"^    # (.+)$", source, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name for section in SECTIONS for name in re.findall(r'= "(\w+)"', found[section])}


def reasons_on_the_page() -> set[str]:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)} & {str(reason) for reason in Reason}


def test_every_reason_has_its_line_and_no_other_one_has() -> None:
    assert reasons_that_ask() == reasons_on_the_page()
