"""`make demo`: a cloud service's whole life on real control planes, every step verified against the cloud and the API server.

`world.py` holds the hands (kubectl as the personas, openstacksdk, the controller's process), `steps.py` the story, `telling.py` what is
printed and written to build/demo/report.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from devcloud.cloud import Cloud
from devcloud.paths import ROOT, state_directory
from devcloud.progress import say


def main(directory: Path | None, *, keep: bool) -> int:
    """Run the demo; 0 only if every step was verified.

    Args:
        directory: state directory; none: beside that of `make up`. What is in it is made fresh.
        keep: leave everything running afterwards.
    """
    from devcloud.demo.steps import STORY
    from devcloud.demo.telling import Teller
    from devcloud.demo.world import World

    directory = directory or _own_directory()
    cloud = Cloud(directory, say)
    teller = Teller(ROOT / "build" / "demo" / "report.json", sys.stdout)
    with teller.step("the control planes start"):
        cloud.down()
        cloud.reset()
        environment = cloud.up()
        teller.saw(f"etcd, kube-apiserver, Keystone, Glance, Nova, Neutron, Cinder, Swift, Trove and the controller run in {directory}")
    try:
        if teller.passed:
            world = World(environment, teller)
            for step in STORY:
                with teller.step(step.__doc__ or step.__name__):
                    step(world)
                if not teller.passed:
                    break
    finally:
        if not keep:
            cloud.down()
        teller.write()
    return 0 if teller.passed else 1


def _own_directory() -> Path:
    """A folder beside the one that `make up` uses: the demo starts from nothing and must not touch somebody's cloud."""
    kept = state_directory()
    return kept.with_name(f"{kept.name}-demo")
