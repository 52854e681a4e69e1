"""Who used a document number first, where the API server, which tells times to the second only, cannot say it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from approvals.offices import MORNING, decision, filed

from govcloud.api.approval import ApprovalStatus
from govcloud.api.common import Condition
from govcloud.core.document_numbers import decision_of, first_uses, folded
from govcloud.core.objects import ApprovalObject
from govcloud.reasons import Reason

NUMBER = "九卫〔2026〕12号"


def using(uid: str, step: str, said: Reason | None = None) -> ApprovalObject:
    """A decision of that morning's second under the number, with what the controller said of it."""
    made = replace(filed(decision(step=step, documentNumber=NUMBER)), uid=uid)
    if said is None:
        return made
    accepted = Condition(type="Accepted", status="True" if said is Reason.COUNTED else "False", reason=said, last_transition_time=MORNING)
    return replace(made, status=ApprovalStatus(conditions=(accepted,)))


def first(*approvals: ApprovalObject) -> str:
    """The step whose decision used the number first."""
    used = first_uses(approvals)[folded(NUMBER)]
    return next(a.spec.step for a in approvals if decision_of(a) == used)


@pytest.mark.parametrize("later", [None, Reason.DOCUMENT_NUMBER_USED], ids=["not yet judged", "refused"])
@pytest.mark.parametrize("earlier", [Reason.COUNTED, Reason.WITHDRAWN, Reason.OUT_OF_ORDER])
@pytest.mark.parametrize("uids", ["ab", "ba"])
def test_what_was_judged_before_within_the_second_used_it_first(earlier: Reason, later: Reason | None, uids: str) -> None:
    assert first(using(uids[0], "superior-unit", earlier), using(uids[1], "authority", later)) == "superior-unit"


@pytest.mark.parametrize("uids", ["ab", "ba"])
def test_a_refusal_for_the_number_does_not_come_undone(uids: str) -> None:
    refused = using(uids[0], "superior-unit", Reason.DOCUMENT_NUMBER_USED)
    assert first(refused, using(uids[1], "authority", Reason.COUNTED)) == "authority"
    assert first(refused, using(uids[1], "authority")) == "authority"


def test_an_earlier_second_comes_first_whatever_was_said() -> None:
    earlier = replace(using("b", "superior-unit", Reason.EXPIRED), created_at=MORNING - timedelta(seconds=1))
    assert first(earlier, using("a", "authority", Reason.COUNTED)) == "superior-unit"
