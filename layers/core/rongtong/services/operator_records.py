"""Operators of an enterprise as they are stored: one document each beside the enterprise, whose events tell of them.

An operator has at most one code that counts, kept in its document with the failures in a row, so that one conditional
write takes an attempt: whoever enters a code has paid for the attempt before anything is compared.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from rongtong.domain.confirmation import (
    ATTEMPTS_MAX,
    CODES_PER_HOUR,
    SEED_BYTES,
    CodeExpiredError,
    CodeLockedError,
    code_of,
    fits,
    locked_until,
)
from rongtong.domain.errors import RongTongError
from rongtong.domain.personal_data import ERASED
from rongtong.services.context import Context
from rongtong.services.credentials import Credentials, LoginError
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.errors import BusyError, EnterpriseNotActiveError, NotFoundError
from rongtong.services.records import STATE, change_writes, enterprise_pk, iso, operator_sk, without
from rongtong.services.storage import Document, Item, Key, Write, WriteConflictError

WRITES_MAX = 8
_FAILED_KEPT = 20
"""An operator is locked after five, so that these are all failures of its last hours."""
UNKNOWN_OPERATOR = "There is no such operator; list the enterprise's."
_SHOWN = ("operator_id", "status", "roles", "registered_at", "payment_password_set_at", "locked_until")


class OperatorNotActiveError(RongTongError):
    """The operator has set no login password yet, was disabled, or has not the role."""

    code = "OPERATOR_NOT_ACTIVE"


class TooManyCodesError(RongTongError):
    """More codes were asked for than anybody needs."""

    code = "CODES_TOO_MANY"


class OperatorStatus(StrEnum):
    """Where an operator stands."""

    INVITED = "INVITED"
    """No login password yet."""
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class Purpose(StrEnum):
    """What a code is for."""

    CONFIRM = "confirm"
    LOGIN_PASSWORD = "login_password"  # noqa: S105  # what a code is for
    PAYMENT_PASSWORD = "payment_password"  # noqa: S105  # what a code is for
    DISCLOSURE = "disclosure"
    """To be shown the enterprise's personal data in full."""


@dataclass(frozen=True)
class Person:
    """An operator and its enterprise, as read together."""

    enterprise: Item
    operator: Item

    @property
    def id(self) -> str:
        """The operator's id."""
        return str(self.operator.body["operator_id"])

    @property
    def owner(self) -> tuple[str, str]:
        """Whose data key seals what is personal here: the enterprise's id, and the key as it is stored."""
        return data_key_of(self.enterprise)

    @property
    def partner_id(self) -> str:
        """Through which partner the enterprise comes."""
        return str(self.enterprise.body["partner_id"])

    def opened(self, context: Context, name: str) -> str | None:
        """A sealed part of the operator's document as it was; None where there is none."""
        sealed = self.operator.body.get(name)
        return None if sealed is None else context.vault.decrypt(*self.owner, str(sealed))

    def open_code(self) -> Document:
        """The code that counts, or nothing."""
        found: Document = self.operator.body.get("code", {})
        return found


def operator_key(enterprise_id: str, operator_id: str) -> Key:
    return enterprise_pk(enterprise_id), operator_sk(operator_id)


def enterprise_of(context: Context, enterprise_id: str) -> Item:
    """The enterprise, whoever asks. Raises NotFoundError."""
    item = context.store.get(enterprise_pk(enterprise_id), STATE)
    if item is None:
        raise NotFoundError(
            "There is no such enterprise; check the id that registration answered.", field="enterprise_id"
        )
    return item


def require_enterprise_active(item: Item) -> None:
    """Raises EnterpriseNotActiveError."""
    if item.body["status"] != "ACTIVE":
        raise EnterpriseNotActiveError("Only an active enterprise has operators.", field="enterprise_id")


def person(context: Context, enterprise_id: str, operator_id: str) -> Person:
    """The operator of the enterprise, whoever asks. Raises NotFoundError."""
    enterprise, operator = context.store.get_many(
        [(enterprise_pk(enterprise_id), STATE), operator_key(enterprise_id, operator_id)]
    )
    if enterprise is None or operator is None:
        raise NotFoundError(UNKNOWN_OPERATOR, field="operator_id")
    return Person(enterprise, operator)


def again(context: Context, found: Person) -> Person:
    """The same operator and enterprise as they are stored now."""
    return person(context, found.owner[0], found.id)


def shown(body: Document) -> Document:
    """Masked: names and mobiles of persons never leave (JR/T 0171); of one whose access has ended nothing is shown."""
    if "ended_at" in body:
        body = {**body, "masked": dict.fromkeys(body["masked"], ERASED)}
    return {**{name: body[name] for name in _SHOWN if name in body}, **body["masked"]}


def require_role(found: Person, role: str) -> None:
    """Raises OperatorNotActiveError unless the operator is active and has the role."""
    if found.operator.body["status"] != OperatorStatus.ACTIVE or role not in found.operator.body["roles"]:
        raise OperatorNotActiveError(
            f"The operator is {found.operator.body['status']} with {', '.join(found.operator.body['roles'])}; "
            f"it must be ACTIVE with {role}.",
            field="operator_id",
        )


def require_login(context: Context, credentials: Credentials, found: Person, access_token: str, *, age_s: int) -> None:
    """Raises LoginError unless the operator itself logged in so recently, and since its secrets were reset, if ever.

    This costs no attempt.
    """
    login = credentials.accounts.login(access_token)
    if login.name != found.id:
        raise LoginError("This login is another operator's; log in again.", field="access_token")
    reset = found.operator.body.get("reset")
    if reset is not None:
        # A token outlives its password: the login service takes it back, and we only read who signed it and when.
        since = context.clock.now() - datetime.fromisoformat(reset["approved_at"])
        age_s = min(age_s, int(since.total_seconds()))
    if login.age_s > age_s:
        raise LoginError("The login is too long ago; log in again.", field="access_token")


def require_unlocked(found: Person, now: datetime) -> None:
    """Raises CodeLockedError while the operator is locked."""
    until = found.operator.body.get("locked_until")
    if until is not None and now < datetime.fromisoformat(until):
        raise CodeLockedError(f"Too many attempts; the operator is locked until {until}.", field="code")


def event_writes(context: Context, enterprise: Item, operator_id: str, kind: str, data: Document) -> list[Write]:
    """The writes of an event of the enterprise that tells of its operator."""
    about: Document = {"operator_id": operator_id, **data}
    now = context.clock.now()
    return [*change_writes(enterprise, "enterprise_id", {}, kind, now, about, by=context.initiator)]


def with_new_code(
    context: Context, found: Person, code_id: str, purpose: Purpose, bound: str, *, digits: int, life: timedelta
) -> Document:
    """The operator's document with a fresh code in place of any other. Raises CodeLockedError, TooManyCodesError."""
    now = context.clock.now()
    require_unlocked(found, now)
    recent = [at for at in found.operator.body.get("asked", ()) if at > iso(now - timedelta(hours=1))]
    if len(recent) >= CODES_PER_HOUR:
        raise TooManyCodesError("Too many codes were asked for within an hour; wait.", field="operator_id")
    code: Document = {
        "id": code_id,
        "sent_as": secrets.token_hex(8),
        "purpose": purpose.value,
        "bound": bound,
        "seed": context.vault.encrypt(*found.owner, secrets.token_hex(SEED_BYTES)),
        "digits": digits,
        "begun_at": iso(now),
        "expires_at": iso(now + life),
        "attempts": 0,
    }
    return {**found.operator.body, "code": code, "asked": [*recent, iso(now)]}


def code_text(context: Context, found: Person) -> str:
    """The open code, as it is sent to the operator's mobile."""
    code = found.open_code()
    return code_of(_seed(context, found, code), str(code["id"]), str(code["bound"]), digits=int(code["digits"]))


def code_fits(context: Context, found: Person, code: str, code_id: str, bound: str) -> bool:
    """Whether what was entered is the open code, and confirms ``bound``; an attempt must have been taken before."""
    known = found.open_code()
    seed = _seed(context, found, known)
    return fits(code, seed, code_id, str(known["bound"]), bound, digits=int(known["digits"]))


def _seed(context: Context, found: Person, code: Document) -> bytes:
    return bytes.fromhex(context.vault.decrypt(*found.owner, str(code["seed"])))


def take_attempt(context: Context, load: Callable[[], Person], code_id: str, purpose: Purpose) -> Person:
    """Take one of the code's attempts; with the last of the operator's failures in a row it is locked, and it keeps
    that unless what it entered is right. The answer still has the code, for the comparison that follows.

    Raises CodeExpiredError, CodeLockedError, BusyError; NotFoundError of ``load``.
    """
    for _ in range(WRITES_MAX):
        found = load()
        now = context.clock.now()
        require_unlocked(found, now)
        code = found.open_code()
        if code.get("id") != code_id or code["purpose"] != purpose or now >= datetime.fromisoformat(code["expires_at"]):
            raise CodeExpiredError("The code counts no longer; ask for a new one.", field="code")
        if int(code["attempts"]) >= ATTEMPTS_MAX:
            raise CodeLockedError("The code was entered too often; ask for a new one.", field="code")
        body: Document = without(found.operator.body, "locked_until")
        failures, locks = int(body["failures"]) + 1, int(body["locks"])
        failed_at = [*body.get("failed_at", ()), iso(now)][-_FAILED_KEPT:]
        body |= {"failures": failures, "failed_at": failed_at, "code": {**code, "attempts": int(code["attempts"]) + 1}}
        until = locked_until(failures, locks, now)
        if until is not None:
            body |= {"failures": 0, "locks": locks + 1, "locked_until": iso(until)}
        try:
            context.store.transact([found.operator.replaced(body)])
        except WriteConflictError:
            continue
        return Person(found.enterprise, replace(found.operator, body=body, version=found.operator.version + 1))
    raise BusyError("Others enter codes of this operator at the same time; send the same request again.")


def without_failures(body: Document) -> Document:
    """The operator's document once it has shown what it had to: no code, no failures, no lock.

    When it failed before is kept for the risk rules; the attempt that was right is none of it.
    """
    cleared = without(without(body, "code"), "locked_until")
    if body.get("code", {}).get("attempts") and "failed_at" in body:
        cleared = {**cleared, "failed_at": body["failed_at"][:-1]}
    return {**cleared, "failures": 0, "locks": 0}


def invited_again(body: Document, reason: str, signed: Document) -> Document:
    """The operator's document once its secrets are forgotten: it sets new ones as if it were new.

    Its lock stays, and one that is disabled stays so; ``signed`` says which two persons reset it.
    """
    kept = body
    for name in ("phrase", "payment_password", "payment_password_set_at", "code"):
        kept = without(kept, name)
    disabled = body["status"] == OperatorStatus.DISABLED
    status = OperatorStatus.DISABLED if disabled else OperatorStatus.INVITED
    return {**kept, "status": status.value, "reset": {"reason": reason, **signed}}


def write_again(context: Context, writes: Callable[[], list[Write]]) -> None:
    """Write what ``writes`` makes of what is stored now, until no other writer is quicker; nothing for no writes.

    Raises BusyError.
    """
    for _ in range(WRITES_MAX):
        wanted = writes()
        try:
            if wanted:
                context.store.transact(wanted)
        except WriteConflictError:
            continue
        return
    raise BusyError("Others change the same records at the same time; send the same request again.")


def lock_writes(context: Context, taken: Person, now_stored: Item) -> list[Write]:
    """The enterprise's event of a lock, where the attempt that was taken has locked the operator."""
    until = taken.operator.body.get("locked_until")
    if until is None:
        return []
    data: Document = {"until": until, "locks": taken.operator.body["locks"]}
    return event_writes(context, now_stored, taken.id, "OperatorLocked", data)
