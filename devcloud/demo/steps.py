"""The story: what happens, in order, and how each step is seen to be true.

A step's first line is its name. What one step needs of an earlier one lies in `world.memory`.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from devcloud import controller
from devcloud.demo import looks, witness
from devcloud.demo.compared import compare_with_the_second_witness
from devcloud.demo.published import refuse_a_log_that_was_put_back
from devcloud.demo.requests import Request
from devcloud.demo.world import EXAMPLES, World
from devcloud.paths import ROOT
from devcloud.patience import PATIENCE

KINDS = ("cloudservicerequests", "cloudserviceapprovals", "usingunits", "jurisdictions", "cloudservicecatalogs", "servicebackups", "annualplans", "serviceagreements")


def install_the_platform(world: World) -> None:
    """The administrator installs CRDs, admission policies and RBAC; the platform engineer a jurisdiction, its catalog, two units"""
    for folder in ("crds", "deploy/00-namespace.yaml", "deploy/rbac", "deploy/admission"):
        world.must(None, "apply", "--server-side", "--force-conflicts", "-f", str(ROOT / folder))
    world.must(None, "wait", "--for=condition=Established", f"--timeout={PATIENCE:.0f}s", *[f"crd/{kind}.govcloud.dev" for kind in KINDS])
    applied = world.must("platform-engineer", "apply", "-f", str(EXAMPLES / "platform"))
    policies = json.loads(world.must(None, "get", "validatingadmissionpolicybindings", "-l", "govcloud.dev/admission", "-o", "json"))
    world.expect(len(policies["items"]) >= 5, "the admission policies are not bound")
    world.saw(f"{len(KINDS)} kinds and {len(policies['items'])} bound admission policies are in the API server")
    world.saw(f"platform-engineer applied {len(applied.splitlines())} objects of examples/platform")


def plan_a_request(world: World) -> None:
    """The applicant of the secondary unit asks for services; the controller plans what was foretold offline, and names the superior unit"""
    request = Request(world, "requests/hospital-registration.yaml")
    world.memory["request"] = request
    foretold = _foretold(world, request)
    request.apply()
    plan = request.until_planned("Provision")
    status = request.status
    same = [line["resource"] for line in foretold["diff"]] == [line["resource"] for line in plan["diff"]]
    world.expect(same and foretold["monthlyCost"] == plan["monthlyCost"], f"govcloud plan foretold {foretold}, the controller planned {plan}")
    world.saw(f"govcloud plan -f, without a cluster, had foretold it: {len(foretold['diff'])} resources, {foretold['monthlyCost']} yuan a month")
    world.expect(status["nextAction"]["waitingFor"] == "superior-unit", f"nextAction names {status['nextAction']}")
    created = [line for line in plan["diff"] if line["operation"] == "Create"]
    world.expect(len(created) == len(plan["diff"]) > 8, "the plan of a new request creates, and only creates")
    pinned = world.kubectl(None, "get", "controllerrevision", plan["revision"], "-n", request.namespace, "-o", "json")
    recomputed = _recomputed_digest(world, pinned.out)
    world.expect(recomputed == plan["digest"], f"govcloud digest says {recomputed}, the status says {plan['digest']}")
    world.saw(f"plan 1: {len(created)} resources, at most {plan['monthlyCost']} yuan a month, {plan['digest'][:23]}…, recomputed from its revision")
    world.saw(f"nextAction: {status['nextAction']['en']}")
    world.saw(f"nextAction: {status['nextAction']['zh']}")
    _expect_nothing_in_the_cloud(world, request)


def refuse_wrong_approvals(world: World) -> None:
    """The wrong office is refused by admission, another digest by the controller; the right offices are accepted"""
    request: Request = world.memory["request"]
    wrong_office = request.decide("superior-unit", persona="authority")
    world.expect(wrong_office.refused, "an official approved a step that is not his")
    world.saw(f"admission: {wrong_office.sentence}")
    other_name = request.decide("superior-unit", approver="authority")
    world.expect(other_name.refused, "an official approved in another's name")
    world.saw(f"admission: {other_name.sentence}")
    other_digest = request.decide("superior-unit", planDigest=f"sha256:{'0' * 64}")
    world.expect(not other_digest.refused, f"admission cannot know digests, but refused: {other_digest.err}")
    verdict = request.verdict_on(other_digest.out.strip())
    world.expect((verdict["status"], verdict["reason"]) == ("False", "DigestMismatch"), f"the approval of another plan stands as {verdict}")
    world.saw(f"controller: {verdict['reason']}: {verdict['message'][:110]}")
    too_early = request.decide("authority", office="九江市政府信息化工作办公室")
    verdict = request.verdict_on(too_early.out.strip())
    world.expect(verdict["reason"] == "OutOfOrder", f"the authority decided before the superior unit, and that stands as {verdict}")
    world.saw(f"controller: {verdict['reason']}: {verdict['message'][:110]}")
    _expect_nothing_in_the_cloud(world, request)
    right = request.decide("superior-unit")
    verdict = request.verdict_on(right.out.strip())
    world.expect(verdict["status"] == "True", f"the superior unit's approval stands as {verdict}")
    request.until("waits for authority", lambda s: (s.get("nextAction") or {}).get("waitingFor") == "authority")
    _expect_nothing_in_the_cloud(world, request)
    accepted = request.decide("authority")
    request.must_count(accepted)
    world.saw("superior unit and authority approved, each as itself")


def provision_through_a_kill(world: World) -> None:
    """Pulumi and the provider make the services; the controller is killed with SIGKILL half-way, started again, and finishes"""
    request: Request = world.memory["request"]
    uid = request.uid

    def half_made() -> list[looks.Seen]:
        seen = looks.everything_of(world, uid)
        return seen if len(seen) >= 4 else []

    seen = world.until("something of the request is in the cloud", half_made)
    controller.kill(world.environment)
    world.saw(f"killed with SIGKILL when the cloud held {looks.by_kind(seen)}")
    controller.start(world.environment)
    world.must(None, "wait", f"csreq/{request.name}", "-n", request.namespace, "--for=condition=Ready", f"--timeout={PATIENCE:.0f}s")
    world.saw("kubectl wait --for=condition=Ready: the condition is met")
    seen = looks.everything_of(world, uid)
    world.memory["project"] = project = _project_of(world, "first-hospital")
    _expect_the_services(world, request, seen, project)
    world.memory["ids"] = {(item.kind, item.name): item.id for item in seen}


def hand_over_credentials(world: World) -> None:
    """Credentials are in a Secret of the unit's namespace, and nowhere else; the database takes them and holds rows"""
    request: Request = world.memory["request"]
    name = request.status["credentialsSecret"]
    secret = world.get("secret", name, request.namespace)
    values = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    passwords = [value for key, value in values.items() if key.endswith(".password")]
    world.expect(bool(passwords), f"the Secret {name} holds {sorted(values)} and no password")
    _expect_secret_nowhere_else(world, request, passwords)
    world.saw(f"Secret {name}: {', '.join(sorted(values))}; found in no status, event, plan, log or audit record")
    refused = world.kubectl("provider", "get", "secret", name, "-n", request.namespace)
    world.expect(refused.refused, "the provider could read the unit's credentials")
    world.saw(f"provider may not read it: {refused.sentence[:110]}")
    rows = witness.write_rows(values)
    world.memory["rows"], world.memory["credentials"] = rows, values
    world.saw(f"a client wrote {rows} rows into the database with the Secret's credentials")
    world.memory["objects"] = witness.put_objects(world, request.uid)
    world.saw(f"{len(world.memory['objects'])} objects were put into the container, {sum(map(len, world.memory['objects'].values()))} bytes")


def refuse_production_without_an_agreement(world: World) -> None:
    """Going live needs a service agreement that is filed (JJ 22): without one the promotion is refused; the authority files it"""
    request: Request = world.memory["request"]
    request.edit(lambda spec: spec.update(stage="Production"))
    refused = world.until("the promotion is refused", request.refusal)
    world.expect("JJ 22" in refused, f"the refusal says {refused}")
    world.saw(f"refused: {refused}")
    manifest = str(EXAMPLES / "money" / "agreement.yaml")
    world.must_refuse("platform-engineer", "apply", "-f", manifest, because="cannot create resource")
    world.must("authority", "apply", "-f", manifest)
    world.memory["agreement"] = name = "first-hospital-2026"
    changed = '{"spec":{"amount":"60000.00"}}'
    sentence = world.must_refuse("authority", "patch", "csagr", name, "--type=merge", "-p", changed, because="a signed agreement cannot be edited")
    world.saw(f"the authority filed {name}; its terms stay: {sentence}")


def promote_in_place(world: World) -> None:
    """Both consents turn the trial into production: the same resources, the ledger starts, nothing is created, replaced or deleted"""
    request: Request = world.memory["request"]
    before = looks.everything_of(world, request.uid)
    request.edit(lambda spec: spec.update(stage="Production", agreementRef={"name": world.memory["agreement"]}))
    request.approve_all("Promote")
    status = request.until("is in production", lambda s: s["phase"] == "Production" and s["progress"].get("productionSince"))
    after = looks.everything_of(world, request.uid)
    _expect_same_ids(world, before, after)
    counts = witness.engine_counts(world, request.uid, "Promote")
    world.expect(not set(counts) & {"create", "replace", "delete"} and counts.get("update", 0) > 0, f"the engine's events: {counts}")
    world.expect(all("'govcloud_stage': 'production'" in s.marks for s in after if s.kind == "server"), "a server is not marked as production")
    ledger = [r for r in witness.records(world, request.uid) if r["action"] == "meter"]
    metered = {line["attributes"]["service"] for line in ledger}
    world.expect(metered == {"web", "orders", "records", "scans"}, f"the ledger knows {metered}")
    price = next(line["attributes"]["price"] for line in ledger if line["attributes"]["offering"] == "vm-1c-512m")
    world.expect(price == "28.00", f"the ledger has a machine at {price} yuan and not at the agreement's price")
    _expect_reserved(world, request)
    world.saw(f"in production since {status['progress']['productionSince']}; the engine's event stream: {counts}")
    world.saw(f"the usage ledger has started: {len(ledger)} lines; {len(after)} objects, same ids, marked govcloud_stage=production")


def change_in_place(world: World) -> None:
    """A change (a volume grows, machines are resized) does nothing until it is approved, then happens in place"""
    request: Request = world.memory["request"]
    before = looks.everything_of(world, request.uid)
    writes = witness.writes_about(world, request.uid)
    bigger = yaml.safe_load((EXAMPLES / "changes/hospital-registration-bigger.yaml").read_text(encoding="utf-8"))
    request.edit(lambda spec: spec.update(bigger["spec"]))
    plan = request.until_planned("Change")
    operations = sorted({line["operation"] for line in plan["diff"]})
    world.expect(operations == ["Update"], f"the change should only update: {operations}")
    ready = request.condition("Ready")
    world.expect(ready["status"] == "True", f"production does not stay Ready while a change waits: {ready}")
    world.expect(_sizes(world, request) == {1} and witness.writes_about(world, request.uid) == writes, "something was written before the approval")
    world.saw(f"unapproved: {len(plan['diff'])} updates wait, no write went to OpenStack, Ready stays True")
    _expect_the_engine_to_agree(world, request, plan)
    number = request.approve_all("Change")
    request.until("the change is done", lambda s: s["progress"].get("completedPlan") == number)
    after = looks.everything_of(world, request.uid)
    _expect_same_ids(world, before, after)
    flavors = {server.flavor["original_name"] for server in looks.servers_of(world, request.uid)}
    world.expect(flavors == {"m1.small"}, f"the machines have {flavors}")
    world.expect(_sizes(world, request) == {2}, f"the volume has {_sizes(world, request)} GiB")
    world.saw(f"approved: the volume has 2 GiB, both machines are {flavors.pop()}, all ids as before")


def end_a_trial(world: World) -> None:
    """A second request's trial runs out when the clock is advanced: its server is stopped, nothing is lost"""
    survey = Request(world, "requests/health-survey.yaml")
    world.memory["survey"] = survey
    survey.apply()
    survey.approve_all("Provision")
    survey.until("the trial runs", lambda s: s["phase"] == "Trial")
    before = looks.everything_of(world, survey.uid)
    moved = world.govcloud("dev", "clock", "advance", "16d")
    world.expect(moved.code == 0, moved.err)
    world.saw(moved.out.strip())
    survey.until("the trial has ended", lambda s: s["progress"].get("trial", {}).get("expiredAt"))
    after = looks.everything_of(world, survey.uid)
    _expect_same_ids(world, before, after)
    states = {server.status for server in looks.servers_of(world, survey.uid)}
    world.expect(states == {"SHUTOFF"}, f"the server is {states}")
    running = {server.status for server in looks.servers_of(world, world.memory["request"].uid)}
    world.expect(running == {"ACTIVE"}, f"the servers in production are {running}")
    world.saw(f"{len(after)} objects as before; its server is SHUTOFF, those in production stay ACTIVE")


def refuse_to_delete(world: World) -> None:
    """A live request cannot be deleted, not even by the administrator; termination is asked for and waits for its approvals"""
    request: Request = world.memory["request"]
    for persona in ("applicant", None):
        sentence = world.must_refuse(persona, "delete", "csreq", request.name, "-n", request.namespace, because="")
        world.saw(f"{persona or 'administrator'}: {sentence}")
    request.edit(lambda spec: spec.update(stage="Terminated", termination={"reason": "系统已由省级平台替代"}))
    plan = request.until_planned("Terminate")
    world.saw(f"termination is planned ({len(plan['diff'])} deletions) and waits for {', '.join(plan['steps'])}")


def terminate_with_proof(world: World) -> None:
    """Everything is backed up, every backup restored and compared by SHA-256, then destroyed; the controller is killed on the way"""
    request: Request = world.memory["request"]
    uid, project = request.uid, world.memory["project"]
    request.approve_all("Terminate")
    backup = world.until("parts are being backed up", lambda: _backup_of(world, uid, lambda parts: any(p.get("sourceSha256") for p in parts)))
    controller.kill(world.environment)
    states = {part["name"]: part["state"] for part in backup["status"]["parts"]}
    world.saw(f"killed with SIGKILL while the parts stood at {states}")
    controller.start(world.environment)
    status = request.until("is terminated", lambda s: s["phase"] == "Terminated", 2 * PATIENCE)
    backup = _backup_of(world, uid, lambda _: True)
    _expect_proof(world, backup)
    left = looks.everything_of(world, uid)
    world.expect(not looks.in_project(left, project), f"still in the unit's project: {left}")
    world.saw("the unit's project holds nothing with the request's uid: servers, volumes, networks, ports, containers, databases")
    _expect_retained(world, uid, backup)
    secret = world.get("secret", f"{request.name}-credentials", request.namespace)
    world.expect(not secret.get("data"), "the Secret still holds credentials")
    world.saw("the Secret with the credentials is empty")
    # Both follow in passes of their own, once the request has ended.
    world.until("the money is free again", lambda: not world.get("csagr", world.memory["agreement"])["status"].get("reservations"))
    world.saw("the agreement's amount is free again")
    record = status["progress"]["termination"]
    world.until("the finalizer is gone", lambda: request.read()["metadata"].get("finalizers", []) == [])
    world.saw(f"the record stays: destroyed {record['destroyedAt']}, sanitisation honestly {record['sanitisation']}")


def leave_no_orphan(world: World) -> None:
    """No orphan, no duplicate: what the cloud holds is what the requests say, after two kills"""
    survey: Request = world.memory["survey"]
    seen = looks.everything_of(world, survey.uid)
    world.expect(not looks.duplicates(seen), f"twice there: {looks.duplicates(seen)}")
    helpers = witness.helpers_left(world)
    world.expect(not helpers, f"helpers of the backup are left: {helpers}")
    world.saw(f"the other request's {len(seen)} objects are untouched; no snapshot, clone, image or restored volume is left behind")


def verify_the_audit_log(world: World) -> None:
    """The audit log is whole, holds an intent and an outcome for every OpenStack write, and a flipped byte is found"""
    verified = world.govcloud("audit", "verify", "--log", str(world.audit_log))
    world.expect(verified.code == 0, f"govcloud audit verify: {verified.out}{verified.err}")
    world.saw(f"govcloud audit verify: {verified.out.strip().splitlines()[0]}")
    missing, counted = witness.writes_without_record(world)
    world.expect(counted > 30 and not missing, f"{len(missing)} of {counted} writes have no intent and outcome: {missing[:3]}")
    world.saw(f"the services' own access logs show {counted} writes of the controller; each has its intent and its outcome")
    copy = ROOT / "build" / "demo" / "audit-copy"
    controller.stop(world.environment)  # a log that is copied while it grows is incomplete, which is another verdict
    flipped = _flip_a_byte(world.audit_log, copy)
    controller.start(world.environment)
    found = world.govcloud("audit", "verify", "--log", str(copy))
    world.expect(found.code == 1, f"a flipped byte in {flipped} was not found: {found.out}{found.err}")
    world.saw(f"one byte of a copy flipped: {(found.out + found.err).strip().splitlines()[0]}")


STORY: Sequence[Callable[[World], None]] = (
    install_the_platform,
    plan_a_request,
    refuse_wrong_approvals,
    provision_through_a_kill,
    hand_over_credentials,
    refuse_production_without_an_agreement,
    promote_in_place,
    change_in_place,
    end_a_trial,
    refuse_to_delete,
    terminate_with_proof,
    leave_no_orphan,
    verify_the_audit_log,
)

EPILOGUE: Sequence[Callable[[World], None]] = (compare_with_the_second_witness, refuse_a_log_that_was_put_back)
"""What the tests look at after the same story. The demo is to end within three minutes."""


# What the steps look for


def _expect_nothing_in_the_cloud(world: World, request: Request) -> None:
    found = looks.everything_of(world, request.uid)
    world.expect(not found, f"the cloud holds {looks.by_kind(found)} before the approvals")
    world.saw("the cloud holds nothing for the request")


def _foretold(world: World, request: Request) -> dict[str, Any]:
    """What `govcloud plan` says before anything is applied."""
    said = world.govcloud("plan", "-f", str(EXAMPLES / "platform"), "-f", str(EXAMPLES / request.file), "--output", "json")
    world.expect(said.code == 0, f"govcloud plan: {said.out}{said.err}")
    plan: dict[str, Any] = json.loads(said.out)["requests"][0]["plan"]
    return plan


def _recomputed_digest(world: World, revision: str) -> str:
    path = ROOT / "build" / "demo" / "revision.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(revision, encoding="utf-8")
    return world.govcloud("digest", str(path)).out.split()[0]


def _project_of(world: World, unit: str) -> str:
    return str(world.get("usingunit", unit)["status"]["projectId"])


def _expect_the_services(world: World, request: Request, seen: list[looks.Seen], project: str) -> None:
    """What was asked for is there, once, in the unit's project, marked, under the quota that was approved."""
    counts = looks.by_kind(seen)
    wanted = {"server": 2, "volume": 3, "network": 1, "subnet": 1, "router": 1, "container": 1}
    world.expect(all(counts.get(kind, 0) == count for kind, count in wanted.items()), f"asked for {wanted}, found {counts}")
    databases = witness.databases_of(world, project)
    world.expect(len(databases) == 1, f"databases in the project: {databases}")
    world.expect(len(looks.in_project(seen, project)) == len(seen), "something lies in another project")
    world.expect(not looks.duplicates(seen), f"twice there: {looks.duplicates(seen)}")
    world.saw(f"in the unit's project, once each and marked: {counts}, and the Trove instance {databases[0]}")
    quota, approved = looks.quota(world, project), request.status["plan"]["quota"]
    for name in ("instances", "cores", "ram", "volumes", "gigabytes"):
        world.expect(quota[name] == approved[name], f"quota {name} is {quota[name]}, approved is {approved[name]}")
    world.saw(f"quota as approved: {', '.join(f'{name} {quota[name]}' for name in ('instances', 'cores', 'ram', 'volumes', 'gigabytes'))}")


def _expect_secret_nowhere_else(world: World, request: Request, secrets: list[str]) -> None:
    """No password in anything that people or programs can read."""
    said = [
        json.dumps(request.read()),
        world.must(None, "get", "events,controllerrevisions,cloudserviceapprovals,usingunits", "-A", "-o", "json"),
        *_texts(world.environment.logs.glob("controller*")),
        *_texts(world.audit_log.rglob("*")),
        *_texts((world.environment.controller_state / "pulumi" / "state").rglob("*.json")),
    ]
    for text in said:
        world.expect(not any(secret in text for secret in secrets), "a password is in plain sight")


def _texts(paths: Iterable[Path]) -> Iterator[str]:
    """What files hold; the controller goes on meanwhile, and what it took away between two looks holds nothing any more."""
    for path in paths:
        with suppress(FileNotFoundError, IsADirectoryError):
            yield path.read_bytes().decode(errors="replace")


def _expect_the_engine_to_agree(world: World, request: Request, plan: dict[str, Any]) -> None:
    """By hand, on a copy of the stack, the engine says what the plan says."""
    said = world.govcloud("preview", f"csreq/{request.name}", "-n", request.namespace, "--plan", str(plan["number"]), "-o", "json")
    world.expect(said.code == 0, f"govcloud preview: {said.out}{said.err}")
    foreseen = {(each["resource"], each["operation"].title()) for each in json.loads(said.out)["shown"]}
    planned = {(line["resource"], line["operation"]) for line in plan["diff"]}
    world.expect(foreseen == planned, f"the engine would do {foreseen}, the plan shows {planned}")
    world.saw(f"the engine, asked by hand on a copy of the state, would do exactly these {len(planned)} updates")


def _expect_same_ids(world: World, before: list[looks.Seen], after: list[looks.Seen]) -> None:
    ids = {(s.kind, s.id) for s in before}, {(s.kind, s.id) for s in after}
    world.expect(ids[0] == ids[1], f"gone: {ids[0] - ids[1]}, new: {ids[1] - ids[0]}")


def _expect_reserved(world: World, request: Request) -> None:
    """A year's cost at the agreement's prices is reserved under it."""
    status = world.get("csagr", world.memory["agreement"])["status"]
    yearly = Decimal(request.status["monthlyCost"]) * 12
    world.expect(Decimal(status["reserved"]) == yearly, f"a year costs {yearly}, reserved is {status['reserved']}")
    world.saw(f"reserved under the agreement: {status['reserved']} yuan a year at its own prices; {status['left']} left")


def _sizes(world: World, request: Request) -> set[int]:
    """Sizes in GiB of the request's block volume."""
    uid = request.uid
    volumes = world.cloud().block_storage.volumes(all_projects=True, details=True)
    return {v.size for v in volumes if v.metadata.get("govcloud_request") == uid and v.metadata.get("govcloud_service") == "records"}


def _backup_of(world: World, uid: str, ready: Callable[[list[dict[str, Any]]], bool]) -> dict[str, Any]:
    """The ServiceBackup of a request, once its parts are as wanted; empty before."""
    backups = json.loads(world.must(None, "get", "servicebackups", "-o", "json"))["items"]
    mine: dict[str, Any] = next((b for b in backups if b["spec"]["request"]["uid"] == uid), {})
    return mine if mine and ready(mine.get("status", {}).get("parts", [])) else {}


def _expect_proof(world: World, backup: dict[str, Any]) -> None:
    parts = backup["status"]["parts"]
    world.expect({p["name"] for p in parts} == {p["name"] for p in backup["spec"]["parts"]} and len(parts) == 5, f"the backup has {len(parts)} parts")
    for part in parts:
        equal = part["sourceSha256"] == part["restoredSha256"] and part["sourceBytes"] == part["restoredBytes"]
        world.expect(equal, f"{part['name']}: the restored backup differs from its source")
        world.saw(f"{part['name']}: {part['sourceBytes']} bytes, SHA-256 {part['sourceSha256'][:16]}… = restored")


def _expect_retained(world: World, uid: str, backup: dict[str, Any]) -> None:
    kept = [b for b in world.cloud("govcloud-backups").block_storage.backups(details=True) if (b.metadata or {}).get("govcloud_backup_of") == uid]
    world.expect(len(kept) == 4 and {b.status for b in kept} == {"available"}, f"backups kept: {[(b.name, b.status) for b in kept]}")
    containers = [c.name for c in world.cloud("govcloud-backups").object_store.containers() if uid in c.name]
    world.expect(len(containers) == 1, f"backup containers kept: {containers}")
    world.saw(f"kept in the backup project: {len(kept)} volume backups and the container {containers[0]}")
    database = next(p["backupId"] for p in backup["status"]["parts"] if p["name"] == "orders")
    rows = witness.rows_in_backup(world, database, world.memory["rows"])
    world.expect(rows == world.memory["rows"], f"the retained backup of the database holds {rows} of {world.memory['rows']} rows")
    world.saw(f"restored once more, by the demo itself: the database's backup holds all {rows} rows")


def _flip_a_byte(log: Path, copy: Path) -> str:
    """Copy the log and flip one bit in the middle of its largest file; which one."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(log, copy)
    largest = max((path for path in copy.rglob("*.log") if path.is_file()), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    return largest.name
