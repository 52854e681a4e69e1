"""Officials decide with `govcloud pending`, `approve`, `reject`, `revoke`, and with nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from approvals.offices import Ed25519Office
from cli.desks import desk_of, govcloud
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from reconcile.world import APPLICANT, AUTHORITY, NAME, NAMESPACE, SUPERIOR_TITLE, World, jurisdiction_spec
from typer.testing import CliRunner

from govcloud.api.approval import ApprovalSpec
from govcloud.api.common import as_written
from govcloud.cli import app
from govcloud.core.canonical import canonical
from govcloud.core.deciding import CannotDecide, Official, Verdict, decision_on, must_count
from govcloud.core.plan import Departure
from govcloud.core.sentences import in_words

NUMBERS = (f"九信办〔2026〕{number}号" for number in range(900, 10_000))


def approve(world: World, step: str, *more: str) -> Any:
    world.clock.advance(timedelta(minutes=1))
    return govcloud(desk_of(world, step), "approve", f"csreq/{NAME}", "-n", NAMESPACE, "--number", next(NUMBERS), "--yes", *more)


@pytest.fixture
def planned(world: World) -> World:
    world.apply()
    world.run()
    return world


def filed(world: World) -> list[ApprovalSpec]:
    return [approval.spec for approval in world.cluster.approvals()]


def test_the_offices_decide_one_after_the_other(planned: World) -> None:
    first = approve(planned, "superior-unit")
    assert (first.exit_code, "it counts" in first.stdout) == (0, True), first.output
    assert approve(planned, "authority").exit_code == 0
    assert planned.status().phase == "Trial"
    assert [(a.step, a.office, a.approver) for a in filed(planned)] == [
        ("superior-unit", SUPERIOR_TITLE, "zhao.gang"),
        ("authority", AUTHORITY, "sun.li"),
    ]
    assert {a.plan_digest for a in filed(planned)} == {planned.plan(1).digest}


def test_the_plan_is_told_in_words_before_anybody_is_asked(planned: World) -> None:
    desk = desk_of(planned, "superior-unit")
    said = govcloud(desk, "approve", NAME, "--number", "九卫〔2026〕1号", typed="n\n")
    for part in ("Plan 1, Provision", "Makes: ", "2 servers (web-0, web-1)", "yuan a month", "[JJ 14]", "Approve this plan? [y/N]"):
        assert part in said.stdout
    assert (said.exit_code, desk.posts) == (1, [])
    assert govcloud(desk, "approve", NAME, "--number", "九卫〔2026〕1号", typed="y\n").exit_code == 0
    assert len(desk.posts) == 1


def test_a_termination_says_what_is_destroyed(world: World) -> None:
    world.to_trial()
    world.terminate()
    world.run()
    said = govcloud(desk_of(world, "unit-consent"), "approve", NAME, "--number", "急〔2026〕1号", typed="n\n").stdout
    assert "Before anything is destroyed, all data is backed up" in said
    assert "Destroys: " in said
    chinese = govcloud(desk_of(world, "unit-consent"), "approve", NAME, "--number", "急〔2026〕1号", "--lang", "zh", typed="n\n").stdout
    assert "销毁:" in chinese


def test_without_a_terminal_it_demands_to_be_sure(planned: World) -> None:
    desk = desk_of(planned, "superior-unit")
    said = govcloud(desk, "approve", NAME, "--number", "九卫〔2026〕1号")
    assert (said.exit_code, desk.posts) == (2, [])
    assert "--yes" in said.stderr


def test_who_is_not_asked_is_told_who_is(planned: World) -> None:
    said = approve(planned, "authority")
    assert said.exit_code == 1
    assert f"waits for {SUPERIOR_TITLE} to decide 'superior-unit'" in said.stderr
    assert "you may decide authority" in said.stderr
    assert filed(planned) == []


def test_what_was_decided_already_is_not_decided_again(planned: World) -> None:
    approve(planned, "superior-unit")
    said = approve(planned, "superior-unit", "--step", "superior-unit")
    assert (said.exit_code, "approved already, by zhao.gang" in said.stderr) == (1, True)
    assert len(filed(planned)) == 1


def test_the_same_decision_twice_is_one(planned: World) -> None:
    desk = desk_of(planned, "superior-unit", controller_answers=False)
    for _ in range(2):
        said = govcloud(desk, "approve", NAME, "--number", "九卫〔2026〕1号", "--yes", "--wait", "0")
        assert (said.exit_code, "has not said yet" in said.stdout) == (0, True)
    assert len(filed(planned)) == 1
    assert desk.posts[0] == desk.posts[1]


def test_the_applicant_does_not_decide(planned: World) -> None:
    desk = desk_of(planned, "superior-unit")
    desk.person = APPLICANT
    said = govcloud(desk, "approve", NAME, "--number", "九卫〔2026〕1号", "--yes")
    assert (said.exit_code, "is the applicant" in said.stderr) == (1, True)


def test_a_digest_in_the_status_is_not_taken_at_its_word(planned: World) -> None:
    request = planned.request()
    status = dict(request.status)
    status["plan"] = {**status["plan"], "digest": "sha256:" + "1" * 64}
    planned.cluster.damage_status(request, status)
    said = approve(planned, "superior-unit")
    assert (said.exit_code, filed(planned)) == (1, [])
    assert "decide nothing, tell operations" in said.stderr
    assert planned.plan(1).digest in said.stderr


def test_a_plan_that_was_changed_after_pinning_is_refused(planned: World) -> None:
    text = canonical(planned.plan(1).model_copy(update={"monthly_cost": "1.00"}).model_dump(mode="json", by_alias=True))
    planned.cluster.damage_plan(planned.request().key, 1, text)
    assert "the pinned plan has" in approve(planned, "superior-unit").stderr
    planned.cluster.damage_plan(planned.request().key, 1, "{ }")
    assert "cannot be read" in approve(planned, "superior-unit").stderr
    planned.cluster.delete_plan(planned.request().key, 1)
    assert "cannot be found" in approve(planned, "superior-unit").stderr
    assert filed(planned) == []


def test_a_superseded_plan_is_not_decided_on(planned: World) -> None:
    planned.edit_service("data", sizeGib=7)
    said = approve(planned, "superior-unit")
    assert (said.exit_code, "superseded" in said.stderr) == (1, True)
    planned.run()
    assert approve(planned, "superior-unit").exit_code == 0
    assert filed(planned)[0].plan_digest == planned.plan(2).digest


def test_where_nothing_waits_it_says_what_is_next(world: World) -> None:
    world.to_trial()
    said = approve(world, "authority")
    assert (said.exit_code, "no decision is waited for. Trial until" in said.stderr) == (1, True)
    unknown = approve(world, "authority", "--step", "mayor")
    assert "has no step 'mayor'; its steps are superior-unit, authority" in unknown.stderr


def test_what_would_not_count_is_not_filed(planned: World) -> None:
    number = "九卫〔2026〕1号"
    assert govcloud(desk_of(planned, "superior-unit"), "approve", NAME, "--number", number, "--yes").exit_code == 0
    said = govcloud(desk_of(planned, "authority"), "approve", NAME, "--number", number, "--yes")
    assert (said.exit_code, "would not count (DocumentNumberUsed)" in said.stderr) == (1, True)
    two_hats = desk_of(planned, "authority")
    two_hats.person = "zhao.gang"
    said = govcloud(two_hats, "approve", NAME, "--number", "x-2", "--yes")
    assert (said.exit_code, "would not count (OnePersonTwoOffices)" in said.stderr) == (1, True)
    assert len(filed(planned)) == 1


def test_a_decision_that_does_not_count_is_no_success(planned: World) -> None:
    elsewhere = planned.decide("superior-unit", document_number="九卫〔2026〕1号", plan_digest="sha256:" + "0" * 64)
    hidden = desk_of(planned, "superior-unit", unseen=frozenset({elsewhere.name}))
    said = govcloud(hidden, "approve", NAME, "--number", "九卫〔2026〕1号", "--yes")
    assert (said.exit_code, "does not count (DocumentNumberUsed)" in said.stderr) == (1, True)


def test_another_comment_under_the_same_number_is_another_decision(planned: World) -> None:
    desk = desk_of(planned, "superior-unit", controller_answers=False)
    for comment, code in (("同意", 0), ("同意", 0), ("暂缓", 1)):
        said = govcloud(desk, "approve", NAME, "--number", "x-1", "--comment", comment, "--yes", "--wait", "0")
        assert said.exit_code == code, said.output
    assert "with other content" in said.stderr


def test_a_rejection_says_what_to_correct(planned: World) -> None:
    desk = desk_of(planned, "superior-unit")
    said = govcloud(desk, "reject", f"csreq/{NAME}", "--number", "九卫〔2026〕2号", "--reason", "数据库过大", "--yes")
    assert said.exit_code == 0, said.output
    assert (planned.status().phase, filed(planned)[0].comment) == ("Rejected", "数据库过大")


def test_an_approval_is_taken_back(planned: World) -> None:
    approve(planned, "superior-unit")
    name = planned.cluster.approvals()[0].name
    stranger = govcloud(desk_of(planned, "authority"), "revoke", name, "--number", "x-1", "--yes")
    assert (stranger.exit_code, "was not granted step 'superior-unit'" in stranger.stderr) == (1, True)
    planned.clock.advance(timedelta(minutes=1))
    said = govcloud(desk_of(planned, "superior-unit"), "revoke", f"csapp/{name}", "--number", "x-2", "--reason", "材料有误", "--yes")
    assert said.exit_code == 0, said.output
    assert planned.next_action().waiting_for == "superior-unit"
    revocation = next(a.name for a in planned.cluster.approvals() if a.spec.decision == "Revoked")
    again = govcloud(desk_of(planned, "superior-unit"), "revoke", revocation, "--number", "x-3", "--yes")
    assert (again.exit_code, "nothing to take back" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("approve", "csapp/x", "--number", "1", "--yes"), 2, "names no CloudServiceRequest"),
        (("approve", "csreq/none", "--number", "1", "--yes"), 1, "does not exist"),
        (("approve", f"csreq/{NAME}", "--number", "a\u202eb", "--yes"), 2, "--number is one line"),
        (("approve", f"csreq/{NAME}", "--number", "1", "--valid-until", "soon", "--yes"), 2, "--valid-until"),
        (("approve", f"csreq/{NAME}", "--number", "1", "--wait", "-1"), 2, "--wait"),
        (("approve", f"csreq/{NAME}"), 2, "--number"),
        (("reject", f"csreq/{NAME}", "--number", "1"), 2, "--reason"),
        (("revoke", "csreq/x", "--number", "1"), 2, "names no CloudServiceApproval"),
    ],
)
def test_what_is_wrong_is_said(planned: World, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = govcloud(desk_of(planned, "superior-unit"), *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.output


def test_a_missing_right_is_named(planned: World) -> None:
    desk = desk_of(planned, "superior-unit", hidden=frozenset({"plans"}))
    said = govcloud(desk, "approve", NAME, "--number", "1", "--yes")
    assert (said.exit_code, "you may not read the plans" in said.stderr) == (3, True)


@pytest.mark.parametrize(("written", "stored"), [("2026-12-31", "2027-01-01T00:00:00+08:00"), ("2026-12-31T18:00:00+08:00", "2026-12-31T18:00:00+08:00")])
def test_a_day_of_validity_counts_to_its_end_in_china(planned: World, written: str, stored: str) -> None:
    approve(planned, "superior-unit", "--valid-until", written)
    until = filed(planned)[0].valid_until
    assert until is not None
    assert until.isoformat() == stored


def test_decisions_are_signed_where_the_jurisdiction_demands_it(world: World, tmp_path: Path) -> None:
    offices = {"superior-unit": Ed25519Office(3, SUPERIOR_TITLE), "authority": Ed25519Office(4, AUTHORITY)}
    keys = [as_written(office.entry()) for office in offices.values()]
    world.cluster.put_jurisdiction("jiujiang", jurisdiction_spec(approvals={"signaturesRequired": True, "keys": keys}))
    world.apply()
    world.run()
    for step, office in offices.items():
        world.clock.advance(timedelta(minutes=1))
        desk, arguments = desk_of(world, step), ("approve", NAME, "--number", f"九政〔2026〕{step}", "--yes")
        assert "SignatureMissing" in govcloud(desk, *arguments).stderr
        key = tmp_path / f"{step}.pem"
        key.write_bytes(office.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        again = govcloud(desk, *arguments, "--sign", str(key))
        assert again.exit_code == 0, again.output
        assert desk.posts[0] != desk.posts[1], "what was refused is filed again under its own number"
    assert world.status().phase == "Trial"
    revoked = govcloud(desk_of(world, "authority"), "revoke", world.cluster.approvals()[-1].name, "--number", "r-1", "--sign", str(key), "--yes")
    assert revoked.exit_code == 1, "nothing is under way any more"
    assert "SignatureMissing" not in revoked.stderr


def test_a_key_that_cannot_be_used_decides_nothing(planned: World, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no key")
    for file in ("no.pem", "missing.pem"):
        said = approve(planned, "superior-unit", "--sign", str(tmp_path / file))
        assert (said.exit_code, said.stderr.startswith("--sign: ")) == (2, True)
    assert filed(planned) == []


# What waits


def test_pending_lists_what_waits_with_its_deadline(planned: World) -> None:
    approve(planned, "superior-unit")
    said = govcloud(desk_of(planned, "authority"), "pending")
    heading, row = said.stdout.splitlines()
    assert heading.split("\t") == ["request", "step", "office", "deadline", "yours", "plan"]
    assert row.split("\t")[:3] == [f"{NAMESPACE}/{NAME}", "authority", AUTHORITY]
    assert row.split("\t")[3:5] == ["2026-03-06 00:00", "yes"]
    assert "yuan a month" in row


def test_pending_is_filtered(planned: World) -> None:
    def names(step: str, *more: str) -> list[str]:
        found = json.loads(govcloud(desk_of(planned, step), "pending", "-o", "json", *more).stdout)
        return [item["step"] for item in found]

    assert names("authority") == ["superior-unit"]
    assert names("authority", "--mine") == []
    assert names("superior-unit", "--mine") == ["superior-unit"]
    assert names("authority", "--office", SUPERIOR_TITLE) == ["superior-unit"]
    assert names("authority", "--office", AUTHORITY) == []
    assert names("authority", "--step", "applicant") == []
    planned.apply(application=[])
    planned.run()
    assert names("authority") == []
    assert names("applicant", "--step", "applicant") == ["applicant"]


def test_pending_is_by_deadline_and_says_where_it_looked(planned: World) -> None:
    planned.apply("second")
    planned.run("second")
    govcloud(desk_of(planned, "superior-unit"), "approve", "second", "--number", "y-1", "--yes")
    said = govcloud(desk_of(planned, "authority"), "pending", "-n", NAMESPACE)
    assert [line.split("\t")[0] for line in said.stdout.splitlines()[1:]] == [f"{NAMESPACE}/second", f"{NAMESPACE}/{NAME}"]
    assert f"looked in the namespaces: {NAMESPACE}" in said.stderr
    assert "nothing waits" in govcloud(desk_of(planned, "authority"), "pending", "-n", "health").stdout


def test_help_groups_the_commands_and_teaches() -> None:
    said = CliRunner().invoke(app, ["--help"]).stdout
    places = [said.index(part) for part in ("Officials", "│ pending", "│ approve", "Operations", "│ controller")]
    assert places == sorted(places)
    for command in ("pending", "approve", "reject", "revoke", "explain"):
        taught = CliRunner().invoke(app, [command, "--help"]).stdout
        assert f"govcloud {command}" in taught
        assert "Exit codes" in taught


def test_a_departure_from_a_rule_in_principle_needs_its_reason(planned: World) -> None:
    departure = Departure(rule="platforms", field="UsingUnit.spec.jurisdiction", zh="原则上不再建设", en="in principle runs no platform", article="ZY 18")
    plan = planned.plan(1).model_copy(update={"departures": (departure,)})
    cases: tuple[tuple[Verdict, str], ...] = (("Approved", ""), ("Approved", "市级统建"), ("Rejected", ""))
    for decision, comment in cases:
        spec = decision_on(plan, plan.steps[0], decision, Official("zhao.gang", "x-1", comment))
        if (decision, comment) == ("Approved", ""):
            with pytest.raises(CannotDecide, match=r"ReasonMissing.*in principle runs no platform"):
                must_count(plan, spec, (), planned.clock.now(), started=False)
        else:
            must_count(plan, spec, (), planned.clock.now(), started=False)
    assert any("ZY 18" in said.en for said in in_words(plan))
