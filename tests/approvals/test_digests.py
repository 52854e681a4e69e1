"""No field escapes the digest that an approval is about: the walks follow the models, so a field that is added later is in them too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from approvals.walks import another, fields, with_value
from pydantic import BaseModel, ValidationError
from reconcile.world import World, request_spec

from govcloud.api.approval import ApprovalSpec
from govcloud.api.request import RequestSpec
from govcloud.core.plan import Plan, parse_plan


def models_in(model: type[BaseModel], known: tuple[type[BaseModel], ...] = ()) -> tuple[type[BaseModel], ...]:
    """The model and every model that one of its fields can hold, at any depth."""
    known = (*known, model)
    for field in model.model_fields.values():
        for inner in _models_of(field.annotation):
            if inner not in known:
                known = models_in(inner, known)
    return known


def _models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_of(part)


EVERY_MODEL = {model.__name__: model for root in (RequestSpec, Plan, ApprovalSpec) for model in models_in(root)}


def test_the_walk_sees_what_it_should() -> None:
    assert {"RequestSpec", "Service", "VirtualMachine", "SecurityRule", "Plan", "PlannedStep", "Values", "Offering"} <= EVERY_MODEL.keys()


@pytest.mark.parametrize("model", EVERY_MODEL.values(), ids=EVERY_MODEL.keys())
def test_a_model_writes_down_every_field_under_a_name_of_its_own(model: type[BaseModel]) -> None:
    names = [field.serialization_alias or field.alias or name for name, field in model.model_fields.items()]
    assert len(set(names)) == len(names)
    assert not [name for name, field in model.model_fields.items() if field.exclude]
    decorators = model.__pydantic_decorators__
    assert not decorators.field_serializers and not decorators.model_serializers, "a serializer could write two values alike"


# Every value


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of a request with a service of most kinds, waiting for its approvals."""
    world = World(tmp_path_factory.mktemp("digests") / "audit")
    world.apply()
    world.run()
    made = world.plan(1)
    world.audit.close()
    return made


SPEC = RequestSpec.model_validate(request_spec())
IN_SPEC = [(path, info, value) for path, info, value in fields(SPEC) if value is not None]


@pytest.mark.parametrize(("path", "info", "value"), IN_SPEC, ids=[".".join(map(str, case[0])) for case in IN_SPEC])
def test_another_value_anywhere_in_the_spec_is_another_plan(plan: Plan, path: Any, info: Any, value: Any) -> None:
    document = with_value(SPEC.model_dump(mode="json", by_alias=True), path, another(info, value))
    changed = RequestSpec.model_validate(document).model_dump(mode="json", by_alias=True, exclude_defaults=True)

    assert changed != plan.spec
    assert plan.model_copy(update={"spec": changed}).digest != plan.digest


def test_the_plan_holds_the_whole_spec(plan: Plan) -> None:
    assert plan.wanted() == SPEC


def test_another_value_anywhere_in_the_plan_is_another_digest(plan: Plan) -> None:
    document = plan.model_dump(mode="json", by_alias=True)
    places = [(path, info, value) for path, info, value in fields(plan) if path != ("format",)]
    digests = {plan.digest}
    for path, info, value in places:
        digests.add(Plan.model_validate(with_value(document, path, another(info, value))).digest)

    assert len(digests) == len(places) + 1, "one for each place"


def test_a_format_that_this_version_does_not_know_is_no_plan(plan: Plan) -> None:
    with pytest.raises(ValidationError, match="format"):
        Plan.model_validate({**plan.model_dump(mode="json", by_alias=True), "format": 2})
    assert parse_plan(plan.text()).digest == plan.digest

