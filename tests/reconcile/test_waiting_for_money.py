"""Who waits for money looks again when some may have come free in that account, at once, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from reconcile.test_reservations import asked, in_item, with_budget
from reconcile.world import AGREEMENT, ANNUAL_PLAN, NAMESPACE, World, agreement_spec

from govcloud.controller import Controller
from govcloud.reservations import look_after_accounts

PLAN = ("AnnualPlan", ANNUAL_PLAN)


@pytest.fixture
def contested(world: World) -> World:
    """100 yuan a year: the first request has 60 of them, and the second finds too little."""
    world.cluster.put_annual_plan(ANNUAL_PLAN, with_budget("100"))
    asked(world, "first").run("first")
    asked(world, "second")
    return world


def controller_of(world: World) -> Controller:
    """Its workers do not run: what is due stays due."""
    return Controller(world.ports, 1, timedelta(hours=1))


def look_at(controller: Controller, name: str) -> timedelta | None:
    return controller.look_at((NAMESPACE, name))


def test_only_who_found_too_little_there_looks_again(contested: World) -> None:
    controller = controller_of(contested)
    for name in ("first", "second"):
        assert look_at(controller, name) != timedelta(0)
    controller.account_changed("ServiceAgreement", AGREEMENT)
    controller.account_changed("AnnualPlan", "another")
    assert len(controller.queue) == 0

    controller.account_changed(*PLAN)
    assert len(controller.queue) == 1


def test_an_agreement_that_is_used_up_is_waited_for_too(world: World) -> None:
    world.cluster.put_agreement(AGREEMENT, agreement_spec(amount="1"))
    world.to_trial()
    world.apply(stage="Production")
    controller = controller_of(world)
    look_at(controller, "orders")
    controller.account_changed("ServiceAgreement", AGREEMENT)

    assert len(controller.queue) == 1


def test_who_waits_for_something_else_is_left_alone(world: World) -> None:
    world.apply("classified", system={"name": "x", "classified": True, "governmentFunded": True, "protectionLevel": 2})
    controller = controller_of(world)
    look_at(controller, "classified")
    controller.account_changed(*PLAN)

    assert len(controller.queue) == 0


class _WhileLooking:
    """A clock at whose first asking something happens: after the pass began, before it is known what it waits for."""

    def __init__(self, moment: datetime, happens: Callable[[], None]) -> None:
        self._moment, self._happens, self._asked = moment, happens, False

    def now(self) -> datetime:
        if not self._asked:
            self._asked = True
            self._happens()
        return self._moment

    def ahead(self) -> timedelta:
        return timedelta(0)


def test_money_that_comes_free_during_the_look_is_not_overlooked(contested: World) -> None:
    clock = _WhileLooking(contested.clock.now(), lambda: controller.account_changed(*PLAN))
    controller = Controller(replace(contested.ports, clock=clock), 1, timedelta(hours=1))

    assert look_at(controller, "second") == timedelta(0)
    assert look_at(controller, "second") != timedelta(0), "once: nothing changed since"


def test_the_money_of_a_request_that_is_gone_is_for_who_waits(contested: World) -> None:
    """As the watch tells it: the account changed, whoever freed it."""
    controller = controller_of(contested)
    look_at(controller, "second")
    contested.cluster.remove_finalizer(contested.request("first"))
    contested.cluster.delete_request(NAMESPACE, "first")
    look_after_accounts(contested.ports)
    controller.account_changed(*PLAN)
    assert len(controller.queue) == 1

    contested.run("second")
    contested.approve(name="second")
    assert in_item(contested) == {"second": Decimal(60)}
