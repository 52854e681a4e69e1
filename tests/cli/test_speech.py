"""What must not be overlooked is red on a terminal, and nothing that somebody wrote gets out of its line."""

from __future__ import annotations

import typer
from typer.testing import CliRunner

from govcloud.cli.speech import tell
from govcloud.core.said import Said

RED = "\x1b[31m"


def _told(said: Said, *, terminal: bool) -> str:
    app = typer.Typer()

    @app.command()
    def command() -> None:
        tell(said, "en", "  ")

    return CliRunner().invoke(app, color=terminal).output


def test_a_grave_sentence_is_red_on_a_terminal_only() -> None:
    grave = Said("不经备份即销毁", "destroyed WITHOUT a backup", grave=True)
    assert _told(grave, terminal=True).startswith(RED)
    assert _told(grave, terminal=False) == "  destroyed WITHOUT a backup\n"


def test_no_other_sentence_has_a_colour() -> None:
    assert _told(Said("云上资源不变", "Nothing changes"), terminal=True) == "  Nothing changes\n"


def test_what_somebody_wrote_colours_nothing_and_ends_no_line() -> None:
    assert RED not in _told(Said("", f"document {RED}1\n2", grave=False), terminal=True)
