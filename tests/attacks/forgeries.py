"""Decisions that look like an office's and are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attacks.place import Manifest, signed
from attacks.story import Story

from devcloud.demo.requests import Request

UNTIL_YESTERDAY = "2026-01-01T00:00:00Z"


def stolen(story: Story, mine: Request, other: Request) -> Iterator[tuple[Manifest, str]]:
    """Signatures that are not over this decision, or not by this office, each with the reason for which it proves nothing."""
    place = story.place

    def fresh(decided: str = "Approved", **different: Any) -> Manifest:
        return mine.approval("superior-unit", "superior-unit", decided, **different)

    ours = {"name": mine.name, "uid": mine.uid}
    foreign = {"name": mine.name, "uid": other.uid}
    yield signed(fresh(request=foreign), place.above, request=ours), "SignatureInvalid"
    yield signed(fresh(planDigest="sha256:" + "0" * 64), place.above, planDigest=mine.status["plan"]["digest"]), "SignatureInvalid"
    yield signed(fresh(), place.above, where="first-hospital"), "SignatureInvalid"
    yield signed(fresh("Rejected"), place.above, decision="Approved"), "SignatureInvalid"
    yield signed(fresh(), place.authority), "SigningKeyForeign"
    yield signed(fresh(), place.stranger), "SigningKeyUnknown"
    yield signed(fresh(), place.dismissed), "SigningKeyRevoked"


def disguised(number: str) -> str:
    """The same document number to people, another one to a program that compares letters."""
    return number.replace("〔", "［").replace("〕", "] ").replace("1", "１")
