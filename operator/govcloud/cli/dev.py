"""`govcloud dev`: what only a development cloud allows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from govcloud.failures import Retry, Stop

app = typer.Typer(help="What only a development cloud allows.", no_args_is_help=True, rich_markup_mode=None)
clock = typer.Typer(help="The development clock: trials and legal deadlines count by it.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(clock, name="clock")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_USAGE = 3


def parse_span(text: str) -> timedelta:
    """`16d`, `36h`, `90m`, `10s`, or several together such as `1d12h`.

    Raises:
        ValueError: it is not such a span, or it is zero.
    """
    parts = re.findall(r"(\d{1,6})([smhd])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a span of time; write for instance 16d, 36h or 1d12h")
    span = timedelta(**{_UNITS[unit]: sum(int(n) for n, u in parts if u == unit) for _, unit in parts})
    if not span:
        raise ValueError("time has to move by something")
    return span


@clock.command()
def advance(
    by: Annotated[str, typer.Argument(help="How far, for instance 16d, 36h, 1d12h.")],
    namespace: Annotated[str, typer.Option(help="Namespace of the controller.")] = "govcloud-system",
) -> None:
    """Set the development clock ahead. It never goes back; retention of the audit log does not follow it.

    The controller must run with --dev-clock; it records each jump. Needs KUBECONFIG, and the right to change the ConfigMap
    govcloud-dev-clock.
    """
    try:
        span = parse_span(by)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    from govcloud.adapters.kube_api import KubeApi  # loads the Kubernetes client
    from govcloud.adapters.kube_clock import advance_clock

    try:
        offset = advance_clock(KubeApi.from_environment(), namespace, span)
    except (Retry, Stop) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"the development clock is now {offset} ahead of the machine's")
