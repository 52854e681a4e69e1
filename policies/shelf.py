"""All regulation packs that there are: those that ship, and those of another folder. Read once, at the start, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml
from pydantic import ValidationError

from policies.rules import Pack, PackMissing, parse

_SUFFIX = ".yaml"


class PackFault(Exception):
    """A file cannot be used as a pack; the message says which one, where and why."""


@dataclass(frozen=True)
class Shelf:
    """Packs by id."""

    packs: Mapping[str, Pack]

    def pack(self, pack_id: str) -> Pack:
        """One of them.

        Raises:
            PackMissing: there is none of this id; the message lists those there are.
        """
        if pack_id not in self.packs:
            raise PackMissing(f"there is no regulation pack {pack_id!r}; there are: {', '.join(sorted(self.packs))}")
        return self.packs[pack_id]


@cache
def shipped() -> Shelf:
    """The packs beside this file."""
    return Shelf({pack.id: pack for pack in _read(resources.files("policies"))})


def with_more(folder: Path | None) -> Shelf:
    """The packs that ship and those of a folder: one file `<id>.yaml` each.

    Raises:
        PackFault: a file of the folder does not fit the model, or takes the id of a pack that ships.
    """
    packs = dict(shipped().packs)
    for pack in _read(folder) if folder else ():
        if pack.id in packs:
            raise PackFault(f"{pack.id}{_SUFFIX}: a pack of this id ships already; give yours another id")
        packs[pack.id] = pack
    return Shelf(packs)


def _read(folder: Traversable | Path) -> Iterator[Pack]:
    try:
        files = sorted((file for file in folder.iterdir() if file.name.endswith(_SUFFIX)), key=lambda file: file.name)
    except OSError as error:
        raise PackFault(f"the packs in {folder} cannot be read: {error}") from error
    return (_read_one(file) for file in files)


def _read_one(file: Traversable | Path) -> Pack:
    try:
        pack = parse(file.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise PackFault(f"{file.name} does not fit the model: {_said(error)}") from error
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise PackFault(f"{file.name} cannot be read: {error}") from error
    if file.name != pack.id + _SUFFIX:
        raise PackFault(f"{file.name} holds the pack {pack.id!r}; name the file {pack.id}{_SUFFIX}")
    return pack


def _said(error: ValidationError) -> str:
    """Every fault with its place in the file."""
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
