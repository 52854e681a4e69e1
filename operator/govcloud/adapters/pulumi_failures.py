"""What the engine's failures mean to us: a table from the provider's codes and the engine's errors to `Retry` and `Stop`.

Of several failures of one run, one that somebody must cure is told before one that waiting cures.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.engine import failures as engine
from stacks.provider.errors import Code, code_in

log = logging.getLogger(__name__)

SOON = timedelta(seconds=10)
LATER = timedelta(minutes=1)
MUCH_LATER = timedelta(minutes=5)
"""After this long a quota may have room again: somebody must delete something, or raise it."""

_LONGEST = 1000
"""Characters of a message: it goes into a status."""

_OF_THE_CATALOG = re.compile(r"\b(flavor|image|network|datastore|volume type|role)\b", re.IGNORECASE)


_UNANSWERED = re.compile(r"\binvoke of \S+ failed: .*")
"""The SDK's words for a question to the cloud that failed. Without a code of the provider's beside them, it never came to an answer."""


@dataclass(frozen=True)
class _Verdict:
    """One row. `after` None means that waiting will not help."""

    reason: Reason
    after: timedelta | None


_VERDICTS: Mapping[Code, _Verdict] = {
    Code.QUOTA_EXCEEDED: _Verdict(Reason.QUOTA_EXCEEDED, MUCH_LATER),
    Code.UNREACHABLE: _Verdict(Reason.CLOUD_UNREACHABLE, SOON),
    Code.ANSWER_LOST: _Verdict(Reason.CLOUD_UNREACHABLE, SOON),
    Code.TIMEOUT: _Verdict(Reason.CLOUD_UNREACHABLE, LATER),
    Code.UNAUTHORIZED: _Verdict(Reason.CLOUD_UNAUTHORIZED, LATER),
    Code.CONFLICT: _Verdict(Reason.CONFLICT, LATER),
    Code.CANCELLED: _Verdict(Reason.ENGINE_FAILED, SOON),
    Code.NOT_FOUND: _Verdict(Reason.RESOURCE_FAILED, None),
    Code.INVALID: _Verdict(Reason.INVALID_INPUT, None),
    Code.FAILED: _Verdict(Reason.RESOURCE_FAILED, None),
    Code.PLAN_MISMATCH: _Verdict(Reason.PLAN_MISMATCH, None),
    Code.DUPLICATES: _Verdict(Reason.DUPLICATES, None),
}
_UNEXPLAINED = _Verdict(Reason.ENGINE_FAILED, LATER)


@contextmanager
def translated() -> Iterator[None]:
    """Let only our own exceptions out.

    Raises:
        Retry: waiting helps.
        Stop: someone must change something.
        AuditUnavailable: a write could not be recorded, so it was not sent.
    """
    try:
        yield
    except engine.EngineError as error:
        log.warning("the engine failed: %s\n%s", error, error.detail)
        raise meaning(error) from error


def meaning(error: engine.EngineError) -> Exception:
    """What a failure of the engine means."""
    match error:
        case engine.RunFailed():
            return _worst([_of_diagnostic(item) for item in error.diagnostics], error)
        case engine.ProgramFailed() if code_in(error.detail):
            return _of_text(
                error.detail
            )  # the program asked the cloud for something, and the cloud's answer is the reason
        case engine.ProgramFailed() if unanswered := _UNANSWERED.search(error.detail):
            return Retry(_UNEXPLAINED.reason, _short(unanswered[0]), _UNEXPLAINED.after)
        case engine.ProgramFailed():
            return Stop(Reason.PROGRAM_FAULT, f"{error}: a fault of the controller; its log has the details")
        case engine.EngineLost():
            return Retry(Reason.ENGINE_FAILED, str(error), SOON)
        case engine.StackLocked():
            return Retry(Reason.STACK_LOCKED, str(error), SOON)
        case engine.StateDamaged():
            return Stop(
                Reason.PROGRAM_FAULT, f"{error}; restore it from the copy that lies beside it (.bak) or from backup"
            )
        case engine.WrongPassphrase():
            return Stop(Reason.PROGRAM_FAULT, f"{error}; put the right master key back from backup")
        case engine.EngineMissing():
            return Stop(Reason.PROGRAM_FAULT, f"{error}; install it, or set GOVCLOUD_PULUMI to where it is")
    return Retry(_UNEXPLAINED.reason, str(error), _UNEXPLAINED.after)


def _worst(meanings: list[Exception], error: engine.EngineError) -> Exception:
    for kind in (AuditUnavailable, Stop, Retry):
        if found := next((item for item in meanings if isinstance(item, kind)), None):
            return found
    return Retry(_UNEXPLAINED.reason, str(error), _UNEXPLAINED.after)


def _of_diagnostic(diagnostic: engine.Diagnostic) -> Exception:
    return _of_text(diagnostic.message)


def _of_text(text: str) -> Exception:
    """What a text with the provider's code in it means; the message is its sentence from the code on."""
    code = code_in(text)
    if code is None:
        return Retry(_UNEXPLAINED.reason, _short(text), _UNEXPLAINED.after)
    _, _, rest = text.partition(f"{code.value}: ")
    sentence = _short(rest.partition("\n")[0])
    if code is Code.JOURNAL_UNAVAILABLE:
        return AuditUnavailable(sentence)
    if code is Code.NOT_FOUND and _OF_THE_CATALOG.search(sentence):
        return Stop(Reason.FLAVOR_OR_IMAGE_MISSING, f"{sentence}; have it added to the cloud, or the catalog corrected")
    verdict = _VERDICTS[code]
    return Stop(verdict.reason, sentence) if verdict.after is None else Retry(verdict.reason, sentence, verdict.after)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
