"""What an office's signature proves: that it is over exactly this decision, by a key of this office that held when the decision was filed."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from approvals.offices import AUTHORITY, MORNING, NAMESPACE, Ed25519Office, Sm2Office, decision, filed
from approvals.walks import another, fields, with_value

from govcloud.api.approval import ApprovalSpec
from govcloud.api.jurisdiction import Approvals
from govcloud.core.signatures import (
    PAYLOAD_TYPE,
    VERIFIERS,
    attached,
    encoded,
    key_id,
    signature_fault,
    signed_bytes,
    statement,
)

DOCUMENTATION = (Path(__file__).resolve().parents[2] / "docs" / "approvals.md").read_text(encoding="utf-8")
OFFICE = Ed25519Office(1)
TRUSTED = Approvals(keys=(OFFICE.entry(),))
DAY = timedelta(days=1)


def judged(spec: ApprovalSpec, trusted: Approvals = TRUSTED, **filing: Any) -> str | None:
    """The reason for which the decision's signature does not count."""
    fault = signature_fault(filed(spec, **filing), trusted)
    assert fault is None or (" / " in fault[1] and any("\u4e00" <= letter <= "\u9fff" for letter in fault[1])), "in both languages"
    return fault[0] if fault else None


def test_a_signature_of_the_office_counts() -> None:
    assert judged(OFFICE.signs(decision())) is None


def test_an_unsigned_decision_counts_where_none_is_demanded_and_only_there() -> None:
    assert judged(decision()) is None
    assert judged(decision(), Approvals(signatures_required=True)) == "SignatureMissing"


# The bytes


def test_the_bytes_are_those_of_the_documentation() -> None:
    """A test vector for whoever writes a signer of his own; docs/approvals.md shows the same."""
    signed = OFFICE.signs(decision())
    said = statement(NAMESPACE, signed)
    assert f"\n{said}\n" in DOCUMENTATION
    assert signed_bytes(NAMESPACE, signed) == b"DSSEv1 38 application/vnd.govcloud.approval+json 735 " + said.encode()
    assert sha256(signed_bytes(NAMESPACE, signed)).hexdigest() in DOCUMENTATION


def test_dsse_counts_bytes() -> None:
    """The example of the DSSE protocol, section "Protocol"."""
    assert encoded("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert encoded("批", b"") == "DSSEv1 3 批 0 ".encode()


def test_how_a_moment_is_written_means_nothing() -> None:
    there = decision(validUntil="2027-01-01T00:00:00+08:00")
    assert statement(NAMESPACE, there) == statement(NAMESPACE, decision(validUntil="2026-12-31T16:00:00.000Z"))


def test_a_default_may_be_written_or_left_out() -> None:
    left_out = {name: value for name, value in json.loads(decision().model_dump_json(by_alias=True)).items() if name not in DEFAULTS}
    assert statement(NAMESPACE, ApprovalSpec.model_validate(left_out)) == statement(NAMESPACE, decision(**DEFAULTS))


DEFAULTS: dict[str, Any] = {"validUntil": None, "comment": "", "attachments": [], "signature": None}


SIGNED = OFFICE.signs(decision())
EVERY_FIELD = [case for case in fields(SIGNED) if case[0] != ("signature", "value")]


@pytest.mark.parametrize(("path", "info", "value"), EVERY_FIELD, ids=[".".join(map(str, case[0])) for case in EVERY_FIELD])
def test_no_field_can_be_changed_under_a_signature(path: Any, info: Any, value: Any) -> None:
    assert value not in (None, "", ()), f"{path} says nothing in this example: give it a value in offices.decision"
    document = with_value(SIGNED.model_dump(mode="json", by_alias=True), path, another(info, value))
    changed = ApprovalSpec.model_validate(document)
    assert statement(NAMESPACE, changed) != statement(NAMESPACE, SIGNED)
    assert judged(changed) is not None


def test_it_holds_in_its_own_namespace_only() -> None:
    assert judged(OFFICE.signs(decision()), namespace="elsewhere") == "SignatureInvalid"


# Keys


def test_a_key_that_the_jurisdiction_does_not_know_proves_nothing() -> None:
    assert judged(Ed25519Office(2).signs(decision())) == "SigningKeyUnknown"
    assert judged(OFFICE.signs(decision()), Approvals()) == "SigningKeyUnknown"


def test_another_key_under_the_id_of_a_known_one_proves_nothing() -> None:
    assert judged(Ed25519Office(2).signs(decision(), key_id=key_id(OFFICE.public_key))) == "SignatureInvalid"


def test_another_offices_key_proves_nothing_here() -> None:
    finance = Ed25519Office(2, "九江市财政局")
    assert judged(finance.signs(decision()), Approvals(keys=(OFFICE.entry(), finance.entry()))) == "SigningKeyForeign"


def test_a_key_may_be_for_some_steps_only() -> None:
    for_one = Approvals(keys=(OFFICE.entry(steps=["provider-consent"]),))
    assert judged(OFFICE.signs(decision()), for_one) == "SigningKeyForeign"
    assert judged(OFFICE.signs(decision(step="provider-consent")), for_one) is None


@pytest.mark.parametrize(
    ("validity", "reason"),
    [
        ({"valid_from": MORNING + DAY}, "SigningKeyNotValid"),
        ({"valid_until": MORNING}, "SigningKeyNotValid"),
        ({"valid_until": MORNING - DAY}, "SigningKeyNotValid"),
        ({"valid_from": MORNING, "valid_until": MORNING + DAY}, None),
        ({"revoked_at": MORNING - DAY, "revocation_reason": "stolen"}, "SigningKeyRevoked"),
        ({"revoked_at": MORNING}, "SigningKeyRevoked"),
        ({"revoked_at": MORNING + DAY}, None),
    ],
)
def test_a_key_counts_for_what_is_filed_while_it_holds(validity: dict[str, Any], reason: str | None) -> None:
    assert judged(OFFICE.signs(decision()), Approvals(keys=(OFFICE.entry(**validity),))) == reason


def test_dating_a_signature_back_does_not_help_a_revoked_key() -> None:
    revoked = Approvals(keys=(OFFICE.entry(revoked_at=MORNING),))
    assert judged(OFFICE.signs(decision(), signed_at=MORNING - 30 * DAY), revoked, created_at=MORNING + DAY) == "SigningKeyRevoked"


def test_nothing_is_signed_after_it_was_filed_but_clocks_may_differ_a_little() -> None:
    assert judged(OFFICE.signs(decision(), signed_at=MORNING + timedelta(minutes=4))) is None
    assert judged(OFFICE.signs(decision(), signed_at=MORNING + timedelta(minutes=6))) == "SignatureInvalid"


# Algorithms


def test_sm2_counts_too() -> None:
    office = Sm2Office()
    trusted = Approvals(keys=(OFFICE.entry(), office.entry()))
    spec = office.signs(decision())
    assert judged(spec, trusted) is None
    assert judged(spec.model_copy(update={"comment": "同意。"}), trusted) == "SignatureInvalid"


def test_a_controller_without_sm2_says_which_extra_to_install() -> None:
    office = Sm2Office()
    only = {"Ed25519": VERIFIERS["Ed25519"]}
    fault = signature_fault(filed(office.signs(decision())), Approvals(keys=(office.entry(),)), only)
    assert fault is not None
    assert fault[0] == "SignatureAlgorithmUnavailable"
    assert "govcloud[sm2]" in fault[1]


def test_a_key_is_for_one_algorithm() -> None:
    confused = OFFICE.signs(decision(), algorithm="SM2")
    assert judged(confused) == "SignatureAlgorithmWrong"
    mislabelled = OFFICE.entry(algorithm="SM2")
    assert judged(confused, Approvals(keys=(mislabelled,))) == "SignatureInvalid"


@pytest.mark.parametrize("algorithm", ["none", "None", "", "ed25519", "HS256", "RS256", None])
def test_what_is_no_algorithm_of_the_list_cannot_be_written_down(algorithm: str | None) -> None:
    with pytest.raises(ValueError, match="algorithm"):
        OFFICE.signs(decision(), algorithm=algorithm)


@pytest.mark.parametrize("payload_type", ["", "application/vnd.govcloud.guard+json", "application/json", PAYLOAD_TYPE + " "])
def test_what_was_signed_as_something_else_is_no_decision(payload_type: str) -> None:
    """The same words under another type, as in CVE-2022-35929."""
    spec = OFFICE.signs(decision())
    words = statement(NAMESPACE, spec).encode()
    swapped = [encoded(payload_type, words), words, payload_type.encode() + words]
    for message in swapped:
        value = base64.b64encode(OFFICE.raw_signature(message)).decode()
        assert spec.signature is not None
        assert judged(attached(spec, spec.signature.model_copy(update={"value": value}))) == "SignatureInvalid"


@pytest.mark.parametrize("value", ["AAAA", "A" * 86 + "==", "=AAA"])
@pytest.mark.parametrize("office", [OFFICE, Sm2Office()], ids=["Ed25519", "SM2"])
def test_what_is_no_signature_at_all_is_refused_and_breaks_nothing(office: Ed25519Office, value: str) -> None:
    spec = office.signs(decision())
    assert spec.signature is not None
    broken = attached(spec, spec.signature.model_copy(update={"value": value}))
    assert judged(broken, Approvals(keys=(office.entry(),))) == "SignatureInvalid"


def test_a_key_that_is_none_signs_nothing_and_hides_no_other() -> None:
    damaged = OFFICE.entry(public_key="A" * 61)
    assert judged(OFFICE.signs(decision()), Approvals(keys=(damaged, OFFICE.entry()))) is None


def test_a_moment_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="timezone"):
        decision(validUntil="2026-12-31T16:00:00")


def test_the_same_decision_filed_again_carries_the_same_proof_but_is_another_object() -> None:
    """That it counts once is a matter of its document number: see the stories of tests/approvals/test_proven_decisions.py."""
    again = replace(filed(SIGNED), name="two", uid="uid-of-two")
    assert signature_fault(again, TRUSTED) is None
    assert again.spec.office == AUTHORITY
