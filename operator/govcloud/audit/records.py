"""One record of the audit log, and the closed vocabulary it is written in.

The shape follows DMTF DSP0262 (CADF): initiator, action, target, outcome, reason. The vocabulary is our own and closed,
because CADF's own check accepts any text that merely begins with a known action.
Never here: request or response bodies, passwords, tokens, or personal data beyond the accountable names.
"""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

import rfc8785
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

MAX_RECORD_BYTES = 65_535
"""Longest stored record in bytes: what a C2SP tlog-tiles entry can hold."""

NAME_LENGTH = 256
MESSAGE_LENGTH = 1_024
ATTRIBUTE_LENGTH = 256
MAX_ATTRIBUTES = 24
MAX_APPROVALS = 16
MAX_REQUEST_IDS = 16

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that can forge a line or turn its reading order: control, bidi, surrogates, separators."""

_SECRET_ENDINGS = ("password", "passwd", "secret", "token", "privatekey", "adminpass", "userdata", "authorization")


def escape_invisible(text: str) -> str:
    """The text with every control, bidirectional or otherwise invisible character written as ``\\uXXXX``."""
    if text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def readable(limit: int) -> BeforeValidator:
    """Foreign words (an error's sentence, a name in the cloud) are made harmless: a refusal would lose an outcome."""

    def clean(value: object) -> object:
        return _shorten(escape_invisible(value), limit) if isinstance(value, str) else value

    return BeforeValidator(clean)


def _refuse_invisible(text: str) -> str:
    if text != escape_invisible(text):
        raise ValueError(f"must hold printable characters only; found {escape_invisible(text)}")
    return text


def _refuse_secret_names(attributes: dict[str, str]) -> dict[str, str]:
    for key in attributes:
        if key.lower().endswith(_SECRET_ENDINGS):
            raise ValueError(f"attribute {key} names a secret; record its digest or its name instead, never its value")
    return attributes


Id = Annotated[str, StringConstraints(max_length=NAME_LENGTH), AfterValidator(_refuse_invisible)]
RequiredId = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH), AfterValidator(_refuse_invisible)]
Digest = Annotated[str, StringConstraints(max_length=128), AfterValidator(_refuse_invisible)]
ForeignId = Annotated[str, StringConstraints(max_length=64), readable(64)]
Name = Annotated[str, StringConstraints(max_length=NAME_LENGTH), readable(NAME_LENGTH)]
Message = Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), readable(MESSAGE_LENGTH)]
AttributeValue = Annotated[str, StringConstraints(max_length=ATTRIBUTE_LENGTH), readable(ATTRIBUTE_LENGTH)]
AttributeKey = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9.]{0,62}$")]
Attributes = Annotated[
    dict[AttributeKey, AttributeValue], Field(max_length=MAX_ATTRIBUTES), AfterValidator(_refuse_secret_names)
]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Nanoseconds = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,19})$")]


class Phase(StrEnum):
    """Whether something is about to be done, was done, or simply happened."""

    INTENT = "intent"
    """Durable before the effect; its outcome is `pending`."""
    OUTCOME = "outcome"
    """What became of one intent, named in `intent`."""
    EVENT = "event"
    """A decision or an observation without an effect: a plan, a refusal, an approval seen, a heartbeat."""


class Action(StrEnum):
    """Everything that can be recorded. Adding a member is compatible; renaming or removing one never is."""

    CREATE = "create"
    READ = "read"
    """Unit data read by staff or their tools."""
    UPDATE = "update"
    DELETE = "delete"
    ATTACH = "attach"
    DETACH = "detach"
    START = "start"
    STOP = "stop"
    """A server, the controller, or the log."""
    BACKUP = "backup"
    RESTORE = "restore"
    VERIFY = "verify"
    """A backup was compared with its source, or the log with its signatures."""
    SANITISE = "sanitise"
    EVALUATE = "evaluate"
    """A plan was computed and frozen, a deadline was found to have passed."""
    ALLOW = "allow"
    """An approval was seen and accepted."""
    DENY = "deny"
    """An approval, a request or an operation was refused."""
    REVOKE = "revoke"
    RENEW = "renew"
    """A trial was extended, a credential rotated."""
    DEPLOY = "deploy"
    UNDEPLOY = "undeploy"
    PROMOTE = "promote"
    ENABLE = "enable"
    DISABLE = "disable"
    """Suspension and resumption of a service, a request, or of recording itself."""
    CONFIGURE = "configure"
    MONITOR = "monitor"
    """A heartbeat, a drift found."""
    RESERVE = "reserve"
    """Money was set aside in a budget or under an agreement, or what was set aside became another amount."""
    METER = "meter"
    """A line of the usage ledger."""
    NOTIFY = "notify"
    REPAIR = "repair"
    """The log cut off an unfinished tail, a stale lock was released."""

    @property
    def cadf(self) -> str:
        """The action as a path of the CADF taxonomy, for interchange."""
        return _CADF_ACTIONS.get(self, self.value)


_CADF_ACTIONS: Mapping[Action, str] = {
    Action.ATTACH: "update/attach",
    Action.DETACH: "update/detach",
    Action.VERIFY: "evaluate/verify",
    Action.SANITISE: "delete/sanitise",
    Action.ALLOW: "allow/approve",
    Action.DENY: "deny/reject",
    Action.PROMOTE: "update/promote",
    Action.RESERVE: "update/reserve",
    Action.METER: "evaluate/meter",
    Action.NOTIFY: "send/notify",
    Action.REPAIR: "restore/repair",
}


class Outcome(StrEnum):
    """CADF outcomes."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    """Every intent; and an effect that was accepted and is still running, which leaves its intent open."""
    UNKNOWN = "unknown"
    """The answer was lost and the effect could not be found out."""


class InitiatorType(StrEnum):
    """What kind of account acted."""

    PERSON = "person"
    CONTROLLER = "controller"
    SYSTEM = "system"
    """Another program with an account of its own, such as the approval system."""


class _Strict(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        revalidate_instances="always",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


class Initiator(_Strict):
    """The account that acted, and for whom."""

    id: RequiredId
    type: InitiatorType
    on_behalf_of: Id = ""
    """The accountable person: the applicant, the approver. Empty when nobody but the initiator is."""


class Target(_Strict):
    """What was acted on."""

    kind: RequiredId
    """Such as `CloudServiceRequest`, `openstack:compute:servers`, `pulumi:stack`."""
    id: Id = ""
    name: Name = ""
    project: Id = ""
    """OpenStack project id, where there is one."""


class Reason(_Strict):
    """Why it was allowed, or refused."""

    plan_number: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    plan_digest: Digest = ""
    approval_digests: Annotated[tuple[Digest, ...], Field(max_length=MAX_APPROVALS)] = ()
    rule: Id = ""
    article: Id = ""
    """Document and article of the regulation, such as `JJ 26`."""


class RequestIds(_Strict):
    """The ids under which the other systems' own logs know the same call."""

    openstack: Annotated[tuple[ForeignId, ...], Field(max_length=MAX_REQUEST_IDS)] = ()
    kubernetes: Annotated[tuple[ForeignId, ...], Field(max_length=MAX_REQUEST_IDS)] = ()
    s3: Annotated[tuple[ForeignId, ...], Field(max_length=MAX_REQUEST_IDS)] = ()


class Entry(_Strict):
    """What a caller has to say; the log adds sequence, times, fence and the link to the record before.

    Raises `pydantic.ValidationError` when a field is too long, holds invisible characters, or contradicts the phase.
    """

    phase: Phase
    action: Action
    outcome: Outcome
    initiator: Initiator
    target: Target
    request: Id = ""
    """uid of the CloudServiceRequest it belongs to."""
    unit: Id = ""
    """Name of the using unit it belongs to; decides what the unit's own export holds."""
    intent: Id = ""
    """For an outcome: the id of the record of its intent."""
    reason: Reason = Reason()
    request_ids: RequestIds = RequestIds()
    message: Message = ""
    attributes: Attributes = Field(default_factory=dict)
    duration_ms: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    """Milliseconds from intent to outcome, by the monotonic clock."""

    @property
    def settles(self) -> bool:
        """Whether it closes its intent: an outcome that says more than `pending`."""
        return self.phase is Phase.OUTCOME and self.outcome is not Outcome.PENDING

    @model_validator(mode="after")
    def _phase_and_outcome_agree(self) -> Self:
        if self.phase is Phase.INTENT and self.outcome is not Outcome.PENDING:
            raise ValueError("an intent has the outcome pending: nothing has happened yet")
        if (self.phase is Phase.OUTCOME) != bool(self.intent):
            raise ValueError("an outcome, and only an outcome, names the intent that it belongs to")
        return self


class Record(Entry):
    """One stored record. Its bytes are RFC 8785 canonical JSON; fields left at their default are not stored."""

    v: Literal[1]
    """Version of this format."""
    id: RequiredId
    sequence: Annotated[int, Field(ge=0, lt=2**53)]
    """Position in the log, counted from 0; also the index of the leaf in the Merkle tree. It alone gives the order."""
    commit: Annotated[int, Field(ge=0, lt=2**53)]
    """Sequence of the first record that was made durable by the same disk flush."""
    prev: Hash
    """Leaf hash of the record before, zeros for the first: shows *where* a log was cut or changed."""
    checkpoint: Annotated[int, Field(ge=0, lt=2**53)]
    """Size of the newest signed checkpoint when this was written: a checkpoint that was removed is missed."""
    time: AwareDatetime
    """Wall clock, UTC, microseconds."""
    monotonic: Nanoseconds
    """Monotonic clock in nanoseconds since `boot`; text, because JSON numbers end at 2^53."""
    boot: RequiredId
    """Kernel boot id."""
    fence: RequiredId
    """Token of the leadership lease under which the writer ran."""
    clock_regressed: bool = False
    """The wall clock went back since the record before."""

    @field_serializer("time")
    def _utc_microseconds(self, time: datetime) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @model_validator(mode="after")
    def _time_is_utc(self) -> Self:
        if self.time.utcoffset() != timedelta(0):
            raise ValueError("time must be UTC")
        return self

    def stored(self) -> bytes:
        """The bytes that are written, hashed and signed."""
        data: bytes = rfc8785.dumps(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        return data
