"""`govcloud audit`: reading, checking and handing out the audit log; one module a command.

Only presentation: everything that is found out is found out in `govcloud.audit`. Never here: a write to the log.
"""

from __future__ import annotations

import typer

from govcloud.cli.audit import bundles, checkpoint, query, tail, verify
from govcloud.cli.audit.common import Command

app = typer.Typer(
    help="Read, check and hand out the audit log.\n\n"
    "Exit codes: 0 all is well, 1 tampered, 2 incomplete or rolled back, 3 wrong usage, 4 key unknown.",
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
