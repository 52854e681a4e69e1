"""What may stand in a record, and that nothing else can."""

import json
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from audit.logs import CONTROLLER, event, intent, outcome, record
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from govcloud.audit.records import (
    MAX_RECORD_BYTES,
    Action,
    Entry,
    Initiator,
    InitiatorType,
    Outcome,
    Phase,
    Reason,
    Record,
    RequestIds,
    Target,
    escape_invisible,
    readable,
)


def test_stored_records_read_back_the_same() -> None:
    one = record(
        intent(
            reason=Reason(
                plan_number=3, plan_digest="sha256:1", approval_digests=("a", "b"), rule="quota", article="JJ 26"
            ),
            request_ids=RequestIds(openstack=("req-1",), kubernetes=("k-1",)),
            attributes={"method": "POST"},
            duration_ms=12,
        )
    )
    assert Record.model_validate_json(one.stored()) == one


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=50), st.dictionaries(st.from_regex(r"[a-z][A-Za-z0-9.]{0,10}", fullmatch=True), st.text()))
def test_stored_bytes_are_canonical_one_line_and_printable(text: str, attributes: dict[str, str]) -> None:
    attributes = {f"x{key}x": value for key, value in list(attributes.items())[:24]}
    stored = record(event(message=text, target=Target(kind="k", name=text), attributes=attributes)).stored()
    again = json.dumps(json.loads(stored), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert stored == again
    assert escape_invisible(stored.decode()) == stored.decode()
    assert Record.model_validate_json(stored).stored() == stored


@given(st.text())
def test_escaping_leaves_nothing_invisible_and_is_done_once(text: str) -> None:
    escaped = escape_invisible(text)
    assert escape_invisible(escaped) == escaped
    escaped.encode()  # no surrogates left
    assert "\n" not in escaped
    assert "\u202e" not in escaped


@pytest.mark.parametrize(
    ("text", "escaped"), [("\x00", "\\u0000"), ("\u2028", "\\u2028"), ("\uffff", "\\uffff"), ("\U000e0001", "\\U000e0001"), ("字𐀀", "字𐀀")]
)
def test_what_is_invisible_is_written_as_its_number(text: str, escaped: str) -> None:
    assert escape_invisible(f"a{text}b") == f"a{escaped}b"


def test_what_was_not_said_is_not_stored() -> None:
    stored = json.loads(record(event(request="", unit="")).stored())
    said = {"v", "id", "sequence", "commit", "prev", "checkpoint", "time", "monotonic", "boot", "fence"}
    assert stored.keys() == said | {"phase", "action", "outcome", "initiator", "target"}
    assert stored["target"].keys() == {"kind", "name"}


def test_words_of_others_are_escaped_and_shortened_never_refused() -> None:
    one = event(message="line\nline \u202eright\x00" + "x" * 2_000, target=Target(kind="k", name="n" * 300))
    assert one.message.startswith("line\\u000aline \\u202eright\\u0000xxx")
    assert (len(one.message), one.message[-1]) == (1_024, "…")
    assert (len(one.target.name), one.target.name[-1]) == (256, "…")
    assert RequestIds(openstack=("r" * 200 + "\n",)).openstack[0].endswith("…")


@pytest.mark.parametrize(("said", "kept"), [("1234", "1234"), ("12345", "12345"), ("123456", "1234…"), ("a\nb", "a\\u0…"), ("", "")])
def test_what_is_longer_than_it_may_be_ends_in_an_ellipsis(said: str, kept: str) -> None:
    assert TypeAdapter(Annotated[str, readable(5)]).validate_python(said) == kept


def test_what_is_no_text_is_not_made_one() -> None:
    with pytest.raises(ValidationError, match="valid string"):
        TypeAdapter(Annotated[str, readable(5)]).validate_python(7)


@pytest.mark.parametrize("bad", ["", "a\nb", "a\u202eb", "x" * 257])
def test_the_accountable_names_must_be_plain(bad: str) -> None:
    with pytest.raises(ValidationError):
        Initiator(id=bad, type=InitiatorType.PERSON)
    if bad:
        with pytest.raises(ValidationError, match=r"must hold printable characters only; found a\\u(000a|202e)b|at most 256 characters"):
            intent(unit=bad)


@pytest.mark.parametrize("key", ["password", "adminPassword", "userData", "X", "", "a b", "authToken", "clientSecret"])
def test_attributes_that_name_secrets_or_are_no_names_are_refused(key: str) -> None:
    why = "names a secret; record its digest or its name instead, never its value|String should match pattern"
    with pytest.raises(ValidationError, match=why):
        event(attributes={key: "x"})


def test_attributes_are_bounded() -> None:
    assert len(event(attributes={"a": "x" * 9_999}).attributes["a"]) == 256
    with pytest.raises(ValidationError):
        event(attributes={f"a{n}": "" for n in range(25)})


def test_no_field_but_the_known_ones_and_no_other_types() -> None:
    with pytest.raises(ValidationError):
        event(body="{}")
    with pytest.raises(ValidationError):
        event(message=b"bytes")
    with pytest.raises(ValidationError):
        event(attributes={"a": 1})
    with pytest.raises(ValidationError):
        event(action="create")


def test_nothing_of_a_record_can_be_set_afterwards() -> None:
    with pytest.raises(ValidationError):
        event().message = "other"  # type: ignore[misc]


def test_phase_outcome_and_intent_agree() -> None:
    with pytest.raises(ValidationError, match="pending"):
        intent(outcome=Outcome.SUCCESS)
    with pytest.raises(ValidationError, match="names the intent"):
        outcome("")
    with pytest.raises(ValidationError, match="names the intent"):
        event(intent="id-1")


@pytest.mark.parametrize(
    ("entry", "settles"),
    [
        (outcome("i"), True),
        (outcome("i", outcome=Outcome.FAILURE), True),
        (outcome("i", outcome=Outcome.UNKNOWN), True),
        (outcome("i", outcome=Outcome.PENDING), False),
        (intent(), False),
        (event(), False),
    ],
)
def test_what_settles_an_intent(entry: Entry, settles: bool) -> None:
    assert entry.settles is settles


def test_time_is_utc_to_the_microsecond() -> None:
    assert b'"time":"2026-05-01T08:00:00.000000Z"' in record(event()).stored()
    with pytest.raises(ValidationError, match="UTC"):
        record(event(), time=datetime(2026, 5, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    with pytest.raises(ValidationError):
        record(event(), time=datetime(2026, 5, 1, 8))


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": -1},
        {"sequence": 2**53},
        {"prev": "0" * 63},
        {"prev": "G" * 64},
        {"monotonic": "-1"},
        {"fence": ""},
        {"v": 2},
    ],
)
def test_what_the_log_adds_is_checked_too(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        record(event(), **changes)


def test_the_largest_record_fits_a_frame() -> None:
    wide, ids = "\U00020000", ("\U00020000" * 64,) * 16
    largest = outcome(
        wide * 256,
        initiator=Initiator(id=wide * 256, type=InitiatorType.CONTROLLER, on_behalf_of=wide * 256),
        target=Target(kind=wide * 256, id=wide * 256, name='"' * 256, project=wide * 256),
        request=wide * 256,
        unit=wide * 256,
        reason=Reason(
            plan_number=2**53 - 1,
            plan_digest=wide * 128,
            approval_digests=(wide * 128,) * 16,
            rule=wide * 256,
            article=wide * 256,
        ),
        request_ids=RequestIds(openstack=ids, kubernetes=ids),
        message=wide * 1_024,
        attributes={f"a{n:02d}".ljust(63, "x"): wide * 256 for n in range(24)},
        duration_ms=2**53 - 1,
    )
    assert len(record(largest, boot=wide * 256, fence=wide * 256, id=wide * 256).stored()) <= MAX_RECORD_BYTES


def test_every_action_has_a_cadf_name_that_begins_with_a_cadf_verb() -> None:
    """The verbs of DSP0262, A.2.1, and no word of our own at the start."""
    verbs = {
        "backup", "capture", "create", "configure", "read", "update", "delete", "monitor", "start", "stop", "deploy",
        "undeploy", "enable", "disable", "send", "receive", "authenticate", "renew", "revoke", "allow", "deny", "evaluate",
        "notify", "restore",
    }  # fmt: skip
    assert {action.cadf.partition("/")[0] for action in Action} <= verbs
    assert len({action.cadf for action in Action}) == len(Action)


def test_who_acted_and_for_whom_is_always_stored() -> None:
    fields = json.loads(record(intent()).stored())
    assert fields["initiator"] == {"id": CONTROLLER.id, "onBehalfOf": "wang.wei", "type": "controller"}
    assert (fields["phase"], fields["v"]) == (Phase.INTENT, 1)
