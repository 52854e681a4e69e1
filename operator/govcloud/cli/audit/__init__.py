"""`govcloud audit`: reading, checking and handing out the audit log; one module a command.

Only presentation: everything that is found out is found out in `govcloud.audit`. Nothing here writes to the log, but the
change of its key, for which the controller must not run; a hold is ordered of the controller, which records it.
"""

from __future__ import annotations

import typer

from govcloud.cli.audit import bundles, checkpoint, hold, keys, query, reconcile, restore, status, tail, verify
from govcloud.cli.audit.common import Command, Group

__all__ = ["Command", "app"]

app = typer.Typer(
    cls=Group,
    help="Read, check and hand out the audit log.\n\n"
    "Exit codes: 0 all is well, 1 tampered, 2 incomplete or rolled back, 3 wrong usage, 4 key unknown, "
    "5 the cluster or the object store does not answer, or refuses.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("verify", cls=Command)(verify.run)
app.command("query", cls=Command)(query.run)
app.command("tail", cls=Command)(tail.run)
app.command("prove", cls=Command)(bundles.prove)
app.command("export", cls=Command)(bundles.hand_out)
app.command("check", cls=Command)(bundles.check_bundle)
app.command("checkpoint", cls=Command)(checkpoint.run)
app.command("status", cls=Command)(status.run)
app.command("reconcile", cls=Command)(reconcile.run)
app.command("restore", cls=Command)(restore.run)
app.command("rotate-key", cls=Command)(keys.run)
app.add_typer(hold.app, name="hold")
