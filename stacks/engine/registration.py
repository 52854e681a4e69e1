"""Handing a program to the engine: each resource becomes an object of the class of `pulumi_openstack` that its type names. Inputs that our
provider serves and that class lacks are added to what it registers.

Runs inside the engine's call into our language server. What the engine computes (ids, outputs) is collected here on the way, so that
no second call has to ask for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_openstack

from stacks import cloud_init, scram
from stacks.order import ProgramFault
from stacks.program import CloudConfig, External, Joined, Lookup, Program, Ref, Resource, ScramVerifier, Secret, Value
from stacks.provider import schema

_AS_IT_WAS = "as it was when the resource was made"
"""Stands for a value that the engine replaces by the one it remembers, because the resource ignores its changes."""


@dataclass(frozen=True)
class Inputs:
    """What a program gets only when it runs.

    Attributes:
        secret: derives a secret by its name.
        external: values of another stack, by name.
        made: resources that the stack is known to have. What counts only when they are made is not looked up any more: the cloud may
            have taken that image away long ago, and the machines made from it must still be stopped, grown, promoted.
    """

    secret: Callable[[str], str]
    external: Mapping[str, str] = field(default_factory=dict)
    made: Set[str] = frozenset()


@dataclass
class Collected:
    """What the engine computed: logical name -> (type, id), and the stack's outputs in plain. Holds secrets: never print it."""

    resources: dict[str, tuple[str, str]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)


def program_function(program: Program, inputs: Inputs, collected: Collected) -> Callable[[], None]:
    """The program as the engine's language server wants it."""

    def run() -> None:
        _Registration(inputs, collected).register(program)

    return run


class _Registration:
    """One registration of one program."""

    def __init__(self, inputs: Inputs, collected: Collected) -> None:
        self._inputs = inputs
        self._collected = collected
        self._made: dict[str, Any] = {}
        self._logins: dict[str, Any] = {}
        self._found: dict[Lookup, Any] = {}

    def register(self, program: Program) -> None:
        for resource in program.resources:
            self._made[resource.name] = self._make(resource)
        for name, value in program.outputs.items():
            resolved = pulumi.Output.from_input(self._resolved(value, "unit"))
            resolved.apply(self._collecting(name))
            pulumi.export(name, resolved)

    def _make(self, resource: Resource) -> Any:
        arguments = {name: self._argument(resource, name, value) for name, value in resource.inputs.items()}
        ours = schema.inputs_of_our_own(resource.type)
        added = {ours[name]: arguments.pop(name) for name in ours.keys() & arguments.keys()}
        made = class_of(resource.type)(resource.name, opts=self._options(resource, added), **arguments)
        made.id.apply(lambda found: self._collected.resources.__setitem__(resource.name, (resource.type, found)))
        return made

    def _argument(self, resource: Resource, name: str, value: Value) -> Any:
        if isinstance(value, Lookup) and name in resource.ignore_changes and resource.name in self._inputs.made:
            return _AS_IT_WAS
        return self._resolved(value, resource.login)

    def _options(self, resource: Resource, added: Mapping[str, Any]) -> Any:
        return pulumi.ResourceOptions(
            transformations=[adding(added)] if added else None,
            provider=self._login(resource.login),
            depends_on=[self._made[name] for name in resource.after],
            ignore_changes=list(resource.ignore_changes),
            # The old one goes first: quotas are exact, a volume is on one server, and an address belongs to one port.
            delete_before_replace=True,
            replacement_trigger=resource.trigger or None,
        )

    def _login(self, name: str) -> Any:
        if name not in self._logins:
            self._logins[name] = pulumi_openstack.Provider(name, cloud=name)
        return self._logins[name]

    def _resolved(self, value: Value, login: str) -> Any:
        match value:
            case Ref(resource, output):
                return _output_of(self._made[resource], output)
            case Lookup():
                return self._looked_up(value, login)
            case Secret(name):
                return pulumi.Output.secret(self._inputs.secret(name))
            case External(name):
                return self._external(name)
            case ScramVerifier(Secret(name)):
                return pulumi.Output.secret(self._verifier(name))
            case CloudConfig(document):
                return pulumi.Output.from_input(self._resolved(document, login)).apply(cloud_init.render)
            case Joined(parts):
                return pulumi.Output.concat(*(self._resolved(part, login) for part in parts))
            case tuple():
                return [self._resolved(item, login) for item in value]
            case Mapping():
                return {key: self._resolved(item, login) for key, item in value.items()}
            case _:
                return value

    def _verifier(self, name: str) -> str:
        """The salt is derived like the password, so that every run of the program gives the same verifier."""
        return scram.verifier(self._inputs.secret(name), self._inputs.secret(f"{name}/salt").encode())

    def _external(self, name: str) -> str:
        try:
            return self._inputs.external[name]
        except KeyError:
            raise ProgramFault(f"the program asks for {name}, which the unit's stack does not give out") from None

    def _looked_up(self, lookup: Lookup, login: str) -> Any:
        if lookup not in self._found:
            options = pulumi.InvokeOutputOptions(provider=self._login(login))
            content = (
                {"properties": {"os_hash_algo": "sha512", "os_hash_value": lookup.sha512}} if lookup.sha512 else {}
            )
            self._found[lookup] = _FINDERS[lookup.kind](name=lookup.name, **content, opts=options).id
        return self._found[lookup]

    def _collecting(self, name: str) -> Callable[[Any], None]:
        return lambda value: self._collected.outputs.__setitem__(name, value)


def _loaded(module: str) -> Any:
    """A module of `pulumi_openstack`, whole. Its first use is what loads it, which is not safe in several threads at once."""
    loaded = importlib.import_module(f"pulumi_openstack.{module}")
    getattr(loaded, "__all__", None)
    return loaded


_MODULES = {
    name: _loaded(name)
    for name in (
        "blockstorage",
        "compute",
        "database",
        "identity",
        "images",
        "loadbalancer",
        "networking",
        "objectstorage",
        "sharedfilesystem",
    )
}


_FINDERS: Mapping[str, Callable[..., Any]] = {
    "image": _MODULES["images"].get_image_output,
    "network": _MODULES["networking"].get_network_output,
    "flavor": _MODULES["compute"].get_flavor_output,
    "role": _MODULES["identity"].get_role_output,
}


def class_of(type_token: str) -> Any:
    """The class of `pulumi_openstack` behind a type token.

    Raises:
        ProgramFault: there is none.
    """
    package, _, rest = type_token.partition(":")
    module, _, name = rest.partition(":")
    found = getattr(_MODULES.get(module.split("/")[0]), name, None) if package == "openstack" else None
    if found is None:
        raise ProgramFault(f"pulumi_openstack has no class for {type_token}, or none that is used here")
    return found


def adding(inputs: Mapping[str, Any]) -> pulumi.ResourceTransformation:
    """What gives a resource inputs, by wire names, that its class does not take."""

    def transformation(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        return pulumi.ResourceTransformationResult({**resource.props, **inputs}, resource.opts)

    return transformation


def _output_of(made: Any, path: str) -> Any:
    name, *rest = path.split(".")
    output = getattr(made, name)
    for part in rest:
        output = output.apply(_picking(part, path))
    return output


def _picking(part: str, path: str) -> Callable[[Any], Any]:
    def pick(value: Any) -> Any:
        items = value or []
        if int(part) >= len(items):
            raise ProgramFault(f"there is no {path}: the service gave {len(items)}")
        return items[int(part)]

    return pick
