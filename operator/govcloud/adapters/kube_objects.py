"""Objects of the Kubernetes API as the frozen values of `govcloud.core.objects`. Pure: a dictionary in, a value out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from govcloud.api.agreement import AgreementSpec, AgreementStatus
from govcloud.api.annual_plan import AnnualPlanSpec, AnnualPlanStatus
from govcloud.api.approval import ApprovalSpec, ApprovalStatus
from govcloud.api.backup import BackupSpec, BackupStatus
from govcloud.api.catalog import CatalogSpec, CatalogStatus
from govcloud.api.common import FINALIZER
from govcloud.api.jurisdiction import JurisdictionSpec, JurisdictionStatus
from govcloud.api.pause import PauseSpec
from govcloud.api.request import RequestKey
from govcloud.api.unit import UnitSpec, UnitStatus
from govcloud.core.objects import (
    AgreementObject,
    AnnualPlanObject,
    ApprovalObject,
    BackupObject,
    CatalogObject,
    JurisdictionObject,
    PauseObject,
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


def those_that_fit(parse: Callable[[Raw], Value], items: Iterable[Raw]) -> list[Value]:
    """All objects that fit the model. One that does not must not hide the others; an approval that does not counts for nothing."""
    return [value for raw in items if (value := _value_or_none(parse, raw)) is not None]


def _value_or_none(parse: Callable[[Raw], Value], raw: Raw) -> Value | None:
    try:
        return parse(raw)
    except ValidationError as error:
        metadata = raw["metadata"]
        where = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
        log.warning("%s %s does not fit the model: %s", raw.get("kind", "object"), where, error)
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
        generation=metadata["generation"],
    )


def unit_from(raw: Raw) -> UnitObject:
    """A UsingUnit."""
    metadata = raw["metadata"]
    spec, status = UnitSpec.model_validate(raw["spec"]), UnitStatus.model_validate(raw.get("status", {}))
    return UnitObject(metadata["name"], metadata["uid"], metadata["generation"], spec, status)


def jurisdiction_from(raw: Raw) -> JurisdictionObject:
    """A Jurisdiction."""
    metadata = raw["metadata"]
    spec, status = JurisdictionSpec.model_validate(raw["spec"]), JurisdictionStatus.model_validate(raw.get("status", {}))
    return JurisdictionObject(metadata["name"], metadata["uid"], metadata["generation"], spec, status)


def catalog_from(raw: Raw) -> CatalogObject:
    """A CloudServiceCatalog."""
    metadata = raw["metadata"]
    spec, status = CatalogSpec.model_validate(raw["spec"]), CatalogStatus.model_validate(raw.get("status", {}))
    return CatalogObject(metadata["name"], metadata["uid"], metadata["generation"], spec, status)


def annual_plan_from(raw: Raw) -> AnnualPlanObject:
    """An AnnualPlan."""
    metadata = raw["metadata"]
    spec, status = AnnualPlanSpec.model_validate(raw["spec"]), AnnualPlanStatus.model_validate(raw.get("status", {}))
    return AnnualPlanObject(metadata["name"], metadata["uid"], metadata["generation"], metadata["resourceVersion"], spec, status)


def agreement_from(raw: Raw) -> AgreementObject:
    """A ServiceAgreement."""
    metadata = raw["metadata"]
    spec, status = AgreementSpec.model_validate(raw["spec"]), AgreementStatus.model_validate(raw.get("status", {}))
    return AgreementObject(metadata["name"], metadata["uid"], metadata["generation"], metadata["resourceVersion"], spec, status)


def pause_from(raw: Raw) -> PauseObject:
    """A Pause."""
    return PauseObject(raw["metadata"]["name"], _created(raw), PauseSpec.model_validate(raw["spec"]))


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
