"""Manifests in files and folders, as `kubectl apply -f` takes them: several documents in a file, lists, standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SUFFIXES = (".yaml", ".yml", ".json")
STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Document:
    """One object of a file. `number` counts the file's documents from 1."""

    file: str
    number: int
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def namespace(self) -> str:
        return str(self.body["metadata"].get("namespace", ""))

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])


@dataclass(frozen=True)
class Fault:
    """Why an input cannot be used: which file, which document of it (0: none in particular), which field, what is wrong."""

    file: str
    document: int
    field: str
    message: str

    def sentence(self) -> str:
        """All of it in one line."""
        where = f"{self.file}, document {self.document}" if self.document else self.file
        return ": ".join(part for part in (where, self.field, self.message) if part)


@dataclass(frozen=True)
class Read:
    """What was found in the files, and what could not be read."""

    documents: tuple[Document, ...]
    faults: tuple[Fault, ...]


def read_manifests(paths: Sequence[Path]) -> Read:
    """Everything in these files and folders, in the order given; a folder's files by name, without its subfolders' ones."""
    documents: list[Document] = []
    faults: list[Fault] = []
    for item in (item for path in paths for item in _of_path(path)):
        (documents if isinstance(item, Document) else faults).append(item)  # type: ignore[arg-type]
    return Read(tuple(documents), tuple(faults))


def _of_path(path: Path) -> Iterator[Document | Fault]:
    try:
        if path.is_dir():
            for file in sorted(file for file in path.iterdir() if file.suffix in SUFFIXES):
                yield from _of_text(str(file), file.read_text(encoding="utf-8"))
        else:
            text = sys.stdin.read() if str(path) == STANDARD_INPUT else path.read_text(encoding="utf-8")
            yield from _of_text(str(path), text)
    except (OSError, UnicodeDecodeError) as error:
        yield Fault(str(path), 0, "", f"cannot be read: {error}")


def _of_text(file: str, text: str) -> Iterator[Document | Fault]:
    number = 0
    try:
        for number, body in enumerate(yaml.load_all(text, Loader=_Loader), start=1):
            yield from _of_document(file, number, body)
    except yaml.YAMLError as error:
        yield Fault(file, number + 1, "", f"is not YAML: {' '.join(str(error).split())}")


def _of_document(file: str, number: int, body: Any) -> Iterator[Document | Fault]:
    if body is None:
        return
    if not isinstance(body, Mapping) or "kind" not in body or not isinstance(body.get("metadata", {}), Mapping):
        yield Fault(file, number, "", "is not an object of the Kubernetes API; it needs apiVersion, kind and metadata")
    elif body["kind"] == "List":
        for item in body.get("items") or ():
            yield from _of_document(file, number, item)
    else:
        yield Document(file, number, {"metadata": {}, **body})


class _Loader(yaml.SafeLoader):
    """Reads as the API server does: a date stays the text that was written, and a key stands once in an object."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise yaml.constructor.ConstructorError(None, None, f"the field {', '.join(repeated)} is written twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
