"""Swift: containers, which are spoken of in headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from keystoneauth1 import exceptions as ksa

from stacks.provider.declarations.model import MARK_OPERATION, MARK_OWNER
from stacks.provider.errors import Code, ProviderError
from stacks.provider.marks import in_metadata
from stacks.provider.properties import Properties
from stacks.provider.waiting import Patience
from stacks.provider.work import Work

_META = "x-container-meta-"
_SETTINGS = ("containerRead", "containerWrite", "storagePolicy")


def put_container(work: Work, inputs: Properties) -> str:
    """Make the container with its mark. Its name is its id.

    Raises:
        ProviderError: one of that name is there already, and is not of this operation; making it would take it over.
    """
    name = str(inputs["name"])
    if work.cloud.head("object-store", work.path_of(name)) is not None:
        sentence = f"{work.what}: a container named {name} is there already and is not of this operation"
        raise ProviderError(Code.CONFLICT, sentence)
    metadata = in_metadata(inputs.get("metadata"), work.marks)
    settings = {work.declaration.field(wire).api: str(inputs[wire]) for wire in _SETTINGS if inputs.get(wire)}
    _send(work, "PUT", name, {**_meta_headers(metadata), **settings, **_versioning(inputs)})
    return name


def find_container(work: Work, inputs: Properties) -> list[str]:
    """The container of this operation."""
    name = str(inputs["name"])
    headers = work.cloud.head("object-store", work.path_of(name)) or {}
    return [name] if headers.get(_META + _folded(MARK_OPERATION)) == work.marks.key else []


def read_container(work: Work, identity: str, inputs: Properties) -> dict[str, Any] | None:
    """The container as its headers describe it, with metadata under the names that the program gave."""
    headers = work.cloud.head("object-store", work.path_of(identity))
    if headers is None:
        return None
    own_names = {_folded(name): name for name in (*(inputs.get("metadata") or ()), MARK_OPERATION, MARK_OWNER)}
    metadata = {
        own_names.get(header.removeprefix(_META), header.removeprefix(_META)): value
        for header, value in headers.items()
        if header.startswith(_META)
    }
    shown = {
        field.api: headers.get(field.api.lower()) for field in work.declaration.inputs if field.api.startswith("X-")
    }
    return {**shown, "name": identity, "metadata": metadata, "X-Versions-Enabled": _is_versioned(headers)}


def settle_new_container(work: Work, identity: str, inputs: Properties) -> bool:
    """See that versions are kept, if they are wanted: a Swift that cannot do it ignores the wish."""
    if inputs.get("versioning"):
        _insist_on_versions(work, identity)
    return False


def post_container(work: Work, identity: str, old: Properties, new: Properties) -> None:
    """Change what the headers say; the marks stay, for a POST changes only what it names."""
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    removed = {f"X-Remove-Container-Meta-{_folded(name)}": "x" for name in set(before) - set(after)}
    access = {
        work.declaration.field(wire).api: str(new.get(wire) or "") for wire in ("containerRead", "containerWrite")
    }
    _send(work, "POST", identity, {**_meta_headers(after), **removed, **access, **_versioning(new, old)})
    if new.get("versioning") and not old.get("versioning"):
        _insist_on_versions(work, identity)


def _insist_on_versions(work: Work, identity: str) -> None:
    headers = work.cloud.head("object-store", work.path_of(identity)) or {}
    if not _is_versioned(headers):
        sentence = f"{work.what}: this object store does not keep older versions of objects; set versioning to false"
        raise ProviderError(Code.FAILED, sentence)


def _is_versioned(headers: Mapping[str, str]) -> bool:
    return str(headers.get("x-versions-enabled", "")).lower() == "true"


def delete_container(work: Work, identity: str, inputs: Properties) -> None:
    """Delete the container, and with `forceDestroy` its objects first, in all their versions."""
    if inputs.get("forceDestroy"):
        _delete_objects(work, identity)
    try:
        work.delete_if_there(work.path_of(identity))
    except ksa.Conflict as error:
        sentence = f"{work.what} still holds objects; it is deleted with them only if forceDestroy is set"
        raise ProviderError(Code.CONFLICT, sentence) from error


def _delete_objects(work: Work, container: str) -> None:
    """Delete all objects in all their versions, and wait for the list to tell it: Swift's shows for a while what is gone."""
    path = work.path_of(container)
    if work.cloud.head("object-store", path) is None:
        return
    patience, gone = _patience_with_the_list(work), frozenset[str]()
    while listed := _listed(work, path):
        if listed <= gone:
            patience.pause(f"the list of {work.what} to tell that its objects are gone")
        else:
            for target in sorted(listed - gone):
                work.cloud.delete_exactly("object-store", target)
            patience, gone = _patience_with_the_list(work), listed


def _listed(work: Work, path: str) -> frozenset[str]:
    """Paths of the first objects of the container, each version by itself."""
    query = (("format", "json"), ("limit", "1000"), ("versions", "true"))
    objects = work.cloud.array("object-store", path, query=query)
    return frozenset(f"{path}/{quote(str(item['name']))}{_of_version(item)}" for item in objects)


def _patience_with_the_list(work: Work) -> Patience:
    return work.patience(work.declaration.deadlines.delete)


def _of_version(item: Mapping[str, Any]) -> str:
    """The query that means one version of an object: without it, a deletion only adds a version that says so."""
    version = item.get("version_id")
    return f"?version-id={quote(str(version), safe='')}" if version else ""


def _send(work: Work, method: str, name: str, headers: Mapping[str, str]) -> None:
    work.cloud.write(method, "object-store", work.path_of(name), headers=headers)


def _meta_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    return {f"X-Container-Meta-{_folded(name)}": value for name, value in metadata.items()}


def _versioning(new: Properties, old: Properties | None = None) -> dict[str, str]:
    """The versioning header, only where it says something new: clouds without the feature refuse it."""
    wanted = bool(new.get("versioning"))
    return {"X-Versions-Enabled": str(wanted).lower()} if wanted != bool((old or {}).get("versioning")) else {}


def _folded(name: str) -> str:
    """A metadata name as it survives HTTP: lower case, hyphens."""
    return name.lower().replace("_", "-")


HANDLERS = (put_container, find_container, read_container, settle_new_container, post_container, delete_container)
