"""From what a program wrote to what OpenStack understands, and back. Pure: no cloud, no engine, no clock.

Values are plain Python: str, int, bool, list, dict, None, and `UNKNOWN` for what is known only after the run.
Property names are Pulumi's wire names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from stacks.provider import marks
from stacks.provider.declarations.model import MARK_OPERATION, Change, Declaration, Field, MarkIn

Properties = Mapping[str, Any]

UNFINISHED: Final = "__unfinished"
"""Output of a resource that was never finished: the next run whose plan may do so finishes it, whatever else that changes of it."""


class Unknown:
    """A value that exists only once the resource it comes from has been made."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
LONGEST_DESCRIPTION = 150
"""Characters: Neutron keeps 255, and our mark needs the rest."""


@dataclass(frozen=True)
class Refusal:
    """An input that cannot be accepted: which, and what would be right."""

    property: str
    reason: str


@dataclass(frozen=True)
class Changed:
    """One input that differs."""

    field: Field
    kind: Literal["add", "delete", "update"]
    only_recorded: bool = False
    """An imported resource may well have this value already: no answer shows it. It is written down, nothing is
    done.
    """

    @property
    def replaces(self) -> bool:
        """Whether this change makes the resource anew."""
        return self.field.change is Change.REPLACE and not self.only_recorded


# ---------------------------------------------------------------------------------------------------------- check


def with_defaults(declaration: Declaration, given: Properties, olds: Properties, generated_name: str) -> dict[str, Any]:
    """The inputs completed: defaults, and a name that stays the same once it was made."""
    filled = {**_defaults(declaration.inputs), **{key: value for key, value in given.items() if value is not None}}
    for field in declaration.inputs:
        if field.fields and filled.get(field.wire) is not None:
            filled[field.wire] = _with_nested_defaults(field, filled[field.wire])
        if field.named and field.wire not in filled:
            filled[field.wire] = olds.get(field.wire) or generated_name
    return filled


def refusals(declaration: Declaration, given: Properties, olds: Properties) -> list[Refusal]:
    """All that is wrong with these (completed) inputs; nothing is ever ignored."""
    found = [
        *_unknown_inputs(declaration, given),
        *_missing_inputs(declaration.inputs, given, declaration.noun),
        *_wrong_groups(declaration, given),
        *_reserved_marks(declaration, given),
    ]
    for field in declaration.inputs:
        if given.get(field.wire) is not None:
            found += _wrong_values(field, given[field.wire], field.wire)
            found += _shrunk(field, olds.get(field.wire), given[field.wire])
    return found


def _defaults(fields: Iterable[Field]) -> dict[str, Any]:
    return {field.wire: field.default for field in fields if field.default is not None}


def _with_nested_defaults(field: Field, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {**_defaults(field.fields), **{key: item for key, item in value.items() if item is not None}}
    if isinstance(value, list):
        return [_with_nested_defaults(field, item) for item in value]
    return value


def _unknown_inputs(declaration: Declaration, given: Properties) -> Iterable[Refusal]:
    known = {field.wire for field in declaration.inputs}
    outputs = {field.wire for field in declaration.fields if field.output_only}
    for wire in sorted(set(given) - known):
        what = "is an output and cannot be set" if wire in outputs else "is not implemented by this provider"
        yield Refusal(wire, f"{wire} {what}; {declaration.noun} takes: {', '.join(sorted(known))}")


def _missing_inputs(fields: Sequence[Field], given: Properties, where: str) -> Iterable[Refusal]:
    for field in fields:
        if field.required and given.get(field.wire) in (None, ""):
            yield Refusal(field.wire, f"{field.wire} of {where} must be given")


def _wrong_groups(declaration: Declaration, given: Properties) -> Iterable[Refusal]:
    for group in declaration.needs_one:
        count = _how_many(group, given)
        if count != 1:
            yield Refusal(group[0], f"exactly one of {', '.join(group)} must be given; {count} are")
    for group in declaration.at_most_one:
        if _how_many(group, given) > 1:
            yield Refusal(group[0], f"no more than one of {', '.join(group)} may be given")


def _how_many(group: Sequence[str], given: Properties) -> int:
    return sum(1 for wire in group if given.get(wire) not in (None, [], "", False))


def _reserved_marks(declaration: Declaration, given: Properties) -> Iterable[Refusal]:
    metadata, tags = given.get("metadata"), given.get("tags")
    if isinstance(metadata, Mapping) and MARK_OPERATION in metadata:
        yield Refusal("metadata", f"the key {MARK_OPERATION} is set by the provider; leave it out")
    if isinstance(tags, list) and any(str(tag).startswith(f"{MARK_OPERATION}=") for tag in tags):
        yield Refusal("tags", f"the tag {MARK_OPERATION}=… is set by the provider; leave it out")
    description = given.get("description")
    length = len(description) if isinstance(description, str) else 0
    if declaration.mark is MarkIn.DESCRIPTION and length > LONGEST_DESCRIPTION:
        yield Refusal("description", f"description has {length} characters; at most {LONGEST_DESCRIPTION} fit")


def _wrong_values(field: Field, value: Any, where: str) -> Iterable[Refusal]:
    if value is UNKNOWN:
        return
    if not _has_kind(field, value):
        yield Refusal(where, f"{where} must be {_KIND_IN_WORDS[field.kind]}, not {type(value).__name__}")
    elif field.one_of and value not in field.one_of:
        yield Refusal(where, f"{where} must be one of {', '.join(field.one_of)}, not {value}")
    elif field.kind == "object":
        yield from _wrong_object(field, value, where)
    elif field.kind == "objects":
        for position, item in enumerate(value):
            yield from _wrong_object(field, item, f"{where}[{position}]")


def _wrong_object(field: Field, value: Any, where: str) -> Iterable[Refusal]:
    if value is UNKNOWN:
        return
    if not isinstance(value, Mapping):
        yield Refusal(where, f"{where} must be an object, not {type(value).__name__}")
        return
    known = {nested.wire: nested for nested in field.fields}
    for wire in sorted(set(value) - set(known)):
        reason = f"{where}.{wire} is not implemented by this provider; known are: {', '.join(sorted(known))}"
        yield Refusal(where, reason)
    yield from _missing_inputs(field.fields, value, where)
    for wire, nested in known.items():
        if value.get(wire) is not None:
            yield from _wrong_values(nested, value[wire], f"{where}.{wire}")


def _shrunk(field: Field, old: Any, new: Any) -> Iterable[Refusal]:
    if field.grows_only and isinstance(old, int) and isinstance(new, int) and new < old:
        yield Refusal(field.wire, f"{field.wire} cannot shrink from {old} to {new}; it can only grow")


_KIND_IN_WORDS = {
    "text": "a text",
    "whole": "a whole number",
    "flag": "true or false",
    "texts": "a list of texts",
    "mapping": "a mapping from text to text",
    "object": "an object",
    "objects": "a list of objects",
}


def _has_kind(field: Field, value: Any) -> bool:
    match field.kind:
        case "text":
            return isinstance(value, str)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) or item is UNKNOWN for item in value)
        case "mapping":
            return isinstance(value, Mapping) and all(
                isinstance(item, str) or item is UNKNOWN for item in value.values()
            )
        case "object":
            return isinstance(value, Mapping)
        case "objects":
            return isinstance(value, list)


# ---------------------------------------------------------------------------------------------------------- diff


def changes(declaration: Declaration, old: Properties, new: Properties, *, imported: bool = False) -> list[Changed]:
    """The inputs that differ, in the order of the declaration.

    Order is ignored where it means nothing; an input that was never given equals its default; one that was taken away
    and that the service chooses itself does not count. Of an imported resource, inputs that no answer shows are
    unknown: giving them for the first time is no change.
    """
    found = (_change(field, old.get(field.wire), new.get(field.wire)) for field in declaration.inputs)
    return [
        replace(change, only_recorded=imported and change.kind == "add" and change.field.shown is None)
        for change in found
        if change is not None
    ]


def _change(field: Field, old: Any, new: Any) -> Changed | None:
    before, after = _comparable(field, old), _comparable(field, new)
    if before == after or (before is None and after == _comparable(field, field.default)):
        return None
    if after is None:
        kept = field.computed and not field.nulls
        return None if kept or before == _comparable(field, field.default) else Changed(field, "delete")
    return Changed(field, "add" if before is None else "update")


def _comparable(field: Field, value: Any) -> Any:
    """A value in a form in which equal means equal; UNKNOWN equals nothing, for it is compared by identity."""
    if value is None or value in ([], {}, ""):
        return None
    if value is UNKNOWN:
        return object()
    if field.kind == "object" and isinstance(value, Mapping):
        return _comparable_object(field, value)
    if isinstance(value, list):
        items = [_comparable_item(field, item) for item in value]
        return sorted(items, key=repr) if field.unordered else items
    return dict(value) if isinstance(value, Mapping) else value


def _comparable_item(field: Field, item: Any) -> Any:
    if item is UNKNOWN:
        return object()
    return _comparable_object(field, item) if field.fields and isinstance(item, Mapping) else item


def _comparable_object(field: Field, value: Mapping[str, Any]) -> dict[str, Any]:
    known = {**_defaults(field.fields), **value}
    compared = {nested.wire: _comparable(nested, known.get(nested.wire)) for nested in field.fields}
    return {wire: item for wire, item in compared.items() if item is not None}


# ----------------------------------------------------------------------------------------------- towards OpenStack


def create_body(declaration: Declaration, inputs: Properties) -> dict[str, Any]:
    """The object of a create request, without marks and without its envelope."""
    return _body((field for field in declaration.inputs if field.sent), inputs)


def update_body(declaration: Declaration, changed: Iterable[Changed], inputs: Properties) -> dict[str, Any]:
    """The object of a uniform update: what changed, and what stands in the same nested object as something that
    changed.
    """
    updated = [change.field for change in changed if change.field.change is Change.UPDATE]
    groups = {field.api_path[0] for field in updated}
    together = [field for field in declaration.inputs if field.sent and field.api_path[0] in groups]
    body = _body(together, inputs)
    for field in updated:
        if inputs.get(field.wire) is None:
            _take_away(body, field)
    return body


def to_api(field: Field, value: Any) -> Any:
    """A value of this field as OpenStack wants it."""
    if field.kind == "object" and isinstance(value, Mapping):
        return _body(field.fields, value)
    if field.kind == "objects":
        return [_body(field.fields, item) for item in value]
    return value


def _body(fields: Iterable[Field], values: Properties) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for field in fields:
        value = values.get(field.wire)
        if value is not None and value != "":
            _put(body, field.api_path, to_api(field, value))
    return body


def _put(body: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *outer, last = path
    for step in outer:
        body = body.setdefault(step, {})
    body[last] = value


def _take_away(body: dict[str, Any], field: Field) -> None:
    """What a request says for "no longer": null, or the empty value of its kind."""
    empty: Any = {"texts": [], "objects": [], "mapping": {}}.get(field.kind, None if field.nulls else "")
    if len(field.api_path) > 1:
        # An object without any of its parts is taken away as a whole (a router without a gateway).
        if not body.get(field.api_path[0]):
            body[field.api_path[0]] = None
        return
    _put(body, field.api_path, empty)


# --------------------------------------------------------------------------------------------------- from OpenStack


def outputs(declaration: Declaration, answer: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    """All properties of the resource: what the answer shows, and the inputs where it shows nothing."""
    shown = {field.wire: _output(declaration, field, answer, inputs) for field in declaration.fields}
    return {wire: value for wire, value in shown.items() if value is not None}


def inputs_as_found(declaration: Declaration, found: Properties, inputs: Properties) -> dict[str, Any]:
    """The inputs as a program would have to write them to get what is there.

    With inputs (a refresh), only what they name is compared, and whatever agrees keeps its form. Without (an import),
    everything that differs from its default is written down.
    """
    if not inputs:
        return _as_imported(declaration, found)
    return {
        wire: value if agrees(declaration.field(wire), value, found.get(wire)) else found.get(wire)
        for wire, value in inputs.items()
    }


def _as_imported(declaration: Declaration, found: Properties) -> dict[str, Any]:
    """What a program would have to say, with one of each group of inputs that say the same."""
    repeated = {wire for group in declaration.needs_one for wire in [w for w in group if w in found][1:]}
    inputs = {
        field.wire: found[field.wire]
        for field in declaration.inputs
        if field.wire not in repeated and found.get(field.wire) not in (None, [], {}, "", field.default)
    }
    if declaration.mark is MarkIn.NAME and "name" in inputs:
        inputs["name"] = marks.out_of_name(str(inputs["name"]))
    return inputs


def agrees(field: Field, given: Any, shown: Any) -> bool:
    """Whether what is there is what was asked for; parts that nobody asked for do not count.

    An answer that is silent about something is no evidence that it differs: nothing is ever made anew because of
    silence.
    """
    if field.shown is None or field.output_only:
        return True
    if shown is None and (field.computed or field.change is Change.REPLACE):
        return True
    if field.wire == "name" and isinstance(shown, str) and given == marks.out_of_name(shown):
        return True
    if field.kind == "objects" and isinstance(given, list) and isinstance(shown, list):
        return len(given) == len(shown) and all(any(_covers(one, item) for item in shown) for one in given)
    return bool(_comparable(field, given) == _comparable(field, shown))


def _covers(given: Any, shown: Any) -> bool:
    return (
        isinstance(given, Mapping)
        and isinstance(shown, Mapping)
        and all(shown.get(key) == value for key, value in given.items() if value is not None)
    )


def _output(declaration: Declaration, field: Field, answer: Mapping[str, Any], inputs: Properties) -> Any:
    path = field.shown_path
    value = _get(answer, path) if path is not None else None
    if value is None:
        return inputs.get(field.wire)
    return _unmarked(declaration, field, from_api(field, value), inputs)


def _unmarked(declaration: Declaration, field: Field, value: Any, inputs: Properties) -> Any:
    """The value without the provider's own marks. `allTags` and `allMetadata` show them: that is what they are for."""
    if field.wire == "metadata":
        return marks.out_of_metadata(value, inputs.get("metadata") or {})
    if field.wire == "tags":
        return marks.out_of_tags(value, inputs.get("tags") or ())
    if field.wire == "description" and isinstance(value, str):
        return marks.out_of_description(value)
    return value


def from_api(field: Field, value: Any) -> Any:
    """A value that OpenStack shows as Pulumi wants it."""
    match field.kind:
        case "object":
            return _wire_object(field, value) if isinstance(value, Mapping) else value
        case "objects":
            return [_wire_object(field, item) for item in value if isinstance(item, Mapping)]
        case "texts":
            return [item for item in value if isinstance(item, str)]
        case "whole":
            return int(value)
        case _:
            return value


def _wire_object(field: Field, value: Mapping[str, Any]) -> dict[str, Any]:
    known = {nested.wire: _get(value, nested.api_path) for nested in field.fields}
    return {wire: item for wire, item in known.items() if item is not None}


def _get(answer: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = answer
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value
