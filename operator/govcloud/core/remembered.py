"""What this controller wrote last of what its decisions rest on, beside what lies in the cluster: which of the two is believed. Pure.

The cluster shows it to people. What was written there by somebody else, or by this controller in the past and put back, is not gone by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from govcloud.audit.records import Outcome, Phase, Record
from govcloud.core.actions import AddFinalizer, RemoveFinalizer, Reserve, SettleReservation
from govcloud.core.purge_evidence import PURGE_RULE

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Remembered:
    """`now` is what was to be written last; `before` what was written before that, and may still lie there after a crash between the two."""

    now: Said
    before: Said | None = None


NOTHING = Remembered({})
"""Of an object whose status this controller never wrote."""


def altered(shown: Said, kept: Remembered) -> tuple[str, ...]:
    """Names of the fields that somebody else wrote; none where it shows what this controller wrote last, or before a write that did not arrive."""
    if shown in (kept.now, kept.before):
        return ()
    return tuple(sorted(name for name in shown.keys() | kept.now.keys() if shown.get(name) != kept.now.get(name)))


def _is_beside(record: Record) -> bool:
    """Regular backups and purges go on beside the request, and change nothing of its progress."""
    return record.attributes.get("backupKind") == "Regular" or record.reason.rule == PURGE_RULE


_NOT_TOLD = frozenset(action.__name__ for action in (AddFinalizer, RemoveFinalizer, Reserve, SettleReservation))
"""Actions after which no status is written: another one follows at once."""


def is_of_the_past(records: Iterable[Record]) -> bool:
    """Whether what is remembered is older than what was done, as when it was put back from a backup: of one request two different effects came after it.

    A crash, or a status that cannot be written, leaves one effect untold, and the next pass repeats that one. What became of an effect
    and nobody knows left nothing to remember.

    Args:
        records: what the audit log has from the moment on when something was kept last.
    """
    known = (record for record in records if record.phase is Phase.OUTCOME and record.outcome is not Outcome.UNKNOWN)
    ended = (record for record in known if record.target.kind == "CloudServiceRequest" and not _is_beside(record))
    effects: dict[str, set[tuple[str, str, int | None]]] = defaultdict(set)
    for record in ended:
        effect, step = record.attributes.get("effect", ""), record.attributes.get("step", "")
        if effect and effect not in _NOT_TOLD:
            effects[record.request].add((effect, step, record.reason.plan_number))
    return any(len(different) > 1 for different in effects.values())
