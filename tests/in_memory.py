"""The platform in memory: samples set up, and discounts driven as the state machine does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from fakes import make_context
from paths import SAMPLES
from rongtong.adapters.registries import _bill as registry_bill
from rongtong.domain.bill import Invoice
from rongtong.domain.errors import RongTongError
from rongtong.domain.exposure import Limits
from rongtong.domain.trust import TrustPolicy
from rongtong.entrypoints.models import DiscountBody
from rongtong.services import registration
from rongtong.services.context import Context
from rongtong.services.cosigning import WITNESSES_KEY, log_key, policy_of
from rongtong.services.disburse import disburse
from rongtong.services.discounts import load, request_key, request_of
from rongtong.services.errors import PriceExpiredError
from rongtong.services.notify import notify
from rongtong.services.ports import BillLockedError
from rongtong.services.quotes import AskQuote, ask
from rongtong.services.records import STATE, enterprise_pk
from rongtong.services.request_discount import RequestDiscount, accept
from rongtong.services.reservations import USED, holdings_of
from rongtong.services.seal import record, seal
from rongtong.services.storage import Create, Document, Item
from rongtong.services.unwind import unwind
from rongtong.services.verify_bill import verify
from rongtong.services.waiting import confirm
from sample_file import SampleBill, read_bills, read_json
from seed import PARTNERS, sample_configuration
from witness_fakes import MemoryDoor, Node, make_node, url_of

PARTNER = "partner-a"


def sample_bills() -> list[SampleBill]:
    """The bills of the sample file."""
    return read_bills(SAMPLES / "bills.csv")


def notaries(context: Context, names: tuple[str, ...], *, quorum: int) -> tuple[dict[str, Node], str]:
    """Witnesses that know the context's log, by where they are asked, and the policy that names them."""
    nodes = {name: make_node(name, log_key(context)) for name in names}
    lines = [f"witness {name} {node.witness.key().text()} {url_of(name)}" for name, node in nodes.items()]
    policy = "\n".join([*lines, f"group notaries {quorum} {' '.join(names)}", "quorum notaries", ""])
    return {url_of(name): node for name, node in nodes.items()}, policy


class Platform:
    """A context with institutions, policy and active enterprises."""

    def __init__(self, partners: tuple[str, ...] = (PARTNER,)) -> None:
        self.context: Context = make_context()
        self.nodes, policy = notaries(self.context, ("w1", "w2", "w3"), quorum=2)
        self.context = replace(self.context, witness_door=MemoryDoor(self.nodes))
        self.ids: dict[tuple[str, str], str] = {}
        for (pk, sk), body in {**sample_configuration(), WITNESSES_KEY: {"policy": policy}}.items():
            self._create(pk, sk, body)
        for partner in partners:
            self._create(f"partner#{partner}", "state", {"keys": {}, "role": PARTNERS[partner]})
            for enterprise in read_json("enterprises.json"):
                self._register(partner, enterprise)

    def _create(self, pk: str, sk: str, body: Document) -> None:
        self.context.store.transact([Create(pk, sk, body)])

    def _register(self, partner: str, enterprise: Document) -> None:
        account = enterprise["account"]
        uscc = enterprise.get("account_uscc", enterprise["uscc"])
        self.bank.accounts[account["account_number"]] = (account["account_name"], uscc)
        if "behaviour" in enterprise:
            self.bank.refused.add(account["account_number"])
        shown = registration.register(
            self.context,
            registration.RegisterEnterprise(
                partner_id=partner,
                name=enterprise["name"],
                uscc=enterprise["uscc"],
                legal_representative=enterprise["legal_representative"],
                mobile=enterprise["mobile"],
                bank_code=account["bank_code"],
                account_number=account["account_number"],
                account_name=account["account_name"],
                terms_version="2026-01",
            ),
        )
        registration.verify_enterprise(self.context, shown["enterprise_id"])
        self.ids[partner, enterprise["uscc"]] = shown["enterprise_id"]

    @property
    def bank(self) -> Any:
        return self.context.banks[0]

    def used(self) -> dict[str, int]:
        """Fen taken of every limit: of the shared counters, and of every enterprise's day, month and year."""
        store: Any = self.context.store
        found = {pk.removeprefix("exposure#"): fen for (pk, sk), fen in store.counters.items() if sk == USED}
        for item in store.items.values():
            if item.sk == USED:
                owner = item.pk.removeprefix("exposure#")
                found |= {f"{owner}/{period}": item.body[f"{period}_fen"] for period in ("day", "month", "year")}
        return found

    def counted(self, discount_id: str) -> list[str]:
        """The limits that a discount takes a part of."""
        body = self.body(discount_id)
        request = request_of(self.context.store.get(*request_key(discount_id)))
        holdings = holdings_of(body, request, date.fromisoformat(body["accepted_at"][:10]))
        shared = [counter.key for counter in holdings.counters(Limits(), None)]
        return [*shared, *[f"enterprise#{request['applicant_uscc']}/{period}" for period in ("day", "month", "year")]]

    @property
    def trust(self) -> TrustPolicy:
        """What a verifier of this platform's receipts pins."""
        return policy_of(self.context, self.context.store.get(*WITNESSES_KEY))

    def hold(self, bill: SampleBill) -> None:
        """Let the registries hold what the sample says."""
        bills: Any = self.context.bills
        invoices: Any = self.context.invoices
        if bill.bill:
            bills.add(registry_bill(bill.bill))
        if bill.invoice:
            issued = date.fromisoformat(bill.invoice["issue_date"])
            invoices.invoices[bill.invoice["number"]] = Invoice(**{**bill.invoice, "issue_date": issued})

    def command(self, bill: SampleBill, key: str, partner: str = PARTNER, **changes: Any) -> RequestDiscount:
        """The request of a sample bill; ``confirmed=False`` leaves the operator's confirmation out."""
        request, stated, trade = bill.request, bill.request["bill"], bill.request["trade"]
        confirmed = changes.pop("confirmed", "confirmation" in request)
        fields: dict[str, Any] = {
            "partner_id": partner,
            "idempotency_key": key,
            "body_digest": hashlib.sha256(json.dumps(request).encode()).hexdigest(),
            "enterprise_id": request.get("enterprise_id") or self.ids[partner, bill.holder_uscc],
            "institution_id": request["institution_id"],
            "bill_number": stated["number"],
            **{name: stated[name] for name in stated if name != "number"},
            **trade,
            **{name: request[name] for name in ("payee_account", "interest", "quote_id") if name in request},
            "confirmed_by": "operator-1" if confirmed else None,
            "factors": ("password", "otp") if confirmed else (),
        }
        return RequestDiscount(**{**fields, **changes})

    def accept(self, bill: SampleBill, key: str = "key-1", partner: str = PARTNER, **changes: Any) -> str:
        """Accept a sample bill; the discount's id."""
        self.hold(bill)
        return str(accept(self.context, self.command(bill, key, partner, **changes))[0]["discount_id"])

    def run(self, discount_id: str) -> None:
        """Drive an accepted discount to its end or to a person, as statemachines/discount.asl.json does."""
        decided = verify(self.context, discount_id)
        if decided["verdict"] == "review" or not decided["confirmed"]:
            return
        if decided["verdict"] == "reject":
            self._end(discount_id, decided["reason"], refused=True)
            return
        self.pay(discount_id)

    def pay(self, discount_id: str) -> None:
        """From the seal to the notification."""
        try:
            seal(self.context, discount_id)
            paid = disburse(self.context, discount_id)
            while paid["payment"] in ("PROCESSING", "UNKNOWN"):
                paid = disburse(self.context, discount_id)
        except (BillLockedError, PriceExpiredError) as error:
            self._end(discount_id, error.code, refused=True)
            return
        if paid["payment"] == "FAILED":
            self._end(discount_id, paid["reason"], refused=False)
            return
        self._tell(discount_id)

    def outcomes(self, bills: list[SampleBill]) -> list[tuple[str, str]]:
        """What becomes of the bills of a file, in its words; lines with a time of their own come last."""
        quotes = {bill.line: self.quote(bill) for bill in bills if bill.quote}
        found: dict[int, tuple[str, str]] = {}
        for bill in sorted(bills, key=lambda bill: bill.at):
            if bill.at:
                self.context.clock.instant = datetime.fromisoformat(bill.at)
            quoted = {"quote_id": quotes[bill.line]} if bill.line in quotes else {}
            found[bill.line] = self.outcome(bill, bill.key or f"key-{bill.line}", **quoted)
        return [found[bill.line] for bill in bills]

    def quote(self, bill: SampleBill, key: str | None = None) -> str:
        """Ask for the quote that a line names; its id."""
        asked = bill.quote_request
        command = AskQuote(
            partner_id=PARTNER,
            idempotency_key=key or f"quote-{bill.line}",
            body_digest=hashlib.sha256(json.dumps(asked).encode()).hexdigest(),
            institution_ids=tuple(asked.pop("institution_ids")),
            **asked,
        )
        return str(ask(self.context, command)[0]["quote_id"])

    def outcome(self, bill: SampleBill, key: str, **changes: Any) -> tuple[str, str]:
        """What becomes of a sample bill, in the words of the sample file."""
        try:
            DiscountBody.model_validate(json.loads(json.dumps({"enterprise_id": "any", **bill.request})))
        except ValidationError:
            return "refused", "INVALID_BODY"
        try:
            discount_id = self.accept(bill, key, **changes)
        except RongTongError as error:
            return "refused", error.code
        self.run(discount_id)
        if bill.confirmed_at:
            before, self.context.clock.instant = self.context.clock.instant, datetime.fromisoformat(bill.confirmed_at)
            confirm(self.context, self.discount(discount_id), "operator-1", ("password", "otp"))
            self.pay(discount_id)
            self.context.clock.instant = before
        body = self.body(discount_id)
        return str(body["status"]).lower(), str(body.get("reason") or "")

    def discount(self, discount_id: str) -> Item:
        """The stored discount."""
        return load(self.context, discount_id)

    def enterprise(self, enterprise_id: str) -> Item:
        """The stored enterprise."""
        found = self.context.store.get(enterprise_pk(enterprise_id), STATE)
        assert found is not None
        return found

    def body(self, discount_id: str) -> Document:
        """The stored state."""
        return load(self.context, discount_id).body

    def _end(self, discount_id: str, reason: str, *, refused: bool) -> None:
        unwind(self.context, discount_id, reason, refused=refused)
        self._tell(discount_id)

    def _tell(self, discount_id: str) -> None:
        notify(self.context, f"discount#{discount_id}")
        record(self.context, f"discount#{discount_id}")
