"""What a plan's digest is over: the same wish has the same digest however it is written, and every difference that means something shows."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from reconcile.world import NAMESPACE, World, catalog_spec, jurisdiction_spec, request_spec

from govcloud.core.canonical import canonical, sha256, sm3
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan, parse_plan
from govcloud.core.planning import make_plan
from govcloud.observe import parse_spec
from policies.duties import TrialRule


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """A request that is about to be planned."""
    world = World(tmp_path_factory.mktemp("plans") / "audit")
    world.apply()
    found = world.facts()
    world.audit.close()
    return found


def planned(facts: Facts, raw: dict[str, Any]) -> Plan:
    spec, faults = parse_spec(raw)
    assert spec is not None and facts.edition is not None, faults
    request = replace(facts.request, spec=raw)
    return make_plan(replace(facts, request=request, spec=spec), spec, "Provision", facts.edition)


# The same


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same mapping with its keys in another order, all the way down. Lists keep theirs."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@QUICK
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_means_nothing(facts: Facts, chance: random.Random) -> None:
    assert planned(facts, shuffled(request_spec(), chance)).digest == planned(facts, request_spec()).digest


@QUICK
@given(
    st.booleans(), st.booleans(), st.sampled_from([2, 4, 8]), st.sampled_from([None, '"', "'"]), st.integers(20, 200)
)
def test_the_style_of_the_yaml_means_nothing(
    facts: Facts, flow: bool, unicode: bool, indent: int, quotes: str | None, width: int
) -> None:
    text = yaml.safe_dump(
        request_spec(), default_flow_style=flow, allow_unicode=unicode, indent=indent, default_style=quotes, width=width
    )
    assume(
        yaml.safe_load(text) == request_spec()
    )  # narrow lines lose spaces in what the library writes, not in what it reads
    assert planned(facts, yaml.safe_load(text)).digest == planned(facts, request_spec()).digest


DEFAULTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "stage": lambda spec: spec.pop("stage"),
    "suspended": lambda spec: spec.update(suspended=False),
    "trial": lambda spec: spec.update(trial={}),
    "extensionDays": lambda spec: spec.update(trial={"extensionDays": 0}),
    "termination": lambda spec: spec.update(termination=None),
    "router": lambda spec: spec["services"][0]["network"].update(router=True),
    "dnsServers": lambda spec: spec["services"][0]["network"].update(dnsServers=[]),
    "floatingAddress": lambda spec: spec["services"][1]["virtualMachine"].update(floatingAddress=False),
    "antiAffinity": lambda spec: spec["services"][1]["virtualMachine"].update(antiAffinity=False),
    "version": lambda spec: spec["services"][2]["database"].update(version=None),
    "attachTo.index": lambda spec: spec["services"][3]["blockStorage"]["attachTo"].pop("index"),
    "versioning": lambda spec: spec["services"][4]["objectStorage"].update(versioning=False),
}


@QUICK
@given(st.sets(st.sampled_from(sorted(DEFAULTS))))
def test_a_default_may_be_written_or_left_out(facts: Facts, chosen: set[str]) -> None:
    raw = request_spec()
    for name in chosen:
        DEFAULTS[name](raw)

    assert planned(facts, raw).digest == planned(facts, request_spec()).digest


def test_a_plan_read_back_has_the_digest_that_it_had(facts: Facts) -> None:
    plan = planned(facts, request_spec())

    assert parse_plan(plan.text()).digest == plan.digest
    assert Plan.model_validate(json.loads(plan.text())).digest == plan.digest


def test_planning_twice_makes_the_same_plan(facts: Facts) -> None:
    assert planned(facts, request_spec()).text() == planned(facts, copy.deepcopy(request_spec())).text()


# Every difference


WISHES: dict[str, Callable[[dict[str, Any]], None]] = {
    "applicant": lambda spec: spec.update(applicant="wang.wei"),
    "purpose": lambda spec: spec.update(purpose="Migration"),
    "system.name": lambda spec: spec["system"].update(name="另一系统"),
    "system.protectionLevel": lambda spec: spec["system"].update(protectionLevel=3),
    "a material's number": lambda spec: spec["application"][0].update(number="九卫〔2026〕999号"),
    "a material's digest": lambda spec: spec["application"][0].update(sha256="cd" * 32),
    "a material's location": lambda spec: spec["application"][0].update(location="档案室 4 柜"),
    "the number of machines": lambda spec: spec["services"][1]["virtualMachine"].update(count=3),
    "an offering": lambda spec: spec["services"][1]["virtualMachine"].update(offering="vm-medium"),
    "a size": lambda spec: spec["services"][3]["blockStorage"].update(sizeGib=3),
    "a port": lambda spec: spec["services"][1]["virtualMachine"]["securityRules"][0].update(portMin=80),
    "a database's name": lambda spec: spec["services"][2]["database"].update(databaseName="other"),
    "a service's name": lambda spec: spec["services"][4].update(name="documents"),
    "one service less": lambda spec: spec["services"].pop(),
    "versioning": lambda spec: spec["services"][4]["objectStorage"].update(versioning=True),
    "the range of a network": lambda spec: spec["services"][0]["network"].update(cidr="10.30.0.0/24"),
    "where a volume is": lambda spec: spec["services"][3]["blockStorage"]["attachTo"].update(index=1),
}


@pytest.mark.parametrize("change", WISHES.values(), ids=WISHES.keys())
def test_another_wish_is_another_digest(facts: Facts, change: Callable[[dict[str, Any]], None]) -> None:
    raw = request_spec()
    change(raw)

    assert planned(facts, raw).digest != planned(facts, request_spec()).digest


def test_all_these_digests_differ_from_each_other(facts: Facts) -> None:
    digests = set()
    for change in WISHES.values():
        raw = request_spec()
        change(raw)
        digests.add(planned(facts, raw).digest)

    assert len(digests) == len(WISHES)


def _catalog(facts: Facts, **changes: Any) -> Facts:
    assert facts.catalog is not None
    offerings = tuple(o.model_copy(update=changes) if o.name == "vm-small" else o for o in facts.catalog.spec.offerings)
    return replace(
        facts, catalog=replace(facts.catalog, spec=facts.catalog.spec.model_copy(update={"offerings": offerings}))
    )


def _jurisdiction(facts: Facts, **changes: Any) -> Facts:
    assert facts.jurisdiction is not None
    return replace(facts, jurisdiction=replace(facts.jurisdiction, spec=jurisdiction_spec(**changes)))


def _edition(facts: Facts, **changes: Any) -> Facts:
    assert facts.edition is not None
    return replace(facts, edition=facts.edition.model_copy(update=changes))


def _shorter(trial: TrialRule | None) -> TrialRule | None:
    return trial and trial.model_copy(update={"days": trial.days.model_copy(update={"value": 7})})


AROUND: dict[str, Callable[[Facts], Facts]] = {
    "a price": lambda facts: _catalog(facts, unit_price="101"),
    "a flavor": lambda facts: _catalog(facts, flavor="m1.medium"),
    "an office": lambda facts: _jurisdiction(
        facts, offices=[{"step": "authority", "office": "另一办公室"}, {"step": "provider-consent", "office": "x"}]
    ),
    "the days of the trial": lambda facts: _edition(facts, trial=_shorter(facts.edition.trial)),  # type: ignore[union-attr]
    "what the jurisdiction tightened": lambda facts: _jurisdiction(facts, tightened={"trialDays": 7}),
    "the network outside": lambda facts: _jurisdiction(facts, cloud={"externalNetwork": "other"}),
    "where backups go": lambda facts: _jurisdiction(
        facts, cloud={"externalNetwork": "public", "backupProject": "other"}
    ),
    "the cooling-off time": lambda facts: _edition(
        facts, cooling_off=facts.edition.cooling_off.model_copy(update={"value": 30})
    ),  # type: ignore[union-attr]
    "the steps": lambda facts: _edition(
        facts, steps={**facts.edition.steps, "Provision": facts.edition.steps["Provision"][:1]}
    ),  # type: ignore[union-attr]
    "the generation": lambda facts: replace(facts, request=replace(facts.request, generation=7)),
    "the uid": lambda facts: replace(
        facts,
        request=replace(
            facts.request, key=facts.request.key.model_copy(update={"uid": "00000000-0000-0000-0000-0000000000ff"})
        ),
    ),
    "the plans before": lambda facts: replace(facts, plans={1: planned(facts, request_spec())}),
}


@pytest.mark.parametrize("change", AROUND.values(), ids=AROUND.keys())
def test_whatever_else_the_plan_used_is_in_its_digest(facts: Facts, change: Callable[[Facts], Facts]) -> None:
    assert planned(change(facts), request_spec()).digest != planned(facts, request_spec()).digest


def test_what_the_plan_did_not_use_is_not_in_its_digest(facts: Facts) -> None:
    """Another offering became dearer: no reason to decide again."""
    assert facts.catalog is not None
    spec = catalog_spec()
    dearer = tuple(o.model_copy(update={"unit_price": "999"}) if o.name == "vm-medium" else o for o in spec.offerings)
    changed = replace(facts, catalog=replace(facts.catalog, spec=spec.model_copy(update={"offerings": dearer})))

    assert planned(changed, request_spec()).digest == planned(facts, request_spec()).digest


# The text


def test_the_text_is_canonical_json_and_the_digests_are_over_it(facts: Facts) -> None:
    plan = planned(facts, request_spec())

    assert plan.text() == canonical(json.loads(plan.text()))
    assert plan.digest == sha256(plan.text())
    assert plan.digest_sm3 == sm3(plan.text())


def test_sm3_is_the_one_of_the_standard() -> None:
    """GB/T 32905-2016, annex A.1."""
    assert sm3("abc") in (None, "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")


def test_no_secret_and_no_id_of_the_cloud_is_in_a_plan(facts: Facts) -> None:
    text = planned(facts, request_spec()).text()

    assert '{"$secret":"database/db/password"}' in text
    assert "derived-" not in text


def test_a_copy_of_a_plan_has_a_digest_of_its_own(facts: Facts) -> None:
    plan = planned(facts, request_spec())
    other = plan.model_copy(update={"number": plan.number + 1})

    assert plan.digest != other.digest
    assert other.digest == sha256(other.text())


def test_a_plan_of_an_unknown_format_is_not_read(facts: Facts) -> None:
    document = json.loads(planned(facts, request_spec()).text())

    for spoiled in (
        {**document, "format": 2},
        {**document, "more": 1},
        {k: v for k, v in document.items() if k != "diff"},
    ):
        with pytest.raises(ValidationError):
            parse_plan(canonical(spoiled))


def test_a_plan_in_another_writing_is_not_read(facts: Facts) -> None:
    """Its digest would not be that of the text which lies in the cluster."""
    document = json.loads(planned(facts, request_spec()).text())

    with pytest.raises(ValueError, match="canonical"):
        parse_plan(json.dumps(document, indent=1))


def test_the_cost_is_the_sum_of_the_lines(facts: Facts) -> None:
    plan = planned(facts, request_spec())
    lines = {(p.service, p.item): (p.quantity, p.unit_price, p.unit) for p in plan.prices}

    assert lines == {
        ("web", "vm-small"): (2, "100", "month"),
        ("db", "pg-small"): (1, "300", "month"),
        ("db", "pg-small storage"): (2, "1", "GiB-month"),
        ("data", "disk"): (2, "0.5", "GiB-month"),
        ("files", "objects"): (1, "0.3", "GiB-month"),
    }
    assert plan.monthly_cost == "503.30"


def test_the_world_is_left_as_it_was(tmp_path: Path) -> None:
    """Planning reads: the objects it was given are the same afterwards."""
    world = World(tmp_path / "audit")
    world.apply()
    before = copy.deepcopy(world.request())
    world.decided()

    assert world.cluster.request(NAMESPACE, "orders") == before
    world.audit.close()
