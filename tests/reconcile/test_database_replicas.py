"""Replicas of a database in the life of a request: they come and go in place, are told as what they are, and are in nobody's backup."""

from __future__ import annotations

from decimal import Decimal

import pytest
from reconcile.world import UNIT, World

from govcloud.core.sentences import effects

PROJECT = f"project-{UNIT}"


@pytest.fixture
def production(world: World) -> World:
    return world.to_production()


def changed_to(world: World, replicas: int) -> list[tuple[str, str]]:
    """Ask for so many and let everybody approve; the lines of the plan's diff."""
    world.edit_service("db", replicas=replicas)
    world.run()
    shown = [(change.resource, change.operation) for change in world.shown_plan().diff]
    world.approve()
    assert world.run() == ["Rest"]
    return shown


def endpoints(world: World) -> set[str]:
    return {each.name for each in world.status().endpoints if each.service == "db"}


def secret(world: World) -> dict[str, str]:
    (found,) = world.cluster.secrets.values()
    return {key: value for key, value in found.items() if key.startswith("db.")}


def test_their_number_changes_in_place_and_the_database_is_not_touched(production: World) -> None:
    before, quota, cost = production.things(), production.cloud.quotas[PROJECT], Decimal(production.status().monthly_cost or 0)
    without = secret(production)
    production.stacks.runs.clear()

    assert changed_to(production, 2) == [("db-replica-1", "Create"), ("db-replica-2", "Create")]
    assert production.things().items() >= before.items()
    assert endpoints(production) == {"postgresql", "postgresql-replica-1", "postgresql-replica-2"}
    assert secret(production).keys() - without.keys() == {"db.replica-1-host", "db.replica-2-host"}
    assert production.cloud.quotas[PROJECT].instances == quota.instances + 2
    assert Decimal(production.status().monthly_cost or 0) > cost

    assert changed_to(production, 1) == [("db-replica-2", "Delete")]
    assert changed_to(production, 0) == [("db-replica-1", "Delete")]
    assert production.things() == before
    assert (endpoints(production), secret(production)) == ({"postgresql"}, without)
    assert production.cloud.quotas[PROJECT] == quota
    assert {resource for _, resource, _ in production.stacks.runs} == {"db-replica-1", "db-replica-2"}


def test_an_official_reads_that_a_replica_goes_and_not_a_database(production: World) -> None:
    changed_to(production, 1)
    production.edit_service("db", replicas=0)
    production.run()
    told = [sentence.en for sentence in effects(production.plan(production.shown_plan().number))]
    assert told == ["Destroys: 1 read-only replica (db-replica-1)"]


def test_they_are_no_part_of_a_backup_and_go_before_their_primary(production: World) -> None:
    changed_to(production, 2)
    production.terminate()
    production.run()
    production.approve()
    name = production.termination_record().backup
    backup = production.cluster.backup(str(name))
    assert backup is not None
    assert [part.name for part in backup.spec.parts if part.service == "db"] == ["db"]
    assert production.status().phase == "Terminated"
    gone = [resource for _, resource, operation in production.stacks.runs if operation == "delete" and resource.startswith("db")]
    assert gone == ["db-replica-2", "db-replica-1", "db"]
