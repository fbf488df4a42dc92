"""A bank that speaks ISO 20022 over HTTP: orders go in as pain.001, what became of them is read from its messages.

``MailboxDoor`` is the door of mock-bank, our stand-in: files are posted, the bank's messages lie in a mailbox, and one
payment can be asked for by its EndToEndId. The standard has no such door, so each bank has its own: another bank needs
another class with the same ``begin``, and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from urllib.parse import quote

import urllib3
from urllib3.exceptions import HTTPError

from rongtong.adapters.http import UnansweredError, require_encrypted
from rongtong.adapters.iso20022 import (
    Debtor,
    UnwritableOrderError,
    pain_001,
    read_camt_053,
    read_pain_002,
    told_by_camt_054,
)
from rongtong.adapters.strict_xml import UnreadableMessageError
from rongtong.domain.payment import PaymentStatus
from rongtong.services.ports import BankUnavailableError, PaymentAnswer, PaymentOrder, StatementEntry

_BYTES_MAX = 32 * 1024 * 1024
_UNKNOWN = "The bank did not answer; nothing is known of its decision. Ask again."
_WEIGHT = {
    status: weight
    for weight, status in enumerate(
        (
            PaymentStatus.UNKNOWN,
            PaymentStatus.PROCESSING,
            PaymentStatus.FAILED,
            PaymentStatus.SUCCEEDED,
            PaymentStatus.RETURNED,
            PaymentStatus.REVERSED,
        )
    )
}
"""Messages come in any order: what is later in a payment's life counts. A refusal ends what was in process; a booking
counts more than a refusal, for money that is out must never be sent again."""


class AccountVerification(Protocol):
    """Who can say whose an account is."""

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        """Whether the account is held under this name and credit code. Raises BankUnavailableError."""


@dataclass(frozen=True)
class Message:
    """One message of the bank; ``kind`` is its name in the standard, such as camt.054.001.08."""

    kind: str
    content: bytes


class Talk(Protocol):
    """What one call of the port may ask the bank; all of it raises UnansweredError."""

    def submit(self, content: bytes) -> None:
        """Hand in a file, whatever the bank thinks of it: that is in its messages."""

    def knows(self, reference: str) -> bool:
        """Whether the bank has a payment of this EndToEndId; False only where it says so itself."""

    def messages(self) -> Sequence[Message]:
        """Every message to us, oldest first; reading takes none away."""

    def statement(self, day: date) -> bytes | None:
        """The account's statement of a day that is over, None where the bank made none because nothing was booked."""


class Door(Protocol):
    """A bank's interface."""

    def begin(self) -> Talk:
        """A talk whose requests have one timeout together."""


class IsoBank:
    """The ``Bank`` port. ``accounts`` verifies accounts, for which the standard has acmt.023 and mock-bank nothing."""

    def __init__(self, door: Door, debtor: Debtor, accounts: AccountVerification, now: Callable[[], datetime]) -> None:
        self._door, self._debtor, self._accounts, self._now = door, debtor, accounts, now

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        """Pay once per reference: asked for first, and sent under the same MsgId always, which no bank takes twice.

        After ``not_after`` nothing is sent, because a bank would book it on its next day. Raises BankUnavailableError.
        """
        try:
            talk = self._door.begin()
            if not talk.knows(order.reference):
                if self._now() >= datetime.fromisoformat(order.not_after):
                    raise BankUnavailableError("The bank's day is over: the order was not sent.")
                talk.submit(pain_001(order, self._debtor, self._now()))
            answer = self._told(talk, order.reference)
        except UnwritableOrderError as error:
            raise BankUnavailableError("The order fits into no message: it was not sent.") from error
        except (UnansweredError, UnreadableMessageError) as error:
            raise BankUnavailableError(_UNKNOWN) from error
        return answer or PaymentAnswer(order.reference, PaymentStatus.UNKNOWN)

    def query(self, reference: str) -> PaymentAnswer | None:
        """What became of a payment, None if the bank says that it has none. Raises BankUnavailableError."""
        try:
            return self._told(self._door.begin(), reference)
        except (UnansweredError, UnreadableMessageError) as error:
            raise BankUnavailableError(_UNKNOWN) from error

    def statement(self, day: date) -> list[StatementEntry]:
        """Every payment booked on a day in Shanghai, and every one that came back (camt.053).

        Raises BankUnavailableError, also while the bank has not stated the day and where the statement has a gap.
        """
        try:
            content = self._door.begin().statement(day)
            return [] if content is None else read_camt_053(content, self._debtor.account, day)
        except (UnansweredError, UnreadableMessageError) as error:
            raise BankUnavailableError("There is no usable statement of this day; ask again.") from error

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        """Whether the account is held under this name and credit code. Raises BankUnavailableError."""
        return self._accounts.verify_account(account_number, account_name, uscc)

    def _told(self, talk: Talk, reference: str) -> PaymentAnswer | None:
        """What is said of the payment itself, else that the bank has it, else what became of the file it was sent in.

        A file refused as a whole may have been the second of two, so it says nothing of a payment that the bank has.
        """
        # The mailbox is common to everything: a message that does not name this payment cannot stand in its way.
        about = [one for one in talk.messages() if reference.encode() in one.content]
        said = [one for one in self._said(about, whole_files=False) if one.reference == reference]
        answer = _latest(said)
        if answer is not None and answer.status is not PaymentStatus.UNKNOWN:
            return answer
        if talk.knows(reference):
            return PaymentAnswer(reference, PaymentStatus.PROCESSING)
        return _latest([one for one in self._said(about, whole_files=True) if one.reference == reference])

    def _said(self, messages: Sequence[Message], *, whole_files: bool) -> Iterator[PaymentAnswer]:
        for one in messages:
            if one.kind.startswith("pain.002."):
                yield from read_pain_002(one.content, whole_files=whole_files)
            elif one.kind.startswith("camt.054."):
                yield from told_by_camt_054(one.content, self._debtor.account)


def notices_of(content: bytes, account: str) -> list[PaymentAnswer]:
    """What a pain.002 or a camt.054 that the bank sent of itself says. Raises UnreadableMessageError for any other."""
    try:
        return read_pain_002(content)
    except UnreadableMessageError:
        return told_by_camt_054(content, account)


def _latest(answers: Sequence[PaymentAnswer]) -> PaymentAnswer | None:
    """The answer that is furthest in a payment's life; of equals the first that was given."""
    return max(answers, key=lambda one: _WEIGHT[one.status], default=None)


class MailboxDoor:
    """mock-bank's HTTP interface; ``timeout_s`` is for all requests of one talk together.

    Raises UnencryptedUrlError.
    """

    def __init__(self, base_url: str, account_id: str, timeout_s: float, authorization: str | None = None) -> None:
        self._base_url = require_encrypted(base_url).rstrip("/")
        self._account_id, self._timeout_s = account_id, timeout_s
        self._headers = {"Content-Type": "application/xml"} | (
            {"Authorization": authorization} if authorization else {}
        )
        self._pool = urllib3.PoolManager(maxsize=8, retries=False)

    def begin(self) -> Talk:
        """A talk that ends ``timeout_s`` from now."""
        return _MailboxTalk(self._pool, self._base_url, self._headers, self._account_id, self._timeout_s)


class _MailboxTalk:
    def __init__(
        self, pool: urllib3.PoolManager, base_url: str, headers: dict[str, str], account_id: str, timeout_s: float
    ) -> None:
        self._pool, self._base_url, self._headers, self._account_id = pool, base_url, headers, account_id
        self._deadline = time.monotonic() + timeout_s

    def submit(self, content: bytes) -> None:
        status, _ = self._send("POST", "/payments", body=content)
        if status not in (202, 422):
            raise UnansweredError(f"POST /payments: status {status}")

    def knows(self, reference: str) -> bool:
        status, content = self._send("GET", "/_mock/payments/" + quote(reference, safe=""))
        found = _document(content)
        if status == 200 and isinstance(found, dict) and found.get("end_to_end_id") == reference:
            return True
        # Any server answers 404 to a wrong address; only the bank adds which payments it has.
        known = found.get("known") if isinstance(found, dict) else None
        if status == 404 and isinstance(known, list) and reference not in known:
            return False
        raise UnansweredError(f"GET a payment: status {status}")

    def messages(self) -> Sequence[Message]:
        rows = self._list("/_mock/mailbox?leave")
        try:
            return [Message(str(row["type"]), str(row["body"]).encode()) for row in rows]
        except (KeyError, TypeError) as error:
            raise UnansweredError("The mailbox cannot be read.") from error

    def statement(self, day: date) -> bytes | None:
        rows = self._list(f"/_mock/accounts/{quote(self._account_id, safe='')}/statements")
        try:
            days = {date.fromisoformat(row["day"]): row["message_id"] for row in rows}
        except (KeyError, TypeError, ValueError) as error:
            raise UnansweredError("The list of statements cannot be read.") from error
        if day not in days:
            if any(other > day for other in days):
                return None  # a day on which the bank does not book has none, and the next statement proves it over
            raise UnansweredError("The bank has not stated this day.")
        status, content = self._send("GET", f"/_mock/mailbox/{days[day]}")
        if status != 200:
            raise UnansweredError(f"GET a statement: status {status}")
        return content

    def _list(self, path: str) -> list[Any]:
        status, content = self._send("GET", path)
        found = _document(content)
        if status != 200 or not isinstance(found, list):
            raise UnansweredError(f"GET {path}: status {status}")
        return found

    def _send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        remaining_s = self._deadline - time.monotonic()
        if remaining_s <= 0:
            raise UnansweredError(f"{method} {path}: no time is left")
        timeout = urllib3.Timeout(total=remaining_s)
        try:
            answer = self._pool.request(
                method, self._base_url + path, body=body, headers=self._headers, timeout=timeout, preload_content=False
            )
            content: bytes = answer.read(_BYTES_MAX + 1)
            if len(content) > _BYTES_MAX:
                answer.close()
                raise UnansweredError(f"{method} {path}: more than {_BYTES_MAX} bytes")
            answer.release_conn()
        except HTTPError as error:
            raise UnansweredError(f"{method} {path}: {type(error).__name__}") from error
        return answer.status, content


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnansweredError("The bank's answer is no JSON.") from error
