"""The platform in memory: samples set up, and discounts driven as the state machine does."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from fakes import make_context
from paths import SAMPLES
from rongtong.adapters.registries import _bill as registry_bill
from rongtong.domain.bill import Invoice
from rongtong.domain.checkpoint import VerifierKey
from rongtong.domain.errors import RongTongError
from rongtong.services import registration
from rongtong.services.context import Context
from rongtong.services.disburse import disburse
from rongtong.services.discounts import load
from rongtong.services.notify import notify
from rongtong.services.ports import BillLockedError
from rongtong.services.request_discount import RequestDiscount, accept
from rongtong.services.seal import record, seal
from rongtong.services.storage import Create, Document
from rongtong.services.unwind import unwind
from rongtong.services.verify_bill import verify
from sample_file import SampleBill, read_bills, read_json
from seed import PARTNERS

PARTNER = "partner-a"


def sample_bills() -> list[SampleBill]:
    """The 200 bills of the sample file."""
    return read_bills(SAMPLES / "bills.csv")


class Platform:
    """A context with institutions, policy and active enterprises."""

    def __init__(self, partners: tuple[str, ...] = (PARTNER,)) -> None:
        self.context: Context = make_context()
        self.ids: dict[tuple[str, str], str] = {}
        for institution in read_json("institutions.json"):
            self._create(f"institution#{institution['institution_id']}", "state", institution)
        self._create("platform", "policy", read_json("policy.json"))
        for partner in partners:
            self._create(f"partner#{partner}", "state", {"keys": {}, "role": PARTNERS[partner]})
            for enterprise in read_json("enterprises.json"):
                self._register(partner, enterprise)

    def _create(self, pk: str, sk: str, body: Document) -> None:
        self.context.store.transact([Create(pk, sk, body)])

    def _register(self, partner: str, enterprise: Document) -> None:
        account = enterprise["account"]
        self.bank.accounts[account["account_number"]] = (account["account_name"], enterprise["uscc"])
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
        return self.context.bank

    @property
    def log_key(self) -> str:
        return VerifierKey(self.context.log_origin, self.context.log_signer.public_key()).text()

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
        confirmed = changes.pop("confirmed", True)
        fields: dict[str, Any] = {
            "partner_id": partner,
            "idempotency_key": key,
            "body_digest": hashlib.sha256(json.dumps(request).encode()).hexdigest(),
            "enterprise_id": self.ids[partner, bill.holder_uscc],
            "institution_id": request["institution_id"],
            "bill_number": stated["number"],
            **{name: stated[name] for name in stated if name != "number"},
            **trade,
            "payee_account": request["payee_account"],
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
        seal(self.context, discount_id)
        try:
            paid = disburse(self.context, discount_id)
            while paid["payment"] in ("PROCESSING", "UNKNOWN"):
                paid = disburse(self.context, discount_id)
        except BillLockedError as error:
            self._end(discount_id, error.code, refused=True)
            return
        if paid["payment"] == "FAILED":
            self._end(discount_id, paid["reason"], refused=False)
            return
        self._tell(discount_id)

    def outcome(self, bill: SampleBill, key: str) -> tuple[str, str]:
        """What becomes of a sample bill, in the words of the sample file."""
        try:
            discount_id = self.accept(bill, key)
        except RongTongError as error:
            return "refused", error.code
        self.run(discount_id)
        body = self.body(discount_id)
        return str(body["status"]).lower(), str(body.get("reason") or "")

    def body(self, discount_id: str) -> Document:
        """The stored state."""
        return load(self.context, discount_id).body

    def _end(self, discount_id: str, reason: str, *, refused: bool) -> None:
        unwind(self.context, discount_id, reason, refused=refused)
        self._tell(discount_id)

    def _tell(self, discount_id: str) -> None:
        record(self.context, f"discount#{discount_id}")
        notify(self.context, f"discount#{discount_id}")
