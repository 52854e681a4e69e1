"""What the engine's failures mean: waiting, or somebody's work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from govcloud.adapters.pulumi_failures import meaning, translated
from govcloud.audit.errors import AuditUnavailable
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.engine import failures as engine
from stacks.engine.failures import Diagnostic
from stacks.provider.errors import Code


def failed(*messages: str) -> engine.RunFailed:
    return engine.RunFailed(tuple(Diagnostic("web-0", message) for message in messages), "")


def reason_of(error: engine.EngineError) -> tuple[type[Exception], Reason]:
    found = meaning(error)
    assert isinstance(found, Retry | Stop)
    return type(found), found.reason


@pytest.mark.parametrize(
    ("message", "kind", "reason"),
    [
        ("QuotaExceeded: no room", Retry, Reason.QUOTA_EXCEEDED),
        ("Unreachable: nova answers nothing", Retry, Reason.CLOUD_UNREACHABLE),
        ("AnswerLost: of nova", Retry, Reason.CLOUD_UNREACHABLE),
        ("Timeout: after 900 s", Retry, Reason.CLOUD_UNREACHABLE),
        ("Unauthorized: refused", Retry, Reason.CLOUD_UNAUTHORIZED),
        ("Conflict: in use", Retry, Reason.CONFLICT),
        ("Cancelled: the run was cancelled", Retry, Reason.ENGINE_FAILED),
        ("NotFound: compute Instance web-0: there is no flavor named huge", Stop, Reason.FLAVOR_OR_IMAGE_MISSING),
        ("NotFound: there is no image named beos", Stop, Reason.FLAVOR_OR_IMAGE_MISSING),
        ("NotFound: compute Instance web-0: it is not there", Stop, Reason.RESOURCE_FAILED),
        ("Invalid: a name is too long", Stop, Reason.INVALID_INPUT),
        ("Failed: No valid host was found.", Stop, Reason.RESOURCE_FAILED),
        ("PlanMismatch: plan 1 does not allow to delete web-0", Stop, Reason.PLAN_MISMATCH),
        ("Duplicates: 2 objects carry the mark", Stop, Reason.DUPLICATES),
        ("something without a code", Retry, Reason.ENGINE_FAILED),
    ],
)
def test_each_code_has_its_meaning(message: str, kind: type[Exception], reason: Reason) -> None:
    assert reason_of(failed(f"resource:web-0: {message}")) == (kind, reason)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.JOURNAL_UNAVAILABLE])
def test_no_code_of_the_provider_is_without_a_meaning(code: Code) -> None:
    assert isinstance(meaning(failed(f"{code.value}: x")), Retry | Stop)


def test_what_could_not_be_recorded_stops_everything() -> None:
    assert isinstance(meaning(failed("JournalUnavailable: not recorded")), AuditUnavailable)


def test_a_quota_is_tried_again_after_a_long_while() -> None:
    found = meaning(failed("QuotaExceeded: no room"))
    assert isinstance(found, Retry)
    assert found.after == timedelta(minutes=5)


def test_of_several_failures_the_one_that_a_person_must_cure_is_told() -> None:
    assert reason_of(failed("Unreachable: x", "Invalid: a name is too long", "QuotaExceeded: y")) == (
        Stop,
        Reason.INVALID_INPUT,
    )


def test_the_message_is_the_sentence_without_what_surrounds_it() -> None:
    found = meaning(failed("error: 1 error occurred:\n* Conflict: volume data: in use\n  Traceback: no"))
    assert str(found) == "volume data: in use"


def test_a_message_never_floods_a_status() -> None:
    assert len(str(meaning(failed("Failed: " + "x" * 5000)))) <= 1000


def test_a_program_that_asked_for_what_the_cloud_does_not_have_is_no_fault_of_ours() -> None:
    error = engine.ProgramFailed(
        "its program raised", "invoke failed: NotFound: there is no image named beos\nTraceback"
    )
    assert reason_of(error) == (Stop, Reason.FLAVOR_OR_IMAGE_MISSING)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (engine.ProgramFailed("its program raised", "KeyError: 'x'"), Stop, Reason.PROGRAM_FAULT),
        (engine.ProgramFailed("its program raised", "invoke of openstack:a:b failed: connection reset"), Retry, Reason.ENGINE_FAILED),
        (engine.EngineLost("went away"), Retry, Reason.ENGINE_FAILED),
        (engine.StackLocked("held"), Retry, Reason.STACK_LOCKED),
        (engine.StateDamaged("cut off"), Stop, Reason.PROGRAM_FAULT),
        (engine.WrongPassphrase("other key"), Stop, Reason.PROGRAM_FAULT),
        (engine.EngineMissing("not there"), Stop, Reason.PROGRAM_FAULT),
        (engine.EngineError("code 255"), Retry, Reason.ENGINE_FAILED),
        (failed(), Retry, Reason.ENGINE_FAILED),
    ],
)
def test_failures_of_the_engine_itself(error: engine.EngineError, kind: type[Exception], reason: Reason) -> None:
    assert reason_of(error) == (kind, reason)


def test_a_fault_of_ours_is_not_taken_for_the_engines() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        _ = 1 / 0
