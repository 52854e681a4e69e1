"""Create, read, update, delete: once, for every declared kind.

Create looks first. Exactly one object with the operation's mark is adopted; several are quarantined; with none the
object is made with one request, and when that request's answer is lost, the cloud is looked at again instead of asked
again. All the rest looks at the object first or says how it shall be: after a lost answer it is done again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keystoneauth1 import exceptions as ksa

from stacks.provider import marks, properties
from stacks.provider.again import PAUSES_AFTER_A_LOST_ANSWER, until_answered
from stacks.provider.declarations.model import Change, Declaration, MarkIn
from stacks.provider.errors import Code, ProviderError, in_words
from stacks.provider.handlers import HANDLERS
from stacks.provider.handlers.networking import set_tags
from stacks.provider.journal import current_effect, effect
from stacks.provider.looking import marked, the_marked_one
from stacks.provider.properties import UNFINISHED, Changed, Properties
from stacks.provider.session import AnswerLost
from stacks.provider.work import Work, unwrapped

IMPORTED = "__imported"
"""Output of a resource whose inputs were read from the cloud, until its program has been run once."""

_log = logging.getLogger(__name__)


class InitFailed(Exception):
    """The object exists but is not ready. Carries what the engine needs in order not to lose it. `gone`: it is not there any more, and the
    next run has to look before it does anything else.
    """

    def __init__(self, identity: str, outputs: Mapping[str, Any], cause: ProviderError, *, gone: bool = False) -> None:
        super().__init__(str(cause))
        self.identity = identity
        self.outputs = outputs
        self.cause = cause
        self.gone = gone


@dataclass(frozen=True)
class Resource:
    """A resource as the engine keeps it."""

    identity: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class _Object:
    """An object in the cloud; `made_now` by this very call, and `shown` as the service showed it, if it did."""

    identity: str
    shown: Mapping[str, Any] | None = None
    made_now: bool = False


def create(work: Work, inputs: Properties) -> Resource:
    """Make the resource, or take over what an earlier, interrupted attempt at the same operation made.

    Raises:
        InitFailed: it exists but did not get ready.
        ProviderError, keystoneauth's exceptions: nothing exists.
    """
    work = _with_fault(work)
    made = _adopted(work, inputs) or _made(work, inputs)
    try:
        return Resource(made.identity, until_answered(work, lambda: _finished(work, made, inputs, new=True)))
    except Exception as error:
        told = in_words(error, work.what)
        if made.made_now and told.code is Code.FAILED and _removed(work, made.identity, inputs):
            raise told from error
        raise InitFailed(made.identity, {**_outputs(work, {}, inputs), UNFINISHED: True}, told) from error


def taken_over(work: Work, earlier: Iterable[marks.Marks], inputs: Properties) -> Resource | None:
    """What an operation with one of these marks made, as it is now, for a state that forgot it; None where there is nothing.

    Makes nothing, except for what is of no use without a secret that only the state knew: that is taken away and made anew.

    Raises:
        ProviderError: several objects carry one mark.
        keystoneauth's exceptions: it cannot be told.
    """
    for each in earlier:
        under = replace(work, marks=each)
        found = the_marked_one(under, inputs)
        if found is not None and is_of_no_use(work.declaration, inputs):
            _remove(under, found, inputs)
            return create(work, inputs)
        if found is not None:
            return read(work, found, inputs, {})
    return None


def find(work: Work, inputs: Properties) -> tuple[str, ...]:
    """Ids of what an earlier, interrupted attempt at this operation made. More than one is for a person to look at.

    Raises:
        keystoneauth's exceptions: it cannot be told.
    """
    return tuple(marked(work, inputs))


def read(work: Work, identity: str, inputs: Properties, olds: Properties) -> Resource | None:
    """The resource as it is now; None when it is not there."""
    shown = _shown(work, identity, inputs)
    if shown is None:
        return None
    outputs = _with_unshown(work.declaration, _outputs(work, shown, inputs), olds)
    outputs |= {UNFINISHED: True} if olds.get(UNFINISHED) else {}
    return Resource(identity, outputs if inputs and not olds.get(IMPORTED) else {**outputs, IMPORTED: True})


def what_changes(declaration: Declaration, old: Properties, new: Properties, olds: Properties) -> list[Changed]:
    """The inputs that differ, given what the state knows of the resource (`olds`, its outputs)."""
    return properties.changes(declaration, old, new, imported=bool(olds.get(IMPORTED)))


def update(work: Work, identity: str, old: Properties, new: Properties, olds: Properties, *, may_make: bool = False) -> Resource:
    """Change the resource in place; with nothing changed, finish what an earlier attempt left unfinished.

    Args:
        may_make: whether the plan makes this resource, so that it may be made anew where what an attempt began is gone.

    Raises:
        InitFailed: it is gone, or was taken away because it failed for good; the next run makes it.
        ProviderError, keystoneauth's exceptions: some or all of it was not done. Doing it again is safe.
    """
    work = _with_fault(work)
    try:
        return until_answered(work, lambda: _updated(work, identity, old, new, olds))
    except Exception as error:
        changed = what_changes(work.declaration, old, new, olds)
        if not may_make or (told := _why_another(work, identity, new, changed, error)) is None:
            raise
        raise InitFailed(identity, {**_outputs(work, {}, new), UNFINISHED: True}, told, gone=True) from error


def delete(work: Work, identity: str, inputs: Properties) -> None:
    """Take the resource away and wait until it is gone; what is not there is deleted.

    Raises:
        ProviderError, keystoneauth's exceptions: it is still there.
    """
    work = _with_fault(work)
    until_answered(work, lambda: _taken_away(work, identity, inputs))


# --------------------------------------------------------------------------------------------------------- creating


def _adopted(work: Work, inputs: Properties) -> _Object | None:
    """What carries this operation's mark already."""
    found = the_marked_one(work, inputs)
    if found is None:
        return None
    if is_of_no_use(work.declaration, inputs):
        # Only the lost answer held its secret; it is ours, and it is new.
        _remove(work, found, inputs)
        return None
    return _Object(found)


def is_of_no_use(declaration: Declaration, inputs: Properties) -> bool:
    """Whether nobody can use an object whose secret was told once and forgotten."""
    lacking = declaration.remade_without
    return bool(lacking) and not inputs.get(lacking) and not _shows_later(declaration, lacking, inputs)


def _shows_later(declaration: Declaration, output: str, inputs: Properties) -> bool:
    """Whether the kind can do without the secret with these inputs: a key pair of a given public key has none."""
    return output == "privateKey" and bool(inputs.get("publicKey"))


def _made(work: Work, inputs: Properties) -> _Object:
    special = work.declaration.special
    try:
        if special.create:
            return _Object(HANDLERS[special.create](work, inputs), made_now=True)
        return _posted(work, inputs)
    except AnswerLost as lost:
        return _looked_for(work, inputs, lost, PAUSES_AFTER_A_LOST_ANSWER)
    except ksa.HttpServerError as failed:
        # A service that fails half-way may have made the object before it failed.
        return _looked_for(work, inputs, failed, PAUSES_AFTER_A_LOST_ANSWER[:1])


def _posted(work: Work, inputs: Properties) -> _Object:
    declared = work.declaration
    body = marks.put_into(properties.create_body(declared, inputs), declared.mark, work.marks)
    document: Mapping[str, Any] = {declared.singular: body}
    if declared.special.body:
        document = HANDLERS[declared.special.body](work, inputs, body)
    answer = unwrapped(_sent(work, "POST", work.collection, document), declared.singular)
    complete = None if declared.wait is not None else answer
    return _Object(str(answer[declared.identified_by]), complete, made_now=True)


def _looked_for(work: Work, inputs: Properties, error: Exception, pauses: tuple[float, ...]) -> _Object:
    """Find what a request made whose answer told nothing; re-raises its error when there is nothing."""
    for pause in pauses:
        work.clock.sleep(pause)
        if (found := the_marked_one(work, inputs)) is not None:
            return _usable(work, found, inputs)
    raise error


def _usable(work: Work, found: str, inputs: Properties) -> _Object:
    """What a request made whose answer was lost; in its place another one, where only that answer held its secret."""
    if not is_of_no_use(work.declaration, inputs):
        return _Object(found, made_now=True)
    _remove(work, found, inputs)
    return _posted(work, inputs)


def _finished(work: Work, made: _Object, inputs: Properties, *, new: bool) -> dict[str, Any]:
    """Wait, do what is left to do, and collect the outputs."""
    declared = work.declaration
    shown = made.shown
    if declared.wait is not None:
        shown = work.wait_until_ready(made.identity, declared.deadlines.create)
    if new and declared.tags_apart and inputs.get("tags"):
        shown = set_tags(work, made.identity, inputs["tags"], shown or work.show(made.identity) or {})
    if new and declared.special.after_create and HANDLERS[declared.special.after_create](work, made.identity, inputs):
        shown = None
    shown = shown if shown is not None else _shown(work, made.identity, inputs)
    if shown is None:
        raise ProviderError(Code.FAILED, f"{work.what} vanished right after it was made")
    return _outputs(work, shown, inputs)


def _removed(work: Work, identity: str, inputs: Properties) -> bool:
    """Whether what this very call made, and what failed before anybody could use it, could be taken away again."""
    try:
        _remove(work, identity, inputs)
    except Exception as error:  # noqa: BLE001 - it is kept in the state instead, and its failure is what is reported
        _log.warning("%s failed and could not be removed: %s", work.what, in_words(error, work.what))
        return False
    return True


def _remove(work: Work, identity: str, inputs: Properties) -> None:
    with effect(replace(current_effect(), operation="delete")):
        delete(work, identity, inputs)


# --------------------------------------------------------------------------------------------------------- updating


def _updated(work: Work, identity: str, old: Properties, new: Properties, olds: Properties) -> Resource:
    if begin := work.declaration.special.before_update:
        HANDLERS[begin](work, identity)
    changed = [change for change in what_changes(work.declaration, old, new, olds) if not change.only_recorded]
    _send_update(work, identity, changed, new)
    for handler in dict.fromkeys(change.field.by for change in changed if change.field.change is Change.HANDLED):
        HANDLERS[handler](work, identity, old, new)
    outputs = _finished(work, _Object(identity), new, new=not changed or bool(olds.get(UNFINISHED)))
    return Resource(identity, _with_unshown(work.declaration, outputs, olds))


def _why_another(work: Work, identity: str, inputs: Properties, changed: list[Changed], error: Exception) -> ProviderError | None:
    """Why another one has to be made, where this one is gone, or is taken away here because it can never be finished."""
    if _is_gone(work, identity, inputs):
        return ProviderError(Code.CONFLICT, f"{work.what} is gone before it was finished; the next attempt makes it anew")
    taken_away = _is_of_no_avail(work, identity, changed) and _removed(work, identity, inputs)
    return in_words(error, work.what) if taken_away else None


def _is_gone(work: Work, identity: str, inputs: Properties) -> bool:
    """Whether the service says so; one that cannot be asked says nothing."""
    try:
        return _shown(work, identity, inputs) is None
    except (ProviderError, ksa.ClientException):
        return False


def _is_of_no_avail(work: Work, identity: str, changed: list[Changed]) -> bool:
    """Whether it failed for good before it was ever finished, and holds nothing that anybody could miss."""
    wait, unfinished = work.declaration.wait, all(change.only_recorded for change in changed)
    if wait is None or not (unfinished and work.declaration.holds_nothing):
        return False
    shown = work.show(identity) or {}
    return shown.get(wait.status) in wait.failed and not shown.get(wait.moving)


def _send_update(work: Work, identity: str, changed: list[Changed], new: Properties) -> None:
    declared = work.declaration
    uniform = [change for change in changed if change.field.change is Change.UPDATE]
    if not uniform:
        return
    body = properties.update_body(declared, uniform, new)
    if declared.mark.value in body and declared.mark in (MarkIn.DESCRIPTION, MarkIn.TAGS):
        # The mark shares its place with the program's own words: what is there is kept, whatever operation wrote it.
        body = marks.put_into(body, declared.mark, marks.marks_of(work.show(identity) or {}))
    _sent(work, declared.verb, work.path_of(identity), {declared.singular: body})


def _sent(work: Work, method: str, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
    if work.declaration.insists:
        return work.insist(lambda: work.write(method, path, document))
    return work.write(method, path, document)


def _taken_away(work: Work, identity: str, inputs: Properties) -> None:
    special = work.declaration.special
    if special.before_delete:
        HANDLERS[special.before_delete](work, identity, inputs)
    if special.delete:
        HANDLERS[special.delete](work, identity, inputs)
    else:
        work.insist(lambda: _deleted(work, identity))
    if work.declaration.wait is not None:
        work.wait_until_gone(identity)


def _deleted(work: Work, identity: str) -> dict[str, Any]:
    work.delete(identity)
    return {}


# ---------------------------------------------------------------------------------------------------------- reading


def _shown(work: Work, identity: str, inputs: Properties) -> dict[str, Any] | None:
    special = work.declaration.special
    if special.read:
        found: dict[str, Any] | None = HANDLERS[special.read](work, identity, inputs)
        return found
    return work.show(identity)


def _outputs(work: Work, shown: Mapping[str, Any], inputs: Properties) -> dict[str, Any]:
    special = work.declaration.special
    found = properties.outputs(work.declaration, shown, inputs)
    if special.shown and shown:
        found |= {
            wire: value for wire, value in HANDLERS[special.shown](work, shown, inputs).items() if value is not None
        }
    return {**found, "region": work.cloud.login.region}


def _with_unshown(declaration: Declaration, found: Mapping[str, Any], olds: Properties) -> dict[str, Any]:
    """Outputs that no later answer shows are carried on from the state."""
    kept = {
        field.wire: olds[field.wire]
        for field in declaration.fields
        if (field.shown is None or field.secret) and field.wire in olds and field.wire not in found
    }
    return {**kept, **found}


def _with_fault(work: Work) -> Work:
    name = work.declaration.special.fault
    finder: Callable[[Work, str, Mapping[str, Any]], str] | None = HANDLERS[name] if name else None
    return replace(work, fault=finder)
