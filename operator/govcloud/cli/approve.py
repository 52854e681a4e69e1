"""`govcloud approve`: say yes to the plan that a request waits with."""

from __future__ import annotations

from typing import Annotated

import typer

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
    end_of,
    plain_refusals,
    request_name,
    signed,
    tools,
)
from govcloud.cli.speech import LanguageOption, chosen
from govcloud.core.deciding import Official

StepOption = Annotated[str | None, typer.Option("--step", help="The approval step. Default: the one that the plan waits for.")]


def run(
    context: typer.Context,
    request: RequestArgument,
    number: NumberOption,
    namespace: NamespaceOption = None,
    step: StepOption = None,
    comment: Annotated[str, typer.Option(help="What the decision says besides. Required, as the reason, where the plan departs from a rule in principle 原则上.")] = "",
    valid_until: Annotated[str | None, typer.Option(help="Day or moment after which it starts nothing any more, such as 2026-12-31.")] = None,
    sign: SignOption = None,
    yes: YesOption = False,
    wait: WaitOption = 10.0,
    lang: LanguageOption = None,
) -> None:
    """Approve the plan that a request waits with, as the user of your kubeconfig.

    It tells the plan in words first and asks: what is made, changed and
    destroyed, what it costs, which article asks for your decision. The digest
    that you decide on is recomputed from the pinned plan; one that differs from
    the status is refused.

    \b
    Examples:
      govcloud pending
      govcloud approve csreq/hospital-registration -n first-hospital --number 九信办〔2026〕40号
      govcloud approve csreq/hospital-registration -n first-hospital --number 九信办〔2026〕40号 --valid-until 2026-12-31 --yes
    """
    language, hands = chosen(lang), tools(context)
    with plain_refusals(language):
        where = namespace or hands.desk.namespace()
        case = open_case(hands.desk, where, request_name(request), step)
        spec = decided(case, "Approved", Official(case.user, number, comment, end_of(valid_until)), hands.now())
        show(case, spec, language)
        confirm("批准该计划?" if language == "zh" else "Approve this plan?", hands, yes=yes, language=language)
        file(hands.desk, where, signed(spec, where, sign, hands.now()), wait, language)
