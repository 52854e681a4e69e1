"""A start says by which program, settings and rules was decided; the same ones have the same digests, others have others."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from audit.logs import open_log

from govcloud.audit.query import search
from govcloud.audit.records import Action
from govcloud.life import configuration, recorded_life
from govcloud.settings import Settings
from policies.shelf import Shelf, shipped

SETTINGS = Settings.from_environment({"GOVCLOUD_STATE_DIR": "/var/lib/govcloud"})


def test_start_and_stop_are_recorded_and_a_fault_has_no_stop(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with recorded_life(log, "pod-1", SETTINGS, shipped()):
        pass
    with suppress(ZeroDivisionError), recorded_life(log, "pod-2", SETTINGS, shipped()):
        assert 1 / 0
    log.close()
    start, stop, again = search(tmp_path)
    assert [record.action for record in (start, stop, again)] == [Action.START, Action.STOP, Action.START]
    assert (start.target.id, again.target.id) == ("pod-1", "pod-2")
    assert start.attributes == again.attributes == configuration(SETTINGS, shipped())
    assert "audit_retention_days=1095" in start.message


def test_another_setting_or_rule_has_another_digest() -> None:
    before = configuration(SETTINGS, shipped())
    other = configuration(SETTINGS.model_copy(update={"workers": 5}), shipped())
    fewer = configuration(SETTINGS, Shelf({name: pack for name, pack in shipped().packs.items() if name != "jiujiang"}))
    assert before == configuration(SETTINGS.model_copy(), shipped())
    assert differing(before, other) == {"settingsDigest"}
    assert differing(before, fewer) == {"packs", "packsDigest"}
    assert before["packs"].split() == sorted(shipped().packs)


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one if one[name] != other[name]}
