"""Every command line of ours that a document shows is one: the command exists and has these options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from govcloud.cli import app

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"(?:^|[`\s])govcloud ([a-z][^`\n]*)")
FOLDERS = ("docs", "examples", "deploy", "policies", "devcloud", "bench")
DOCUMENTS = sorted([ROOT / "README.md", *(path for folder in FOLDERS for path in (ROOT / folder).glob("**/*.md"))])


def shown() -> Iterator[tuple[str, str]]:
    """File and command line; what has no option and no known command is a sentence about govcloud."""
    for path in DOCUMENTS:
        for found in SHOWN.finditer(path.read_text(encoding="utf-8")):
            words = re.split(r"#| {2,}(?!csreq|csapp)", found[1])[0].strip()  # what it is for stands behind it
            if "`" in found[0] or "--" in words:
                yield str(path.relative_to(ROOT)), words


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that is meant, and the words after its name."""
    command: Any = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def options_of(words: list[str]) -> list[str]:
    """Up to where the shell takes over."""
    ours = words[: next((at for at, word in enumerate(words) if word in ("|", ">", "&&")), len(words))]
    return [word.split("=")[0] for word in ours if word.startswith("-")]


@pytest.mark.parametrize(("document", "line"), list(shown()))
def test_what_is_shown_works(document: str, line: str) -> None:
    command, rest = command_of(shlex.split(line))
    assert not hasattr(command, "commands") or not rest or rest[0] == "|", f"{document}: there is no govcloud {line}"
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    assert set(options_of(rest)) <= known, f"{document}: govcloud {line}"
