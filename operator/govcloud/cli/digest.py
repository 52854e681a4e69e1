"""`govcloud digest`: recompute a plan's digest from its pinned text, without trusting the controller."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from govcloud.core.canonical import sha256, sm3
from govcloud.core.plan import pinned_text

_NOT_A_PLAN = 3


def show(
    file: Annotated[Path, typer.Argument(help="A ControllerRevision as JSON (kubectl get controllerrevision NAME -o json), or - for standard input.")],
) -> None:
    """Recompute the digest of a pinned plan, to compare it with what an approval decides on.

    Example: kubectl get controllerrevision NAME -o json | govcloud digest -
    """
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        plan = pinned_text(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        typer.echo("this is neither a ControllerRevision of a plan nor a plan's own text", err=True)
        raise typer.Exit(_NOT_A_PLAN) from None
    typer.echo(sha256(plan))
    if (national := sm3(plan)) is not None:
        typer.echo(national)
