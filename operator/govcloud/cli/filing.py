"""Filing one decision, and telling what the controller says of it."""

from __future__ import annotations

import time

import typer

from govcloud.api.approval import ApprovalSpec
from govcloud.api.common import as_written
from govcloud.cli.office import NOT_DONE, fail
from govcloud.cli.speech import say
from govcloud.core.deciding import approval_name, was_accepted
from govcloud.core.objects import ApprovalObject
from govcloud.core.said import Language
from govcloud.desk import Desk

_LOOK_SECONDS = 0.5
_SAY_AFTER = 2.0


def file(desk: Desk, namespace: str, spec: ApprovalSpec, patience: float, language: Language) -> None:
    """File the decision and wait so many seconds for the controller's word; ends the command with 1 where it does not count."""
    chinese = language == "zh"
    filed = desk.file(namespace, approval_name(spec, desk.approvals(namespace)), as_written(spec))
    if _unsigned(filed.spec) != _unsigned(spec):
        fail(f"csapp/{filed.name} 已存在且内容不同" if chinese else f"csapp/{filed.name} is there already, with other content", NOT_DONE)
    typer.echo(f"{'已提交' if chinese else 'filed'} csapp/{filed.name}")
    judged = _judged(desk, filed, patience, chinese)
    condition = next((c for c in judged.status.conditions if c.type == "Accepted"), None) if judged.status else None
    if condition is None:
        typer.echo("系统尚未答复" if chinese else f"the controller has not said yet whether it counts: kubectl get csapp {filed.name} -n {namespace}")
    elif condition.status == "True":
        say(f"{'有效' if chinese else 'it counts'}: {condition.message}")
    else:
        fail(f"{'不生效' if chinese else 'it does not count'} ({condition.reason}): {condition.message}", NOT_DONE)


def _unsigned(spec: ApprovalSpec) -> ApprovalSpec:
    """What was decided: the same decision can be signed at two moments."""
    return spec.model_copy(update={"signature": None})


def _judged(desk: Desk, filed: ApprovalObject, patience: float, chinese: bool) -> ApprovalObject:
    began, said = time.monotonic(), False
    while was_accepted(filed) is None and (waited := time.monotonic() - began) < patience:
        if waited > _SAY_AFTER and not said:
            typer.echo("等待系统答复…" if chinese else "waiting for the controller's word…", err=True)
            said = True
        time.sleep(_LOOK_SECONDS)
        filed = desk.approval(filed.namespace, filed.name)
    return filed
