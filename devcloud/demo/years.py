"""The examples in another year than the one they are written for: an annual plan pays for its own year only."""

from __future__ import annotations

import re
from pathlib import Path

WRITTEN_FOR = 2026

_YEAR = re.compile(r"\b202[5-8]\b", re.ASCII)


def moved_to(year: int, text: str) -> str:
    """A manifest with all its years moved by as many as `year` is from the one it is written for."""
    return _YEAR.sub(lambda found: str(int(found[0]) + year - WRITTEN_FOR), text)


def write_moved(source: Path, year: int, target: Path) -> None:
    """A folder of manifests, moved to a year, under another folder. What is there already is written anew."""
    for file in source.rglob("*.yaml"):
        written = target / file.relative_to(source)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(moved_to(year, file.read_text(encoding="utf-8")), encoding="utf-8")
