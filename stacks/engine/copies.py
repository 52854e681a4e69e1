"""A stack's state taken elsewhere, to be looked at with the engine while whoever works on the stack goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stacks.engine.commands import Installation, StackName
from stacks.engine.failures import StackMissing


def copied(installation: Installation, stack: StackName, home: Path) -> Installation:
    """An installation of its own below `home` that has this one stack, its secrets encrypted as they were. No stack at all gives an empty one.

    Args:
        installation: where the stack is; read once, nothing in it is changed.
        stack: which one.
        home: an empty folder that nobody else may read.

    Raises:
        EngineError: the state cannot be read, or the copy not be made.
    """
    copy = replace(installation, home=home, backend="")
    copy.ask(stack, ["stack", "init"])
    try:
        exported = installation.ask(stack, ["stack", "export"])
    except StackMissing:
        return copy
    copy.ask(stack, ["stack", "import"], given=exported)
    return copy
