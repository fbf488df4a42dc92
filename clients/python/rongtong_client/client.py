"""The partner API, one method for an operation: ``registerEnterprise`` of the description is ``register_enterprise``.

Whoever keeps ``idempotency_key`` before a call can repeat it after a crash; without it a key is made for each call and
kept over the call's own attempts. Every method raises ProblemError and UnansweredError.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, cast

from rongtong_client import types
from rongtong_client.bills import BillCalls
from rongtong_client.calls import Query, path_of
from rongtong_client.endpoints import EndpointCalls
from rongtong_client.errors import ProblemError

ENDED: frozenset[str] = frozenset({"DISBURSED", "RETURNED", "REFUSED", "FAILED"})
WAITS_FOR_A_PERSON: frozenset[str] = frozenset({"IN_REVIEW", "AWAITING_CONFIRMATION"})
_RECORDED_SOON = "WRONG_STATE"


class Client(BillCalls, EndpointCalls):
    """Calls of one partner under one key (``<partner id>#<key number>``, PEM of an Ed25519, P-256 or RSA key)."""

    # ---- enterprises

    def register_enterprise(
        self, body: types.EnterpriseBody, *, idempotency_key: str | None = None
    ) -> types.Enterprise:
        """Register a supplier; it is PENDING until it was verified. One that is there already is answered."""
        return cast(types.Enterprise, self._post("/v1/enterprises", body, idempotency_key))

    def read_enterprise(self, enterprise_id: str) -> types.Enterprise:
        """Read it, masked."""
        return cast(types.Enterprise, self._get(path_of("/v1/enterprises", enterprise_id)))

    def list_enterprises(
        self,
        *,
        status: types.EnterpriseStatus | None = None,
        since: str | None = None,
        until: str | None = None,
        fields: Collection[str] = (),
    ) -> Iterator[types.ListedEnterprise]:
        """All of them, newest first, page by page; with ``fields`` only those beside the id."""
        query = {"status": status, "since": since, "until": until, "fields": _names(fields)}
        return self._pages("/v1/enterprises", "enterprises", query)

    def change_account(
        self, enterprise_id: str, body: types.AccountBody, *, idempotency_key: str | None = None
    ) -> types.Enterprise:
        """Pay it to another account from now on, once the bank confirms whose that is."""
        path = path_of("/v1/enterprises", enterprise_id, "account")
        return cast(types.Enterprise, self._post(path, body, idempotency_key))

    def wait_until_verified(self, enterprise_id: str, *, timeout_s: float = 120) -> types.Enterprise:
        """Read it until it is ACTIVE or REFUSED. Raises NotDoneError."""
        return self._until(
            lambda: self.read_enterprise(enterprise_id), lambda found: found["status"] != "PENDING", timeout_s
        )

    # ---- operators

    def register_operator(
        self, enterprise_id: str, body: types.OperatorBody, *, idempotency_key: str | None = None
    ) -> types.Operator:
        """Register a person who confirms for the enterprise."""
        path = path_of("/v1/enterprises", enterprise_id, "operators")
        return cast(types.Operator, self._post(path, body, idempotency_key))

    def list_operators(self, enterprise_id: str) -> list[types.Operator]:
        """The enterprise's operators."""
        found = cast(types.OperatorList, self._get(path_of("/v1/enterprises", enterprise_id, "operators")))
        return found["operators"]

    # ---- quotes

    def ask_quote(self, body: types.QuoteBody, *, idempotency_key: str | None = None) -> types.Quote:
        """Ask several institutions for one bill; offers come best first."""
        return cast(types.Quote, self._post("/v1/quotes", body, idempotency_key))

    def read_quote(self, quote_id: str) -> types.Quote:
        """Read it, also after it has expired."""
        return cast(types.Quote, self._get(path_of("/v1/quotes", quote_id)))

    def list_quotes(
        self, *, since: str | None = None, until: str | None = None, fields: Collection[str] = ()
    ) -> Iterator[types.ListedQuote]:
        """All of them, newest first, page by page."""
        return self._pages("/v1/quotes", "quotes", {"since": since, "until": until, "fields": _names(fields)})

    # ---- discounts

    def request_discount(self, body: types.DiscountBody, *, idempotency_key: str | None = None) -> types.Discount:
        """Request a discount; range and limits are taken when this returns."""
        return cast(types.Discount, self._post("/v1/discounts", body, idempotency_key))

    def read_discount(self, discount_id: str) -> types.Discount:
        """Where it stands, its price, its payment."""
        return cast(types.Discount, self._get(path_of("/v1/discounts", discount_id)))

    def read_discount_with_etag(self, discount_id: str) -> tuple[types.Discount, str]:
        """The same, with the ETag to be named as ``if_match`` by what is decided on it."""
        answer = self._transport.send("GET", path_of("/v1/discounts", discount_id))
        return cast(types.Discount, answer.json()), answer.headers["ETag"]

    def list_discounts(
        self,
        *,
        status: types.DiscountStatus | None = None,
        enterprise_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        fields: Collection[str] = (),
    ) -> Iterator[types.ListedListedDiscount]:
        """All of them, newest first, page by page; with ``fields`` only those beside the id."""
        query: Query = {"status": status, "enterprise_id": enterprise_id, "since": since, "until": until}
        return self._pages("/v1/discounts", "discounts", {**query, "fields": _names(fields)})

    def read_timeline(self, discount_id: str) -> list[types.TimelineEvent]:
        """Its events, oldest first."""
        return cast(types.Timeline, self._get(path_of("/v1/discounts", discount_id, "timeline")))["events"]

    def read_receipt(self, discount_id: str) -> bytes:
        """Its proof, to be kept byte by byte; as JSON it is a ``types.Receipt``.

        A discount that has not ended, or is not recorded yet, is a ProblemError with WRONG_STATE.
        """
        return self._transport.send("GET", path_of("/v1/discounts", discount_id, "receipt")).content

    def wait_for_receipt(self, discount_id: str, *, timeout_s: float = 120) -> bytes:
        """The receipt of a discount that has ended, as soon as all of it is recorded. Raises NotDoneError."""

        def read() -> bytes | None:
            try:
                return self.read_receipt(discount_id)
            except ProblemError as problem:
                if problem.code != _RECORDED_SOON:
                    raise
                return None

        found = self._until(read, lambda content: content is not None, timeout_s)
        assert found is not None, "it is waited for"
        return found

    def wait_until_done(
        self, discount_id: str, *, until: Collection[str] = ENDED | WAITS_FOR_A_PERSON, timeout_s: float = 180
    ) -> types.Discount:
        """Read it until it has ended, or until a person must do something: then call again with ``until=ENDED``.

        Raises NotDoneError.
        """
        return self._until(lambda: self.read_discount(discount_id), lambda found: found["status"] in until, timeout_s)

    def confirm_discount(
        self,
        discount_id: str,
        body: types.Confirmation,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> types.Discount:
        """The operator's two factors, where the request had none; with ``if_match`` only on what was shown."""
        path = path_of("/v1/discounts", discount_id, "confirmation")
        return cast(types.Discount, self._post(path, body, idempotency_key, if_match))

    def begin_confirmation(
        self, discount_id: str, body: types.ChallengeBody, *, idempotency_key: str | None = None
    ) -> types.Challenge:
        """Send the operator a code for this payment; the answer is what the operator must be shown."""
        path = path_of("/v1/discounts", discount_id, "confirmation-challenges")
        return cast(types.Challenge, self._post(path, body, idempotency_key))

    def complete_confirmation(
        self, discount_id: str, challenge_id: str, body: types.ProofBody, *, idempotency_key: str | None = None
    ) -> types.Discount:
        """The operator's answer to a challenge."""
        path = path_of("/v1/discounts", discount_id, "confirmation-challenges", challenge_id)
        return cast(types.Discount, self._post(path, body, idempotency_key))

    def read_status(self) -> types.Status:
        """Whether requests are accepted now."""
        return cast(types.Status, self._get("/v1/status"))

    # ---- statements

    def read_statement(self, day: str) -> types.Statement:
        """What moved on a day (YYYY-MM-DD) or in a month (YYYY-MM), with its sums."""
        return cast(types.Statement, self._get(path_of("/v1/statements", day)))

    def read_statement_file(self, day: str, form: Literal["csv", "camt.053"]) -> bytes:
        """The same as a file."""
        return self._transport.send("GET", path_of("/v1/statements", day), query={"format": form}, accept="*/*").content


def _names(fields: Collection[str]) -> str | None:
    return ",".join(fields) or None
