"""`examples/approvals/decide`: the small script by which a person decides from a terminal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from admission.people import DIGEST, EXAMPLES, UID, People, Town

pytestmark = pytest.mark.cluster

# A controller that runs beside would replace any plan that a test writes into a status, so what is read of the request is told here;
# what is created goes to the real API server, as a dry run.
KUBECTL = f"""#!/bin/sh
case "$*" in
  "get cloudservicerequest planned "*metadata.uid*) printf %s {UID} ;;
  "get cloudservicerequest planned "*status.plan.digest*) printf %s {DIGEST} ;;
  get*) exec REAL "$@" ;;
  *) exec REAL "$@" --dry-run=server -o yaml ;;
esac
"""


@pytest.fixture
def programs(people: People, tmp_path: Path) -> Path:
    """A folder for PATH with that kubectl in it."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL.replace("REAL", str(people.environment.kubectl)))
    kubectl.chmod(0o755)
    return tmp_path


def decide(people: People, programs: Path, persona: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EXAMPLES / "approvals" / "decide", *arguments],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "KUBECONFIG": str(people.environment.kubeconfig_of(persona))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_decides_on_the_plan_that_waits(people: People, programs: Path, town: Town) -> None:
    done = decide(people, programs, "authority", "authority", town.namespace, "planned", "九信办〔2026〕40号/甲")
    assert done.returncode == 0, done.stderr
    for line in (
        f"uid: {UID}",
        "name: planned",
        f"planDigest: {DIGEST}",
        "decision: Approved",
        "documentNumber: 九信办〔2026〕40号/甲",
    ):
        assert line in done.stdout


def test_it_rejects_and_revokes_too(people: People, programs: Path, town: Town) -> None:
    for decision in ("Rejected", "Revoked"):
        done = decide(people, programs, "authority", "authority", town.namespace, "planned", "x-1", decision)
        assert f"decision: {decision}" in done.stdout, done.stderr


def test_who_may_not_decide_is_told_so(people: People, programs: Path, town: Town) -> None:
    done = decide(people, programs, "unit-consent", "authority", town.namespace, "planned", "x-1")
    assert done.returncode != 0
    assert "批准人必须是本人" in done.stderr


def test_it_needs_to_be_told_everything(people: People, programs: Path, town: Town) -> None:
    assert decide(people, programs, "authority", "authority", town.namespace).returncode != 0
    missing = decide(people, programs, "authority", "authority", town.namespace, "none-of-this-name", "x-1")
    assert missing.returncode != 0
    assert "not found" in missing.stderr
