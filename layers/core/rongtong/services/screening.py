"""What risk rules and lists look at, gathered from the platform's records; and what they found, kept from outside."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from rongtong.domain.bill import Application, Party, RegistryBill
from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.eligibility import Findings
from rongtong.domain.errors import CalendarError
from rongtong.domain.lists import ListEntry, ListHit, Subject, screen, subjects_of
from rongtong.domain.package import TakenRanges
from rongtong.domain.policy import Policy
from rongtong.domain.risk import AccessEvent, CompanyProfile, Facts, PastDiscount
from rongtong.services.context import Context
from rongtong.services.records import STATE, discount_pk, enterprise_pk, iso, listed_pk, operator_sk
from rongtong.services.storage import Document, Item, Listing

_HISTORY = timedelta(days=3 * 366)
_HISTORY_MOST = 1000
_KEYS_AT_ONCE = 100


@dataclass(frozen=True)
class Records:
    """What verification reads of the platform's own records."""

    enterprise: Item
    institution: Document
    policy: Policy
    calendar: WorkingCalendar
    quote: Item | None
    package: TakenRanges
    claims: tuple[Item | None, ...]
    """Who discounts on the order, and on the invoice where one is named."""
    kept: Item | None = None
    """The bill as it was imported and looked at ahead of time."""
    failed_logins: tuple[datetime, ...] | None = None
    """As ``failed_logins`` answers them; not read ahead of time, where nothing is decided."""


def company_owner(uscc: str) -> str:
    """Under whom a company's discounts are listed, whichever partner platforms they came through."""
    return f"company#{uscc}"


def history_of(context: Context, uscc: str, discount_id: str) -> tuple[Listing, ...]:
    """The company's discounts of the last three years but this one, oldest first, the newest thousand of them."""
    since = iso(context.clock.now() - _HISTORY)
    listed = context.store.listed(company_owner(uscc), since, most=_HISTORY_MOST)
    return tuple(listing for listing in reversed(listed) if listing.key != (discount_pk(discount_id), STATE))


def access_seen(context: Context, enterprise: Item, access: Document) -> list[str]:
    """Where a request came from, as it is kept: address and device as keyed hashes (they are personal), the region."""
    owner, key = str(enterprise.body["enterprise_id"]), str(enterprise.body["data_key"])
    shown = [str(access.get(name, "")) for name in ("ip", "device")]
    hashed = [context.vault.fingerprint(owner, key, text) if text else "" for text in shown]
    return [*hashed, str(access.get("region", ""))]


def failed_logins(context: Context, enterprise_id: str) -> tuple[datetime, ...] | None:
    """When operators of the enterprise entered a wrong code or payment password, up to twenty times of each.

    None where it has no operators here: then its partner asks them, and we see nothing of it.
    """
    operators = context.store.query(enterprise_pk(enterprise_id), operator_sk(""))
    failed = sorted(str(at) for operator in operators for at in operator.body.get("failed_at", ()))
    return tuple(datetime.fromisoformat(at) for at in failed) if operators else None


def screened(
    context: Context, application: Application, bill: RegistryBill, enterprise: Document, today: date
) -> tuple[ListHit, ...]:
    """Hits of everybody who is named on the bill, in its trade or is paid, on the lists, gravest first."""
    return _screened(context, _subjects(application, bill, enterprise), today)


def screened_party(context: Context, party: Party, today: date) -> tuple[ListHit, ...]:
    """Hits of one company."""
    return _screened(context, subjects_of(party), today)


def _screened(context: Context, subjects: Iterable[Subject], today: date) -> tuple[ListHit, ...]:
    by_key = {subject.key: subject for subject in subjects}
    keys = [(listed_pk(key), STATE) for key in by_key]
    entries = {}
    for at in range(0, len(keys), _KEYS_AT_ONCE):
        for item in context.store.get_many(keys[at : at + _KEYS_AT_ONCE]):
            if item is not None:
                parsed = [ListEntry.parse(entry) for entry in item.body["entries"]]
                entries[parsed[0].subject_key] = parsed
    return screen(by_key.values(), entries, today)


def _subjects(application: Application, bill: RegistryBill, enterprise: Document) -> list[Subject]:
    parties = {bill.drawer, bill.payee, bill.holder}
    for endorsement in bill.endorsements:
        parties |= {endorsement.endorser, endorsement.endorsee}
    subjects = [subject for party in parties for subject in subjects_of(party)]
    trade = application.trade
    codes = {trade.order.buyer_uscc, application.applicant_uscc}
    codes |= {code for flow in trade.money_flows for code in (flow.payer_uscc, flow.payee_uscc)}
    codes |= {delivery.consignee_uscc for delivery in trade.deliveries}
    subjects += [Subject.uscc(code) for code in codes]
    names = (bill.acceptor_name, str(enterprise["name"]), str(enterprise["account_name"]))
    subjects += [Subject.name(name) for name in names]
    subjects += [Subject.bank_code(code) for code in (bill.acceptor_bank_code, str(enterprise["bank_code"]))]
    subjects.append(Subject.account(application.payee_account))
    return subjects


def facts_of(
    context: Context,
    application: Application,
    bill: RegistryBill,
    records: Records,
    history: tuple[Listing, ...],
    *,
    own: Listing | None,
    payee_verified: bool,
) -> Facts:
    """Everything that is known to the rules; what is not known stays None, and its rules say so."""
    now = context.clock.now()
    return Facts(
        now=now,
        application=application,
        bill=bill,
        history=tuple(_past(listing) for listing in history),
        package_slices=records.package.slices(),
        package_companies=records.package.companies(),
        overlapping_applications=records.package.slices_over(application.range) - 1,
        accesses=_accesses(history if own is None else (*history, own)),
        failed_logins=records.failed_logins,
        profile=_profile(records.enterprise.body.get("profile")),
        payee_verified=payee_verified,
        within_hours=_within_hours(records.calendar, now),
        overdue_acceptors=records.policy.overdue_acceptors,
    )


def _past(listing: Listing) -> PastDiscount:
    summary = listing.summary
    return PastDiscount(datetime.fromisoformat(listing.at), int(summary["fen"]), str(summary["acceptor"]))


def _accesses(history: tuple[Listing, ...]) -> tuple[AccessEvent, ...] | None:
    """None where the partner never says where its operators are."""
    seen = [(listing.at, listing.summary["access"]) for listing in history if listing.summary.get("access")]
    return tuple(AccessEvent(datetime.fromisoformat(at), *access) for at, access in seen) or None


def _profile(stated: Document | None) -> CompanyProfile | None:
    if stated is None:
        return None
    registered_on = stated.get("registered_on")
    return CompanyProfile(
        registered_on=date.fromisoformat(registered_on) if registered_on else None,
        capital_fen=stated.get("capital_fen"),
        shared_address_count=stated.get("shared_address_count"),
        declared_turnover_fen=stated.get("declared_turnover_fen"),
    )


def _within_hours(calendar: WorkingCalendar, now: datetime) -> bool:
    try:
        calendar.require_service_hours(now)
    except CalendarError:
        return False
    return True


def sealed_findings(found: Findings) -> tuple[Document, str]:
    """What lists and rules found, for the platform's eyes, and the salted hash of it that stands in the event.

    The hash is there whether anything was found or not, so that it tells nothing either way.
    """
    kept: Document = {"salt": secrets.token_hex(16)}
    if found.hits:
        kept["hits"] = [asdict(hit) for hit in found.hits]
    if found.assessment is not None:
        if found.assessment.findings:
            kept["findings"] = [asdict(finding) for finding in found.assessment.findings]
        kept["not_evaluated"] = sorted(found.assessment.not_evaluated)
    return kept, hashlib.sha256(canonical_bytes(kept)).hexdigest()
