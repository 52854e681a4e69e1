"""`AnnualPlan` 年度计划: the projects that a jurisdiction approved for a year, their budgets, and what is reserved of them (A2, A3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from govcloud.api.common import Conditions, Line, Model, Money, Name, ObjectName
from govcloud.api.marks import checked_by, immutable, keyed_by, rule, validations
from govcloud.api.reservation import ItemReservation

_BUDGET_BY_DOCUMENT = rule(
    "!has(oldSelf.budget) || (has(self.budget) && (self.budget == oldSelf.budget"
    " || self.budget.documentNumber != oldSelf.budget.documentNumber))",
    "a budget is changed by another decision only: give its documentNumber with the new amount / 调整预算须另有批文号",
)


class Budget(Model):
    """Money for an item: that it stands in the plan gives it none (ZY 8, 9)."""

    yearly: Money = Field(description="yuan a year: the most that all services under the item may cost")
    document_number: Line = Field(description="number of the finance office's decision 预算批复文号")


class Item(Model):
    """What may be done, by whom, with how much money."""

    name: Name = Field(description="name of the item, unique in the plan; a request names it in annualPlanItemRef")
    title: Line
    unit: ObjectName = Field(description="the using unit whose project it is")
    budget: Budget | None = None


class UrgentApproval(Model):
    """Who let a task in that the plan does not hold, and why."""

    office: Line = Field(description="the office that approved it, for instance the district government")
    document_number: Line = Field(description="number of its decision 批文号")
    reason: Line


class PlannedItem(Item):
    """A project of the plan."""

    model_config = checked_by(
        _BUDGET_BY_DOCUMENT,
        rule(
            "!has(oldSelf.documentNumber) || (has(self.documentNumber) && self.documentNumber == oldSelf.documentNumber"
            " && self.unit == oldSelf.unit && self.title == oldSelf.title)",
            "an approved item stays as it was approved; add another item with its own documentNumber / 已批准的计划项目不可修改",
        ),
    )

    document_number: Line | None = Field(
        None, description="number of the approval that put it into the plan 批文号; without one it is a draft"
    )


class UrgentTask(Item):
    """A task that the plan does not hold and that was let in beside it (XH-B 8)."""

    model_config = checked_by(
        _BUDGET_BY_DOCUMENT,
        rule(
            "self.approval == oldSelf.approval && self.unit == oldSelf.unit && self.title == oldSelf.title",
            "an approved exception stays as it was approved; add another one with its own approval / 已批准的紧急任务不可修改",
        ),
    )

    approval: UrgentApproval


class AnnualPlanSpec(Model):
    """One year's plan of one jurisdiction. Items are added and given budgets as they are approved."""

    model_config = checked_by(
        rule(
            "!has(self.items) || !has(self.urgent) || !self.urgent.exists(task, self.items.exists(item, item.name == task.name))",
            "items and urgent tasks share one list of names; give the urgent task another name / 计划项目与紧急任务不得重名",
        )
    )

    jurisdiction: ObjectName = Field(
        json_schema_extra=validations(
            immutable("a plan stays with its jurisdiction; write another plan / 年度计划所属辖区不可变更")
        )
    )
    year: Annotated[int, Field(ge=2000, le=2999)] = Field(
        json_schema_extra=validations(immutable("a plan is for one year; write another plan / 年度计划的年份不可变更"))
    )
    items: Annotated[tuple[PlannedItem, ...], Field(max_length=256, json_schema_extra=keyed_by("name"))] = ()
    urgent: Annotated[tuple[UrgentTask, ...], Field(max_length=64, json_schema_extra=keyed_by("name"))] = Field(
        (), description="tasks that were let in beside the plan, where the regulation allows it"
    )


class ItemAccount(Model):
    """How one item stands. `left` is 0 where more is reserved than the budget holds, as after a budget was cut."""

    item: Name
    budget: Money
    reserved: Money
    left: Money


class AnnualPlanStatus(Model):
    """What is reserved of the budgets, in yuan a year."""

    observed_generation: int = 0
    conditions: Conditions = Field((), description="WithinBudget: no item has more reserved than its budget; YearEnded")
    budget: Money = Field("0.00", description="sum of all budgets")
    reserved: Money = Field("0.00", description="sum of all reservations")
    accounts: Annotated[tuple[ItemAccount, ...], Field(max_length=320, json_schema_extra=keyed_by("item"))] = ()
    reservations: Annotated[
        tuple[ItemReservation, ...],
        Field(
            max_length=1024,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["item", "uid"]},
        ),
    ] = ()
