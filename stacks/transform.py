"""What a pinned program becomes when only its power or its stage changes: nothing else of it moves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

from stacks.kind import Stage
from stacks.machines import INSTANCE, VOLUME
from stacks.naming import STAGE_MARK
from stacks.object_storage import CONTAINER, USER
from stacks.order import in_order, references
from stacks.program import Program, Resource, Value

POWER_INPUTS = ("power_state", "enabled")
"""The only inputs that `with_power` changes."""


def with_power(program: Program, running: bool) -> Program:
    """The program with all its servers on and all its users let in, or servers off and users locked out."""
    state = "active" if running else "shutoff"
    switches: Mapping[str, tuple[str, Value]] = {INSTANCE: ("power_state", state), USER: ("enabled", running)}

    def switched(resource: Resource) -> Resource:
        return _with_input(resource, *switches[resource.type]) if resource.type in switches else resource

    return _each(program, switched)


def with_stage(program: Program, stage: Stage) -> Program:
    """The program whose resources are marked with this stage."""
    return _each(program, lambda resource: _with_stage_mark(resource, stage))


def with_removal(program: Program) -> Program:
    """The program as it is before its end: a container may then be deleted although it holds objects. Nothing in the cloud changes by it."""
    return _each(
        program,
        lambda resource: _with_input(resource, "force_destroy", True) if resource.type == CONTAINER else resource,
    )


@dataclass(frozen=True)
class Origin:
    """What a volume is made from: a Cinder backup, by id. `trigger`: which making it is."""

    backup_id: str
    trigger: str


def made_from(program: Program, origins: Mapping[str, Origin]) -> Program:
    """The program whose volumes of these names are made from backups, and from nothing else."""

    def made(resource: Resource) -> Resource:
        origin = origins.get(resource.name)
        if origin is None or resource.type != VOLUME:
            return resource
        inputs = {name: value for name, value in resource.inputs.items() if name != "image_id"}
        ignored = tuple(name for name in resource.ignore_changes if name != "image_id")
        return replace(resource, inputs={**inputs, "backup_id": origin.backup_id}, ignore_changes=ignored, trigger=origin.trigger)

    return _each(program, made)


def origins_in(program: Program) -> Mapping[str, Origin]:
    """The volumes that are made from backups, by name."""
    found = ((resource, resource.inputs.get("backup_id")) for resource in program.resources if resource.type == VOLUME)
    return {resource.name: Origin(backup, resource.trigger) for resource, backup in found if isinstance(backup, str)}


def together(*programs: Program) -> Program:
    """What is in any of the programs; where several have a resource or an output of one name, the first one's."""
    resources: dict[str, Resource] = {}
    outputs: dict[str, Value] = {}
    for program in programs:
        resources = {**{resource.name: resource for resource in program.resources}, **resources}
        outputs = {**program.outputs, **outputs}
    return Program(in_order(resources.values()), outputs)


def without(program: Program, names: Set[str]) -> Program:
    """The program without these resources, and without the outputs that need them.

    Raises:
        ProgramFault: something that stays refers to one of them.
    """
    kept = tuple(resource for resource in program.resources if resource.name not in names)
    outputs = {name: value for name, value in program.outputs.items() if not references(value) & names}
    return Program(in_order(kept), outputs)


def _each(program: Program, change: Callable[[Resource], Resource]) -> Program:
    return replace(program, resources=tuple(change(resource) for resource in program.resources))


def _with_stage_mark(resource: Resource, stage: Stage) -> Resource:
    metadata, tags = resource.inputs.get("metadata"), resource.inputs.get("tags")
    if isinstance(metadata, Mapping) and STAGE_MARK in metadata:
        resource = _with_input(resource, "metadata", {**metadata, STAGE_MARK: stage})
    if isinstance(tags, tuple):
        resource = _with_input(resource, "tags", tuple(_stage_tag(tag, stage) for tag in tags))
    return resource


def _stage_tag(tag: Value, stage: Stage) -> Value:
    return f"{STAGE_MARK}={stage}" if isinstance(tag, str) and tag.startswith(f"{STAGE_MARK}=") else tag


def _with_input(resource: Resource, name: str, value: Value) -> Resource:
    return replace(resource, inputs={**resource.inputs, name: value})
