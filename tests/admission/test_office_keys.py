"""What an office signs with, and what its signature looks like: who may say so, and what the schema takes for one."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from admission.people import EXAMPLES, Manifest, People, Person, Town, approval

pytestmark = pytest.mark.cluster

ED25519 = "MCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
KEY = {"office": "九江市政府信息化工作办公室", "algorithm": "Ed25519", "publicKey": ED25519, "validFrom": "2026-01-01T00:00:00Z"}
SIGNATURE = {"algorithm": "Ed25519", "keyId": "0" * 64, "signedAt": "2026-11-22T00:00:00Z", "value": "AAAA"}


def jurisdiction(**approvals: Any) -> Manifest:
    document: Manifest = yaml.safe_load((EXAMPLES / "platform" / "10-jurisdiction.yaml").read_text(encoding="utf-8"))
    document["metadata"]["name"] = "tried-only"
    document["spec"]["approvals"] = approvals
    return document


def test_whoever_sets_up_a_jurisdiction_does_not_say_whose_keys_count(people: People, administrator: Person) -> None:
    with_keys = jurisdiction(keys=[KEY])
    refused = people("platform-engineer").tries().create(with_keys)
    assert refused.refused_because("only the role govcloud-trustee changes spec.approvals", "密钥管理员")
    answer = administrator.tries().create(with_keys)
    assert answer.accepted, answer.said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"algorithm": "SM2"}, ["publicKey is not a key of this algorithm", "公钥与算法不符"]),
        ({"algorithm": "RS256"}, ["spec.approvals.keys[0].algorithm", '"Ed25519", "SM2"']),
        ({"validFrom": "2026-01-01T00:00:00"}, ["spec.approvals.keys[0].validFrom"]),
    ],
)
def test_a_key_that_makes_no_sense(administrator: Person, change: dict[str, Any], words: list[str]) -> None:
    assert administrator.tries().create(jurisdiction(keys=[KEY | change])).refused_because(*words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"algorithm": "none"}, ["spec.signature.algorithm", '"Ed25519", "SM2"']),
        ({"algorithm": "HS256"}, ["spec.signature.algorithm", '"Ed25519", "SM2"']),
        ({"value": ""}, ["spec.signature.value"]),
        ({"keyId": "../key"}, ["spec.signature.keyId"]),
    ],
)
def test_a_signature_that_makes_no_sense(people: People, town: Town, change: dict[str, Any], words: list[str]) -> None:
    signed = approval(town, "authority", signature=SIGNATURE | change)
    assert people("authority").tries().create(signed).refused_because(*words)


def test_a_decision_is_valid_until_a_moment_that_everybody_reads_alike(people: People, town: Town) -> None:
    authority = people("authority").tries()
    local = authority.create(approval(town, "authority", validUntil="2026-12-31T16:00:00"))
    assert local.refused_because("spec.validUntil")
    answer = authority.create(approval(town, "authority", validUntil="2026-12-31T16:00:00+08:00", signature=SIGNATURE))
    assert answer.accepted, answer.said
