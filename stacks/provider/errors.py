"""What went wrong, as one sentence for a person with a code for a machine in front: `QuotaExceeded: …`.

The sentence never carries a traceback, a body, a header or a secret. The codes are a closed set: whoever reads the
engine's diagnostics sorts by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider.journal import JournalUnavailable, NoEffectContext
from stacks.provider.session import AnswerLost

LONGEST_SENTENCE = 400


class Code(StrEnum):
    """Every code there is, with what it means for whoever reads it."""

    QUOTA_EXCEEDED = "QuotaExceeded"
    """The project may not have more of this; waiting or a larger quota helps."""
    NOT_FOUND = "NotFound"
    """Something that the resource names does not exist (a flavor, an image, a network)."""
    UNREACHABLE = "Unreachable"
    """The service does not answer, fails, or says it is overloaded; waiting helps."""
    ANSWER_LOST = "AnswerLost"
    """A write was sent and nobody knows what became of it; the next run looks first."""
    TIMEOUT = "Timeout"
    """It was accepted but did not get ready in time; the next run goes on waiting."""
    UNAUTHORIZED = "Unauthorized"
    """The login is not accepted or may not do this."""
    CONFLICT = "Conflict"
    """The state of something else forbids it (still in use, name taken)."""
    INVALID = "Invalid"
    """The service refused an input."""
    FAILED = "Failed"
    """The service tried and failed; its own words follow."""
    PLAN_MISMATCH = "PlanMismatch"
    """The approved plan does not allow this operation."""
    DUPLICATES = "Duplicates"
    """Several objects carry the mark of one operation; nothing is touched until a person has looked."""
    JOURNAL_UNAVAILABLE = "JournalUnavailable"
    """The effect could not be recorded, so it was not made."""
    CANCELLED = "Cancelled"
    """The run was cancelled while waiting."""


class ProviderError(Exception):
    """A failure that a person can read. `str()` is `Code: sentence`."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(f"{code.value}: {sentence}")
        self.code = code
        self.sentence = sentence


class QuarantinedDuplicates(ProviderError):
    """Several objects carry the mark of one operation. Attribute `ids` lists them."""

    def __init__(self, noun: str, key: str, ids: Iterable[str]) -> None:
        self.ids = tuple(sorted(ids))
        super().__init__(
            Code.DUPLICATES, f"{len(self.ids)} objects carry the mark {key} of one {noun}: {', '.join(self.ids)}"
        )


def code_in(text: str) -> Code | None:
    """The first code that stands in a text as `Code: `, for readers of the engine's diagnostics."""
    found = _CODE_IN_TEXT.search(text)
    return Code(found[1]) if found else None


_CODE_IN_TEXT = re.compile(rf"\b({'|'.join(code.value for code in Code)}): ")
_POLICY_WORDS = re.compile(r"disallowed by policy|policy doesn't allow", re.IGNORECASE)
_KEY_MANAGER_WORDS = re.compile(r"key manager error", re.IGNORECASE)
_QUOTA_WORDS = re.compile(r"quota|overlimit|over limit|maximum number of .* exceeded", re.IGNORECASE)


def in_words(error: Exception, what: str, secrets: Iterable[str] = ()) -> ProviderError:
    """Any failure as a sentence about `what` (for instance "compute Instance web-0"), with no secret in it."""
    told = _told(error, what)
    sentence = redacted(told.sentence, secrets)
    if sentence == told.sentence:
        return told
    return ProviderError(told.code, sentence)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret value replaced."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def one_line(text: str) -> str:
    """One line of bounded length, without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST_SENTENCE else line[: LONGEST_SENTENCE - 1] + "…"


def _told(error: Exception, what: str) -> ProviderError:
    match error:
        case ProviderError():
            return error
        case JournalUnavailable():
            sentence = f"{what}: the effect could not be recorded, so it was not made"
            return ProviderError(Code.JOURNAL_UNAVAILABLE, sentence)
        case NoEffectContext():
            return ProviderError(Code.JOURNAL_UNAVAILABLE, f"{what}: a write was tried that belongs to no effect")
        case AnswerLost():
            sentence = f"{what}: the answer of {error.service} was lost; request {error.request_id}"
            return ProviderError(Code.ANSWER_LOST, sentence)
        case ksa.HttpError():
            return _answered(error, what)
        case ksa.ClientException():
            return ProviderError(Code.UNREACHABLE, f"{what}: OpenStack cannot be reached ({type(error).__name__})")
        case _:
            return ProviderError(Code.FAILED, f"{what}: unexpected {type(error).__name__} in the provider")


def _answered(error: ksa.HttpError, what: str) -> ProviderError:
    status = int(error.http_status or 0)
    words = one_line(service_message(error))
    code = _code_of(status, words)
    request = f" (request {error.request_id})" if getattr(error, "request_id", None) else ""
    return ProviderError(code, f"{what}: {words or 'HTTP ' + str(status)}{request}")


def _code_of(status: int, words: str) -> Code:
    if status == 403 and _POLICY_WORDS.search(words):
        return Code.UNAUTHORIZED  # whatever the rule that refuses is called: Neutron has one named get_quota
    if status == 413 or (status in (403, 409) and _QUOTA_WORDS.search(words)):
        return Code.QUOTA_EXCEEDED
    if status >= 500:
        return Code.UNREACHABLE  # a database or a queue behind the service that is away for a moment looks the same as its own fault
    if status == 400 and _KEY_MANAGER_WORDS.search(words):
        return Code.UNREACHABLE  # all that Cinder says when it gets no key: Barbican does not answer, or fails
    return _BY_STATUS.get(status, Code.INVALID)


_BY_STATUS = {
    401: Code.UNAUTHORIZED,
    403: Code.UNAUTHORIZED,
    404: Code.NOT_FOUND,
    409: Code.CONFLICT,
    429: Code.UNREACHABLE,
}


_LONGEST_PLAIN_WORDS = 200


def service_message(error: ksa.HttpError) -> str:
    """What the service itself said, out of the various envelopes the services use; empty when it said nothing
    readable.
    """
    try:
        body: Any = error.response.json()
    except (AttributeError, ValueError):
        return _plain_words(error)
    if isinstance(body, Mapping):
        for inner in body.values():
            if isinstance(inner, Mapping) and isinstance(inner.get("message"), str):
                return str(inner["message"])
            if isinstance(inner, str):
                return inner
    return ""


def _plain_words(error: ksa.HttpError) -> str:
    """A short answer without an envelope, as Swift gives it; a page of a proxy in between is none."""
    said = getattr(error.response, "text", None)
    if not isinstance(said, str) or len(said) > _LONGEST_PLAIN_WORDS or "<" in said:
        return ""
    return one_line(said)
