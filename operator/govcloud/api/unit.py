"""`UsingUnit`: a using unit 使用单位. The controller keeps its OpenStack project."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from govcloud.api.common import Condition, Line, Model, ObjectName


class UnitSpec(Model):
    title: Line = Field(description="official name")
    jurisdiction: ObjectName
    budget_level: Literal["Primary", "Secondary"] = Field(description="primary 一级 or secondary 二级 budget unit (JJ 14)")
    superior: ObjectName | None = Field(None, description="the primary unit above a secondary one")


class UnitStatus(Model):
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()
    project_id: str | None = Field(None, description="OpenStack project of the unit")
    quota: dict[str, int] = Field(default_factory=dict, description="quota of the project as last set: the sum of what is approved")
