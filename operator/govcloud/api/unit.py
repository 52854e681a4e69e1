"""`UsingUnit`: a using unit 使用单位. The controller keeps its OpenStack project."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from govcloud.api.common import Conditions, Line, Model, ObjectName, Quantities, Token
from govcloud.api.marks import checked_by, rule


class UnitSpec(Model):
    """Which unit it is, and where it stands in the administration."""

    model_config = checked_by(
        rule(
            "self.budgetLevel != 'Secondary' || has(self.superior)",
            "a secondary unit names the primary unit above it in superior; that unit approves its applications (JJ 14) / 二级预算单位应写明主管单位",
        ),
        rule(
            "self.budgetLevel != 'Primary' || !has(self.superior)",
            "a primary unit has no superior; leave superior out / 一级预算单位没有主管单位",
        ),
    )

    title: Line = Field(description="official name")
    jurisdiction: ObjectName = Field(description="the jurisdiction whose cloud serves it")
    county: Line | None = Field(
        None, description="the county whose unit it is, where the cloud of the city or province serves it (SD 3.2); it pays for it (JJ 5)"
    )
    budget_level: Literal["Primary", "Secondary"] = Field(
        description="primary 一级 or secondary 二级 budget unit (JJ 14)"
    )
    superior: ObjectName | None = Field(None, description="the primary unit above a secondary one")


class UnitStatus(Model):
    """The unit's project in the cloud."""

    observed_generation: int = 0
    conditions: Conditions = ()
    project_id: Token | None = Field(None, description="OpenStack project of the unit")
    quota: Quantities = Field(
        default_factory=dict, description="quota of the project as last set: the sum of what is approved"
    )
