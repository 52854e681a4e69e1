"""Whether the cluster's admission policies are those that ship with this controller (`deploy/admission/`).

Without them an approval could carry any name, so the controller does nothing while one is missing or changed. Each file holds a policy
and its binding. What the live object has beyond ours must be one of the API server's own defaults: a harmless-looking addition, such as
a match condition that is never true, would switch a policy off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

Manifests = tuple[Mapping[str, Any], ...]

DEFAULTED: Mapping[str, Any] = {
    "spec.matchConstraints.matchPolicy": "Equivalent",
    "spec.matchConstraints.namespaceSelector": {},
    "spec.matchConstraints.objectSelector": {},
    "spec.matchConstraints.resourceRules[].scope": "*",
}
"""What the API server adds to a policy or binding by itself."""


class ManifestsMissing(Exception):
    """The policies that ship with this controller cannot be found: the installation is damaged."""


def installed_manifests() -> Manifests:
    """The policies and bindings of this version, from the package `deploy`: in a checkout the folder itself, in a wheel a copy of it.

    Raises:
        ManifestsMissing: they are not there.
    """
    try:
        return manifests_in(resources.files("deploy") / "admission")
    except ModuleNotFoundError as error:
        raise ManifestsMissing("the package deploy is not installed; install the wheel, or run in a checkout") from error


def manifests_in(folder: Traversable) -> Manifests:
    """Every document of every YAML file in a folder.

    Raises:
        ManifestsMissing: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ManifestsMissing(f"{folder} is not there; install the wheel, or run from a whole checkout")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    found = tuple(document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8")))
    if not found:
        raise ManifestsMissing(f"{folder} holds no policies")
    return found


def admission_fault(installed: Iterable[Mapping[str, Any]], live: Iterable[Mapping[str, Any]]) -> str | None:
    """The first thing that is not as installed, in one sentence; None when all is.

    Args:
        live: all policies and bindings of the cluster, in any order; those that are not ours are ignored.
    """
    by_name = {_identity(manifest): manifest for manifest in live}
    for ours in installed:
        kind, name = _identity(ours)
        found = by_name.get((kind, name))
        if found is None:
            return f"{kind} {name} is missing; apply deploy/admission"
        if difference := next(_differences(ours["spec"], found["spec"], "spec"), None):
            return f"{kind} {name} is not as installed: {difference}; apply deploy/admission"
        if "deletionTimestamp" in found["metadata"]:
            return f"{kind} {name} is being deleted; apply deploy/admission"
    return None


def marks_of(installed: Iterable[Mapping[str, Any]], live: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Kind and name of each of ours that is there -> uid and generation: what tells whether it was touched since the last look."""
    ours = {_identity(manifest) for manifest in installed}
    found = ((_identity(manifest), manifest["metadata"]) for manifest in live)
    return {"/".join(who): f"{said['uid']}/{said['generation']}" for who, said in found if who in ours}


def _identity(manifest: Mapping[str, Any]) -> tuple[str, str]:
    # A list's items do not carry their kind; only a binding names a policy.
    spec = manifest["spec"]
    kind = "ValidatingAdmissionPolicyBinding" if "policyName" in spec else "ValidatingAdmissionPolicy"
    return kind, manifest["metadata"]["name"]


def _differences(ours: Any, live: Any, path: str) -> Iterator[str]:
    match ours, live:
        case Mapping(), Mapping():
            yield from _differences_of_maps(ours, live, path)
        case list(), list() if len(ours) == len(live):
            for one, other in zip(ours, live, strict=True):
                yield from _differences(one, other, f"{path}[]")
        case _ if ours != live:
            yield f"{path} differs"


def _differences_of_maps(ours: Mapping[str, Any], live: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in sorted(ours.keys() | live.keys()):
        below = f"{path}.{key}"
        if key not in live:
            yield f"{below} is gone"
        elif key in ours:
            yield from _differences(ours[key], live[key], below)
        elif below not in DEFAULTED or live[key] != DEFAULTED[below]:
            yield f"{below} was added"
