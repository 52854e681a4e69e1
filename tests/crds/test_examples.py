"""Every example is a manifest that the models accept, and the examples agree with each other and with the pack."""

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcloud.openstack.bootstrap import image_content
from govcloud.api.catalog import CatalogSpec
from govcloud.api.jurisdiction import JurisdictionSpec
from govcloud.api.kinds import KINDS
from govcloud.api.request import RequestSpec
from govcloud.api.unit import UnitSpec
from policies.shelf import shipped

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
OURS = {kind.kind: kind for kind in KINDS}
PLACEHOLDERS = {
    "REQUEST_NAME": "hospital-registration",
    "REQUEST_UID": "0b5c6f4e-4c0c-4b8a-9a8f-3a6f1f0f5b11",
    "PLAN_DIGEST": "sha256:" + "0" * 64,
    "DOCUMENT_NUMBER": "九信办〔2026〕40号",
}

Manifest = dict[str, Any]


def documents(*folders: str) -> Iterator[tuple[str, Manifest]]:
    for folder in folders:
        for path in sorted((EXAMPLES / folder).glob("*.yaml")):
            for document in yaml.safe_load_all(filled(path.read_text(encoding="utf-8"))):
                yield str(path.relative_to(EXAMPLES)), document


def filled(text: str) -> str:
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text


def only(kind: str) -> list[Manifest]:
    return [document for _, document in documents("platform", "money", "requests", "changes") if document["kind"] == kind]


OF_OURS = [
    pytest.param(document, id=f"{path}-{document['metadata'].get('name', '')}")
    for path, document in documents("platform", "money", "requests", "changes", "approvals")
    if document["kind"] in OURS
]


@pytest.mark.parametrize("document", OF_OURS)
def test_a_manifest_fits_its_model(document: Manifest) -> None:
    OURS[document["kind"]].spec.model_validate(document["spec"])


def test_no_placeholder_is_left_that_nobody_fills_in() -> None:
    for path in (EXAMPLES / "approvals").glob("*.yaml"):
        assert not re.search(r"\b[A-Z]+_[A-Z_]+\b", filled(path.read_text(encoding="utf-8"))), path.name


@pytest.mark.parametrize("path", sorted((EXAMPLES / "patches").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_patch_of_a_request_is_a_request(path: Path) -> None:
    request = next(r for r in only("CloudServiceRequest") if r["metadata"]["name"] == "hospital-registration")
    patch = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
    RequestSpec.model_validate(request["spec"] | patch)


def test_the_change_is_one_in_place_change_of_the_request_in_production() -> None:
    before, after = (
        next(doc for _, doc in documents(folder) if doc["metadata"]["name"] == "hospital-registration")
        for folder in ("requests", "changes")
    )
    wanted = RequestSpec.model_validate(after["spec"])
    original = RequestSpec.model_validate(before["spec"])
    assert [service.name for service in wanted.services] == [service.name for service in original.services]
    assert wanted.stage == "Production"
    assert wanted.model_copy(update={"services": (), "stage": "Trial", "agreement_ref": None}) == original.model_copy(update={"services": ()})
    assert wanted.services != original.services


def test_every_offering_and_image_that_a_request_names_is_in_the_catalog() -> None:
    (catalog,) = (CatalogSpec.model_validate(document["spec"]) for document in only("CloudServiceCatalog"))
    offered = {(offering.name, offering.kind) for offering in catalog.offerings}
    for document in only("CloudServiceRequest"):
        for service in RequestSpec.model_validate(document["spec"]).services:
            named = service.parameters.model_dump()
            assert named.get("offering") is None or (named["offering"], service.kind.name) in offered
            volumes = {
                named.get("boot_volume_offering"),
                *(extra["offering"] for extra in named.get("extra_volumes", ())),
            }
            assert volumes - {None} <= {name for name, kind in offered if kind == "blockStorage"}
            assert named.get("image") is None or named["image"] in {image.name for image in catalog.images}


def test_the_image_of_the_catalog_is_the_development_clouds() -> None:
    (catalog,) = (CatalogSpec.model_validate(document["spec"]) for document in only("CloudServiceCatalog"))
    assert [image.sha512 for image in catalog.images] == [hashlib.sha512(image_content()).hexdigest()]


def test_the_materials_are_those_that_the_pack_asks_for() -> None:
    edition = shipped().pack("jiujiang").in_force(date(2026, 1, 1))
    for document in only("CloudServiceRequest"):
        request = RequestSpec.model_validate(document["spec"])
        given = {material.kind for material in request.application}
        assert given == {rule.kind for rule in edition.materials[request.purpose]}


def test_there_is_a_template_for_every_step_of_the_pack() -> None:
    edition = shipped().pack("jiujiang").in_force(date(2026, 1, 1))
    steps = {rule.step for rules in edition.steps.values() for rule in rules}
    assert {document["spec"]["step"] for _, document in documents("approvals")} == steps


def test_the_templates_name_the_offices_that_decide_for_the_example_unit() -> None:
    """The controller compares the office's name, so a template with another one would never count."""
    (jurisdiction,) = (JurisdictionSpec.model_validate(document["spec"]) for document in only("Jurisdiction"))
    units = {doc["metadata"]["name"]: UnitSpec.model_validate(doc["spec"]) for doc in only("UsingUnit")}
    unit = units["first-hospital"]
    expected = {office.step: office.office for office in jurisdiction.offices}
    expected |= {"unit-consent": unit.title, "superior-unit": units[unit.superior or ""].title}
    assert {doc["spec"]["step"]: doc["spec"]["office"] for _, doc in documents("approvals")} == expected


def test_platform_engineers_may_bind_exactly_the_roles_that_the_examples_need_or_more() -> None:
    (role,) = yaml.safe_load_all((ROOT / "deploy" / "rbac" / "platform-engineer.yaml").read_text(encoding="utf-8"))
    bindable = {name for rule in role["rules"] if "bind" in rule["verbs"] for name in rule["resourceNames"]}
    bound = {document["roleRef"]["name"] for _, document in documents("platform") if document["kind"] == "RoleBinding"}
    assert bound <= bindable
