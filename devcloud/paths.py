"""Where things lie: the checkout, the cache outside it, the state directory of one development cloud.

Standard library only: the bootstrap runs before anything is installed.
"""

import os
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def cache_root() -> Path:
    """The folder for what is built and fetched, for all checkouts of this user: `$GOVCLOUD_CACHE`, else XDG's."""
    chosen = os.environ.get("GOVCLOUD_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    xdg = os.environ.get("XDG_CACHE_HOME")
    base = Path(xdg) if xdg else Path.home() / ".cache"
    return base / "govcloud"


def state_directory() -> Path:
    """The folder that holds everything of one development cloud: `$GOVCLOUD_DEV_DIR`, else `.dev` in the checkout."""
    chosen = os.environ.get("GOVCLOUD_DEV_DIR")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / ".dev"


def write_atomically(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Replace `path` in one step, so that a reader or a crash never meets half a file; safe in several threads at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    temporary.chmod(mode)
    temporary.replace(path)
