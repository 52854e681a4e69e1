"""Every reason that a condition, an event or a refusal can carry: a closed list, part of the API. One comment each."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # How a request stands
    PLANNING = "Planning"  # a plan is being made
    AWAITING_APPROVAL = "AwaitingApproval"  # an office has to decide
    REJECTED = "Rejected"  # an office said no; a corrected spec makes the next plan
    PROVISIONING = "Provisioning"  # an approved plan is being carried out
    TERMINATING = "Terminating"  # data is being backed up, then resources are destroyed
    TERMINATED = "Terminated"  # the record stays, nothing else
    IN_TRIAL = "InTrial"  # the free trial runs
    IN_PRODUCTION = "InProduction"  # confirmed; usage is metered
    SUSPENDED = "Suspended"  # servers are stopped, everything is kept
    TRIAL_EXPIRED = "TrialExpired"  # the trial's end stopped the servers
    APPROVED = "Approved"  # every step of the plan is approved
    BACKUP_VERIFIED = "BackupVerified"  # every part was restored and equals its frozen source
    BACKUP_RUNNING = "BackupRunning"  # parts are being backed up or proven
    NOTHING_TO_DO = "NothingToDo"  # spec and completed plan agree
    DRIFT_FOUND = "DriftFound"  # the cloud is not as the controller left it; nothing is corrected unasked
    NO_DRIFT = "NoDrift"  # at the last look the cloud was as the controller left it
    SERVING = "Serving"  # a jurisdiction or catalog has all it needs
    # Limits of time
    DEADLINE_RUNNING = "DeadlineRunning"  # a legal limit runs, with time left
    DEADLINE_APPROACHING = "DeadlineApproaching"  # the last working day of a legal limit has begun
    DEADLINE_MISSED = "DeadlineMissed"  # a legal limit has passed and the work is not done
    TRIAL_ENDING = "TrialEnding"  # the trial ends within days
    CALENDAR_UNKNOWN = "CalendarUnknown"  # a limit reaches into a year whose holidays are not known: weekends only are counted
    # What a person must change
    INVALID_SPEC = "InvalidSpec"  # the manifest does not fit the model
    MIXED_EDIT = "MixedEdit"  # one edit asks for two transitions
    RULE_VIOLATED = "RuleViolated"  # the regulation pack refuses
    UNIT_MISSING = "UnitMissing"  # no such UsingUnit
    UNIT_MISMATCH = "UnitMismatch"  # the namespace belongs to another unit
    JURISDICTION_MISSING = "JurisdictionMissing"  # no such Jurisdiction
    CATALOG_MISSING = "CatalogMissing"  # no such CloudServiceCatalog, or it is not valid at this date
    OFFICE_MISSING = "OfficeMissing"  # the jurisdiction names no office for a step of its pack
    PACK_MISSING = "PackMissing"  # the jurisdiction names a pack that this controller does not have
    BUDGET_EXHAUSTED = "BudgetExhausted"  # the item's budget, or the agreement's amount, does not cover it
    DELETION_BLOCKED = "DeletionBlocked"  # deleted while resources exist: terminate first
    PAUSED = "Paused"  # operations ordered that nothing is done; deleting the Pause resumes it
    ADMISSION_POLICY_MISSING = "AdmissionPolicyMissing"  # admission policies are not as installed: no effects
    APPROVAL_REVOKED = "ApprovalRevoked"  # an approval was revoked after the start: frozen
    PLAN_MISMATCH = "PlanMismatch"  # the engine wanted something that the approved plan does not hold
    PLAN_DAMAGED = "PlanDamaged"  # the pinned plan is missing or does not match its digest
    FLAVOR_OR_IMAGE_MISSING = "FlavorOrImageMissing"  # the cloud does not have what the catalog names
    INVALID_INPUT = "InvalidInput"  # OpenStack refused the values
    DUPLICATES = "Duplicates"  # several objects carry one operation key; nothing was touched
    RESOURCE_FAILED = "ResourceFailed"  # a resource went into its failure state
    BACKUP_MISMATCH = "BackupMismatch"  # a restored backup differs from its frozen source
    WAIVER_MISSING = "WaiverMissing"  # something holds data that cannot be backed up, and its unit did not give it up
    PROGRAM_FAULT = "ProgramFault"  # a fault of ours
    # What waiting may cure
    ADMISSION_SETTLING = "AdmissionSettling"  # they have just come into force: decisions count in a moment
    QUOTA_EXCEEDED = "QuotaExceeded"  # the cloud's quota is used up
    CLOUD_UNREACHABLE = "CloudUnreachable"  # OpenStack does not answer
    CLOUD_UNAUTHORIZED = "CloudUnauthorized"  # OpenStack refuses the controller's login
    CONFLICT = "Conflict"  # something else changed it at the same time
    ENGINE_FAILED = "EngineFailed"  # the Pulumi engine ended without a reason we know
    STATUS_NOT_KEPT = "StatusNotKept"  # the controller's own disk does not take what the status is to say
    STACK_LOCKED = "StackLocked"  # another run holds the stack
    AUDIT_UNAVAILABLE = "AuditUnavailable"  # the audit log cannot record, so nothing is done
    CLUSTER_UNREACHABLE = "ClusterUnreachable"  # the Kubernetes API does not answer
    CLUSTER_REFUSED = "ClusterRefused"  # the Kubernetes API refuses what the controller wants to write
    # Why a notification was not accepted
    RECEIVER_UNREACHABLE = "ReceiverUnreachable"  # it does not answer, or asks to be asked later
    RECEIVER_REFUSED = "ReceiverRefused"  # it refuses, or its address may not be asked
    SIGNING_KEY_MISSING = "SigningKeyMissing"  # the Secret with the key is missing, or its value is no key
    # How an approval stands
    COUNTED = "Counted"  # it counts for its step
    WITHDRAWN = "Withdrawn"  # a later revocation took it back
    WRONG_REQUEST = "WrongRequest"  # no such request, or another one of the same name
    DIGEST_MISMATCH = "DigestMismatch"  # it decides on another plan
    UNKNOWN_STEP = "UnknownStep"  # the plan needs no such step
    WRONG_OFFICE = "WrongOffice"  # another office decides this step
    SELF_APPROVAL = "SelfApproval"  # the applicant cannot approve
    ONE_PERSON_TWO_OFFICES = "OnePersonTwoOffices"  # one person speaks for one office only
    ONE_PERSON_TWO_STEPS = "OnePersonTwoSteps"  # the pack wants another person for this step
    REASON_MISSING = "ReasonMissing"  # the plan departs from a rule in principle, and the approval does not say why
    OUT_OF_ORDER = "OutOfOrder"  # an earlier step was not approved yet
    EXPIRED = "Expired"  # its validity ended before the transition started
    DOCUMENT_NUMBER_USED = "DocumentNumberUsed"  # another decision carries the same document number
    MADE_WHILE_UNGUARDED = "MadeWhileUnguarded"  # made while the admission policies were not intact
    EDITED = "Edited"  # it is not as it was made
    SIGNATURE_MISSING = "SignatureMissing"  # the jurisdiction demands a signature
    SIGNATURE_INVALID = "SignatureInvalid"  # the signature is not one over this decision
    SIGNATURE_ALGORITHM_WRONG = "SignatureAlgorithmWrong"  # the key is for another algorithm
    SIGNATURE_ALGORITHM_UNAVAILABLE = "SignatureAlgorithmUnavailable"  # this controller cannot verify the algorithm
    SIGNING_KEY_UNKNOWN = "SigningKeyUnknown"  # the jurisdiction knows no such key
    SIGNING_KEY_FOREIGN = "SigningKeyForeign"  # the key belongs to another office, or is not for this step
    SIGNING_KEY_NOT_VALID = "SigningKeyNotValid"  # the key was not valid yet, or no longer
    SIGNING_KEY_REVOKED = "SigningKeyRevoked"  # the key was revoked before
    # How a status was found
    STATUS_ALTERED = "StatusAltered"  # somebody else wrote what only the controller writes; it was put back
    # Who may approve
    APPROVAL_RIGHT_CHANGED = "ApprovalRightChanged"  # somebody may decide a step now, or no longer
    APPROVAL_RIGHT_UNUSUAL = "ApprovalRightUnusual"  # somebody may, by another role than those that are installed for it
    # How an agreement or an annual plan stands
    IN_FORCE = "InForce"  # signed, filed where that is asked for, and within its term
    NOT_SIGNED = "NotSigned"  # a draft
    NOT_FILED = "NotFiled"  # signed, and not filed with the authority
    NOT_YET_VALID = "NotYetValid"  # its term has not begun
    TERM_TOO_LONG = "TermTooLong"  # longer than the regulation allows, and nobody approved that
    TERM_ENDS_SOON = "TermEndsSoon"  # the next agreement should be signed
    COVERED = "Covered"  # no more is reserved than there is
    YEAR_ENDED = "YearEnded"  # its year is over: services go on and need an item of the next year's plan
    OVERDRAWN = "Overdrawn"  # more is reserved than there is, as after a budget was cut
