"""The bill registry and the invoice registry over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from typing import Any

from rongtong.adapters.bank import NOT_FOUND, payment_answer
from rongtong.adapters.http import Answer, HttpClient, UnansweredError
from rongtong.domain.bill import Endorsement, Invoice, Party, RegistryBill
from rongtong.domain.bill_codes import (
    BillKind,
    BillStatus,
    Circulation,
    EndorsementKind,
    EndorsementMark,
    RiskMark,
)
from rongtong.domain.errors import RongTongError
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.ports import (
    BillApplication,
    BillLockedError,
    PaymentAnswer,
    PaymentOrder,
    RegistryUnavailableError,
)

_AT_ONCE = 8
"""The client's pool keeps so many connections."""
_LOCKED = "The bill registry refused: the range is locked by another application or no longer circulates."


class HttpBillRegistry:
    """Holdings, and the steps of a discount on them."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def find(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        """The holding that contains the range. Raises RegistryUnavailableError."""
        found = _ask(self._client, "GET", "/bills", number, rng.wire())
        if found.status == 404:
            return None
        try:
            return _bill(_only(found, 200).body)
        except (KeyError, TypeError, ValueError, RongTongError) as error:
            raise RegistryUnavailableError("The bill registry's answer cannot be read.") from error

    def find_many(self, wanted: Sequence[tuple[str, SubBillRange]]) -> list[RegistryBill | None]:
        """The holdings that contain the ranges, some asked for at once. Raises RegistryUnavailableError."""
        if not wanted:
            return []
        with ThreadPoolExecutor(min(_AT_ONCE, len(wanted))) as hands:
            return list(hands.map(lambda one: self.find(*one), wanted))

    def lock(self, number: str, rng: SubBillRange, owner: str, holder_uscc: str) -> None:
        """Apply for the discount. Raises BillLockedError, RegistryUnavailableError."""
        self._step(number, rng, "lock", {"owner": owner, "holder_uscc": holder_uscc})

    def endorse(self, number: str, rng: SubBillRange, owner: str, endorsee: Party) -> None:
        """Pass the locked range to the endorsee. Raises BillLockedError, RegistryUnavailableError."""
        self._step(number, rng, "endorse", {"owner": owner, "endorsee": asdict(endorsee)})

    def release(self, number: str, rng: SubBillRange, owner: str) -> None:
        """Withdraw the application. Raises RegistryUnavailableError."""
        self._step(number, rng, "release", {"owner": owner})

    def applications(self) -> list[BillApplication]:
        """Applications under way. Raises RegistryUnavailableError."""
        found = _only(_ask(self._client, "GET", "/applications"), 200)
        try:
            return [
                BillApplication(str(one["number"]), SubBillRange.parse(one["range"]), str(one["owner"]))
                for one in found.body["applications"]
            ]
        except (KeyError, TypeError, ValueError, RongTongError) as error:
            raise RegistryUnavailableError("The bill registry's answer cannot be read.") from error

    def settle(self, number: str, rng: SubBillRange, owner: str, endorsee: Party, order: PaymentOrder) -> PaymentAnswer:
        """Let range and money change hands together. Raises BillLockedError, RegistryUnavailableError."""
        body = {"owner": owner, "endorsee": asdict(endorsee), "order": asdict(order)}
        found = _ask(self._client, "POST", "/bills", number, rng.wire(), "settle", body=body)
        if found.status == 409:
            raise BillLockedError(_LOCKED, field="bill.range")
        return _settlement(_only(found, 200), order.reference)

    def settlement(self, reference: str) -> PaymentAnswer | None:
        """What became of an online settlement. Raises RegistryUnavailableError."""
        found = _ask(self._client, "GET", "/settlements", reference)
        if found.status == 404 and found.body.get("code") == NOT_FOUND:
            return None
        return _settlement(_only(found, 200), reference)

    def _step(self, number: str, rng: SubBillRange, step: str, body: dict[str, Any]) -> None:
        found = _ask(self._client, "POST", "/bills", number, rng.wire(), step, body=body)
        if found.status == 409:
            raise BillLockedError(_LOCKED, field="bill.range")
        _only(found, 200)


def _settlement(found: Answer, reference: str) -> PaymentAnswer:
    try:
        return payment_answer(found.body, reference)
    except (KeyError, ValueError) as error:
        raise RegistryUnavailableError("The bill registry's answer cannot be read.") from error


class HttpInvoiceRegistry:
    """Invoices by number."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def find(self, number: str) -> Invoice | None:
        """The invoice. Raises RegistryUnavailableError."""
        found = _ask(self._client, "GET", "/invoices", number)
        if found.status == 404:
            return None
        body = _only(found, 200).body
        try:
            return Invoice(
                number=str(body["number"]),
                amount_fen=int(body["amount_fen"]),
                status=str(body["status"]),
                buyer_uscc=str(body["buyer_uscc"]),
                seller_uscc=str(body["seller_uscc"]),
                issue_date=date.fromisoformat(body["issue_date"]),
                used_by=body.get("used_by"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryUnavailableError("The invoice registry's answer cannot be read.") from error


def _ask(client: HttpClient, method: str, path: str, *parts: str, body: dict[str, Any] | None = None) -> Answer:
    try:
        return client.call(method, path, *parts, body=body)
    except UnansweredError as error:
        raise RegistryUnavailableError("The registry did not answer; ask again.") from error


def _only(found: Answer, status: int) -> Answer:
    if found.status != status:
        raise RegistryUnavailableError(f"The registry answered {found.status}; ask again.")
    return found


def _bill(body: dict[str, Any]) -> RegistryBill:
    return RegistryBill(
        number=str(body["number"]),
        range=SubBillRange.parse(body["range"], whole_fen=int(body["face_fen"])),
        face_fen=int(body["face_fen"]),
        kind=BillKind(str(body["kind"])),
        status=BillStatus(str(body["status"])),
        circulation=Circulation(str(body["circulation"])),
        risk=RiskMark(str(body["risk"])),
        endorsement_mark=EndorsementMark(str(body["endorsement_mark"])),
        issue_date=date.fromisoformat(body["issue_date"]),
        maturity_date=date.fromisoformat(body["maturity_date"]),
        acceptor_name=str(body["acceptor"]["name"]),
        acceptor_bank_code=str(body["acceptor"]["bank_code"]),
        acceptor_class=str(body["acceptor"]["class"]),
        drawer=Party(**body["drawer"]),
        payee=Party(**body["payee"]),
        endorsements=tuple(_endorsement(entry) for entry in body["endorsements"]),
        holder=Party(**body["holder"]),
        holding_id=str(body["holding_id"]),
        splittable=body["splittable"] is True,
        disclosure=str(body["disclosure"]),
    )


def _endorsement(entry: dict[str, Any]) -> Endorsement:
    endorser, endorsee = Party(**entry["endorser"]), Party(**entry["endorsee"])
    return Endorsement(endorser, endorsee, date.fromisoformat(entry["date"]), EndorsementKind(str(entry["kind"])))
