"""What may be purged, over every combination of what may ask for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from govcloud.api.backup import BackedUpRequest, BackupSpec, BackupStatus, PartStatus
from govcloud.api.progress import Operation, Progress, RestorationRecord
from govcloud.audit.holds import Hold
from govcloud.core.backup_sets import is_verified
from govcloud.core.objects import BackupObject
from govcloud.core.purging import ClearOrphan, Forget, Kept, Purge, may_be_purged, steps, wanted_by

NOW = datetime(2027, 1, 1, tzinfo=UTC)
UIDS = [f"{n}d0c0000-0000-4000-8000-000000000001" for n in range(3)]
UNITS = ["health", "schools", "roads"]


def backup(request: int, number: int, kind: str, over: bool, **status: object) -> BackupObject:
    begun = NOW - timedelta(days=100 - number)
    spec = BackupSpec(
        kind=kind, number=number, request=BackedUpRequest(namespace="bureau", name=f"r{request}", uid=UIDS[request]), unit=UNITS[request],
        jurisdiction="jiujiang", plan=1, plan_digest="sha256:" + "0" * 64, project_id="project", backup_project="backups",
        quarantine_project="quarantine", frozen_at=begun, parts=(), retain_until=NOW + timedelta(0 if over else 1),
    )  # fmt: skip
    return BackupObject(f"{request}-{kind}-{number}", f"{request}{number}", spec, BackupStatus(**status))


STATUSES = {
    "running": {},
    "verified": {"verified_at": NOW},
    "failed": {"failed_at": NOW},
    "cleared": {"failed_at": NOW, "cleared_at": NOW},
    "differs": {"failed_at": NOW, "cleared_at": NOW, "parts": (PartStatus(name="data", state="Mismatch"),)},
    "purged": {"verified_at": NOW, "purged_at": NOW},
}


@st.composite
def kept_things(draw: st.DrawFn) -> Kept:
    """Some sets of three requests, which live or have ended or are gone, under some holds."""
    rows = draw(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["Regular", "Termination"]), st.booleans(), st.sampled_from(sorted(STATUSES))), max_size=8))
    backups = [backup(request, number, kind, over, **STATUSES[state]) for number, (request, kind, over, state) in enumerate(rows, 1)]
    known = draw(st.sets(st.sampled_from(UIDS)))
    live = draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    about = draw(st.sampled_from([None, ("request", 0), ("unit", 1)]))
    holds = [] if about is None else [Hold("h", UIDS[about[1]] if about[0] == "request" else "", UNITS[about[1]] if about[0] == "unit" else "", "why", "li.na", 1)]
    return Kept(NOW, backups, known, live, holds)


def is_held(backup: BackupObject, kept: Kept) -> bool:
    return any(backup.spec.request.uid == hold.request or backup.spec.unit == hold.unit for hold in kept.holds)


@given(kept_things())
def test_nothing_goes_that_anything_asks_for(kept: Kept) -> None:
    for each in (step.backup for step in steps(kept) if isinstance(step, Purge)):
        assert each.spec.retain_until <= kept.now
        assert not is_held(each, kept)
        assert not any(part.state == "Mismatch" for part in each.status.parts)
        assert each.status.verified_at or each.status.cleared_at, "what was never finished may be all there is"
        assert each.status.purged_at is None


@given(kept_things())
def test_of_a_request_that_lives_a_verified_set_stays_if_there_was_one(kept: Kept) -> None:
    gone = {step.backup.name for step in steps(kept) if isinstance(step, Purge)}
    for uid in kept.live:
        verified = [each for each in kept.backups if each.spec.request.uid == uid and is_verified(each)]
        newest = max(verified, key=lambda each: each.spec.frozen_at, default=None)
        assert newest is None or newest.name not in gone


@given(kept_things())
def test_what_is_over_and_nothing_asks_for_goes(kept: Kept) -> None:
    for each in kept.backups:
        newest = max((b.spec.number for b in kept.backups if b.spec.request.uid == each.spec.request.uid and is_verified(b)), default=0)
        if each.spec.retain_until <= NOW and is_verified(each) and not is_held(each, kept) and (each.spec.request.uid not in kept.live or each.spec.number < newest):
            assert may_be_purged(each, kept)


@given(kept_things())
def test_records_of_terminations_stay_and_what_is_cleared_has_no_request(kept: Kept) -> None:
    for step in steps(kept):
        if isinstance(step, Forget):
            assert step.backup.spec.kind == "Regular" and step.backup.status.purged_at is not None
        if isinstance(step, ClearOrphan):
            assert step.backup.spec.kind == "Regular" and step.backup.spec.request.uid not in kept.known
            assert step.backup.status.verified_at is None


def test_what_a_request_wants_back_is_wanted_until_it_has_it_and_by_its_own_unit_only() -> None:
    wish = {"backup": "set-1", "services": ["data"], "reason": "误删"}
    done = RestorationRecord(plan=3, backup="set-1", reason="误删", ended_at=datetime(2026, 3, 2, tzinfo=UTC))
    spec = {"unit": "bureau", "restoreFrom": wish}
    assert list(wanted_by(spec, Progress())) == [("bureau", "set-1")]
    assert list(wanted_by(spec, Progress(restoration=done))) == []
    assert list(wanted_by({**spec, "restoreFrom": {**wish, "reason": "再次误删"}}, Progress(restoration=done))) == [("bureau", "set-1")]
    assert list(wanted_by({"unit": "bureau"}, Progress())) == []
    assert list(wanted_by(spec, Progress(terminated_at=done.ended_at))) == []
    under_way = Operation(plan=4, transition="Restore", started_at=datetime(2026, 3, 2, tzinfo=UTC))
    begun = RestorationRecord(plan=4, backup="set-2", reason="x")
    assert list(wanted_by({"unit": "bureau"}, Progress(restoration=begun, operation=under_way))) == [("bureau", "set-2")]
    assert list(wanted_by({"unit": "bureau"}, Progress(restoration=begun))) == [], "it was given up"
