"""The monthly review (每月回溯): every company's month against its own history, and what follows from it.

``figures`` gathers (services/monthly_figures.py), ``judge`` holds the rules to it, has persons look at what is unusual
and restricts accounts, ``report`` writes it down. A restriction is a suspension of the enterprise by the platform, made
once in a period, however often the review runs; two persons release it as they do any other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.jobs import Job
from rongtong.domain.monthly_figures import Figures
from rongtong.domain.monthly_report import Report, Reported, report_document, report_html
from rongtong.domain.monthly_review import Month, MonthlyFinding, gravest, judge
from rongtong.domain.monthly_rules import MonthlyAction, MonthlyRule
from rongtong.domain.rule_record import add_record, rows_of
from rongtong.services import jobs
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.incidents import open_once
from rongtong.services.jobs import Piece, Run, Steps
from rongtong.services.monthly_figures import (
    CUSTOMERS,
    FIGURES,
    RULE_HITS,
    Customer,
    customers_of,
    figures_pk,
    for_each,
    list_customers,
    make_figures,
    months_of,
)
from rongtong.services.records import POLICY_KEY
from rongtong.services.settings import policy_of
from rongtong.services.storage import Document, Item, WriteConflictError
from rongtong.services.suspension import SuspensionScope, is_suspended_by, suspend

JUDGE, REPORT = "judge", "report"
BY = "monthly-review"
"""Who suspends, where the review does."""
RESTRICTED = "MONTHLY_REVIEW"
"""The reason of its suspensions."""
PAGE_MAY = "default-src 'none'; style-src 'unsafe-inline'"
"""The report's Content-Security-Policy."""
_AT_ONCE = 100
_ROWS_MOST = 500
"""The report names so many companies, the gravest first; all of them are incidents."""


class ReportAlteredError(RongTongError):
    """An archived report is missing, or is not the one whose hash stands in the evidence log."""

    code = "REPORT_ALTERED"


def read(context: Context, period: str, form: str = "html") -> bytes:
    """A month's report, ``html`` or ``json``. Raises NotFoundError before it was made so, ReportAlteredError."""
    name = "report" if form == "html" else "data"
    with suppress(NotFoundError):
        found = jobs.load(context, Job.MONTHLY_REVIEW, period).body.get("found", {})
        if f"{name}_key" in found:
            content = context.archive.get(str(found[f"{name}_key"]))
            if content is None or hashlib.sha256(content).hexdigest() != found[f"{name}_sha256"]:
                raise ReportAlteredError(
                    "The report is missing or is not the one that was written; look at the archive."
                )
            return content
    raise NotFoundError("There is no report of this month yet; list the job's runs.", field="period")


def _judge(context: Context, run: Run) -> Piece:
    rules = policy_of(context.store.get(*POLICY_KEY)).monthly_rules

    def do(customer: Customer, kept: Document) -> None:
        _judge_one(context, run.period, customer, kept, rules)

    return for_each(context, run, JUDGE, do)


def _judge_one(
    context: Context, period: str, customer: Customer, kept: Document, rules: Mapping[str, MonthlyRule]
) -> None:
    """Judge a customer's company with the first of its enterprises, and add it to the sums."""
    months = months_of(context, customer[1], period)
    own = months[period]
    if own.body["enterprise_ids"][0] != customer[0]:
        return
    known = {month: Figures.parse(item.body) for month, item in months.items()}
    now = known.pop(period)
    found = judge(Month(now, tuple(known.values()), _back(context, now, customer[1], period)), rules)
    action = gravest(found)
    ids = [str(one) for one in own.body["enterprise_ids"]]
    restricted = 0
    if action is not MonthlyAction.NONE:
        restricted = _follow_up(context, period, customer[1], ids, found, restrict=action is MonthlyAction.RESTRICT)
    judged = {**own.body, "action": action.value, "findings": [one.as_document() for one in found]}
    with suppress(WriteConflictError):  # another execution of this run has judged it just now, and alike
        context.store.transact([own.replaced(judged)])
    _add(kept, [*known.values(), now], found, action, restricted)
    hits = dict(kept.get(RULE_HITS, {}))
    for item in months.values():
        add_record(hits, item.body.get(RULE_HITS, {}))
    kept[RULE_HITS] = hits


def _back(context: Context, now: Figures, uscc: str, period: str) -> dict[str, int]:
    """What the company's buyers, where they are customers too, discounted of its bills."""
    codes = list(now.buyers)
    items = context.store.get_many([(figures_pk(code), period) for code in codes]) if codes else []
    found = [(code, item.body["buyers"].get(uscc)) for code, item in zip(codes, items, strict=True) if item is not None]
    return {code: int(fen) for code, fen in found if fen}


def _follow_up(
    context: Context, period: str, uscc: str, ids: Sequence[str], found: Sequence[MonthlyFinding], *, restrict: bool
) -> int:
    """Have a person look at it, and restrict the company's accounts if it comes to that; once in a period.

    Answers how many the review itself has restricted. One that a person had suspended already is free again when that
    suspension is released: the incident does not say that it is restricted.
    """
    restricted = sum(_restrict(context, f"{period}/{own_id}", own_id) for own_id in ids) if restrict else 0
    told = restrict and restricted == len(ids)
    data: Document = {"period": period, "rules": [one.rule for one in found], "restricted": told}
    open_once(context, IncidentKind.BUSINESS_UNUSUAL, uscc, f"{period}/{uscc}", data)
    return restricted


def _restrict(context: Context, key: str, own_id: str) -> bool:
    """Whether the enterprise's suspension is the review's own."""
    with suppress(NotFoundError):
        record = suspend(context, BY, key, SuspensionScope.ENTERPRISE, own_id, RESTRICTED)
        return is_suspended_by(record, BY, key)
    return False


def _add(
    kept: Document, months: Sequence[Figures], found: Sequence[MonthlyFinding], action: MonthlyAction, restricted: int
) -> None:
    kept["companies"] = kept.get("companies", 0) + 1
    kept["discounts"] = kept.get("discounts", 0) + months[-1].discounts
    kept["findings"] = kept.get("findings", 0) + len(found)
    kept["restricted"] = kept.get("restricted", 0) + restricted
    kept["to_review"] = kept.get("to_review", 0) + (action is MonthlyAction.REVIEW)
    rules, sums = dict(kept.get("rules", {})), dict(kept.get("months", {}))
    for one in found:
        rules[one.rule] = rules.get(one.rule, 0) + 1
    for month in months:
        discounts, fen = sums.get(month.month, (0, 0))
        sums[month.month] = [discounts + month.discounts, fen + month.fen]
    kept |= {"rules": rules, "months": sums}


def _report(context: Context, run: Run) -> Piece:
    judged, rules = run.kept[JUDGE], policy_of(context.store.get(*POLICY_KEY)).monthly_rules
    report = Report(
        month=run.period,
        made_at=str(run.kept[CUSTOMERS]["began"]),
        enterprises=int(judged["seen"]),
        companies=int(judged.get("companies", 0)),
        restricted=int(judged.get("restricted", 0)),
        to_review=int(judged.get("to_review", 0)),
        months={month: (int(count), int(fen)) for month, (count, fen) in judged.get("months", {}).items()},
        found=judged.get("rules", {}),
        rules=rules,
        rows=_rows(context, run),
        rule_rows=rows_of(judged.get(RULE_HITS, {})),
    )
    content = report_html(report).encode()
    data = json.dumps(report_document(report), ensure_ascii=False, indent=1).encode()
    kept = {**_archived(context, run, "report", content, "html"), **_archived(context, run, "data", data, "json")}
    return Piece(kept, done=True, progress=f"{len(content):,} bytes")


def _archived(context: Context, run: Run, name: str, content: bytes, suffix: str) -> Document:
    digest = hashlib.sha256(content).hexdigest()
    key = f"reviews/{run.period}/{digest}.{suffix}"
    context.archive.put(key, content)
    return {f"{name}_key": key, f"{name}_sha256": digest}


def _rows(context: Context, run: Run) -> list[Reported]:
    """The companies of which something was found, the gravest first."""
    order, rows = list(MonthlyAction), []
    for number in range(run.kept[CUSTOMERS]["lists"]):
        customers = customers_of(context, run.period, number)
        for at in range(0, len(customers), _AT_ONCE):
            part = customers[at : at + _AT_ONCE]
            items = context.store.get_many([(figures_pk(uscc), run.period) for _, uscc, _ in part])
            rows += [_row(one, item) for one, item in zip(part, items, strict=True) if item and _is_first(one, item)]
        rows = sorted(rows, key=lambda row: (-order.index(row.action), -len(row.findings), row.uscc))[:_ROWS_MOST]
    return rows


def _is_first(customer: Customer, item: Item) -> bool:
    return bool(item.body.get("findings")) and item.body["enterprise_ids"][0] == customer[0]


def _row(customer: Customer, item: Item) -> Reported:
    _, uscc, name = customer
    findings = tuple((one["rule"], int(one["measured"])) for one in item.body["findings"])
    return Reported(
        uscc, name, MonthlyAction(item.body["action"]), int(item.body["discounts"]), int(item.body["fen"]), findings
    )


def _found(run: Run) -> Document:
    judged = run.kept[JUDGE]
    names = ("companies", "discounts", "findings", "to_review", "restricted")
    counts = {name: int(judged.get(name, 0)) for name in names}
    return {
        "enterprises": int(judged["seen"]),
        **counts,
        **run.kept[REPORT],
    }


STEPS = Steps({CUSTOMERS: list_customers, FIGURES: make_figures, JUDGE: _judge, REPORT: _report}, _found)
