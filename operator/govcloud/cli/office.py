"""What the officials' commands share: the cluster as the person who types, references, confirmation, and how refusals end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from govcloud.api.approval import ApprovalSpec
from govcloud.api.common import GROUP
from govcloud.api.kinds import APPROVAL, REQUEST, Kind
from govcloud.cli.sign import private_key, signed_with
from govcloud.core.calendar import SHANGHAI
from govcloud.core.deciding import CannotDecide
from govcloud.core.said import Language
from govcloud.desk import Desk, NotAllowed, NotThere, Previews, Refused
from govcloud.failures import Retry, Stop

NOT_DONE, USAGE, NOT_POSSIBLE = 1, 2, 3
"""Exit codes: nothing was decided, or it does not count; a wrong command line; the cluster cannot be reached or a right is missing."""

EXIT_CODES = """Exit codes:

0  the decision is filed, and the controller does not object

1  nothing was decided, or the decision does not count; it says why

2  the command line is wrong

3  the cluster cannot be reached, or you lack a right"""

RequestArgument = Annotated[str, typer.Argument(help="The request: csreq/NAME, or its name.", metavar="CSREQ/NAME")]
NamespaceOption = Annotated[str | None, typer.Option("-n", "--namespace", help="Namespace of the request. Default: that of your kubeconfig.")]
NumberOption = Annotated[str, typer.Option("--number", help="Number of the decision 批文号; used once.")]
SignOption = Annotated[
    Path | None,
    typer.Option("--sign", help="Sign the decision with the office's key: Ed25519, PEM, not encrypted. SM2 or a device: see `govcloud sign`."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask. Required where there is no terminal.")]
WaitOption = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the controller's word on whether the decision counts.")]


_WHAT_FITS = {
    "document_number": "--number is one line of 1 to 256 characters, without control characters / 文号须为一行文字",
    "comment": "--comment or --reason has at most 2048 characters / 意见不得超过 2048 字",
}


@dataclass(frozen=True)
class Tools:
    """What the commands act with; handed in as the context's object by tests. `previews` None: by the controller's own settings."""

    desk: Desk
    interactive: bool
    now: Callable[[], datetime]
    previews: Previews | None = None


def tools(context: typer.Context) -> Tools:
    """Those that were handed in, else the cluster of the environment and the terminal; ends the command when there is no kubeconfig."""
    handed = context.find_object(Tools)
    if handed is not None:
        return handed
    from kubernetes.config import ConfigException

    from govcloud.adapters.kube_desk import KubeDesk  # loads the Kubernetes client

    try:
        return Tools(KubeDesk.from_environment(), sys.stdin.isatty(), lambda: datetime.now(UTC).replace(microsecond=0))
    except ConfigException as error:
        fail(f"there is no usable kubeconfig: {error}; set KUBECONFIG", NOT_POSSIBLE)


@contextmanager
def plain_refusals(language: Language) -> Iterator[None]:
    """Whatever keeps an official from deciding ends the command with one sentence and an exit code."""
    try:
        yield
    except CannotDecide as refusal:
        fail(refusal.said.within(language), NOT_DONE)
    except (Refused, NotThere) as refusal:
        fail(str(refusal), NOT_DONE)
    except ValidationError as error:
        fields = [str(fault["loc"][0]) for fault in error.errors(include_url=False)]
        fail("; ".join(_WHAT_FITS.get(field, f"{field} does not fit") for field in dict.fromkeys(fields)), USAGE)
    except NotAllowed as missing:
        fail(str(missing), NOT_POSSIBLE)
    except (Retry, Stop) as error:
        fail(error.message, NOT_POSSIBLE)


def request_name(reference: str) -> str:
    """The name in `csreq/<name>`, or the name alone; ends the command when it is a reference to something else."""
    return _name_in(reference, REQUEST)


def approval_name_in(reference: str) -> str:
    """The same for `csapp/<name>`."""
    return _name_in(reference, APPROVAL)


def _name_in(reference: str, kind: Kind) -> str:
    written, slash, name = reference.rpartition("/")
    if slash and written.lower() not in (kind.short, kind.singular, kind.plural, f"{kind.plural}.{GROUP}"):
        fail(f"{reference!r} names no {kind.kind}; write {kind.short}/<name>", USAGE)
    return name


def confirm(question: str, tools: Tools, *, yes: bool, language: Language) -> None:
    """Ask, unless `--yes`; ends the command when the answer is no or nobody can be asked."""
    if yes:
        return
    if not tools.interactive:
        fail("没有终端可供确认;请加 --yes" if language == "zh" else "there is no terminal to confirm on; add --yes", USAGE)
    if not typer.confirm(question):
        fail("未作任何决定" if language == "zh" else "nothing was decided", NOT_DONE)


def end_of(text: str | None) -> datetime | None:
    """The moment up to which something is valid: a day counts to its end in China. Ends the command when it is neither day nor moment."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--valid-until: {text!r} is no day such as 2026-12-31 and no moment such as 2026-12-31T18:00:00+08:00", USAGE)
    if len(text) <= len("2026-12-31"):
        moment = datetime.combine(moment.date() + timedelta(days=1), time.min)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def signed(spec: ApprovalSpec, namespace: str, key: Path | None, moment: datetime) -> ApprovalSpec:
    """The decision with the office's signature, if a key was named; ends the command where the key cannot be used."""
    if key is None:
        return spec
    try:
        return signed_with(private_key(key), namespace, spec, moment)
    except (OSError, ValueError) as error:
        fail(f"--sign: {error}", USAGE)


def fail(sentence: str, code: int) -> NoReturn:
    """End with a sentence and this exit code."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
