"""Speaks to the engine: gRPC in, `crud` and `properties` behind, one sentence with a code when something fails.

Holds no configuration of its own: what a call may do follows from the connection it comes on and the run of its stack.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from stacks.provider import crud, properties, wire
from stacks.provider.clouds import Cloud, Clouds
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import Declaration
from stacks.provider.errors import Code, ProviderError, in_words
from stacks.provider.invokes import FUNCTIONS
from stacks.provider.journal import EffectContext, Operation, effect
from stacks.provider.marks import Marks, operation_key
from stacks.provider.package_schema import package_schema
from stacks.provider.peers import Peer, Peers
from stacks.provider.properties import UNKNOWN
from stacks.provider.runs import Run, RunSource, login_for
from stacks.provider.session import Clock
from stacks.provider.waiting import Waiters
from stacks.provider.work import Work

VERSION = "5.5.3"
"""The version of `pulumi_openstack` whose types are served."""

_PROVIDER_INPUTS = frozenset({"cloud", "version"})
_DIFF_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}
_STATUS = {
    Code.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Code.UNAUTHORIZED: grpc.StatusCode.PERMISSION_DENIED,
    Code.PLAN_MISMATCH: grpc.StatusCode.FAILED_PRECONDITION,
    Code.CANCELLED: grpc.StatusCode.CANCELLED,
}
_log = logging.getLogger(__name__)
Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Target:
    """The resource that a call is about, out of its URN `urn:pulumi:<stack>::<project>::<type>::<name>`."""

    urn: str
    stack: str
    type: str
    name: str

    @classmethod
    def of(cls, urn: str) -> Target:
        """Read a URN.

        Raises:
            ProviderError: it is none.
        """
        parts = urn.removeprefix("urn:pulumi:").split("::", 3)
        if len(parts) != 4 or not urn.startswith("urn:pulumi:"):
            raise ProviderError(Code.INVALID, f"{urn} is no Pulumi URN")
        # A child's type is written after its parents': parent$child.
        return cls(urn, parts[0], parts[2].rpartition("$")[2], parts[3])

    @property
    def declaration(self) -> Declaration:
        """The declaration of its type.

        Raises:
            ProviderError: the type is not served.
        """
        try:
            return DECLARATIONS[self.type]
        except KeyError:
            sentence = f"resource type {self.type} is not implemented by this provider"
            raise ProviderError(Code.INVALID, sentence) from None


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The provider as the engine sees it."""

    def __init__(self, runs: RunSource, clouds: Clouds, peers: Peers, clock: Clock) -> None:
        self._runs = runs
        self._clouds = clouds
        self._peers = peers
        self._clock = clock
        self._waiters = Waiters()

    # ------------------------------------------------------------------------------------------------ the provider

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - names of the protocol, here and below
        """Say what is understood."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        """An engine attaches to this running provider; nothing needs to be kept of it."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What is served, as a package schema."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(package_schema(VERSION)))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Accept the name of a cloud and nothing else: logins never travel through the engine."""
        news = wire.values_of(request.news)
        response = provider_pb2.CheckResponse(inputs=request.news)
        for wrong in sorted(set(news) - _PROVIDER_INPUTS):
            reason = f"{wrong} is not accepted; give cloud, the name of a login that the provider knows"
            response.failures.add(property=wrong, reason=reason)
        if not news.get("cloud"):
            response.failures.add(property="cloud", reason="cloud must be given: the name of a login")
        return response

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Another cloud is another place: everything in it would have to be made anew."""
        old, new = wire.values_of(request.olds), wire.values_of(request.news)
        if old.get("cloud") == new.get("cloud"):
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME, replaces=["cloud"], diffs=["cloud"]
        )

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Remember which cloud this connection is for. The login is looked up at each call, in the run of its stack."""
        cloud = str(wire.values_of(request.args).get("cloud") or "")
        stack = Target.of(request.urn).stack if request.urn else ""
        self._peers.configure(context.peer(), Peer(cloud, stack))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Stop what waits on this connection."""
        self._peers.cancel(context.peer())
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Look something up."""

        def answer() -> Any:
            peer = self._peers.of(context.peer())
            function = FUNCTIONS.get(request.tok)
            if function is None:
                raise ProviderError(Code.INVALID, f"function {request.tok} is not implemented by this provider")
            cloud = self._cloud(peer, self._runs.of(peer.stack))
            found = function(cloud, wire.values_of(request.args))
            return provider_pb2.InvokeResponse(**{"return": wire.struct_of(found)})

        return self._guarded(context, request.tok, answer)

    # ------------------------------------------------------------------------------------------------- one resource

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Complete the inputs and refuse what is wrong in them."""

        def answer() -> Any:
            target = Target.of(request.urn)
            declared = target.declaration
            olds, news = wire.values_of(request.olds), wire.values_of(request.news)
            named = f"{target.name}-{request.randomSeed.hex()[:7]}"
            inputs = properties.with_defaults(declared, news, olds, named)
            secrets = wire.secret_names(request.news)
            response = provider_pb2.CheckResponse(inputs=wire.struct_of(inputs, secrets))
            for refusal in properties.refusals(declared, inputs, olds):
                response.failures.add(property=refusal.property, reason=refusal.reason)
            return response

        return self._guarded(context, request.urn, answer)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Which inputs differ, and whether that changes the resource in place or makes it anew."""

        def answer() -> Any:
            declared = Target.of(request.urn).declaration
            old, new = wire.values_of(request.old_inputs), wire.values_of(request.news)
            olds = wire.values_of(request.olds)
            return _diff_response(crud.what_changes(declared, old, new, olds), unfinished=bool(olds.get(properties.UNFINISHED)))

        return self._guarded(context, request.urn, answer)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Make the resource, once."""
        inputs = wire.values_of(request.properties)

        def answer() -> Any:
            target = Target.of(request.urn)
            secrets = _secret_names(target, request.properties)
            if request.preview:
                outputs = _previewed(target.declaration, inputs, {}, target.declaration.fields)
                return provider_pb2.CreateResponse(properties=wire.struct_of(outputs, secrets))
            self._require_allowed(target, "create")
            made = self._effect(target, "create", context, request.timeout, lambda work: self._made(work, target, inputs))
            return provider_pb2.CreateResponse(id=made.identity, properties=wire.struct_of(made.outputs, secrets))

        return self._guarded(context, request.urn, answer, request.properties)

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The resource as it is; an empty id when it is not there."""

        def answer() -> Any:
            target = Target.of(request.urn)
            inputs, olds = wire.values_of(request.inputs), wire.values_of(request.properties)
            work = self._work(target, context, "read", request.timeout)
            found = crud.read(work, request.id, inputs, olds)
            if found is None:
                return provider_pb2.ReadResponse()
            secrets = _secret_names(target, request.inputs)
            as_found = properties.inputs_as_found(target.declaration, found.outputs, inputs)
            return provider_pb2.ReadResponse(
                id=found.identity,
                properties=wire.struct_of(found.outputs, secrets),
                inputs=wire.struct_of(as_found, secrets),
            )

        return self._guarded(context, request.urn, answer, request.inputs)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Change the resource in place."""
        old, new = wire.values_of(request.old_inputs), wire.values_of(request.news)
        olds = wire.values_of(request.olds)

        def answer() -> Any:
            target = Target.of(request.urn)
            secrets = _secret_names(target, request.news)
            changed = crud.what_changes(target.declaration, old, new, olds)
            if request.preview:
                outputs = _previewed(target.declaration, new, olds, (change.field for change in changed))
                return provider_pb2.UpdateResponse(properties=wire.struct_of(outputs, secrets))
            if not changed and not self._allows(target, "update", "create"):
                # A plan that only stops things passes by what another one never finished, and leaves it as it is.
                return provider_pb2.UpdateResponse(properties=wire.struct_of({**olds, properties.UNFINISHED: True}, secrets))
            # Nothing changed: the engine asks to finish what an earlier attempt at the same plan began.
            finishing = all(change.only_recorded for change in changed)
            self._require_allowed(target, "update", *(("create",) if finishing else ()))
            done = self._effect(
                target,
                "update",
                context,
                request.timeout,
                lambda work: crud.update(work, request.id, old, new, olds, may_make=self._runs.of(target.stack).makes(target.name)),
            )
            return provider_pb2.UpdateResponse(properties=wire.struct_of(done.outputs, secrets))

        return self._guarded(context, request.urn, answer, request.news)

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take the resource away."""
        inputs = wire.values_of(request.old_inputs)

        def answer() -> Any:
            target = Target.of(request.urn)
            self._require_allowed(target, "delete")
            self._effect(target, "delete", context, request.timeout, lambda work: crud.delete(work, request.id, inputs))
            return empty_pb2.Empty()

        return self._guarded(context, request.urn, answer, request.old_inputs)

    # --------------------------------------------------------------------------------------------------- behind it

    def _effect(
        self,
        target: Target,
        operation: Operation,
        context: Any,
        timeout: float,
        act: Callable[[Work], Answered],
    ) -> Answered:
        work = self._work(target, context, operation, timeout)
        run = self._runs.of(target.stack)
        with effect(
            EffectContext(
                owner=run.owner,
                stack=run.stack,
                urn=target.urn,
                type=target.type,
                operation=operation,
                key=str(work.marks.key),
                plan=run.plan,
            )
        ):
            return act(work)

    def _made(self, work: Work, target: Target, inputs: Mapping[str, Any]) -> crud.Resource:
        run = self._runs.of(target.stack)
        if run.rebuild is None:
            return crud.create(work, inputs)
        earlier = (_marks(run, target, plan) for plan in range(run.plan, 0, -1))
        if (found := crud.taken_over(work, earlier, inputs)) is not None:
            return found
        run.rebuild.missing.add(target.name)
        raise ProviderError(Code.FAILED, f"{work.what} is not in the cloud, although the state that was lost must have known it")

    def _work(self, target: Target, context: Any, operation: str, timeout: float) -> Work:
        peer = self._peers.of(context.peer())
        run = self._runs.of(target.stack)
        if peer.stack and peer.stack != target.stack:
            sentence = f"this connection belongs to stack {peer.stack}; nothing of stack {target.stack} is done on it"
            raise ProviderError(Code.UNAUTHORIZED, sentence)
        return Work(
            declaration=target.declaration,
            name=target.name,
            cloud=self._cloud(peer, run),
            marks=_marks(run, target, run.plan),
            clock=self._clock,
            cancelled=peer.cancelled,
            waiters=self._waiters,
            seconds=float(timeout or 0.0),
        )

    def _cloud(self, peer: Peer, run: Run) -> Cloud:
        return self._clouds.of(login_for(run, peer.cloud))

    def _allows(self, target: Target, *operations: str) -> bool:
        run = self._runs.of(target.stack)
        return any(run.allows(target.name, operation) for operation in operations)

    def _require_allowed(self, target: Target, *operations: str) -> None:
        if not self._allows(target, *operations):
            run = self._runs.of(target.stack)
            sentence = f"plan {run.plan} does not allow to {operations[0]} {target.name} ({target.type})"
            raise ProviderError(Code.PLAN_MISMATCH, sentence)

    def _guarded(self, context: Any, what: str, answer: Callable[[], Any], given: Any = None) -> Any:
        """Answer, or end the call with one sentence."""
        try:
            return answer()
        except crud.InitFailed as partial:
            _abort_with_partial_state(context, Target.of(what), partial, given, _hidden(what, given))
        except Exception as error:  # noqa: BLE001 - the border: whatever it is becomes a sentence with a code
            told = in_words(error, _in_short(what), _hidden(what, given))
            if not isinstance(error, ProviderError):
                _log.warning("%s", told, exc_info=error if told.sentence.endswith("in the provider") else None)
            context.abort(_STATUS.get(told.code, grpc.StatusCode.UNKNOWN), str(told))


def _marks(run: Run, target: Target, plan: int) -> Marks:
    return Marks(operation_key(run.owner, target.urn, plan), run.owner)


def _diff_response(changed: list[properties.Changed], *, unfinished: bool) -> Any:
    kinds = {
        change.field.wire: provider_pb2.PropertyDiff(kind=_DIFF_KINDS[change.kind, change.replaces], inputDiff=True)
        for change in changed
    }
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some if changed or unfinished else none,
        diffs=list(kinds),
        replaces=[change.field.wire for change in changed if change.replaces],
        detailedDiff=kinds,
        hasDetailedDiff=True,
        # The new one could not take over names, addresses and volumes that the old one still holds.
        deleteBeforeReplace=True,
    )


def _previewed(
    declaration: Declaration, inputs: Mapping[str, Any], olds: Mapping[str, Any], affected: Iterable[Any]
) -> dict[str, Any]:
    """What is known before it is done: the inputs, and what no change touches. The rest is unknown."""
    outputs = [field.wire for field in declaration.fields if field.output_only or field.computed]
    touched = {field.wire for field in affected}
    settled = {wire: olds[wire] for wire in outputs if wire in olds and not touched}
    return {**dict.fromkeys(outputs, UNKNOWN), **settled, **inputs}


def _secret_names(target: Target, given: Any) -> frozenset[str]:
    return wire.declared_secrets(target.declaration) | wire.secret_names(given)


def _hidden(urn: str, given: Any) -> frozenset[str]:
    """Texts that no sentence may contain."""
    if given is None:
        return frozenset()
    declared = DECLARATIONS.get(urn.split("::")[2].rpartition("$")[2]) if urn.count("::") >= 3 else None
    values = wire.declared_secret_values(declared, wire.values_of(given)) if declared else frozenset()
    return values | wire.secret_values(given)


def _in_short(what: str) -> str:
    """The resource of a URN as a person calls it."""
    if not what.startswith("urn:"):
        return what
    target = Target.of(what)
    declared = DECLARATIONS.get(target.type)
    return f"{declared.noun if declared else target.type} {target.name}"


def _abort_with_partial_state(
    context: Any, target: Target, partial: crud.InitFailed, given: Any, hidden: frozenset[str]
) -> None:
    """End the call so that the engine keeps the id of what exists but is not ready."""
    told = in_words(partial.cause, target.name, hidden)
    detail = provider_pb2.ErrorResourceInitFailed(
        id=partial.identity,
        properties=wire.struct_of(partial.outputs, _secret_names(target, given)),
        reasons=[str(told)],
        inputs=given,
        refresh_before_update=partial.gone,
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(told), details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, str(told))
