"""What a pass can do: one of these. A union, so that forgetting to perform a new one is a type error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from govcloud.api.backup import BackupSpec
from govcloud.core.accounts import AccountRef
from govcloud.core.objects import BackupObject, UnitObject
from govcloud.core.plan import Plan
from govcloud.core.planned_restore import PlannedVolume
from govcloud.core.proof import VerifiedBackup
from govcloud.core.standing import Standing, Verdict
from govcloud.core.violations import Violation
from govcloud.core.waiving import WaivedDestruction
from govcloud.reasons import Reason
from stacks.kind import Quota
from stacks.program import Program


# Nothing is done.
@dataclass(frozen=True)
class Rest:
    """Spec and cloud agree, or nothing can be done before `until`."""

    until: datetime | None = None


@dataclass(frozen=True)
class Refuse:
    """The spec asks for something that the rules or the model refuse. What runs is left alone."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Block:
    """Something around the request is missing or wrong, and someone must change it. What runs is left alone."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Await:
    """The plan waits for an office; where `opens_at` says so, the office is not asked before: what it decided earlier would not count."""

    plan: Plan
    standing: Standing
    opens_at: datetime | None = None


@dataclass(frozen=True)
class Backoff:
    """The last attempt failed; the next one comes at `until`."""

    until: datetime


@dataclass(frozen=True)
class WaitForBackup:
    """Regular backups hold snapshots of what is to be removed. They are let go by themselves; looked at again at `until`."""

    backups: tuple[BackupObject, ...]
    until: datetime


# Things are written down.
@dataclass(frozen=True)
class Freeze:
    """Pin a new plan."""

    plan: Plan


@dataclass(frozen=True)
class Reject:
    """An office said no: the plan is over."""

    plan: Plan
    standing: Standing
    verdict: Verdict


@dataclass(frozen=True)
class AddFinalizer:
    """Effects come next: from here on the object cannot vanish under them."""


@dataclass(frozen=True)
class RemoveFinalizer:
    """Nothing in the cloud belongs to the request any more."""


@dataclass(frozen=True)
class Reserve:
    """Set money aside for a plan that is about to start: `yearly` yuan a year in one of the accounts that it names, if they are left there."""

    plan: Plan
    account: AccountRef
    yearly: Decimal


@dataclass(frozen=True)
class SettleReservation:
    """Let what is set aside in an account be what the request's services really cost there."""

    account: AccountRef
    yearly: Decimal


@dataclass(frozen=True)
class Begin:
    """A plan is fully approved: its operation starts. `hold` is the quota that the request needs while it goes on."""

    plan: Plan
    standing: Standing
    hold: Quota


@dataclass(frozen=True)
class TryAgain:
    """What failed is due again. Noted first: what dies in the middle of an attempt is attempted again, whatever was edited meanwhile."""


@dataclass(frozen=True)
class BeginRebuild:
    """The engine forgot the stack. Noted first: a state that was made anew only in part must not look like a whole one."""


@dataclass(frozen=True)
class BeginTrialEnd:
    """The trial is over: stop the servers. The pack's own rule allows this; nothing is deleted."""

    plan: Plan


@dataclass(frozen=True)
class Complete:
    """Every step of the operation is done. `plan` is None for the end of a trial."""

    plan: Plan | None


# Effects.
@dataclass(frozen=True)
class EnsureUnit:
    """Bring the unit's project and quota to what is approved. `hold` is what this request keeps of it from now on."""

    step: str
    unit: UnitObject
    hold: Quota


@dataclass(frozen=True)
class Deploy:
    """Bring the stack to a program, allowing only these operations."""

    step: str
    plan: Plan
    unit: UnitObject
    program: Program
    allowed: frozenset[tuple[str, str]]
    running: bool
    anew: frozenset[str] = frozenset()
    """Resources whose state is not believed: they are read from the cloud first."""


@dataclass(frozen=True)
class RebuildState:
    """Make the lost state of the stack anew from the marks in the cloud, as it stood under this plan. Makes, changes, deletes nothing."""

    plan: Plan
    unit: UnitObject
    program: Program
    may_be_missing: frozenset[str]


@dataclass(frozen=True)
class WriteCredentials:
    step: str
    plan: Plan


@dataclass(frozen=True)
class OpenBackup:
    """Begin a backup set: from now on its parts are frozen."""

    name: str
    spec: BackupSpec


@dataclass(frozen=True)
class TakeBackup:
    """Move every unfinished part of the backup one step on."""

    backup: BackupObject


@dataclass(frozen=True)
class StoreManifest:
    backup: BackupObject


@dataclass(frozen=True)
class CopyBack:
    """Make a volume of a backup, in the quarantine project."""

    plan: Plan
    volume: PlannedVolume


@dataclass(frozen=True)
class ProveCopy:
    """Read the copy: it must be, byte for byte, what was backed up."""

    plan: Plan
    volume: PlannedVolume


@dataclass(frozen=True)
class HandOver:
    """Let the unit's project have the copy, as the volume that the plan's program asks for. `proof` is of what it takes the place of; None
    only where that does not exist."""

    plan: Plan
    unit: UnitObject
    volume: PlannedVolume
    proof: VerifiedBackup | None


@dataclass(frozen=True)
class ClearCopies:
    """Remove what a restore made that was given up: copies in quarantine, and a backup that is not finished."""

    step: str
    plan: Plan


@dataclass(frozen=True)
class GiveUpBackup:
    """Note that a regular backup will not be finished, and why. What it made is removed next; the request goes on as it does."""

    backup: BackupObject
    reason: Reason
    message: str


@dataclass(frozen=True)
class ClearBackup:
    """Remove what a backup made that was given up: a regular one, or that of a termination which another one took the place of.

    Where a copy differs, that copy and the backups stay as evidence.
    """

    backup: BackupObject


@dataclass(frozen=True)
class FinishStep:
    """A step has nothing (more) to do: the operation goes on. After a backup, `proof` and `waived` are what allows the destruction."""

    step: str
    proof: VerifiedBackup | None
    waived: WaivedDestruction | None = None


@dataclass(frozen=True)
class LookAgain:
    """See that what was proven is what there still is, before it goes."""

    step: str
    backup: BackupObject


@dataclass(frozen=True)
class Destroy:
    """Destroy the request's resources. Together `proof` and `waived` cover all that holds data; both None only when nothing does."""

    step: str
    plan: Plan
    unit: UnitObject
    proof: VerifiedBackup | None
    waived: WaivedDestruction | None


@dataclass(frozen=True)
class ProveAbsence:
    """Look through the unit's project for anything that still carries the request's uid."""

    step: str
    unit: UnitObject


AtLength = (
    EnsureUnit | Deploy | RebuildState | TakeBackup | StoreManifest | ClearBackup | CopyBack | ProveCopy | HandOver | ClearCopies | LookAgain
    | Destroy | ProveAbsence
)  # fmt: skip
"""Effects on the cloud: seconds to hours, while the rest takes as long as the Kubernetes API."""
Effect = AtLength | WriteCredentials | OpenBackup
Note = (
    Freeze | Reject | AddFinalizer | RemoveFinalizer | Reserve | SettleReservation | Begin | TryAgain | BeginRebuild | BeginTrialEnd
    | FinishStep | Complete
)  # fmt: skip
Idle = Rest | Refuse | Block | Await | Backoff | WaitForBackup
Action = Effect | Note | Idle
Beside = GiveUpBackup
"""What only regular backups do, beside whatever the request is doing."""
Performed = Effect | Note | Beside
"""All that is performed between two records."""
