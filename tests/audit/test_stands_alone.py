"""The verifier that an auditor takes along: one file, the standard library and `cryptography`, and none of our code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from audit.logs import KEY, fill

from govcloud.audit import verify_offline

FILE = Path(verify_offline.__file__)


def imported() -> Iterator[str]:
    """Top-level names of all that it imports, wherever it does; a relative import is a dot."""
    for node in ast.walk(ast.parse(FILE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else str(node.module).partition(".")[0]


def test_it_imports_nothing_of_ours() -> None:
    assert set(imported()) <= {*sys.stdlib_module_names, "cryptography"}


def test_alone_in_a_folder_it_tells_a_whole_log_from_a_changed_one(tmp_path: Path) -> None:
    fill(tmp_path / "audit", 9)
    (tmp_path / "audit.pub").write_text(KEY.text() + "\n")
    alone = tmp_path / "auditor" / FILE.name
    alone.parent.mkdir()
    alone.write_bytes(FILE.read_bytes())
    assert verdict(alone, tmp_path) == 0
    (segment,) = (tmp_path / "audit" / "segments").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"web-1", b"web-9", 1))
    assert verdict(alone, tmp_path) == 1


def verdict(file: Path, folder: Path) -> int:
    command = [sys.executable, "-I", file, "log", folder / "audit", "--key", folder / "audit.pub"]
    return subprocess.run(command, cwd=file.parent, capture_output=True, check=False).returncode
