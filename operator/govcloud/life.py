"""A process's start and end in the audit log: with which program, settings and regulation packs it decided."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import rfc8785

from govcloud.adapters.audit_journal import settle_interrupted
from govcloud.audit.log import AuditLog
from govcloud.audit.records import Action, Entry, Outcome, Phase, Target
from govcloud.core.evidence import BY_CONTROLLER
from govcloud.settings import Settings
from policies.shelf import Shelf

log = logging.getLogger(__name__)


@contextmanager
def recorded_life(audit: AuditLog, machine: str, settings: Settings, packs: Shelf) -> Iterator[None]:
    """This process's start and stop in the log, and what an ended process left open settled."""
    audit.append(started(machine, settings, packs))
    if settled := settle_interrupted(audit):
        log.info("%d effects were interrupted by the last process's end; each is looked up before it is repeated", settled)
    yield
    audit.append(happened(Action.STOP, machine, "the controller ended"))


def started(machine: str, settings: Settings, packs: Shelf) -> Entry:
    """The record of a start. Two starts with the same digests decided by the same settings and rules."""
    told = ", ".join(f"{name}={value}" for name, value in settings.model_dump(mode="json").items())  # there is no secret among them
    entry = happened(Action.START, machine, f"the controller started (settings: {told})")
    return entry.model_copy(update={"attributes": configuration(settings, packs)})


def configuration(settings: Settings, packs: Shelf) -> dict[str, str]:
    """Version of the program; SHA-256 of the settings and of all packs, each as RFC 8785 canonical JSON."""
    rules = {name: pack.model_dump(mode="json") for name, pack in packs.packs.items()}
    return {
        "version": version("govcloud"),
        "settingsDigest": _digest(settings.model_dump(mode="json")),
        "packs": " ".join(sorted(packs.packs)),
        "packsDigest": _digest(rules),
    }


def happened(action: Action, machine: str, message: str) -> Entry:
    """Something that the controller did for itself."""
    return Entry(
        phase=Phase.EVENT,
        action=action,
        outcome=Outcome.SUCCESS,
        initiator=BY_CONTROLLER,
        target=Target(kind="controller", id=machine),
        message=message,
    )


def _digest(document: Any) -> str:
    return sha256(rfc8785.dumps(document)).hexdigest()
