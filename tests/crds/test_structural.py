"""From a pydantic model to the schema of the API server: what is kept, what is said otherwise, what is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, StringConstraints

from govcloud.api.crd import NotStructural, structural
from govcloud.api.marks import checked_by, default_in_cluster, keyed_by, rule

Short = Annotated[str, StringConstraints(max_length=8)]


class Inner(BaseModel):
    """What it is."""

    name: Short


class Recursive(BaseModel):
    again: Recursive | None = None


def test_an_optional_object_is_its_object_and_the_fields_own_words_win() -> None:
    class Outer(BaseModel):
        inner: Inner | None = Field(None, description="what it is for")

    found = structural(Outer)["properties"]["inner"]
    assert found["description"] == "what it is for"
    assert found["properties"]["name"] == {"type": "string", "maxLength": 8}
    assert "default" not in found


def test_a_single_literal_is_a_list_of_one() -> None:
    class Outer(BaseModel):
        format: Literal[1] = 1

    assert structural(Outer)["properties"]["format"] == {"type": "integer", "enum": [1]}


def test_code_points_are_written_as_the_api_server_reads_them() -> None:
    class Outer(BaseModel):
        line: Annotated[str, StringConstraints(max_length=9, pattern=r"^[^\x00\u202a-\u202e]+$")]

    assert structural(Outer)["properties"]["line"]["pattern"] == r"^[^\x00\x{202a}-\x{202e}]+$"


def test_marks_arrive_and_pydantic_ignores_them() -> None:
    class Outer(BaseModel):
        model_config = checked_by(rule("self.items.size() > 0", "give it at least one"))
        items: Annotated[tuple[Inner, ...], Field(max_length=4, json_schema_extra=keyed_by("name"))] = ()
        stage: Literal["A", "B"] = Field("A", json_schema_extra=default_in_cluster())

    found = structural(Outer)
    assert found["x-kubernetes-validations"] == [{"rule": "self.items.size() > 0", "message": "give it at least one"}]
    assert found["properties"]["items"]["x-kubernetes-list-map-keys"] == ["name"]
    assert found["properties"]["stage"] == {"type": "string", "enum": ["A", "B"], "default": "A"}
    assert Outer().stage == "A"


def test_a_moment_needs_no_bound() -> None:
    class Outer(BaseModel):
        at: datetime

    assert structural(Outer)["properties"]["at"] == {"type": "string", "format": "date-time"}


class Unbounded(BaseModel):
    text: str


class UnboundedList(BaseModel):
    items: tuple[Short, ...]


class UnboundedMap(BaseModel):
    values: dict[str, int]


class Union(BaseModel):
    either: int | Short


class Anything(BaseModel):
    value: object


class Exclusive(BaseModel):
    value: Annotated[int, Field(gt=0)]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Unbounded, "Unbounded.text: string without maxLength"),
        (UnboundedList, r"UnboundedList.items: array without maxItems"),
        (UnboundedMap, "UnboundedMap.values: object without maxProperties"),
        (Union, "Union.either: a field has one type"),
        (Recursive, "the type contains itself"),
        (Anything, "Anything.value: has no type"),
        (Exclusive, "Exclusive.value: a CRD cannot say exclusiveMinimum"),
    ],
)
def test_what_a_crd_cannot_say_is_refused_by_name(model: type[BaseModel], sentence: str) -> None:
    with pytest.raises(NotStructural, match=sentence):
        structural(model)
