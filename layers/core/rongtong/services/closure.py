"""Closing an enterprise: no new business, its data restricted, kept as long as the law has it kept, then erased.

《反洗钱法》 (2024) article 34 has it kept ten years at least, so a request to delete it before that restricts it, and
deletes after (PIPL article 47). What is erased is the enterprise's data key with everything that was sealed beside it:
what other records hold under that key opens no more, while their hashes in the evidence log stay right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rongtong.domain.complaint import WAITING
from rongtong.domain.errors import TransitionError
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.lifecycle import (
    RESTRICTED,
    UNPAID_ENDS,
    DiscountStatus,
    EnterpriseStatus,
    require_enterprise_transition,
)
from rongtong.domain.personal_data import ERASED, ClosureBlockedError, PersonalField, retain_until
from rongtong.services import incidents, operators
from rongtong.services.complaints import of_enterprise
from rongtong.services.context import Context
from rongtong.services.credentials import Credentials
from rongtong.services.errors import WrongStateError
from rongtong.services.records import (
    POLICY_KEY,
    STATE,
    change_writes,
    enterprise_pk,
    hold_pk,
    iso,
    retention_key,
)
from rongtong.services.registration import view
from rongtong.services.screening import company_owner
from rongtong.services.settings import policy_of
from rongtong.services.storage import Create, Document, Item, Write, WriteConflictError

_EVER = "0"
_ALL = 1_000_000
_BATCH = 100
_NAMED_MAX = 5
_OPERATORS_AT_ONCE = 90
_LATER = timedelta(days=1)
"""So long it is put off while something holds it."""
_ENDED = UNPAID_ENDS | {DiscountStatus.DISBURSED}
_OF_OPERATORS = frozenset({"name", "mobile", "phrase", "payment_password", "code", "asked"})
"""What an operator's record has under the enterprise's data key, or of the person's doings."""


def close(context: Context, credentials: Credentials, enterprise: Item, reason: str) -> Document:
    """Close it for good: new business stops, its operators' access ends, its data is restricted. A repeat carries on.

    Raises WrongStateError while it is verified, ClosureBlockedError, AccountsUnavailableError (it is closed then; the
    same request again ends the operators' access), BusyError.
    """
    if enterprise.body["status"] not in RESTRICTED:
        _closed(context, enterprise, reason)
    operators.end_access(context, credentials, str(enterprise.body["enterprise_id"]))
    return view(_enterprise(context, str(enterprise.body["enterprise_id"])))


def _closed(context: Context, enterprise: Item, reason: str) -> None:
    try:
        require_enterprise_transition(EnterpriseStatus(enterprise.body["status"]), EnterpriseStatus.CLOSED)
    except TransitionError as error:
        raise WrongStateError(error.message, field="enterprise_id") from error
    now, discounts = context.clock.now(), discounts_of(context, enterprise)
    # What is looked into about the company itself is nobody's to learn by a refusal; it keeps the data all the same.
    if found := blockers(context, enterprise, discounts):
        raise ClosureBlockedError(f"It can be closed once this is settled: {'; '.join(found)}.", field="enterprise_id")
    (policy,) = context.store.get_many([POLICY_KEY])
    until = _until(policy, now, discounts)
    changes: Document = {
        "status": EnterpriseStatus.CLOSED.value,
        "closed_at": iso(now),
        "closed_because": reason,
        "retain_until": iso(until),
    }
    data: Document = {"reason": reason, "retain_until": iso(until)}
    writes: list[Write] = [
        *change_writes(
            enterprise, "enterprise_id", changes, "EnterpriseClosed", now, data, due=now, by=context.initiator
        )
    ]
    enterprise_id = str(enterprise.body["enterprise_id"])
    writes.append(Create(*retention_key(enterprise_id), {"enterprise_id": enterprise_id}, due=iso(until)))
    try:
        context.store.transact(writes)
    except WriteConflictError as conflict:
        raise WrongStateError("The enterprise changed meanwhile; send it again.", field="enterprise_id") from conflict


def blockers(context: Context, enterprise: Item, discounts: Sequence[Item], *about: str) -> list[str]:
    """What of the enterprise is still open, each kind with some of the ids that it is about.

    Incidents are those about its discounts, and ``about`` what is named.
    """
    enterprise_id = str(enterprise.body["enterprise_id"])
    ids = {str(item.body["discount_id"]) for item in discounts}
    live = [str(item.body["discount_id"]) for item in discounts if item.body["status"] not in _ENDED]
    opened = incidents.newest(context, IncidentStatus.OPEN, most=_ALL)["incidents"]
    unsettled = [str(one["subject"]) for one in opened if one["subject"] in {*ids, *about}]
    complaints = of_enterprise(context, str(enterprise.body["partner_id"]), enterprise_id)
    unanswered = [str(one["complaint_id"]) for one in complaints if one["status"] in WAITING]
    named = {"live discounts": live, "open incidents": unsettled, "unanswered complaints": unanswered}
    return [f"{len(found)} {what} ({_some(found)})" for what, found in named.items() if found]


def discounts_of(context: Context, enterprise: Item) -> list[Item]:
    """Every discount of the enterprise, the newest first; of the same company through other partners none."""
    listed = context.store.listed(company_owner(str(enterprise.body["uscc"])), _EVER, most=_ALL)
    keys = [one.key for one in listed if one.key is not None]
    found: list[Item] = []
    for start in range(0, len(keys), _BATCH):
        items = context.store.get_many(keys[start : start + _BATCH])
        found += [item for item in items if item is not None]
    return [item for item in found if item.body["enterprise_id"] == enterprise.body["enterprise_id"]]


# ---- when its time is over


def look_after(context: Context, due: Item) -> None:
    """For the sweeper: erase what is kept no longer; put it off where it must be kept still, or something holds it.

    Raises WriteConflictError when somebody changes it right now.
    """
    enterprise_id = str(due.body["enterprise_id"])
    enterprise = _enterprise(context, enterprise_id)
    if enterprise.body["status"] != EnterpriseStatus.CLOSED:
        context.store.transact([replace(due.replaced(due.body), due=None)])
        return
    now, discounts = context.clock.now(), discounts_of(context, enterprise)
    told = datetime.fromisoformat(str(enterprise.body["retain_until"]))
    policy, hold = context.store.get_many([POLICY_KEY, (hold_pk(enterprise_id), STATE)])
    until = max(told, _until(policy, datetime.fromisoformat(str(enterprise.body["closed_at"])), discounts))
    if until > now:
        longer = enterprise.replaced({**enterprise.body, "retain_until": iso(until)})
        context.store.transact([longer, replace(due.replaced(due.body), due=iso(until))])
    elif (hold is not None and hold.body["active"]) or blockers(
        context, enterprise, discounts, enterprise_id, str(enterprise.body["uscc"])
    ):
        context.store.transact([replace(due.replaced(due.body), due=iso(now + _LATER))])
    else:
        _erase(context, enterprise, due, hold)


def _erase(context: Context, enterprise: Item, due: Item, hold: Item | None) -> None:
    """Operators first: whoever goes on after a stop finds the enterprise closed still, and does the rest."""
    require_enterprise_transition(EnterpriseStatus(enterprise.body["status"]), EnterpriseStatus.ERASED)
    persons = context.store.query(enterprise.pk, "operator#")
    for at in range(0, len(persons), _OPERATORS_AT_ONCE):
        context.store.transact([_stripped(item) for item in persons[at : at + _OPERATORS_AT_ONCE]])
    now = context.clock.now()
    changes: Document = {
        **{name.value: None for name in PersonalField},
        "data_key": None,
        "masked": {name.value: ERASED for name in PersonalField},
        "status": EnterpriseStatus.ERASED.value,
        "erased_at": iso(now),
    }
    data: Document = {
        "retained_until": enterprise.body["retain_until"],
        "fields": [name.value for name in PersonalField],
        "operators": len(persons),
    }
    hold_key = hold_pk(str(enterprise.body["enterprise_id"])), STATE
    # Written with the rest, so that a hold that is approved at this moment meets it.
    nothing_held: Document = {"active": False, "erased": True}
    context.store.transact(
        [
            *change_writes(enterprise, "enterprise_id", changes, "PersonalDataErased", now, data, due=now),
            replace(due.replaced(due.body), due=None),
            Create(*hold_key, nothing_held) if hold is None else hold.replaced({**hold.body, **nothing_held}),
        ]
    )


def _stripped(operator: Item) -> Write:
    kept = {name: value for name, value in operator.body.items() if name not in _OF_OPERATORS}
    return operator.replaced({**kept, "masked": dict.fromkeys(kept["masked"], ERASED)})


def _until(policy: Item | None, ended_at: datetime, discounts: Iterable[Item]) -> datetime:
    years = policy_of(policy).retention_years
    moments = [str(item.body.get("finished_at", item.body["accepted_at"])) for item in discounts]
    last = max((datetime.fromisoformat(one) for one in moments), default=None)
    return retain_until(ended_at, last, years)


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED_MAX]) + (", …" if len(ids) > _NAMED_MAX else "")


def _enterprise(context: Context, enterprise_id: str) -> Item:
    found = context.store.get(enterprise_pk(enterprise_id), STATE)
    assert found is not None, "an enterprise's record is never deleted"
    return found
