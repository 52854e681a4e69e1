"""Writing a reservation into an account: read, judge, write on condition that nobody wrote in between, and again if somebody did."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from govcloud.api.reservation import Reservation
from govcloud.core.accounts import AccountRef, Holder, account_of, agreement_with, as_money, plan_with
from govcloud.core.objects import AgreementObject, AnnualPlanObject
from govcloud.failures import Retry, Stop
from govcloud.ports import Cluster
from govcloud.reasons import Reason

ATTEMPTS = 8
"""How often in a row somebody else may come first before it is tried again later."""


def reserve(cluster: Cluster, ref: AccountRef, reservation: Reservation) -> None:
    """Set money aside, if it is there. The same again changes nothing.

    Raises:
        Stop: the money is not there, or the account is not.
        Retry: others came first again and again.
    """
    _until_it_holds(cluster, ref, reservation, spends=True)


def settle(cluster: Cluster, ref: AccountRef, reservation: Reservation) -> None:
    """Let a request hold exactly this much: what already runs is counted, whether it is covered or not.

    Raises:
        Stop, Retry: as `reserve`, but never for lack of money.
    """
    _until_it_holds(cluster, ref, reservation, spends=False)


def _until_it_holds(cluster: Cluster, ref: AccountRef, reservation: Reservation, *, spends: bool) -> None:
    for _ in range(ATTEMPTS - 1):
        try:
            return _once(cluster, ref, reservation, spends)
        except Retry as error:
            if error.reason is not Reason.CONFLICT:
                raise
    return _once(cluster, ref, reservation, spends)


def _once(cluster: Cluster, ref: AccountRef, reservation: Reservation, spends: bool) -> None:
    holder = _holder(cluster, ref)
    account, wanted = account_of(holder, ref.item), Decimal(reservation.yearly)
    if account.held_by(reservation.uid) == wanted:
        return
    if spends and not account.admits(reservation.uid, wanted):
        raise Stop(
            Reason.BUDGET_EXHAUSTED,
            f"{ref} has {as_money(max(Decimal(0), account.left_for(reservation.uid)))} yuan left, and {reservation.yearly} are needed",
        )
    _write(cluster, holder, ref.item, reservation)


def _write(cluster: Cluster, holder: Holder, item: str, reservation: Reservation) -> None:
    match holder:
        case AgreementObject():
            cluster.write_agreement_status(holder, agreement_with(holder, reservation))
        case AnnualPlanObject():
            cluster.write_annual_plan_status(holder, plan_with(holder, item, reservation))
        case _:
            assert_never(holder)


def _holder(cluster: Cluster, ref: AccountRef) -> Holder:
    found = cluster.annual_plan(ref.name) if ref.kind == "AnnualPlan" else cluster.agreement(ref.name)
    if found is None:
        raise Stop(Reason.BUDGET_EXHAUSTED, f"there is no {ref.kind} {ref.name!r}; create it again, or name another one")
    return found
