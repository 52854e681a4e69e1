"""How much money a request has to have set aside in which account. Pure.

The truth is the accounts' own record, by the request's uid: nothing about it is remembered elsewhere, so that a crash between two writes
loses nothing and doubles nothing. What has to be there follows from the plans.
"""

from __future__ import annotations

from decimal import Decimal

from govcloud.core.accounts import NOTHING, AccountRef, accounts_named
from govcloud.core.actions import Action, Refuse, Reserve, SettleReservation
from govcloud.core.facts import Facts
from govcloud.core.plan import Plan
from govcloud.reasons import Reason


def reservation_for(facts: Facts, plan: Plan) -> Reserve | None:
    """The first reservation that a plan lacks before it may start. It covers what runs meanwhile, too."""
    for ref in accounts_named(plan.spec):
        account = facts.account(ref)
        if account is None or account.held_by(facts.request.key.uid) < plan.yearly:
            return Reserve(plan, ref, max(plan.yearly, owed(facts, ref)))
    return None


def settlement(facts: Facts) -> SettleReservation | None:
    """The first account in which something else is set aside than what runs costs: more after a transition that was withdrawn, or ended with
    less; less after the account's record was lost."""
    for ref in _accounts(facts):
        account = facts.account(ref)
        if account is not None and account.held_by(facts.request.key.uid) != owed(facts, ref):
            return SettleReservation(ref, owed(facts, ref))
    return None


def owed(facts: Facts, ref: AccountRef) -> Decimal:
    """What the request has to hold in an account, in yuan a year: the dearest of what may run now. Nothing once it is terminated."""
    if facts.progress.terminated_at is not None:
        return NOTHING
    running = (*((facts.completed,) if facts.completed else ()), *(facts.plans[number] for number in facts.unfinished))
    return max((plan.yearly for plan in running if ref in accounts_named(plan.spec)), default=NOTHING)


def short_of(facts: Facts, action: Action, failed: Reason | None) -> tuple[AccountRef, ...]:
    """The accounts that a pass found too little money in: the request goes on when some comes free there.

    Args:
        failed: why the action failed, if it did.
    """
    found = {violation.reason for violation in action.violations} if isinstance(action, Refuse) else {failed}
    return accounts_named(facts.request.spec) if Reason.BUDGET_EXHAUSTED in found else ()


def _accounts(facts: Facts) -> tuple[AccountRef, ...]:
    """Every account that the request may hold something in: those that any of its plans names."""
    return tuple(sorted({ref for plan in facts.plans.values() for ref in accounts_named(plan.spec)}))
