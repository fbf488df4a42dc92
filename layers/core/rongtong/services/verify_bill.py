"""Verification: the bill at the registry, the trade behind it and the risk rules, then the price."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from rongtong.domain.bill import Application, Invoice, RegistryBill
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.eligibility import UNKNOWN_BILL, Findings, verdict
from rongtong.domain.errors import CalendarError, PriceError
from rongtong.domain.interest import Fee, Price, price
from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus, require_discount_transition, waits_until
from rongtong.domain.package import TakenRanges
from rongtong.domain.rates import NoRateError
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.bill_checks import (
    REJECT,
    application_of,
    bill_digest,
    checked_bill,
    invoice_from,
    stated_digest,
    tabled_price,
    told,
)
from rongtong.services.context import Context
from rongtong.services.discounts import discount_of, request_key, request_of
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.held_notice import first_notice
from rongtong.services.quotes import QuoteError, priced, terms_of
from rongtong.services.records import (
    POLICY_KEY,
    REVIEWS,
    STATE,
    bill_id_of,
    bill_pk,
    calendar_key,
    change_writes,
    discount_pk,
    enterprise_pk,
    institution_pk,
    iso,
    quote_pk,
    tenant_key,
)
from rongtong.services.reservations import claimed_fen, holdings_of
from rongtong.services.screening import Records, failed_logins, history_of, sealed_findings
from rongtong.services.settings import calendar_of, institution_of, policy_of
from rongtong.services.storage import Document, Item, Listing, Write


def verify(context: Context, discount_id: str) -> Document:
    """Decide approve, review or reject, and say why; price what is not rejected. Safe to repeat: decides once.

    Raises RegistryUnavailableError when a registry does not answer; nothing is decided then.
    """
    stored, first_event = context.store.get_many([(discount_pk(discount_id), STATE), request_key(discount_id)])
    item = discount_of(stored)
    if DiscountStatus(item.body["status"]) in UNPAID_ENDS:
        return {"discount_id": discount_id, "verdict": REJECT, "reason": item.body.get("reason"), "confirmed": False}
    if "verdict" in item.body:
        return _output(item.body)
    request = request_of(first_event)
    with ThreadPoolExecutor(4) as pool:
        rng = SubBillRange.parse(str(item.body["range"]))
        if request.get("whole"):
            rng = SubBillRange.whole_package(rng.amount_fen)
        bill_answer = pool.submit(context.bills.find, str(request["bill_number"]), rng)
        history_answer = pool.submit(history_of, context, str(request["applicant_uscc"]), discount_id)
        failed_answer = pool.submit(failed_logins, context, str(item.body["enterprise_id"]))
        records = _read(context, item, request)
        number = request.get("invoice_number")
        kept = _kept(context, records.kept, request, rng)
        asks = number is not None and kept is None
        invoice_answer = pool.submit(context.invoices.find, str(number)) if asks else None
        payee, verified = _accounts(context, records.enterprise, request)
        application = _application(request, rng, payee, records, discount_id)
        bill = bill_answer.result()
        invoice = invoice_answer.result() if invoice_answer is not None else None
        history = history_answer.result()
        records = replace(records, failed_logins=failed_answer.result())
    if bill is None:
        return _decide(context, item, UNKNOWN_BILL, None, None, REJECT, "BILL_NOT_FOUND", None)
    if kept is not None and bill_digest(bill) != kept["bill_sha256"]:
        # Whatever changed at the registry, the way is the long one.
        kept, invoice = None, context.invoices.find(str(number))
    elif kept is not None:
        invoice = invoice_from(kept["invoice"])
    found = checked_bill(
        context, application, bill, invoice, records, history, own=item.listing, verified_account=verified
    )
    decided = verdict(found.results)
    outcome: str = decided.outcome
    reason, priced_at = decided.reason, None
    if outcome != REJECT:
        try:
            priced_at = _price(context, item, request, records, bill)
        except (PriceError, NoRateError, CalendarError, QuoteError) as error:
            outcome, reason = REJECT, error.code
    invoice_at = None if kept is None else str(kept["checked_at"])
    return _decide(context, item, found, bill, invoice, outcome, reason, priced_at, invoice_at)


def _decide(
    context: Context,
    item: Item,
    found: Findings,
    bill: RegistryBill | None,
    invoice: Invoice | None,
    outcome: str,
    reason: str | None,
    price_made: Price | None,
    invoice_at: str | None = None,
) -> Document:
    changes: Document = {"verdict": outcome, "reason": reason}
    if outcome != REJECT:
        status = status_after(outcome, confirmed=bool(item.body["confirmed"]))
        require_discount_transition(DiscountStatus(item.body["status"]), status)
        changes["status"] = status.value
    shown = {} if price_made is None else priced(price_made)
    if price_made is not None:
        changes["priced_on"] = context.calendar.shanghai_date(context.clock.now()).isoformat()
        changes["due_date"] = price_made.effective_maturity.isoformat()
    changes |= shown
    beside, digest = sealed_findings(found)
    heard = told(found.results, outcome, reason)
    evidence: Document = {
        "outcome": outcome,
        "reason": reason,
        "passed": [result.check for result in heard if result.outcome == "pass"],
        "found": [[result.check, result.outcome, result.reason] for result in heard if result.reason],
        "findings_sha256": digest,
        "holding_id": bill.holding_id if bill else None,
        "acceptor": bill.acceptor_name if bill else None,
        "invoice_status": invoice.status if invoice else None,
        **({"invoice_checked_at": invoice_at} if invoice_at else {}),
        "trade_basis": found.trade.basis if found.trade else None,
        **shown,
    }
    now = context.clock.now()
    due = None if outcome == REJECT else waits_until(DiscountStatus(changes["status"]), now)
    in_review, listing = changes.get("status") == DiscountStatus.IN_REVIEW, None
    if in_review:
        listing = Listing(REVIEWS, iso(now), {"discount_id": item.body["discount_id"]})
    writes: list[Write] = [
        *change_writes(
            item, "discount_id", changes, "BillVerified", now, evidence, beside, due=due, event_listing=listing
        )
    ]
    if in_review:
        writes.append(first_notice(item.pk, int(item.body["events"]) + 1, now))
    context.store.transact(writes)
    return _output({**item.body, **changes})


def status_after(outcome: str, *, confirmed: bool) -> DiscountStatus:
    """Where a bill goes that was not rejected: to a person, to the operator's confirmation, or straight on."""
    if outcome == "review":
        return DiscountStatus.IN_REVIEW
    return DiscountStatus.VERIFIED if confirmed else DiscountStatus.AWAITING_CONFIRMATION


def _output(body: Document) -> Document:
    return {
        "discount_id": body["discount_id"],
        "verdict": body["verdict"],
        "reason": body.get("reason"),
        "confirmed": bool(body["confirmed"]),
    }


def _read(context: Context, item: Item, request: Document) -> Records:
    today = context.calendar.shanghai_date(context.clock.now())
    maturity = date.fromisoformat(str(request["maturity_date"]))
    package, _, *claims = holdings_of(item.body, request, today).keys()
    years = sorted({today.year, maturity.year, maturity.year + 1})
    found = context.store.get_many(
        [
            (enterprise_pk(str(item.body["enterprise_id"])), STATE),
            (institution_pk(str(item.body["institution_id"])), STATE),
            POLICY_KEY,
            tenant_key(str(item.body["partner_id"])),
            (quote_pk(str(request.get("quote_id", ""))), STATE),
            package,
            (
                bill_pk(bill_id_of(str(item.body["partner_id"]), str(request["bill_number"]), str(item.body["range"]))),
                STATE,
            ),
            *[calendar_key(year) for year in years],
            *claims,
        ]
    )
    enterprise, institution, platform, tenant, quote, packaged, imported, *rest = found
    assert enterprise is not None, "a discount is accepted only for an enterprise that exists"
    policy = policy_of(platform, tenant)
    return Records(
        enterprise=enterprise,
        institution=institution_of(institution),
        policy=policy,
        calendar=calendar_of(context.calendar, rest[: len(years)], policy),
        quote=quote,
        package=TakenRanges.from_document({} if packaged is None else packaged.body["ranges"]),
        claims=tuple(rest[len(years) :]),
        kept=imported,
    )


def _kept(context: Context, imported: Item | None, request: Document, rng: SubBillRange) -> Document | None:
    """What the tax authority said of the invoice when this very bill was looked at ahead of time, while it is good.

    None where the bill was not, or the partner now states anything of bill or trade otherwise: then all is asked anew.
    """
    kept: Document | None = None if imported is None else imported.body.get("kept")
    if kept is None or iso(context.clock.now()) >= str(kept["invoice_until"]):
        return None
    stated = application_of(request, rng, "", on_invoice_fen=0, on_order_fen=0)
    return kept if stated_digest(stated) == kept["stated_sha256"] else None


def _accounts(context: Context, enterprise: Item, request: Document) -> tuple[str, str]:
    owner, key = data_key_of(enterprise)
    asked = context.vault.decrypt(owner, key, str(request["payee_account_sealed"]))
    return asked, context.vault.decrypt(owner, key, str(enterprise.body["account_number"]))


def _application(
    request: Document, rng: SubBillRange, payee_account: str, records: Records, discount_id: str
) -> Application:
    on_order, *on_invoice = [claimed_fen(claims, discount_id) for claims in records.claims]
    return application_of(request, rng, payee_account, on_invoice_fen=sum(on_invoice), on_order_fen=on_order)


def _price(context: Context, item: Item, request: Document, records: Records, bill: RegistryBill) -> Price:
    """Raises NoRateError, PriceError, CalendarError, QuoteError."""
    face_fen, interest = int(item.body["face_fen"]), request.get("interest")
    if records.quote is None:
        return tabled_price(context, records, bill, face_fen, interest)
    calendar = records.calendar
    today = calendar.shanghai_date(context.clock.now())
    offer = _quoted(records.quote, str(item.body["institution_id"]), bill.acceptor_class, today)
    rate, fee = Decimal(str(offer["annual_rate"])), Fee(flat_fen=int(offer.get("fee_fen", 0)))
    return price(face_fen, rate, today, bill.maturity_date, calendar, fee=fee, **terms_of(interest, None))


def _quoted(quote: Item, institution_id: str, acceptor_class: str, today: date) -> Document:
    """The offer that the request relied on; it held at acceptance, whatever the hour is by now.

    Raises QuoteError (QUOTE_MISMATCH) when it was made for another class of acceptor or on another day.
    """
    quoted_on = datetime.fromisoformat(str(quote.body["quoted_at"])).astimezone(SHANGHAI).date()
    if quote.body["acceptor_class"] != acceptor_class or quoted_on != today:
        raise QuoteError(
            "The quote was made for another class of acceptor or another day; ask for a new one.",
            field="quote_id",
            code="QUOTE_MISMATCH",
        )
    found: Document = next(one for one in quote.body["offers"] if one["institution_id"] == institution_id)
    return found
