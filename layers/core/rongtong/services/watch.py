"""The watch: what operations should know of, measured each minute from the indexes and a few records, never by a scan.

What it finds is kept in one record, which operations read, and handed on as measures (domain/measures.py). A part that
cannot be measured does not keep the others from it: its measures are missing, and the count of such parts is one too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from rongtong.domain import measures as m
from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.domain.lifecycle import DiscountStatus, waits_since, waits_until
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.witness import request_body
from rongtong.services.context import Context
from rongtong.services.cosigning import HEAD_KEY, WITNESSES_KEY, witnessed_size
from rongtong.services.cosigning import policy_of as trust_policy_of
from rongtong.services.errors import NotFoundError
from rongtong.services.executions import overdue
from rongtong.services.held_notice import HELD
from rongtong.services.incidents import newest
from rongtong.services.jobs import job_pk
from rongtong.services.records import (
    LIMITS_KEY,
    POLICY_KEY,
    STATE,
    WATCH_KEY,
    calendar_key,
    due_since,
    exposure_pk,
    institution_pk,
    iso,
    payment_sk,
    payments_owner,
)
from rongtong.services.reservations import USED
from rongtong.services.settings import calendar_of, limits_of, policy_of
from rongtong.services.storage import (
    BILL_LANE,
    DELIVERY_LANE,
    IMPORT_LANE,
    Create,
    Document,
    Item,
)

STUCK_AFTER = timedelta(minutes=10)
"""More than three times what a discount may take."""
_PUT_OFF_MAX = timedelta(hours=1)
_DAY = timedelta(days=1)
_READ_MAX = 500
"""So many records that are due are looked at, the oldest; where there are more, all alarms ring anyway."""
_BACKLOG_MAX = 200
_SHOWN = 20
_BATCH = 100
_EVER = "9"
_NO_BREAK = frozenset({IncidentKind.AUDIT_REVIEW, IncidentKind.DUTY_OVERDUE, IncidentKind.FINDING_OVERDUE})
_TELLS = frozenset({STATE, HELD})
_WHOLE = 100
Found = tuple[dict[str, int], Document]
"""Measures, and what stands behind them, for whoever looks."""


def watch(context: Context, dead_letters: Callable[[], Mapping[str, int]]) -> Document:
    """Measure, and keep what was found. ``dead_letters`` tells how many letters wait, by path.

    Answers ``measures`` by name, ``details`` for persons, and ``failed``: parts that could not be measured, and why.
    """
    now = context.clock.now()
    known = context.store.get(*WATCH_KEY)
    kept: Document = {"began_at": iso(now)} if known is None else known.body
    due = context.store.due(iso(now + _PUT_OFF_MAX), most=_READ_MAX)
    parts: Mapping[str, Callable[[], Found]] = {
        "discounts": lambda: _discounts(context, due, now),
        "payments": lambda: _payments(context, due, now),
        "reviews": lambda: _reviews(context, now),
        "queues": lambda: _queues(context, due, now),
        "webhooks": lambda: _webhooks(context, now),
        "log": lambda: _log(context, kept, now),
        "witnesses": lambda: _witnesses(context),
        "dead_letters": lambda: _letters(dead_letters()),
        "limits": lambda: _limits(context, kept, now),
        "breaks": lambda: _breaks(context, now),
        "jobs": lambda: _jobs(context, kept, now),
    }
    measured: dict[str, int] = {}
    details: Document = {}
    failed: dict[str, str] = {}
    for name, part in parts.items():
        try:
            found, details[name] = part()
        except Exception as error:
            failed[name] = error.code if isinstance(error, RongTongError) else type(error).__name__
        else:
            measured |= found
    measured[m.WATCH_FAILED] = len(failed)
    body: Document = {
        "began_at": kept["began_at"],
        "at": iso(now),
        "measures": measured,
        "details": details,
        "failed": failed,
    }
    # A second watch at the same moment measures the same: who is later waits for the next minute.
    context.store.transact([Create(*WATCH_KEY, body) if known is None else known.replaced(body)])
    return body


def seen(context: Context) -> Document:
    """What the watch found when it ran last. Raises NotFoundError before its first run."""
    known = context.store.get(*WATCH_KEY)
    if known is None:
        raise NotFoundError("The watch has not run yet; it runs each minute.")
    return known.body


def _discounts(context: Context, due: Sequence[Item], now: datetime) -> Found:
    stuck = [(since, item) for since, item in overdue(context, due, now, STUCK_AFTER) if "held" not in item.body]
    shown: list[Document] = [
        {"discount_id": item.body["discount_id"], "status": item.body["status"], "since": iso(since)}
        for since, item in stuck[:_SHOWN]
    ]
    return {m.DISCOUNTS_STUCK: len(stuck)}, {"stuck": shown}


def _payments(context: Context, due: Sequence[Item], now: datetime) -> Found:
    sealed = [item for item in due if item.body.get("status") == DiscountStatus.SEALED and "discount_id" in item.body]
    found: list[Item | None] = []
    for start in range(0, len(sealed), _BATCH):
        found += context.store.get_many([(item.pk, payment_sk(1)) for item in sealed[start : start + _BATCH]])
    unknown = sorted(
        (item.body for item in found if item is not None and item.body["status"] == PaymentStatus.UNKNOWN),
        key=lambda body: str(body["submitted_at"]),
    )
    age = _age(now, (str(body["submitted_at"]) for body in unknown))
    shown: list[Document] = [
        {"reference": body["reference"], "amount_fen": body["amount_fen"], "since": body["submitted_at"]}
        for body in unknown[:_SHOWN]
    ]
    return {m.PAYMENTS_UNKNOWN: len(unknown), m.PAYMENTS_UNKNOWN_AGE: age}, {"unknown": shown}


def _reviews(context: Context, now: datetime) -> Found:
    """In two parts: the time of what came to a review thirteen days ago is up among that of many confirmations."""
    tomorrow, until = iso(now + _DAY), waits_until(DiscountStatus.IN_REVIEW, now)
    assert until is not None, "a review waits for a person"
    soon = context.store.due(tomorrow, since=iso(now), most=_READ_MAX)
    found = [*soon, *context.store.due(iso(until + _DAY), since=tomorrow, most=_READ_MAX)]
    waiting = [
        (waits_since(DiscountStatus.IN_REVIEW, datetime.fromisoformat(str(item.due))), item)
        for item in found
        if item.body.get("status") == DiscountStatus.IN_REVIEW and "review" not in item.body
    ]
    today = context.calendar.shanghai_date(now)
    policy, *years = context.store.get_many([POLICY_KEY, *(calendar_key(today.year - back) for back in (0, 1))])
    calendar = calendar_of(context.calendar, years, policy_of(policy))
    shown: list[Document] = [
        {
            "discount_id": item.body["discount_id"],
            "since": iso(since),
            "service_seconds": int(calendar.service_time(since, now).total_seconds()),
        }
        for since, item in waiting[:_SHOWN]
    ]
    age = max((int(one["service_seconds"]) for one in shown), default=0)
    return {m.REVIEWS_WAITING: len(waiting), m.REVIEWS_AGE: age}, {"waiting": shown}


def _queues(context: Context, due: Sequence[Item], now: datetime) -> Found:
    """The outbox is whatever has ended, or never had a machine of its own, and is not told or not logged yet."""
    waits = {item.pk: since for item in due if item.sk in _TELLS and (since := _outbox_since(item)) is not None}
    outbox = _age(now, waits.values())
    soon = iso(now + _PUT_OFF_MAX)
    lanes = [context.store.due(soon, lane=lane, most=_BACKLOG_MAX) for lane in (BILL_LANE, IMPORT_LANE)]
    bills = [due_since(item) for lane in lanes for item in lane]
    oldest = sorted(waits.items(), key=lambda pair: pair[1])[:_SHOWN]
    shown: Document = {"outbox": [{"record": pk, "since": since} for pk, since in oldest if since < iso(now)]}
    return {m.OUTBOX_AGE: outbox, m.BILLS_QUEUE_AGE: _age(now, bills)}, shown


def _outbox_since(item: Item) -> str | None:
    if "discount_id" in item.body:
        return None if "finished_at" not in item.body else max(due_since(item), str(item.body["finished_at"]))
    return due_since(item)


def _webhooks(context: Context, now: datetime) -> Found:
    waiting = context.store.due(_EVER, lane=DELIVERY_LANE, most=_BACKLOG_MAX)
    age = _age(now, (str(item.body["since"]) for item in waiting))
    counted: dict[str, int] = {}
    for item in waiting:
        counted[str(item.body["endpoint_id"])] = counted.get(str(item.body["endpoint_id"]), 0) + 1
    shown: Document = {"waiting": dict(sorted(counted.items(), key=lambda pair: -pair[1])[:_SHOWN])}
    return {m.WEBHOOK_BACKLOG: len(waiting), m.WEBHOOK_BACKLOG_AGE: age}, shown


def _log(context: Context, kept: Document, now: datetime) -> Found:
    """By the watch's own memory of sizes: a checkpoint's dates are those of its witnesses' clocks."""
    head = context.store.get(*HEAD_KEY)
    size = 0 if head is None else int(head.body["size"])
    cosigned = witnessed_size(context)
    before: Document = kept.get("details", {}).get("log", {})
    shown: Document = {"size": size, "cosigned": cosigned, "cosigned_at": before.get("cosigned_at", iso(now))}
    if cosigned != before.get("cosigned"):
        shown["cosigned_at"] = iso(now)
    lag = 0
    if size > cosigned:
        # The size that was behind first: a log that grows on is not behind since a moment ago.
        first = before.get("behind")
        behind = first if first is not None and int(first["size"]) > cosigned else {"size": size, "since": iso(now)}
        shown["behind"] = behind
        lag = _age(now, [str(behind["since"])])
    return {m.CHECKPOINT_AGE: _age(now, [str(shown["cosigned_at"])]), m.CHECKPOINT_LAG: lag}, shown


def _witnesses(context: Context) -> Found:
    """Ask every witness to cosign the newest head again, which changes nothing for one that has."""
    policy_item, head = context.store.get_many([WITNESSES_KEY, HEAD_KEY])
    policy = trust_policy_of(context, policy_item)
    body = "hello" if head is None else request_body(int(head.body["size"]), [], str(head.body["note"]))
    # Without a head there is nothing to cosign: a witness that says so answers.
    able = (400,) if head is None else (200, 409)
    replies = context.witness_door.add_checkpoint(dict.fromkeys(policy.urls.values(), body))
    said: dict[str, str] = {}
    for name, url in policy.urls.items():
        reply = replies.get(url)
        said[name] = "no answer" if reply is None else f"status {reply.status}"
        if reply is not None and reply.status in able:
            said[name] = "answers"
    answering = [name for name, what in said.items() if what == "answers"]
    found = {m.WITNESSES_SILENT: len(said) - len(answering), m.WITNESS_QUORUM: int(policy.is_quorum(answering))}
    return found, {"said": said, "quorum": policy.is_quorum(answering)}


def _letters(waiting: Mapping[str, int]) -> Found:
    return {m.DEAD_LETTERS: sum(waiting.values())}, {"waiting": {path: n for path, n in waiting.items() if n}}


def _limits(context: Context, kept: Document, now: datetime) -> Found:
    """The platform's day, acceptors and groups with limits of their own, and whoever funded something since yesterday.

    Companies' own turnovers are not among them: there are too many to read each minute, and theirs end with the day.
    """
    limits = limits_of(context.store.get(*LIMITS_KEY))
    today = context.calendar.shanghai_date(now)
    wanted: dict[str, int | None] = {f"platform#{today.isoformat()}": limits.platform_day_fen}
    wanted |= {f"acceptor#{code}": fen for code, fen in limits.acceptors.items()}
    wanted |= {f"acceptor_group#{name}": group.limit_fen for name, group in limits.groups.items()}
    # A day's list is read from its newest end alone: whoever funded earlier is known from the watches before.
    days = [(today - timedelta(days=back)).isoformat() for back in (1, 0)]
    before: Mapping[str, str] = kept.get("details", {}).get("limits", {}).get("funding", {})
    funding = {institution_id: day for institution_id, day in before.items() if day >= days[0]}
    for day in days:
        funding |= {str(one.summary["institution_id"]): day for one in context.store.listed(payments_owner(day), "0")}
    for institution_id in sorted(funding):
        item = context.store.get(institution_pk(institution_id), STATE)
        wanted[f"institution#{institution_id}"] = None if item is None else int(item.body["limit_fen"])
    used: list[Document] = []
    for key, limit_fen in wanted.items():
        if limit_fen:
            fen = context.store.counter(exposure_pk(key), USED)
            used.append({"limit": key, "used_fen": fen, "limit_fen": limit_fen, "percent": _WHOLE * fen // limit_fen})
    used.sort(key=lambda one: -int(one["percent"]))
    shown: Document = {"used": used[:_SHOWN], "funding": funding}
    return {m.LIMIT_USED: max((int(one["percent"]) for one in used), default=0)}, shown


def _breaks(context: Context, now: datetime) -> Found:
    # What waits for another person's look each day, and what is to be done once a year, is work, and no break.
    opened = [one for one in newest(context, IncidentStatus.OPEN)["incidents"] if one["kind"] not in _NO_BREAK]
    kinds: dict[str, Document] = {}
    for one in opened:
        kind = kinds.setdefault(str(one["kind"]), {"open": 0, "oldest": str(one["opened_at"])})
        kind |= {"open": int(kind["open"]) + 1, "oldest": min(str(kind["oldest"]), str(one["opened_at"]))}
    age = _age(now, (str(kind["oldest"]) for kind in kinds.values()))
    return {m.BREAKS_OPEN: len(opened), m.BREAKS_AGE: age}, {"kinds": kinds}


def _jobs(context: Context, kept: Document, now: datetime) -> Found:
    """A job that never succeeded counts from the watch's first run: the deployment's own beginning."""
    found: dict[str, int] = {}
    shown: Document = {}
    for job, item in zip(Job, context.store.get_many([(job_pk(job), STATE) for job in Job]), strict=True):
        since = str(kept["began_at"] if item is None else item.body["last_success_at"])
        found[m.job_age(job)] = _age(now, [since])
        shown[job.value] = {"since": since, "succeeded": item is not None}
    return found, shown


def _age(now: datetime, instants: Iterable[str]) -> int:
    """Whole seconds since the oldest of the instants, 0 where there is none or all are to come."""
    oldest = min(instants, default=None)
    return 0 if oldest is None else max(0, int((now - datetime.fromisoformat(oldest)).total_seconds()))
