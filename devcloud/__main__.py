"""`python -m devcloud …`: the development cloud from the command line. `make help` lists the same things, shorter.

May be called with any python3: it first makes the checkout's `.venv` and goes on in that.
"""

import os
import sys

from devcloud.bootstrap import VENV, ensure_environment
from devcloud.failures import DevCloudError
from devcloud.progress import say


def main() -> int:
    """Run the command; 1 with a sentence when it could not be done."""
    try:
        python = ensure_environment(say)
        if sys.prefix != str(VENV):
            os.execv(python, [str(python), "-m", "devcloud", *sys.argv[1:]])  # noqa: S606  no shell is wanted
        from devcloud import cli  # not before: it needs what has just been installed

        return cli.run(sys.argv[1:])
    except DevCloudError as failure:
        say(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; what was started goes on running: see `make status`, end it with `make down`")
        return 130


if __name__ == "__main__":
    sys.exit(main())
