"""`govcloud reject`: say no to the plan that a request waits with."""

from __future__ import annotations

from typing import Annotated

import typer

from govcloud.cli.approve import StepOption
from govcloud.cli.case import decided, open_case, show
from govcloud.cli.filing import file
from govcloud.cli.office import (
    NamespaceOption,
    NumberOption,
    RequestArgument,
    SignOption,
    WaitOption,
    YesOption,
    confirm,
    plain_refusals,
    request_name,
    signed,
    tools,
)
from govcloud.cli.speech import LanguageOption, chosen
from govcloud.core.deciding import Official


def run(
    context: typer.Context,
    request: RequestArgument,
    number: NumberOption,
    reason: Annotated[str, typer.Option(help="What the applicant has to correct; he reads it.")],
    namespace: NamespaceOption = None,
    step: StepOption = None,
    sign: SignOption = None,
    yes: YesOption = False,
    wait: WaitOption = 10.0,
    lang: LanguageOption = None,
) -> None:
    """Reject the plan that a request waits with. The applicant corrects the
    request, which makes the next plan.

    \b
    Example:
      govcloud reject csreq/hospital-registration -n first-hospital --number 九信办〔2026〕41号 --reason "数据库规格过大"
    """
    language, hands = chosen(lang), tools(context)
    with plain_refusals(language):
        where = namespace or hands.desk.namespace()
        case = open_case(hands.desk, where, request_name(request), step)
        spec = decided(case, "Rejected", Official(case.user, number, reason), hands.now())
        show(case, spec, language)
        confirm("不予批准该计划?" if language == "zh" else "Reject this plan?", hands, yes=yes, language=language)
        file(hands.desk, where, signed(spec, where, sign, hands.now()), wait, language)
