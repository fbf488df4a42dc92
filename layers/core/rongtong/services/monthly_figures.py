"""Stages of the monthly review that gather: who the customers are, and what each company's months come to.

The figures of a company's months stay, and the next review looks back at them instead of reading every discount again;
a month that is missing is read from the discounts, and kept. Everything is written so that doing it twice is no change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from rongtong.domain.errors import CalendarError
from rongtong.domain.lifecycle import DiscountStatus, EnterpriseStatus
from rongtong.domain.monthly_figures import Dealt, Yardstick, bounds, figures, month_before, month_of
from rongtong.domain.monthly_rules import WINDOW_MONTHS_MAX
from rongtong.domain.policy import Policy
from rongtong.domain.privacy import mask_name
from rongtong.domain.rule_record import Outcome, Screened, has_open, record_of
from rongtong.services.bill_checks import REJECT
from rongtong.services.context import Context
from rongtong.services.discounts import request_key, request_of
from rongtong.services.errors import BusyError
from rongtong.services.jobs import Piece, Run
from rongtong.services.records import POLICY_KEY, STATE, calendar_key, enterprise_pk, event_sk, iso
from rongtong.services.screening import company_owner
from rongtong.services.settings import calendar_of, policy_of
from rongtong.services.storage import Create, Document, Item, Key, Listing, Write, WriteConflictError

CUSTOMERS, FIGURES = "customers", "figures"
"""Stages."""
_ALL = 1_000_000
_LOOKED_AT, _LISTED = 1000, 500
"""Records of a page of the table, and customers of a list, which is a document."""
_DISCOUNTS_AT_ONCE = 33
"""Three documents each."""
_KIND = "BillVerified"
_VERIFIED = event_sk(2)
"""Where the findings of nearly every discount lie; something else came first where it was carried on before."""
RULE_HITS = "rule_hits"
"""In a month's document: which rules hit, and what reviewers made of it."""
_ATTEMPTS = 4
_SATURDAY = 5
Customer = tuple[str, str, str]
"""An enterprise's id, its credit code, its name masked."""


def review_pk(period: str) -> str:
    """Where the customers of a review are kept."""
    return f"review#{period}"


def figures_pk(uscc: str) -> str:
    """Where a company's figures are kept, a month a document, whichever partners it comes through."""
    return f"figures#{uscc}"


def list_customers(context: Context, run: Run) -> Piece:
    """Note who is a customer, in lists that the next stages go through. It reads the whole table, page by page."""
    kept: Document = {"lists": 0, "customers": 0, "began": iso(context.clock.now()), **run.kept.get(CUSTOMERS, {})}
    after: Key | None = None if "after" not in kept else (kept["after"][0], kept["after"][1])
    waiting: list[Customer] = []
    while True:
        found, after = context.store.scan_page(enterprise_pk(""), STATE, after=after, most=_LOOKED_AT)
        waiting += [_customer(item.body) for item in found if item.body["status"] == EnterpriseStatus.ACTIVE]
        stops = after is None or run.time_is_up()
        while len(waiting) >= _LISTED or (stops and waiting):
            listed, waiting = waiting[:_LISTED], waiting[_LISTED:]
            _put(context, (review_pk(run.period), _list_sk(kept["lists"])), {"customers": listed})
            kept |= {"lists": kept["lists"] + 1, "customers": kept["customers"] + len(listed)}
        if after is None or stops:
            kept = {**kept, "after": None if after is None else list(after)}
            return Piece(kept, done=after is None, progress=f"{kept['customers']:,} enterprises")


def make_figures(context: Context, run: Run) -> Piece:
    """Count each company's month, and those before it of which there are no figures yet."""
    policy = policy_of(context.store.get(*POLICY_KEY))
    by = _yardstick(context, policy, run.period)
    began = str(run.kept[CUSTOMERS]["began"])

    return for_each(context, run, FIGURES, lambda customer, _: _keep(context, run.period, customer, by, began))


def for_each(context: Context, run: Run, stage: str, do: Callable[[Customer, Document], None]) -> Piece:
    """Go on with the customers where the stage stopped; ``do`` is given what the stage keeps, to add to it."""
    total, lists = run.kept[CUSTOMERS]["customers"], run.kept[CUSTOMERS]["lists"]
    kept: Document = {"list": 0, "at": 0, "seen": 0, **run.kept.get(stage, {})}
    while kept["list"] < lists:
        customers = customers_of(context, run.period, kept["list"])
        for customer in customers[kept["at"] :]:
            if run.time_is_up():
                return Piece(kept, done=False, progress=_progress(kept["seen"], total))
            do(customer, kept)
            kept |= {"at": kept["at"] + 1, "seen": kept["seen"] + 1}
        kept |= {"list": kept["list"] + 1, "at": 0}
    return Piece(kept, done=True, progress=_progress(kept["seen"], total))


def customers_of(context: Context, period: str, number: int) -> list[Customer]:
    """One of the lists that ``list_customers`` has made."""
    item = context.store.get(review_pk(period), _list_sk(number))
    assert item is not None, "the lists are made before they are gone through"
    return [(str(own_id), str(uscc), str(name)) for own_id, uscc, name in item.body["customers"]]


def months_of(context: Context, uscc: str, period: str) -> dict[str, Item]:
    """A company's figures of the month and of the year before it, by month, as far as there are any."""
    found = context.store.query(figures_pk(uscc), "", start=month_before(period, WINDOW_MONTHS_MAX))
    return {item.sk: item for item in found if item.sk <= period}


def _progress(seen: int, total: int) -> str:
    return f"{seen:,} of {total:,} enterprises"


def _list_sk(number: int) -> str:
    return f"customers#{number:06d}"


def _customer(body: Document) -> Customer:
    return str(body["enterprise_id"]), str(body["uscc"]), mask_name(str(body["name"]))


def _put(context: Context, key: Key, body: Document) -> None:
    """Write a document, whatever a piece that was killed has written there."""
    item = context.store.get(*key)
    context.store.transact([Create(*key, body) if item is None else item.replaced(body)])


def _yardstick(context: Context, policy: Policy, period: str) -> Yardstick:
    year = int(period[:4])
    confirmed = context.store.get_many([calendar_key(year - 1), calendar_key(year)])
    calendar = calendar_of(context.calendar, confirmed, policy)

    def is_working_day(day: date) -> bool:
        try:
            return calendar.is_working_day(day)
        except CalendarError:
            return day.weekday() < _SATURDAY

    rules = policy.monthly_rules
    lines = (policy.rules["LARGE_AMOUNT"].threshold, rules["AMOUNTS_UNDER_LINE"].further["large_value_fen"])
    return Yardstick(rules, lines, is_working_day)


def _keep(context: Context, period: str, customer: Customer, by: Yardstick, began: str) -> None:
    """Keep the figures of a customer's company, unless this review has. Raises BusyError."""
    own_id, uscc, _ = customer
    for _ in range(_ATTEMPTS):
        known = months_of(context, uscc, period)
        own = known.get(period)
        counted = own is not None and str(own.body.get("made_at", "")) >= began
        try:
            if counted and own is not None:
                if own_id not in own.body["enterprise_ids"]:
                    ids = [*own.body["enterprise_ids"], own_id]
                    context.store.transact([own.replaced({**own.body, "enterprise_ids": ids})])
                return
            made = _counted(context, uscc, period, known, by)
            now = iso(context.clock.now())
            made[period] |= {"enterprise_ids": [own_id], "uscc": uscc, "made_at": now}
            context.store.transact([_figure_write(known.get(month), uscc, month, body) for month, body in made.items()])
        except WriteConflictError:
            continue  # another execution of this run was quicker
        return
    raise BusyError("The company's figures keep changing; run the same task again.")


def _figure_write(known: Item | None, uscc: str, month: str, body: Document) -> Write:
    return Create(figures_pk(uscc), month, body) if known is None else known.replaced(body)


def _counted(context: Context, uscc: str, period: str, known: dict[str, Item], by: Yardstick) -> dict[str, Document]:
    """The figures of the month and of every month of the year before that has none yet.

    A month whose hits are not counted, or not all decided, has its hits counted again, and keeps what else it has.
    """
    months = [month_before(period, back) for back in range(WINDOW_MONTHS_MAX, -1, -1)]
    wanted = [month for month in months if month == period or month not in known or _is_open(known[month].body)]
    listed = context.store.listed(company_owner(uscc), iso(bounds(wanted[0])[0]), most=_ALL)
    by_month: dict[str, list[Listing]] = {month: [] for month in wanted}
    for listing in listed:
        by_month.get(month_of(datetime.fromisoformat(listing.at)), []).append(listing)
    made: dict[str, Document] = {}
    for month, listings in by_month.items():
        dealt, screened = _read(context, listings)
        kept = known[month].body if month in known and month != period else figures(month, dealt, by).as_document()
        made[month] = {**kept, RULE_HITS: record_of(screened)}
    return made


def _is_open(body: Document) -> bool:
    return RULE_HITS not in body or has_open(body[RULE_HITS])


def _read(context: Context, listings: Sequence[Listing]) -> tuple[list[Dealt], list[Screened]]:
    """What became of these discounts, and what the risk rules found of them."""
    keys = [listing.key for listing in listings if listing.key is not None]
    dealt, screened = list[Dealt](), list[Screened]()
    for at in range(0, len(keys), _DISCOUNTS_AT_ONCE):
        part = keys[at : at + _DISCOUNTS_AT_ONCE]
        requests: list[Key] = [request_key(pk.partition("#")[2]) for pk, _ in part]
        verified: list[Key] = [(pk, _VERIFIED) for pk, _ in part]
        found = context.store.get_many([*part, *requests, *verified])
        size = len(part)
        for state, first, event in zip(found[:size], found[size : 2 * size], found[2 * size :], strict=True):
            if state is not None:
                dealt.append(_one(state.body, request_of(first)))
                screened += _screened(context, state, event)
    return dealt, screened


def _screened(context: Context, state: Item, event: Item | None) -> list[Screened]:
    """What was found of a discount, if it was verified and anything was."""
    if "verdict" not in state.body:
        return []
    if event is None or event.body["event"]["type"] != _KIND:
        events = context.store.query(state.pk, "event#")
        event = next((one for one in events if one.body["event"]["type"] == _KIND), None)
    beside: Document = {} if event is None else event.body.get("beside", {})
    if not beside.get("findings"):
        return []
    fen = int(state.body["face_fen"])
    return [Screened(beside["findings"], bool(beside.get("hits")), _outcome(state.body), fen)]


def _outcome(body: Document) -> Outcome:
    if "review" in body:
        return Outcome.REJECTED if body["review"] == REJECT else Outcome.APPROVED
    return Outcome.OPEN if body["status"] == DiscountStatus.IN_REVIEW else Outcome.UNDECIDED


def _one(body: Document, request: dict[str, Any]) -> Dealt:
    status = DiscountStatus(body["status"])
    return Dealt(
        at=datetime.fromisoformat(str(body["accepted_at"])),
        fen=int(body["face_fen"]),
        status=status,
        reason=body.get("reason"),
        reviewed="review" in body or status is DiscountStatus.IN_REVIEW,
        buyer=str(request["order_buyer_uscc"]),
        issued=date.fromisoformat(str(request["issue_date"])),
    )
