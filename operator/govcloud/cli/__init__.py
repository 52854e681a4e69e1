"""The command line: one module a command, one folder a command group. Only presentation; what is found out is found out elsewhere."""

from __future__ import annotations

import typer

from govcloud.cli import (
    approve,
    audit,
    controller,
    deadlines,
    dev,
    digest,
    explain,
    pending,
    plan,
    preview,
    reject,
    replay,
    revoke,
    sign,
    usage,
    witness,
)
from govcloud.cli.office import EXIT_CODES

EVERYBODY, OFFICIALS, OPERATIONS = "Applicants, platform engineers, CI", "Officials 审批人员", "Operations and auditors"

app = typer.Typer(
    help="The controller of a government cloud 政务云, and the tools around it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("plan", rich_help_panel=EVERYBODY)(plan.run)
app.command("explain", rich_help_panel=EVERYBODY)(explain.run)
app.command("digest", rich_help_panel=EVERYBODY)(digest.show)
app.command("replay", rich_help_panel=EVERYBODY)(replay.run)
app.command("pending", rich_help_panel=OFFICIALS)(pending.run)
app.command("approve", rich_help_panel=OFFICIALS, epilog=EXIT_CODES)(approve.run)
app.command("reject", rich_help_panel=OFFICIALS, epilog=EXIT_CODES)(reject.run)
app.command("revoke", rich_help_panel=OFFICIALS, epilog=EXIT_CODES)(revoke.run)
app.command("sign", rich_help_panel=OFFICIALS)(sign.run)
app.command("deadlines", cls=audit.Command, rich_help_panel=OPERATIONS)(deadlines.run)
app.command("controller", rich_help_panel=OPERATIONS)(controller.run)
app.command("preview", rich_help_panel=OPERATIONS)(preview.run)
app.command("usage", cls=audit.Command, rich_help_panel=OPERATIONS)(usage.run)
app.command("witness", rich_help_panel=OPERATIONS)(witness.run)
app.add_typer(audit.app, name="audit", rich_help_panel=OPERATIONS)
app.add_typer(dev.app, name="dev", rich_help_panel=OPERATIONS)


def main() -> None:
    """Entry point of the `govcloud` script."""
    app()
