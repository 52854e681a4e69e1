"""A run of the engine in a process of its own, to be killed: `python killed_run.py <home> <journal> <login as JSON>`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provider.engine_kit import Engine
from provider.programs import CLOUD, Wish

from stacks.provider.plugin import JsonLinesJournal
from stacks.provider.runs import CloudLogin

if __name__ == "__main__":
    home, journal, login, wish = sys.argv[1:]
    engine = Engine(
        Path(home),
        {CLOUD: CloudLogin(**json.loads(login))},
        journal=JsonLinesJournal(Path(journal)),  # type: ignore[arg-type]
    )
    engine.up(Wish(**json.loads(wish)))
    engine.close()
