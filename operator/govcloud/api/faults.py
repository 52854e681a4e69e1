"""What does not fit a model, said so that it can be corrected: which field, what is wrong, what would be right. In both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from govcloud.api.crd import structural

Location = tuple[str | int, ...]
Schema = Mapping[str, Any]

LONGEST_SHOWN = 80
"""Characters of a wrong value that are told."""


@dataclass(frozen=True)
class FieldFault:
    """One thing that does not fit. `location` leads to the field, from the model on."""

    location: Location
    en: str
    zh: str


def faults_in(error: ValidationError, model: type[BaseModel]) -> tuple[FieldFault, ...]:
    """Everything that does not fit, in the order of the fields.

    A list is not called too short because the entries that it has are faulty.
    """
    found = error.errors(include_url=False)
    places = [tuple(fault["loc"]) for fault in found]
    real = (f for f in found if f["type"] != "too_short" or not any(_is_below(place, tuple(f["loc"])) for place in places))
    return tuple(_told(tuple(fault["loc"]), fault["type"], fault["msg"], fault["input"], model) for fault in real)


def place(location: Sequence[str | int]) -> str:
    """A field as people write it: `services[0].virtualMachine.count`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _is_below(place: Location, above: Location) -> bool:
    return len(place) > len(above) and place[: len(above)] == above


def _told(location: Location, kind: str, message: str, found: Any, model: type[BaseModel]) -> FieldFault:
    match kind:
        case "missing":
            meant = _at(model, location).get("description", "")
            return FieldFault(location, f"is required{f' ({meant})' if meant else ''}", "必须填写")
        case "extra_forbidden":
            return FieldFault(location, *_unknown(str(location[-1]), sorted(_at(model, location[:-1]).get("properties", ()))))
        case "literal_error":
            choices = ", ".join(str(choice) for choice in _at(model, location).get("enum", ())) or message
            return FieldFault(location, f"must be one of {choices}{_shown(found)}", f"只能为 {choices}")
        case _:
            return FieldFault(location, f"{message}{_shown(found)}", "不符合规定格式")


def _shown(found: Any) -> str:
    """What was found, where that is one value and not a tree; of a long text its beginning."""
    if not isinstance(found, str | int | float | bool):
        return ""
    return f", found {found!r}" if len(repr(found)) <= LONGEST_SHOWN else f", found {repr(found)[:LONGEST_SHOWN]}…"


def _unknown(written: str, known: Sequence[str]) -> tuple[str, str]:
    if near := _near(written, known):
        return f"there is no such field; did you mean {' or '.join(near)}?", f"没有该字段,是否应为 {' 或 '.join(near)}?"
    names = ", ".join(known)
    return f"there is no such field; there are {names}", f"没有该字段,可用字段为 {names}"


def _near(written: str, known: Sequence[str]) -> list[str]:
    """The fields that may be meant: those that begin with the word, else the same word in other letters or a similar one."""
    folded = {name.lower(): name for name in known}
    wanted = written.lower().replace("_", "").replace("-", "")
    longer = [name for name in folded if name.startswith(wanted)]
    return [folded[name] for name in longer or get_close_matches(wanted, folded, n=1, cutoff=0.75)]


def _at(model: type[BaseModel], location: Location) -> Schema:
    """The schema of a place in the model; empty where the location leads out of it."""
    schema: Schema = _schema(model)
    for step in location:
        schema = schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {}).get(step, {})
    return schema


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return structural(model)
