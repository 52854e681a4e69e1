"""`govcloud audit hold`: what the log keeps although its time is over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from govcloud.audit.holds import RELEASED, Hold, Order, active, in_log
from govcloud.audit.reader import Damage
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import Command, Group, LogOption, fail, wrong_usage
from govcloud.cli.columns import BomOption, ChineseOption, Column, Format, Sheet
from govcloud.failures import Retry, Stop

if TYPE_CHECKING:
    from govcloud.adapters.kube_holds import KubeHolds

REFUSED = 5
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$")

app = typer.Typer(
    cls=Group,
    help="Legal holds: what the log keeps although its time is over. The log itself is where they are kept.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NameArgument = Annotated[str, typer.Argument(help="Name of the hold, such as the case's: lower case, digits, hyphens.")]
ReasonOption = Annotated[str, typer.Option(help="Why, in a sentence; it stands in the log.")]
NamespaceOption = Annotated[str, typer.Option(help="Namespace of the controller.")]


@app.command("add", cls=Command)
def add(
    name: NameArgument,
    reason: ReasonOption,
    unit: Annotated[str, typer.Option(help="Name of the using unit whose records are kept.")] = "",
    request: Annotated[str, typer.Option(help="uid of the CloudServiceRequest whose records are kept.")] = "",
    namespace: NamespaceOption = "govcloud-system",
) -> None:
    """Keep every record of a unit or of a request until the hold is removed.

    \b
    Example:
      govcloud audit hold add case-2026-17 --unit jj-health --reason "inspection 2026-17 of the audit office"

    Needs KUBECONFIG and the role govcloud-legal-hold. The controller records the order within seconds: see `govcloud audit hold list`.
    """
    if bool(unit) == bool(request):
        wrong_usage(ValueError("a hold is on one unit or on one request: give --unit or --request"))
    _give(name, lambda user: Order(user, reason, request, unit), namespace)
    print(f"ordered: {name} keeps every record of {unit or request}")


@app.command("remove", cls=Command)
def remove(name: NameArgument, reason: ReasonOption, namespace: NamespaceOption = "govcloud-system") -> None:
    """Release a hold. What it kept may go when its own time is over; the name cannot be used again.

    \b
    Example:
      govcloud audit hold remove case-2026-17 --reason "the inspection ended, document 2026-40"
    """
    _give(name, lambda user: Order(user, reason), namespace, releases=True)
    print(f"ordered: {name} is released")


@app.command("list", cls=Command)
def list_(
    log: LogOption,
    format_: Annotated[Format, typer.Option("--format", help="table, json (one hold a line) or csv.")] = Format.TABLE,
    chinese: ChineseOption = False,
    bom: BomOption = True,
) -> None:
    """Show the holds in force, as the log has them.

    \b
    Example:
      govcloud audit hold list --format csv --chinese > holds.csv
    """
    try:
        holds = list(active(in_log(log)).values())
    except FileNotFoundError as error:
        wrong_usage(error)
    except Damage as damage:
        fail(damage, Result.TAMPERED.exit_code)
    sheet = Sheet(_COLUMNS, chinese)
    if format_ is Format.JSON:
        print("".join(json.dumps(asdict(hold), ensure_ascii=False) + "\n" for hold in holds), end="")
    elif format_ is Format.CSV:
        sheet.print_csv(holds, bom=bom)
    else:
        sheet.print_table(holds)


_COLUMNS: tuple[Column[Hold], ...] = (
    Column("name", "名称", lambda hold: hold.name),
    Column("unit", "使用单位", lambda hold: hold.unit),
    Column("request", "申请编号", lambda hold: hold.request),
    Column("ordered by", "指令人", lambda hold: hold.by),
    Column("reason", "事由", lambda hold: hold.reason),
    Column("record", "记录序号", lambda hold: str(hold.sequence)),
)


def _give(name: str, order: Callable[[str], Order], namespace: str, *, releases: bool = False) -> None:
    if not _NAME.match(name):
        wrong_usage(ValueError(f"{name!r} is no name of a hold; write lower case letters, digits and hyphens, such as case-2026-17"))
    try:
        holds = _holds(namespace)
        if releases and name not in holds.orders():
            wrong_usage(ValueError(f"there is no hold {name}"))
        holds.give(name + RELEASED * releases, order(holds.user()))
    except (Retry, Stop) as error:
        fail(error, REFUSED)


def _holds(namespace: str) -> KubeHolds:
    from govcloud.adapters.kube_api import KubeApi  # loads the Kubernetes client
    from govcloud.adapters.kube_holds import KubeHolds

    return KubeHolds(KubeApi.from_environment(), namespace)
