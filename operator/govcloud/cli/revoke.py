"""`govcloud revoke`: take an approval back."""

from __future__ import annotations

from typing import Annotated

import typer

from govcloud.cli.case import filed_as
from govcloud.cli.filing import file
from govcloud.cli.office import (
    NamespaceOption,
    NumberOption,
    SignOption,
    WaitOption,
    YesOption,
    approval_name_in,
    confirm,
    plain_refusals,
    signed,
    tools,
)
from govcloud.cli.speech import LanguageOption, chosen, say
from govcloud.core.deciding import CannotDecide, Official, revocation_of


def run(
    context: typer.Context,
    approval: Annotated[str, typer.Argument(help="The approval: csapp/NAME, or its name.", metavar="CSAPP/NAME")],
    number: NumberOption,
    reason: Annotated[str, typer.Option(help="Why it is taken back.")] = "",
    namespace: NamespaceOption = None,
    sign: SignOption = None,
    yes: YesOption = False,
    wait: WaitOption = 10.0,
    lang: LanguageOption = None,
) -> None:
    """Take an approval back. Before the plan starts this stops it; afterwards it
    freezes the plan where it is, until it is approved again.

    \b
    Examples:
      kubectl get csapp -n first-hospital
      govcloud revoke csapp/NAME -n first-hospital --number 九信办〔2026〕43号 --reason "材料有误"
    """
    language, hands = chosen(lang), tools(context)
    with plain_refusals(language):
        where = namespace or hands.desk.namespace()
        taken = hands.desk.approval(where, approval_name_in(approval))
        user, step = hands.desk.user(), taken.spec.step
        if not hands.desk.may_decide(where, step):
            raise CannotDecide(f"{user} 在此命名空间无权办理 {step} 环节", f"{user} was not granted step {step!r} in this namespace")
        spec = revocation_of(taken, Official(user, number, reason))
        say(filed_as(spec).within(language))
        confirm("撤销该批准?" if language == "zh" else "Revoke this approval?", hands, yes=yes, language=language)
        file(hands.desk, where, signed(spec, where, sign, hands.now()), wait, language)
