"""`govcloud plan`: what it says is what the controller would do."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from reconcile.backing_up import BackingUp, regular_backups
from reconcile.world import (
    AGREEMENT,
    NAME,
    NAMESPACE,
    SUPERIOR,
    SUPERIOR_TITLE,
    UNIT,
    UNIT_TITLE,
    World,
    agreement_spec,
    catalog_spec,
    jurisdiction_spec,
    request_spec,
    unit_spec,
)
from typer.testing import CliRunner, Result

from govcloud.api.common import API_VERSION, as_written
from govcloud.cli import app
from govcloud.core.plan import Plan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Spec = dict[str, Any]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """The manifests of the in-memory world around a request, in a folder."""
    folder = tmp_path / "city"
    folder.mkdir()
    manifests = [
        _manifest("Jurisdiction", "jiujiang", as_written(jurisdiction_spec())),
        _manifest("CloudServiceCatalog", "jiujiang-2026", as_written(catalog_spec())),
        _manifest("ServiceAgreement", AGREEMENT, as_written(agreement_spec())),
        _manifest("UsingUnit", SUPERIOR, as_written(unit_spec(SUPERIOR_TITLE))),
        _manifest("UsingUnit", UNIT, as_written(unit_spec(UNIT_TITLE, SUPERIOR))),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"govcloud.dev/unit": UNIT}}},
    ]
    (folder / "city.yaml").write_text(yaml.safe_dump_all(manifests, allow_unicode=True), encoding="utf-8")
    return folder


def _manifest(kind: str, name: str, spec: Mapping[str, Any], **metadata: str) -> Spec:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, **metadata}, "spec": dict(spec)}


def _request(spec: Mapping[str, Any] | None = None, **changes: Any) -> Spec:
    return _manifest("CloudServiceRequest", NAME, {**(spec or request_spec()), **changes}, namespace=NAMESPACE)


def plan(city: Path, manifests: Sequence[Spec] | str, *more: str, day: str = "2026-03-02") -> Result:
    """Run the command on the city and these manifests, or on this text."""
    text = manifests if isinstance(manifests, str) else yaml.safe_dump_all(manifests, allow_unicode=True)
    file = city.parent / "request.yaml"
    file.write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["plan", "-f", str(city), "-f", str(file), "--date", day, *more])


def answer(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document



def _saved(tmp_path: Path, plan: Plan) -> str:
    revision = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "x"}, "revision": plan.number, "data": {"text": plan.text()}}
    file = tmp_path / "base.json"
    file.write_text(json.dumps(revision), encoding="utf-8")
    return str(file)


EDITS: Mapping[str, Callable[[Spec], object]] = {
    "production": lambda spec: spec.update(stage="Production"),
    "longer trial": lambda spec: spec.update(trial={"extensionDays": 10}),
    "suspended": lambda spec: spec.update(suspended=True),
    "terminated": lambda spec: spec.update(stage="Terminated", termination={"reason": "系统停用"}),
    "bigger": lambda spec: spec["services"][3]["blockStorage"].update(sizeGib=9),
    "one service less": lambda spec: spec["services"].pop(),
    "smaller, which is refused": lambda spec: spec["services"][3]["blockStorage"].update(sizeGib=1),
    "two wishes, which is refused": lambda spec: spec.update(stage="Production", suspended=True),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_change_is_judged_as_the_controller_judges_it(city: Path, world: World, edit: Callable[[Spec], object]) -> None:
    world.to_trial()
    base = _saved(city.parent, world.plan(1))
    spec = copy.deepcopy(dict(world.request().spec))
    edit(spec)
    world.apply(**spec)
    world.run()
    spec = dict(world.request().spec)
    said = answer(plan(city, [_request(spec)], "--base", base, "--output", "json"))["requests"][0]
    stalled = world.condition("Stalled")
    if stalled.status == "True":
        assert said["result"] == "refused"
        assert all(violation["en"] in stalled.message for violation in said["violations"])
    else:
        shown = world.plan(2)
        assert said["plan"]["transition"] == shown.transition
        assert said["plan"]["diff"] == [change.model_dump(mode="json") for change in shown.diff]
        assert [step["step"] for step in said["plan"]["steps"]] == [step.step for step in shown.steps]
        assert (said["plan"]["quota"], said["plan"]["monthlyCost"]) == (shown.quota, shown.monthly_cost)


def test_a_new_request_is_planned_as_the_controller_plans_it(city: Path, world: World) -> None:
    world.apply()
    world.run()
    result = plan(city, [_request()], "--output", "json")
    assert result.exit_code == 0
    said, shown = answer(result)["requests"][0]["plan"], world.plan(1)
    assert said["diff"] == [change.model_dump(mode="json") for change in shown.diff]
    assert said["steps"] == [step.model_dump(mode="json", by_alias=True) for step in shown.steps]


def test_an_unchanged_request_asks_for_nothing(city: Path, world: World) -> None:
    world.to_trial()
    result = plan(city, [_request()], "--base", _saved(city.parent, world.plan(1)))
    assert (result.exit_code, "asks for nothing new" in result.stdout) == (0, True)


def test_a_restore_is_judged_by_the_set_as_kubectl_shows_it(city: Path, world: World) -> None:
    world.to_trial()
    BackingUp(world).each_week(1)
    (found,) = regular_backups(world)
    backup = _manifest("ServiceBackup", found.name, as_written(found.spec)) | {"status": as_written(found.status)}
    wish = _request(world.request().spec, restoreFrom={"backup": found.name, "services": ["data"], "reason": "误删"})
    base = _saved(city.parent, world.plan(1))
    planned = plan(city, [wish, backup], "--base", base)
    assert (planned.exit_code, f"becomes that of the backup {found.name}" in planned.stdout) == (0, True), planned.output
    refused = plan(city, [wish], "--base", base)
    assert refused.exit_code != 0 and "has no ServiceBackup" in refused.output


def test_people_read_cost_quota_and_who_decides_by_which_article(city: Path) -> None:
    english, chinese = plan(city, [_request()], "--lang", "en").stdout, plan(city, [_request()], "--lang", "zh").stdout
    for said in ("plan 1, provision", "yuan a month", "quota: instances 3", f"1. {SUPERIOR_TITLE} decides 'superior-unit'", "[jj 14]"):
        assert said.lower() in english.lower()
    for said in ("第 1 号计划:开通试用", "月费用上限", f"1. {SUPERIOR_TITLE}:主管一级预算单位批准", "试用 15 天不计费"):
        assert said in chinese


def test_all_violations_are_shown_with_field_and_article(city: Path) -> None:
    system = request_spec()["system"] | {"classified": True, "governmentFunded": False}
    result = plan(city, [_request(system=system, application=[])], "--output", "json")
    assert result.exit_code == 1
    found = answer(result)["requests"][0]
    assert (found["result"], found["plan"]) == ("refused", None)
    assert {violation["rule"] for violation in found["violations"]} >= {"classified", "notGovernmentFunded", "materials"}
    assert all(violation["field"] and violation["en"] and violation["zh"] for violation in found["violations"])
    text = plan(city, [_request(system=system, application=[])], "--lang", "en").stdout
    assert "spec.system.governmentFunded" in text
    assert "JJ 2" in text


def test_several_requests_in_one_call_each_have_their_answer(city: Path) -> None:
    other = _request(application=[])
    other["metadata"]["name"] = "other"
    result = plan(city, [_request(), other], "--output", "json")
    assert [(r["name"], r["result"]) for r in answer(result)["requests"]] == [(NAME, "planned"), ("other", "refused")]
    assert result.exit_code == 1


def test_all_faults_of_a_manifest_are_shown_at_once(city: Path) -> None:
    spoilt = _request(purpose="Old", applicant=7)
    spoilt["spec"]["services"][1]["virtualMachine"] |= {"count": 0, "cores": 4}
    spoilt["spec"]["services"][2] |= {"network": {"cidr": "10.9.0.0/24"}}
    spoilt["metadata"].pop("namespace")
    result = plan(city, [_request(), spoilt], "--output", "json")
    assert result.exit_code == 2
    faults = answer(result)["faults"]
    assert {fault["field"] for fault in faults} == {
        "metadata.namespace", "spec.purpose", "spec.applicant", "spec.services[1].virtualMachine.count",
        "spec.services[1].virtualMachine.cores", "spec.services[2]",
    }  # fmt: skip
    assert {fault["document"] for fault in faults} == {2}
    assert all(fault["file"].endswith("request.yaml") for fault in faults)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda city: city[0]["spec"].update(stage="Terminated"), "spec"),
        (lambda city: city[0]["metadata"].update(name="n" * 64), "metadata.name"),
        (lambda city: city[1]["spec"].update(budgetLevel="Secondary"), "spec"),
        (lambda city: city[2]["spec"].update(validUntil="2020-01-01"), "spec"),
        (lambda city: city[0].update(apiVersion="govcloud.dev/v9"), "kind"),
        (lambda city: city[0].update(specs={}), "specs"),
    ],
)
def test_what_the_api_server_would_refuse_is_refused(city: Path, spoil: Callable[[list[Spec]], object], field: str) -> None:
    manifests = [
        _request(),
        _manifest("UsingUnit", "another", as_written(unit_spec("某单位"))),
        _manifest("CloudServiceCatalog", "another", as_written(catalog_spec())),
    ]
    spoil(manifests)
    result = plan(city, manifests, "--output", "json")
    assert result.exit_code == 2
    assert [fault["field"] for fault in answer(result)["faults"]] == [field]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("- 1\n- 2\n", "is not an object of the Kubernetes API"),
        ("kind: Namespace\nkind: Namespace\n", "the field kind is written twice"),
    ],
)
def test_a_file_that_is_no_manifest_is_named(city: Path, text: str, said: str) -> None:
    result = plan(city, text, "--lang", "en")
    assert result.exit_code == 2
    assert said in result.stderr


def test_manifests_without_a_request_are_checked_too(city: Path) -> None:
    fine = plan(city, "")
    assert (fine.exit_code, "the manifests fit" in plan(city, "", "--lang", "en").stdout) == (0, True)
    wrong = plan(city, [_manifest("ServiceAgreement", "a", {})], "--output", "json")
    assert (wrong.exit_code, len(answer(wrong)["faults"]) > 2) == (2, True)
    empty = CliRunner().invoke(app, ["plan", "-f", str(city.parent / "request.yaml").replace("request", "nothing")])
    assert (empty.exit_code, "cannot be read" in empty.stderr) == (2, True)
    (city.parent / "request.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n")
    none = CliRunner().invoke(app, ["plan", "-f", str(city.parent / "request.yaml")])
    assert (none.exit_code, "holds no CloudServiceRequest" in none.stderr) == (2, True)


def test_what_is_missing_around_a_request_is_named(city: Path) -> None:
    text = (city / "city.yaml").read_text(encoding="utf-8")
    every = list(yaml.safe_load_all(text))
    for kind, said in (("Namespace", "Namespace"), ("Jurisdiction", "JurisdictionMissing"), ("CloudServiceCatalog", "CatalogMissing")):
        kept = [manifest for manifest in every if manifest["kind"] != kind]
        (city / "city.yaml").write_text(yaml.safe_dump_all(kept, allow_unicode=True), encoding="utf-8")
        result = plan(city, [_request()])
        assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_given_jurisdiction_and_day_are_those_that_count(city: Path) -> None:
    stricter = as_written(jurisdiction_spec(tightened={"trialDays": 3}))
    manifests = [_request(), _manifest("Jurisdiction", "stricter", stricter)]
    assert "trial of 3 days" in plan(city, manifests, "--jurisdiction", "stricter", "--lang", "en").stdout
    assert "trial of 15 days" in plan(city, manifests, "--lang", "en").stdout
    late = plan(city, manifests, "--output", "json", day="2027-01-01")
    assert [v["rule"] for v in answer(late)["requests"][0]["violations"]] == ["catalog-validity"]


def test_a_base_that_is_no_plan_or_somebody_elses_is_refused(city: Path, world: World) -> None:
    world.apply("elsewhere")
    world.run("elsewhere")
    other = plan(city, [_request()], "--base", _saved(city.parent, world.plan(1, "elsewhere")))
    assert (other.exit_code, "health-center/elsewhere" in other.stderr) == (2, True)
    for text in ("{}", "[]", "no json"):
        (city.parent / "base.json").write_text(text)
        assert plan(city, [_request()], "--base", str(city.parent / "base.json")).exit_code == 2


def test_an_object_that_is_given_twice_is_named(city: Path) -> None:
    result = plan(city, [_request(), _request(purpose="Migration")])
    assert (result.exit_code, "given more than once" in result.stderr) == (2, True)


def test_the_examples_are_planned() -> None:
    arguments = ["plan", "-f", str(EXAMPLES / "platform"), "-f", str(EXAMPLES / "requests"), "--date", "2026-03-02"]
    assert CliRunner().invoke(app, arguments).exit_code == 0


def test_help_teaches_by_example() -> None:
    said = CliRunner().invoke(app, ["plan", "--help"]).stdout
    for part in ("govcloud plan -f examples/platform", "0  every request would be planned", "2  an input cannot be used"):
        assert part in said


# A pack that is not installed yet


SIXTH = Path(__file__).resolve().parents[1] / "packs" / "sixth"


def test_a_regulation_pack_is_tried_before_it_is_installed(city: Path) -> None:
    offices = [{"step": step, "office": f"{step} 的单位"} for step in ("ethics-board", "authority")]
    under_it = _manifest("Jurisdiction", "haixi", as_written(jurisdiction_spec(pack="haixi", offices=offices)))
    result = plan(city, [under_it, _request()], "--packs", str(SIXTH), "--jurisdiction", "haixi", "-o", "json")

    assert result.exit_code == 1
    (request,) = answer(result)["requests"]
    assert {violation["article"] for violation in request["violations"]} == {"HX 7", "HX 8", "HX 10"}


def test_a_folder_that_holds_no_pack_is_named(city: Path, tmp_path: Path) -> None:
    (tmp_path / "haixi.yaml").write_text("id: haixi\n", encoding="utf-8")
    result = plan(city, [_request()], "--packs", str(tmp_path))

    assert result.exit_code == 2
    assert "--packs: haixi.yaml does not fit the model" in result.stderr
