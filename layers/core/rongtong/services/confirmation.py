"""The platform's own confirmation of a discount: shown to the operator, then confirmed by factors that fit it alone.

``begin`` shows payee, account, amount and bill with the operator's reserved phrase and sends the code; ``complete``
takes an attempt, compares, and lets the discount go on as a partner's confirmation would.
"""

from __future__ import annotations

from dataclasses import dataclass

from rongtong.domain.confirmation import (
    Binding,
    CodeMismatchError,
    Factor,
    PaymentPasswordError,
    Shown,
    attempts_left,
    require_factors,
)
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition
from rongtong.domain.money import fen_to_yuan
from rongtong.domain.passwords import normalised
from rongtong.domain.privacy import mask_account, mask_bill_number
from rongtong.services.context import Context
from rongtong.services.credentials import Credentials
from rongtong.services.discounts import load, request_key, request_of, view
from rongtong.services.errors import BusyError, WrongStateError
from rongtong.services.operator_passwords import rules_of, send
from rongtong.services.operator_records import (
    Person,
    Purpose,
    again,
    code_fits,
    code_text,
    enterprise_of,
    lock_writes,
    person,
    require_login,
    require_role,
    take_attempt,
    with_new_code,
    without_failures,
    write_again,
)
from rongtong.services.operators import Role
from rongtong.services.records import STATE, change_writes, derived_id, institution_pk, iso
from rongtong.services.screening import access_seen
from rongtong.services.settings import institution_of
from rongtong.services.storage import Document, Item, Write
from rongtong.services.waiting import nudge


class PaymentPasswordNotSetError(PaymentPasswordError):
    """The amount takes a payment password, and the operator has none."""

    code = "PAYMENT_PASSWORD_NOT_SET"


@dataclass(frozen=True)
class Begin:
    """Ask this operator to confirm a discount; the same key again is the same challenge."""

    operator_id: str
    key: str


@dataclass(frozen=True)
class Complete:
    """What the operator shows. ``access`` says where it was: ip, device, region."""

    challenge_id: str
    operator_id: str
    access_token: str
    code: str
    payment_password: str | None = None
    access: Document | None = None


def begin(context: Context, discount: Item, command: Begin) -> Document:
    """What the operator is to see before it confirms, and a code on its mobile that fits just this.

    Raises NotFoundError, WrongStateError, OperatorNotActiveError, PaymentPasswordNotSetError, CodeLockedError,
    TooManyCodesError, SmsUnavailableError (ask again under the same key: it is the same code), BusyError.
    """
    partner_id, discount_id = str(discount.body["partner_id"]), str(discount.body["discount_id"])
    challenge_id = derived_id("chl", partner_id, discount_id, command.operator_id, command.key)
    rules = rules_of(context, partner_id)

    def writes() -> list[Write]:
        item, found = _read(context, discount_id, command.operator_id)
        _require_waiting(item)
        require_role(found, Role.CONFIRM)
        code = found.open_code()
        if code.get("id") == challenge_id and iso(context.clock.now()) < str(code["expires_at"]):
            return []
        face_fen = int(item.body["face_fen"])
        needed = rules.factors(face_fen)
        if Factor.PAYMENT_PASSWORD in needed and "payment_password" not in found.operator.body:
            raise PaymentPasswordNotSetError("Set a payment password first; the amount takes one.", field="operator_id")
        bound = binding_of(context, item, found).digest()
        digits, life = rules.code_digits(face_fen), rules.code_life()
        body = with_new_code(context, found, challenge_id, Purpose.CONFIRM, bound, digits=digits, life=life)
        data: Document = {
            "operator": command.operator_id,
            "challenge_id": challenge_id,
            "binding_sha256": bound,
            "factors": [factor.value for factor in needed],
            "expires_at": body["code"]["expires_at"],
        }
        return [found.operator.replaced(body), *_event(context, item, {}, "ConfirmationAsked", data)]

    write_again(context, writes)
    item, found = _read(context, discount_id, command.operator_id)
    if found.open_code().get("id") != challenge_id:
        raise BusyError("Another confirmation of this operator was begun at the same time; begin again.")
    binding = binding_of(context, item, found)
    send(context, found, _message(binding, code_text(context, found), rules.code_life_s))
    payer = institution_of(context.store.get(institution_pk(str(item.body["institution_id"])), STATE))
    needed = rules.factors(binding.face_fen)
    return {**_challenge(context, found, binding, challenge_id, needed), "payer_name": str(payer["name"])}


def complete(context: Context, credentials: Credentials, discount: Item, command: Complete) -> Document:
    """Confirm with every factor that the amount takes, and let the execution go on. The same again is no change.

    The login is proved first and costs no attempt; then an attempt is taken, and only then is anything compared. A
    wrong code says nothing of the payment password. Raises NotFoundError, WrongStateError, LoginError,
    OperatorNotActiveError, FactorsMissingError, CodeExpiredError, CodeLockedError, CodeMismatchError (also where
    amount, payee or bill are not those that the code was made for), PaymentPasswordError, BusyError.
    """
    discount_id = str(discount.body["discount_id"])
    item, found = _read(context, discount_id, command.operator_id)
    if _is_done(item, found, command):
        nudge(context, item)
        return view(item.body)
    _require_waiting(item)
    rules = rules_of(context, found.partner_id)
    require_role(found, Role.CONFIRM)
    require_login(context, credentials, found, command.access_token, age_s=rules.login_age_s)
    needed = rules.factors(int(item.body["face_fen"]))
    require_factors(_shown(command), needed)

    taken = take_attempt(context, lambda: again(context, found), command.challenge_id, Purpose.CONFIRM)
    bound = binding_of(context, item, taken).digest()
    if not code_fits(context, taken, command.code, command.challenge_id, bound):
        _refuse(context, taken, discount_id, command.challenge_id, CodeMismatchError.code)
        raise CodeMismatchError(
            f"The code does not confirm this payment; {_left(taken)} attempts are left.", field="code"
        )
    if Factor.PAYMENT_PASSWORD in needed and not _knows_payment_password(context, credentials, taken, command):
        _refuse(context, taken, discount_id, command.challenge_id, PaymentPasswordError.code)
        raise PaymentPasswordError(
            f"The payment password is wrong; {_left(taken)} attempts are left.", field="payment_password"
        )
    data: Document = {
        "operator": command.operator_id,
        "factors": [factor.value for factor in needed],
        "challenge_id": command.challenge_id,
        "binding_sha256": bound,
    }
    return _confirmed(context, discount_id, command, bound, data)


def binding_of(context: Context, item: Item, found: Person) -> Binding:
    """What is to be paid for the discount, to whom, for which bill, as it stands now."""
    request = request_of(context.store.get(*request_key(str(item.body["discount_id"]))))
    account = context.vault.decrypt(*found.owner, str(request["payee_account_sealed"]))
    return Binding(
        discount_id=str(item.body["discount_id"]),
        operator_id=found.id,
        payee_name=str(found.enterprise.body["account_name"]),
        payee_account=mask_account(account),
        payee_fingerprint=context.vault.fingerprint(*found.owner, account),
        face_fen=int(item.body["face_fen"]),
        proceeds_fen=int(item.body["proceeds_fen"]),
        bill_number=str(item.body["bill_number"]),
        range=str(item.body["range"]),
    )


def _confirmed(context: Context, discount_id: str, command: Complete, bound: str, data: Document) -> Document:
    """Record it, if what is to be paid is still what was confirmed."""

    def writes() -> list[Write]:
        item, found = _read(context, discount_id, command.operator_id)
        if _is_done(item, found, command):
            return []  # the same answer came twice at once
        _require_waiting(item)
        if binding_of(context, item, found).digest() != bound:
            raise CodeMismatchError("The payment changed meanwhile; begin again.", field="code")
        require_discount_transition(DiscountStatus.AWAITING_CONFIRMATION, DiscountStatus.VERIFIED)
        changes: Document = {
            "status": DiscountStatus.VERIFIED.value,
            "confirmed": True,
            "confirmed_by": command.operator_id,
        }
        beside: Document | None = None
        if command.access is not None:
            beside = {"access": access_seen(context, found.enterprise, command.access)}
        cleared = {**without_failures(found.operator.body), "confirmed": command.challenge_id}
        event = _event(context, item, changes, "DiscountConfirmed", data, beside)
        return [found.operator.replaced(cleared), *event]

    write_again(context, writes)
    item = load(context, discount_id)
    nudge(context, item)
    return view(item.body)


def _refuse(context: Context, taken: Person, discount_id: str, challenge_id: str, reason: str) -> None:
    """Tell of a wrong answer, and of the lock that it may have brought."""
    data: Document = {"operator": taken.id, "challenge_id": challenge_id, "reason": reason}

    def writes() -> list[Write]:
        item, enterprise = load(context, discount_id), enterprise_of(context, taken.owner[0])
        return [*_event(context, item, {}, "ConfirmationRefused", data), *lock_writes(context, taken, enterprise)]

    write_again(context, writes)


def _event(
    context: Context, item: Item, changes: Document, kind: str, data: Document, beside: Document | None = None
) -> list[Write]:
    now = context.clock.now()
    due = now if "status" in changes else None
    return [*change_writes(item, "discount_id", changes, kind, now, data, beside, due=due, by=context.initiator)]


def _read(context: Context, discount_id: str, operator_id: str) -> tuple[Item, Person]:
    item = load(context, discount_id)
    return item, person(context, str(item.body["enterprise_id"]), operator_id)


def _require_waiting(item: Item) -> None:
    if item.body["status"] != DiscountStatus.AWAITING_CONFIRMATION:
        raise WrongStateError(f"The discount is {item.body['status']}; it waits for no confirmation.")


def _is_done(item: Item, found: Person, command: Complete) -> bool:
    """Whether this very challenge has confirmed the discount already."""
    done = bool(item.body["confirmed"]) and item.body.get("confirmed_by") == command.operator_id
    return done and found.operator.body.get("confirmed") == command.challenge_id


def _shown(command: Complete) -> list[Shown]:
    """The login goes through the login service, the code to a mobile, the payment password to the platform alone."""
    shown = [Shown(Factor.PASSWORD, "login"), Shown(Factor.OTP, "mobile")]
    return shown if command.payment_password is None else [*shown, Shown(Factor.PAYMENT_PASSWORD, "payment")]


def _knows_payment_password(context: Context, credentials: Credentials, taken: Person, command: Complete) -> bool:
    stored = taken.opened(context, "payment_password")
    return stored is not None and credentials.hasher.verify(stored, normalised(command.payment_password or ""))


def _left(taken: Person) -> int:
    return 0 if "locked_until" in taken.operator.body else attempts_left(int(taken.open_code()["attempts"]))


def _challenge(
    context: Context, found: Person, binding: Binding, challenge_id: str, needed: tuple[Factor, ...]
) -> Document:
    code = found.open_code()
    return {
        "challenge_id": challenge_id,
        "discount_id": binding.discount_id,
        "operator_id": found.id,
        "payee_name": binding.payee_name,
        "payee_account": binding.payee_account,
        "face_fen": binding.face_fen,
        "proceeds_fen": binding.proceeds_fen,
        "bill_number": binding.bill_number,
        "range": binding.range,
        "factors": [factor.value for factor in needed],
        "code_digits": code["digits"],
        "code_sent_to": found.operator.body["masked"]["mobile"],
        "expires_at": code["expires_at"],
        "attempts_left": attempts_left(int(code["attempts"])),
        "reserved_phrase": found.opened(context, "phrase"),
    }


def _message(binding: Binding, code: str, life_s: int) -> str:
    """Amount, last digits of account and bill: who reads it sees what the code is for (dynamic linking)."""
    return (
        f"验证码{code}，用于确认贴现款{fen_to_yuan(binding.proceeds_fen)}元付至尾号{binding.payee_account[-4:]}的账户，"
        f"票据尾号{mask_bill_number(binding.bill_number)[-4:]}，{max(1, life_s // 60)}分钟内有效。"
        "与页面不符或非本人操作请勿输入，任何人索要均勿告知。"
    )
