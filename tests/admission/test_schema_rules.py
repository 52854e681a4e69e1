"""What the schemas themselves refuse, on a real API server: each refusal says which field and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from admission.people import EXAMPLES, Manifest, People, Person, Town, request

pytestmark = pytest.mark.cluster

NETWORK: Manifest = {"name": "office", "network": {"cidr": "10.30.0.0/24"}}
VOLUME: Manifest = {"sizeGib": 1, "offering": "volume-standard"}


def platform(kind: str, file: str) -> Manifest:
    documents = yaml.safe_load_all((EXAMPLES / "platform" / file).read_text(encoding="utf-8"))
    document: Manifest = next(document for document in documents if document["kind"] == kind)
    document["metadata"]["name"] = "tried-only"
    return document


def services(*entries: Manifest) -> Callable[[Town], Manifest]:
    return lambda town: request(town, services=list(entries))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        pytest.param(
            services(NETWORK | {"blockStorage": VOLUME}), ["service office must have exactly one of"], id="two-kinds"
        ),
        pytest.param(
            services({"name": "nothing"}),
            ["service nothing must have exactly one of", "每项服务只能选一类"],
            id="no-kind",
        ),
        pytest.param(services(NETWORK, NETWORK), ["Duplicate value", "office"], id="one-name-twice"),
        pytest.param(services(), ["spec.services", "at least 1 items"], id="no-services"),
        pytest.param(
            services({"name": "Web!", "blockStorage": VOLUME}), ["spec.services[0].name", "should match"], id="name"
        ),
        pytest.param(
            services({"name": "disk", "blockStorage": VOLUME | {"sizeGib": 0}}),
            ["sizeGib", "greater than or equal to 1"],
            id="size",
        ),
        pytest.param(services({"name": "disk", "blockstorage": VOLUME}), ["unknown field", "blockstorage"], id="typo"),
        pytest.param(
            lambda town: request(town, stage="Terminated"), ["set termination.reason (JJ 19)"], id="no-reason"
        ),
        pytest.param(
            lambda town: request(town, stage="Testing"),
            ["spec.stage", '"Trial", "Production", "Terminated"'],
            id="stage",
        ),
        pytest.param(lambda town: request(town, "n" * 64), ["at most 63 characters"], id="long-name"),
        pytest.param(
            lambda town: request(town, termination={"reason": "a\u202eb"}),
            ["spec.termination.reason"],
            id="reordering-characters",
        ),
    ],
)
def test_a_request_that_makes_no_sense(
    people: People, town: Town, made: Callable[[Town], Manifest], words: list[str]
) -> None:
    assert people("applicant").tries().create(made(town)).refused_because(*words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"budgetLevel": "Secondary"}, ["names the primary unit above it", "JJ 14"], id="secondary-alone"),
        pytest.param({"superior": "health-commission"}, ["a primary unit has no superior"], id="primary-below"),
        pytest.param({"budgetLevel": "Secondary", "superior": "tried-only"}, ["not above itself"], id="above-itself"),
    ],
)
def test_a_unit_that_makes_no_sense(people: People, change: dict[str, Any], words: list[str]) -> None:
    unit = platform("UsingUnit", "30-units.yaml")
    unit["spec"] |= change
    assert people("platform-engineer").tries().create(unit).refused_because(*words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"validUntil": "2025-12-31"}, ["validFrom must not be after validUntil"], id="backwards"),
        pytest.param({"validUntil": "next year"}, ["spec.validUntil", "date"], id="no-date"),
        pytest.param({"offerings": []}, ["spec.offerings", "at least 1 items"], id="empty"),
    ],
)
def test_a_catalog_that_makes_no_sense(people: People, change: dict[str, Any], words: list[str]) -> None:
    catalog = platform("CloudServiceCatalog", "20-catalog.yaml")
    catalog["spec"] = {**catalog["spec"], "validFrom": "2026-01-01", **change}
    assert people("platform-engineer").tries().create(catalog).refused_because(*words)


def test_every_example_of_the_platform_is_accepted(people: People) -> None:
    for file in ("10-jurisdiction.yaml", "20-catalog.yaml", "30-units.yaml"):
        path = str(EXAMPLES / "platform" / file)
        done = people("platform-engineer").kubectl.try_to("apply", "--dry-run=server", "-f", path)
        assert done.returncode == 0, done.stderr


def test_every_service_of_the_job_is_accepted(people: People, town: Town) -> None:
    text = (EXAMPLES / "requests" / "hospital-registration.yaml").read_text(encoding="utf-8")
    job = yaml.safe_load(text.replace("first-hospital", town.namespace))
    job["spec"]["unit"] = town.unit
    answer = people("applicant").tries().create(job)
    assert answer.accepted, answer.said


def test_what_people_see_of_a_request(people: People, administrator: Person, controller: Person, town: Town) -> None:
    """The columns of `kubectl get csreq`, and the short names."""
    assert people("applicant").create(request(town, "seen")).accepted
    condition = {"type": "Ready", "status": "True", "reason": "InTrial", "lastTransitionTime": "2026-11-22T00:00:00Z"}
    status = {
        "phase": "Trial",
        "conditions": [condition],
        "nextAction": {"zh": "请批准", "en": "decide", "waitingFor": "authority"},
        "due": "2026-12-07T00:00:00Z",
        "monthlyCost": "68.00",
    }
    told = controller.patch("csreq/seen", town.namespace, {"status": status}, "--subresource=status")
    assert told.accepted, told.said
    table = administrator.kubectl.do("get", "csreq", "seen", "-n", town.namespace).splitlines()
    heading, row = (" ".join(line.split()) for line in table)
    assert heading == "NAME UNIT STAGE PHASE READY WAITING FOR DUE MONTHLY COST AGE"
    # A controller that runs beside may have told its own story of this request meanwhile; the stage is the applicant's.
    assert row.startswith(f"seen {town.unit} Trial ")
    for short in ("csreq", "csapp", "unit", "juris", "cscat", "csbak"):
        assert administrator.kubectl.try_to("get", short, "-A").returncode == 0
