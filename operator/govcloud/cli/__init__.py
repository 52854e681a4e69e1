"""The command line: one module a command group. Only presentation; what is found out is found out elsewhere."""

from __future__ import annotations

import typer

from govcloud.cli import audit, audit_keys, controller, dev, digest, plan

APPLICANTS = "For applicants, and their CI"

app = typer.Typer(
    help="The controller of a government cloud 政务云, and the tools around it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("plan", rich_help_panel=APPLICANTS)(plan.run)
app.command("controller")(controller.run)
app.command("digest")(digest.show)
audit.app.command("rotate-key")(audit_keys.run)
app.add_typer(audit.app, name="audit")
app.add_typer(dev.app, name="dev")


def main() -> None:
    """Entry point of the `govcloud` script."""
    app()
