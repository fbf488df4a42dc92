"""The bank over HTTP."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date
from typing import Any

from rongtong.adapters.http import HttpClient, UnansweredError
from rongtong.domain.payment import PaymentStatus
from rongtong.services.ports import BankUnavailableError, PaymentAnswer, PaymentOrder, StatementEntry

_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,63}", re.ASCII)
NOT_FOUND = "NOT_FOUND"
"""The bank's own word that it does not know; a gateway's 404 is none."""
_UNKNOWN = "The bank did not answer; nothing is known of its decision. Ask again."


class HttpBank:
    """Payments and account checks of one bank."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        """Pay once per reference. Raises BankUnavailableError."""
        try:
            return payment_answer(self._client.require("POST", "/payments", body=asdict(order)), order.reference)
        except (UnansweredError, KeyError, ValueError) as error:
            raise BankUnavailableError(_UNKNOWN) from error

    def query(self, reference: str) -> PaymentAnswer | None:
        """What became of a payment. Raises BankUnavailableError."""
        try:
            found = self._client.call("GET", "/payments", reference)
            if found.status == 404 and found.body.get("code") == NOT_FOUND:
                return None
            if found.status != 200:
                raise BankUnavailableError(_UNKNOWN)
            return payment_answer(found.body, reference)
        except (UnansweredError, KeyError, ValueError) as error:
            raise BankUnavailableError(_UNKNOWN) from error

    def statement(self, day: date) -> list[StatementEntry]:
        """Every booking of a day in Shanghai. Raises BankUnavailableError."""
        try:
            entries = self._client.require("GET", "/statements", day.isoformat())["entries"]
            return [
                StatementEntry(
                    reference=str(entry["reference"]),
                    amount_fen=int(entry["amount_fen"]),
                    status=PaymentStatus(entry["status"]),
                    bank_serial=entry.get("bank_serial"),
                )
                for entry in entries
            ]
        except (UnansweredError, KeyError, TypeError, ValueError) as error:
            raise BankUnavailableError(_UNKNOWN) from error

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        """Whether the account is held under this name and credit code. Raises BankUnavailableError."""
        body = {"account_number": account_number, "account_name": account_name, "uscc": uscc}
        try:
            return self._client.require("POST", "/account-verifications", body=body)["matches"] is True
        except (UnansweredError, KeyError) as error:
            raise BankUnavailableError(_UNKNOWN) from error


def _code(reason: Any) -> str | None:
    """The bank's reason if it is a code; free text may name persons and accounts and goes no further."""
    if reason is None:
        return None
    return reason if isinstance(reason, str) and _REASON.fullmatch(reason) else "PAYMENT_FAILED"


def payment_answer(body: dict[str, Any], reference: str) -> PaymentAnswer:
    """What a JSON body says of the payment that was asked for. Raises KeyError, ValueError, also for another's."""
    if body["reference"] != reference:
        raise ValueError("The answer is about another payment.")
    return PaymentAnswer(
        reference=str(body["reference"]),
        status=PaymentStatus(body["status"]),
        bank_serial=body.get("bank_serial"),
        reason=_code(body.get("reason")),
    )
