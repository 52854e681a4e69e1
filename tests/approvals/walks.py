"""Every field of a model, and another value for each: a field that is added to a model is in these walks from then on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]


def fields(value: BaseModel, path: Path = ()) -> Iterator[tuple[Path, FieldInfo, Any]]:
    """Every field that is no model itself: its path in JSON, what the model says of it, and its value."""
    for name, info in type(value).model_fields.items():
        here: Path = (*path, info.alias or name)
        found = getattr(value, name)
        inner = [found] if isinstance(found, BaseModel) else found if _holds_models(found) else None
        if inner is None:
            if found not in ((), None) or not _models_of(info.annotation):
                yield here, info, found
            continue
        for place, item in enumerate(inner):
            yield from fields(item, here if isinstance(found, BaseModel) else (*here, place))


def _models_of(annotation: Any) -> bool:
    """Whether it can hold a model; where there is none, there is no value to change."""
    return (isinstance(annotation, type) and issubclass(annotation, BaseModel)) or any(_models_of(part) for part in get_args(annotation))


def _holds_models(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and isinstance(value[0], BaseModel)


def another(info: FieldInfo, value: Any) -> Any:
    """A value that the field takes as well, as JSON; it differs from `value`.

    Raises:
        AssertionError: there is none among the candidates: give this walk a better one.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
    now = adapter.dump_python(value, mode="json")
    for candidate in (*_choices(info.annotation), *_beside(now)):
        try:
            found = adapter.dump_python(adapter.validate_python(candidate), mode="json")
        except ValidationError:
            continue
        if found != now:
            return found
    raise AssertionError(f"no other value for {info} than {value!r}")


def _choices(annotation: Any) -> Iterator[str]:
    """What a closed list offers, at any depth."""
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        yield from _choices(part)


def _beside(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1)
        case str():
            yield from _other_texts(value)
        case dict():
            yield from ({**value, "more": 1}, {**value, "more": "1"}, {})
        case list():
            yield value[:-1]
            yield from ([text] for text in ("other-step", "10.9.8.7", "x", 7))
        case None:
            yield from ("2027-01-01T00:00:00Z", 3, "sha256:" + "7" * 64, "7" * 64, "7" * 128, "15.4", "other-step", "x", True)


def _other_texts(value: str) -> Iterator[str]:
    """The same form with another digit or letter in it."""
    for old, new in (("1", "2"), ("0", "9"), ("a", "b"), ("n", "m"), ("3", "4"), ("2", "5"), ("e", "f")):
        if old in value:
            yield value.replace(old, new, 1)
    yield value + "甲"
    yield "x" + value


def with_value(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at a place."""
    if not path:
        return value
    first, *rest = path
    changed = with_value(document.get(first) if isinstance(document, dict) else document[int(first)], tuple(rest), value)
    if isinstance(document, dict):
        return {**document, first: changed}
    return [changed if place == first else item for place, item in enumerate(document)]
