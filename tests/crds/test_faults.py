"""What does not fit is told with what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from admission.people import EXAMPLES
from pydantic import ValidationError

from govcloud.api.faults import FieldFault, faults_in, place
from govcloud.api.request import RequestSpec

Spec = dict[str, Any]


def found(change: Callable[[Spec], object]) -> tuple[FieldFault, ...]:
    """What is wrong with the first example after a change."""
    spec = yaml.safe_load((EXAMPLES / "requests" / "hospital-registration.yaml").read_text(encoding="utf-8"))["spec"]
    change(spec)
    with pytest.raises(ValidationError) as raised:
        RequestSpec.model_validate(spec)
    return faults_in(raised.value, RequestSpec)


def machine(spec: Spec) -> Spec:
    made: Spec = spec["services"][1]["virtualMachine"]
    return made


@pytest.mark.parametrize(
    ("change", "field", "en", "zh"),
    [
        (lambda s: s.pop("purpose"), "purpose", "is required (a new system 新建", "必须填写"),
        (lambda s: machine(s).pop("bootVolumeGib"), "services[1].virtualMachine.bootVolumeGib", "is required (size of each boot volume", "必须填写"),
        (lambda s: machine(s).update(bootVolumeGiB=1), "services[1].virtualMachine.bootVolumeGiB", "did you mean bootVolumeGib?", "是否应为 bootVolumeGib"),
        (lambda s: machine(s).update(boot_volume_gib=1), "services[1].virtualMachine.boot_volume_gib", "did you mean bootVolumeGib?", "是否应为 bootVolumeGib"),
        (
            lambda s: machine(s)["securityRules"][0].update(port=443), "services[1].virtualMachine.securityRules[0].port",
            "did you mean portMax or portMin?", "portMax 或 portMin",
        ),
        (lambda s: s["services"].append({"name": "x", "fileServer": {}}), "services[5].fileServer", "there are blockStorage, database", "可用字段为"),
        (lambda s: s.update(stage="trial"), "stage", "must be one of Trial, Production", "只能为 Trial"),
        (lambda s: machine(s).update(count=0), "services[1].virtualMachine.count", "greater than or equal to 1, found 0", "不符合规定格式"),
    ],
)  # fmt: skip
def test_a_fault_says_what_would_be_right(change: Callable[[Spec], object], field: str, en: str, zh: str) -> None:
    (fault,) = found(change)
    assert place(fault.location) == field
    assert en in fault.en and zh in fault.zh


def test_a_list_of_faulty_entries_is_not_called_empty() -> None:
    faults = found(lambda s: s.update(services=[{"name": "x", "database": {}}]))
    assert all(place(fault.location).startswith("services[0].database.") for fault in faults)
    assert [place(fault.location) for fault in found(lambda s: s.update(services=[]))] == ["services"]


def test_of_a_long_value_the_beginning_is_told() -> None:
    (fault,) = found(lambda s: s.update(stage="x" * 10_000))
    assert fault.en.endswith("x…") and len(fault.en) < 250
