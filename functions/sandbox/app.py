"""The sandbox: stand-ins for the bank, the registries and the SMS gateway, and a business clock that can be set.

Deployed only where the stack's parameter EnableSandbox is true; it asks nobody who they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from bank import UnansweredError, account_matches, entries_of, payment_of, send_back, statement, take_payment
from book import Book
from chalice.app import Chalice, Response
from clock import OPENING, business_now, set_clock
from examples import bill_case, invoice_case, magic_invoice, sample, table
from magic import ACCOUNTS, NAMED
from registry import applications, holding_with, seed_holding, settle, step

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.errors import RongTongError

app = Chalice(app_name="sandbox")
book = Book.from_environment()
Answer = Response
Route = Callable[..., Response]
_MOOD_SEEN_S = 1.0
_mood: dict[str, Any] = {"read_at": float("-inf"), "body": {}}


def _moods() -> dict[str, Any]:
    """How the stand-ins behave now, by service; a change is seen within a second."""
    if time.monotonic() - _mood["read_at"] > _MOOD_SEEN_S:
        _mood.update(read_at=time.monotonic(), body=book.get("mood", "mood") or {})
    found: dict[str, Any] = _mood["body"]
    return found


def _mood_of(service: str) -> dict[str, Any]:
    found: dict[str, Any] = _moods().get(service, {})
    return found


def _open(service: str) -> Callable[[Route], Route]:
    """The route answers unless its service is down."""

    def decorate(route: Route) -> Route:
        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Response:
            if _mood_of(service).get("down"):
                return _answer({"code": "DOWN", "detail": f"The {service} is down."}, 503)
            try:
                return route(*args, **kwargs)
            except UnansweredError as error:
                time.sleep(error.after_s)
                return _answer({"code": error.code, "detail": error.message}, 504)

        return guarded

    return decorate


def _body() -> dict[str, Any]:
    assert app.current_request is not None, "Chalice sets the request before it calls a route"
    document: dict[str, Any] = json.loads(app.current_request.raw_body)
    return document


def _answer(document: Any, status: int = 200) -> Answer:
    text = json.dumps(document, ensure_ascii=False)
    return Response(body=text, status_code=status, headers={"Content-Type": "application/json"})


def _missing(what: str) -> Answer:
    return _answer({"code": "NOT_FOUND", "detail": f"The sandbox holds no such {what}; seed it first."}, 404)


def _stay_silent(number: str, times: int) -> None:
    """Raises UnansweredError the first so many times that a number is asked about."""
    asked = book.change("asked", number, lambda found: {"times": int(found.get("times", 0)) + 1})
    if asked["times"] <= times:
        raise UnansweredError(0)


@app.route("/clock", methods=["GET"])
def read_clock() -> Answer:
    """The business time that the platform sees."""
    return _answer({"now": business_now(book)})


@app.route("/clock", methods=["PUT"])
def write_clock() -> Answer:
    """Set the business time, ISO 8601 with an offset; it goes on ticking from there."""
    set_clock(book, str(_body()["now"]))
    return _answer({"now": business_now(book)})


@app.route("/seed", methods=["POST"])
def seed() -> Answer:
    """Load ``bills`` (holdings), ``invoices`` and ``accounts``; what was there under the same key is replaced."""
    given = _body()
    for bill in given.get("bills", ()):
        seed_holding(book, bill)
    for invoice in given.get("invoices", ()):
        book.put("invoice", str(invoice["number"]), invoice)
    for account in given.get("accounts", ()):
        book.put("account", str(account["account_number"]), account)
    return _answer({kind: len(given.get(kind, ())) for kind in ("bills", "invoices", "accounts")})


@app.route("/reset", methods=["PUT"])
def reset() -> Answer:
    """Forget everything that was seeded, paid or sent, and all moods, and set the clock: to ``now``, or to a working
    morning. What the platform has recorded stays.
    """
    book.empty()
    _mood["read_at"] = float("-inf")
    set_clock(book, str(_body().get("now", OPENING)))
    return _answer({"now": business_now(book)})


@app.route("/cases", methods=["GET"])
def read_cases() -> Answer:
    """What magic numbers stand for: ``cases`` of bills, ``accounts`` by their last digits."""
    accounts = [{"digits": one.digits, "what": one.what, "becomes": one.becomes} for one in ACCOUNTS]
    return _answer({"cases": table(), "accounts": accounts})


@app.route("/samples", methods=["POST"])
def make_sample() -> Answer:
    """Bodies for registering a supplier and for requesting a discount of a new bill that it holds.

    ``case`` is the name of what the registries do (default: paid), ``account`` the digits of what the bank does (00).
    """
    given = _body()
    case, digits = NAMED.get(str(given.get("case", "paid"))), str(given.get("account", "00"))
    if case is None or digits not in [account.digits for account in ACCOUNTS]:
        return _answer({"code": "UNKNOWN_CASE", "detail": "Read /cases for what there is."}, 422)
    today = datetime.fromisoformat(business_now(book)).astimezone(SHANGHAI).date()
    return _answer(sample(case, digits, today, book.next_number()), 201)


@app.route("/moods", methods=["PUT"])
def write_moods() -> Answer:
    """How ``bank``, ``registry`` and ``sms`` behave from now on: ``down``, and what bank.py says of the bank's mood."""
    book.put("mood", "mood", _body())
    _mood["read_at"] = float("-inf")
    return _answer(_moods())


@app.route("/bills/{number}/{wire}", methods=["GET"])
@_open("registry")
def find_bill(number: str, wire: str) -> Answer:
    """The holding that contains the range."""
    case = bill_case(number)
    if case is not None and case.silent and book.get("package", number) is None:
        _stay_silent(number, case.silent)
    found = holding_with(book, number, wire)
    return _missing("holding") if found is None else _answer(found)


@app.route("/bills/{number}/{wire}/{name}", methods=["POST"])
@_open("registry")
def step_bill(number: str, wire: str, name: str) -> Answer:
    """``lock``, ``endorse`` or ``release`` a range for an owner, or ``settle`` it against money."""
    try:
        if name == "settle":
            return _answer(settle(book, number, wire, _body(), lambda order: _pay(order)[0]))
        step(book, number, wire, name, _body())
    except RongTongError as error:
        return _answer({"code": error.code, "detail": error.message}, 409)
    return _answer({"number": number, "range": wire, "step": name})


@app.route("/applications", methods=["GET"])
@_open("registry")
def read_applications() -> Answer:
    """The platform's ``applications`` that are under way: ranges that are locked and not endorsed yet."""
    return _answer({"applications": applications(book)})


@app.route("/settlements/{reference}", methods=["GET"])
@_open("registry")
def read_settlement(reference: str) -> Answer:
    """What became of an online settlement."""
    found = book.get("settlement", reference)
    return _missing("settlement") if found is None else _answer(found)


@app.route("/invoices/{number}", methods=["GET"])
@_open("registry")
def find_invoice(number: str) -> Answer:
    """The invoice."""
    found, case = book.get("invoice", number), invoice_case(number)
    if found is None and case is not None:
        _stay_silent(number, case.silent_invoice)
        found = magic_invoice(number)
    return _missing("invoice") if found is None else _answer(found)


@app.route("/account-verifications", methods=["POST"])
@_open("bank")
def verify_account() -> Answer:
    """Whether number, name and credit code belong together."""
    return _answer({"matches": account_matches(book, _body())})


def _pay(order: dict[str, Any]) -> tuple[dict[str, Any], float]:
    return take_payment(book, order, business_now(book), _mood_of("bank"))


@app.route("/payments", methods=["POST"])
@_open("bank")
def pay() -> Answer:
    """Pay a reference once. The account's ``behaviour`` may delay the answer, leave it open or refuse."""
    payment, delay_s = _pay(_body())
    # The money has moved by now and only the answer is late: the case that a client must be ready for.
    time.sleep(delay_s)
    return _answer(payment)


@app.route("/payments/{reference}/back", methods=["POST"])
def return_payment(reference: str) -> Answer:
    """Let a paid payment come back; ``how`` says RETURNED or REVERSED."""
    found = send_back(book, reference, str(_body()["how"]))
    return _missing("payment") if found is None else _answer(found)


@app.route("/payments/{reference}", methods=["GET"])
@_open("bank")
def read_payment(reference: str) -> Answer:
    """What became of a payment."""
    found = payment_of(book, reference)
    return _missing("payment") if found is None else _answer(found)


@app.route("/statement", methods=["GET"])
def read_statement() -> Answer:
    """Every booked payment and their sum: the bank's own word on what was paid."""
    return _answer(statement(book))


@app.route("/statements/{day}", methods=["GET"])
@_open("bank")
def read_day(day: str) -> Answer:
    """The bookings of one day in Shanghai."""
    return _answer({"entries": entries_of(book, day)})


@app.route("/messages", methods=["POST"])
@_open("sms")
def send_message() -> Answer:
    """Take a message once per reference."""
    message = _body()
    book.create("message", str(message["reference"]), message)
    return _answer({"reference": message["reference"]})


@app.route("/messages", methods=["GET"])
def read_messages() -> Answer:
    """Every message that was taken."""
    return _answer({"messages": book.all("message")})
