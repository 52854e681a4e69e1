"""Objects of the Kubernetes API as the frozen values of `govcloud.core.objects`. Pure: a dictionary in, a value out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from govcloud.api.approval import ApprovalSpec, ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.catalog import CatalogSpec
from govcloud.api.common import FINALIZER
from govcloud.api.jurisdiction import JurisdictionSpec
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.objects import (
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PinnedPlan,
    RequestObject,
    UnitObject,
)
from govcloud.failures import Stop
from govcloud.reasons import Reason

log = logging.getLogger(__name__)

Raw = Mapping[str, Any]
Value = TypeVar("Value")


def request_from(raw: Raw) -> RequestObject:
    """A CloudServiceRequest. Spec and status stay raw: whether they fit the model is decided elsewhere."""
    metadata = raw["metadata"]
    return RequestObject(
        key=RequestKey(namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"]),
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        created_at=_created(raw),
        deleting="deletionTimestamp" in metadata,
        has_finalizer=FINALIZER in metadata.get("finalizers", ()),
        labels=metadata.get("labels", {}),
        spec=raw.get("spec", {}),
        status=raw.get("status", {}),
    )


def approvals_from(items: Iterable[Raw]) -> list[ApprovalObject]:
    """All approvals that fit the model. One that does not counts for nothing, and must not keep the others from counting."""
    return [approval for raw in items if (approval := _approval_or_none(raw)) is not None]


def _approval_or_none(raw: Raw) -> ApprovalObject | None:
    try:
        return approval_from(raw)
    except ValidationError as error:
        metadata = raw["metadata"]
        log.warning("approval %s/%s does not fit the model: %s", metadata["namespace"], metadata["name"], error)
        return None


def approval_from(raw: Raw) -> ApprovalObject:
    """A CloudServiceApproval.

    Raises:
        pydantic.ValidationError: it does not fit the model.
    """
    metadata = raw["metadata"]
    return ApprovalObject(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        created_at=_created(raw),
        spec=ApprovalSpec.model_validate(raw["spec"]),
        status=ApprovalStatus.model_validate(raw["status"]) if "status" in raw else None,
    )


def unit_from(raw: Raw) -> UnitObject:
    """A UsingUnit."""
    metadata = raw["metadata"]
    spec, status = UnitSpec.model_validate(raw["spec"]), UnitStatus.model_validate(raw.get("status", {}))
    return UnitObject(metadata["name"], metadata["uid"], metadata["generation"], spec, status)


def jurisdiction_from(raw: Raw) -> JurisdictionObject:
    """A Jurisdiction."""
    metadata = raw["metadata"]
    spec = JurisdictionSpec.model_validate(raw["spec"])
    return JurisdictionObject(metadata["name"], metadata["uid"], metadata["generation"], spec)


def catalog_from(raw: Raw) -> CatalogObject:
    """A CloudServiceCatalog."""
    metadata = raw["metadata"]
    return CatalogObject(
        metadata["name"], metadata["uid"], metadata["generation"], CatalogSpec.model_validate(raw["spec"])
    )


def backup_from(raw: Raw) -> BackupObject:
    """A ServiceBackup."""
    metadata = raw["metadata"]
    spec, status = BackupSpec.model_validate(raw["spec"]), BackupStatus.model_validate(raw.get("status", {}))
    return BackupObject(metadata["name"], metadata["uid"], spec, status)


def plan_from(raw: Raw) -> PinnedPlan:
    """The plan in a ControllerRevision."""
    return PinnedPlan(raw["metadata"]["name"], raw["revision"], raw["data"]["text"], _created(raw))


def fitting(parse: Callable[[Raw], Value], raw: Raw | None, reason: Reason) -> Value | None:
    """The parsed object; None where there is none.

    Raises:
        Stop: it is there but does not fit the model, which happens when its CRD is older or newer than this controller.
    """
    if raw is None:
        return None
    try:
        return parse(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        name = f"{raw.get('kind')} {raw['metadata']['name']}"
        message = (
            f"{name} does not fit this controller: {place}: {first['msg']}; correct it, or apply crds/ of this version"
        )
        raise Stop(reason, message) from error


def _created(raw: Raw) -> datetime:
    return datetime.fromisoformat(raw["metadata"]["creationTimestamp"])
