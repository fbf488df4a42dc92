"""The checks of a bill and its price: the same for a discount and for a bill that is looked at ahead of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

from rongtong.domain.bill import Application, Delivery, Invoice, MoneyFlow, Order, RegistryBill, Trade
from rongtong.domain.bill_codes import BillKind
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.eligibility import RISK, Case, CheckResult, Findings, run_checks
from rongtong.domain.interest import Price, price
from rongtong.domain.rates import table_in_force
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import Context
from rongtong.services.quotes import terms_of
from rongtong.services.screening import Records, facts_of, screened
from rongtong.services.settings import fee_of, rate_tables_of
from rongtong.services.storage import Document, Item, Listing

REJECT = "reject"


def application_of(
    request: Document, rng: SubBillRange, payee_account: str, *, on_invoice_fen: int, on_order_fen: int
) -> Application:
    """What the partner states, from the event of its request or from an imported bill's record.

    ``on_invoice_fen`` and ``on_order_fen``: what is discounted on them up to this bill, this one included.
    """
    order = Order(
        number=str(request["order_number"]),
        amount_fen=int(request["order_amount_fen"]),
        date=date.fromisoformat(str(request["order_date"])),
        buyer_uscc=str(request["order_buyer_uscc"]),
        seller_uscc=str(request["applicant_uscc"]),
    )
    deliveries = [
        Delivery(str(one["number"]), date.fromisoformat(str(one["date"])), str(one["consignee_uscc"]))
        for one in request.get("deliveries", ())
    ]
    flows = [
        MoneyFlow(
            str(one["payer_uscc"]),
            str(one["payee_uscc"]),
            int(one["amount_fen"]),
            date.fromisoformat(str(one["date"])),
        )
        for one in request.get("money_flows", ())
    ]
    return Application(
        bill_number=str(request["bill_number"]),
        range=rng,
        amount_fen=int(request["amount_fen"]),
        kind=BillKind(str(request["kind"])),
        issue_date=date.fromisoformat(str(request["issue_date"])),
        maturity_date=date.fromisoformat(str(request["maturity_date"])),
        acceptor_bank_code=str(request["acceptor_bank_code"]),
        applicant_uscc=str(request["applicant_uscc"]),
        payee_account=payee_account,
        trade=Trade(
            order=order,
            invoice_number=request.get("invoice_number"),
            deliveries=tuple(deliveries),
            money_flows=tuple(flows),
            claimed_fen=on_invoice_fen,
            order_claimed_fen=on_order_fen,
        ),
    )


def checked_bill(
    context: Context,
    application: Application,
    bill: RegistryBill,
    invoice: Invoice | None,
    records: Records,
    history: tuple[Listing, ...],
    *,
    own: Listing | None,
    verified_account: str,
) -> Findings:
    """What every check found, lists and risk rules among them; they look at today and at all of the company's past."""
    payee_verified = application.payee_account == verified_account
    today = records.calendar.shanghai_date(context.clock.now())
    facts = facts_of(context, application, bill, records, history, own=own, payee_verified=payee_verified)
    hits = screened(context, application, bill, records.enterprise.body, today)
    return run_checks(Case(application, bill, invoice, records.policy, today, verified_account, hits, facts))


def told(results: Iterable[CheckResult], outcome: str, reason: str | None) -> list[CheckResult]:
    """What the applicant may hear: where the bill itself was refused, nothing of lists and rules, not even that they
    passed.
    """
    return [one for one in results if one.check != RISK or outcome != REJECT or one.reason == reason]


def tabled_price(
    context: Context, records: Records, bill: RegistryBill, face_fen: int, interest: Document | None
) -> Price:
    """Today's price by the institution's rate tables. Raises NoRateError, PriceError, CalendarError."""
    now, calendar = context.clock.now(), records.calendar
    today = calendar.shanghai_date(now)
    days = (calendar.effective_maturity(bill.maturity_date) - today).days
    rate = table_in_force(rate_tables_of(records.institution), now).rate_for(bill.acceptor_class, days, face_fen)
    fee = fee_of(records.institution)
    return price(face_fen, rate, today, bill.maturity_date, calendar, fee=fee, **terms_of(interest, None))


def stated_digest(application: Application) -> str:
    """SHA-256 of all that the partner states of bill and trade, but for where the money goes and what else is
    discounted on the trade.
    """
    stated = asdict(application)
    del stated["payee_account"], stated["trade"]["claimed_fen"], stated["trade"]["order_claimed_fen"]
    return _digest(stated)


def bill_digest(bill: RegistryBill) -> str:
    """SHA-256 of all that the registry holds of the bill."""
    return _digest(asdict(bill))


def invoice_document(invoice: Invoice) -> Document:
    """An invoice as it is kept beside an imported bill."""
    return {**asdict(invoice), "issue_date": invoice.issue_date.isoformat()}


def invoice_from(document: Document) -> Invoice:
    """Read what ``invoice_document`` wrote."""
    return Invoice(**{**document, "issue_date": date.fromisoformat(str(document["issue_date"]))})


def claims_fen(claims: Item | None) -> int:
    """Fen of all discounts on a trade document."""
    return 0 if claims is None else sum(int(amount) for _, amount in claims.body["claims"])


def _digest(facts: object) -> str:
    return hashlib.sha256(canonical_bytes(_plain(facts))).hexdigest()


def _plain(value: object) -> object:
    """Dates as text; the rest of the records' values are JSON's own."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
