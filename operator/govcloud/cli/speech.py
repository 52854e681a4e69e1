"""In which form and language a command answers."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from govcloud.core.said import Language, Said


class Output(StrEnum):
    """For people, or for programs."""

    TABLE = "table"
    JSON = "json"


class Tongue(StrEnum):
    """The languages that officials read."""

    ZH = "zh"
    EN = "en"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="For people (table) or for programs (json, in both languages).")]
LanguageOption = Annotated[
    Tongue | None, typer.Option("--lang", envvar="GOVCLOUD_LANG", help="Chinese or English. Default: Chinese where $LANG is.")
]


def chosen(tongue: Tongue | None) -> Language:
    """The language that was asked for, else that of the terminal."""
    if tongue is not None:
        return tongue.value
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if spoken.startswith("zh") else "en"


def say(text: str) -> None:
    """Print one line. What somebody wrote into a comment moves no cursor, turns no text around and begins no line of its own."""
    typer.echo(_harmless(text))


def tell(said: Said, language: Language, indent: str = "") -> None:
    """Print one sentence; what must not be overlooked in red, where a terminal shows colours."""
    line = _harmless(f"{indent}{said.within(language)}")
    typer.echo(typer.style(line, fg=typer.colors.RED, bold=True) if said.grave else line)


def _harmless(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
