"""The passwords that operators set themselves, and the codes by which they do.

There is no initial password. An operator sets its first login password by a code to its mobile; from then on each
secret is changed by whoever knows the present one, so that a lost mobile alone opens nothing (要素相互独立). One that
lost its passwords is invited again by two persons of operations (the change ``operator_reset``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.confirmation import CodeMismatchError, PaymentPasswordError
from rongtong.domain.confirmation_rules import CODE_DIGITS, ConfirmationRules
from rongtong.domain.passwords import LOGIN_LENGTH_MIN, PAYMENT_LENGTH_MIN, normalised, require_good
from rongtong.services.context import Context
from rongtong.services.credentials import Credentials
from rongtong.services.enterprise_state import require_not_closed
from rongtong.services.errors import BusyError, WrongStateError
from rongtong.services.operator_records import (
    OperatorNotActiveError,
    OperatorStatus,
    Person,
    Purpose,
    again,
    code_fits,
    code_text,
    enterprise_of,
    event_writes,
    lock_writes,
    require_login,
    shown,
    take_attempt,
    with_new_code,
    without_failures,
    write_again,
)
from rongtong.services.records import POLICY_KEY, derived_id, iso, tenant_key
from rongtong.services.settings import policy_of
from rongtong.services.storage import Document, Write

_PURPOSES = {
    Purpose.LOGIN_PASSWORD: "设置登录密码",
    Purpose.PAYMENT_PASSWORD: "设置支付密码",
    Purpose.DISCLOSURE: "查看企业完整资料",
}


@dataclass(frozen=True)
class SetLoginPassword:
    """The first login password, by a code; ``phrase`` is what confirmation pages show to prove that they are ours."""

    code: str
    password: str
    phrase: str


@dataclass(frozen=True)
class ChangeLoginPassword:
    """Another login password, by the present one."""

    access_token: str
    present: str
    password: str


@dataclass(frozen=True)
class SetPaymentPassword:
    """A payment password; ``present`` is the one that there is, if there is one."""

    access_token: str
    code: str
    password: str
    present: str | None = None


def send_code(context: Context, named: Person, key: str, purpose: Purpose) -> Document:
    """Send the operator a code for one of its passwords, or to be shown personal data in full.

    Asked for again under the same key, it is the same code.

    Raises NotFoundError, WrongStateError, OperatorNotActiveError, CodeLockedError, TooManyCodesError,
    SmsUnavailableError, BusyError.
    """
    code_id = derived_id("cod", named.partner_id, named.id, purpose, key)
    rules = rules_of(context, named.partner_id)

    def writes() -> list[Write]:
        found = again(context, named)
        if _repeats(context, found, code_id):
            return []
        require_status(found, purpose)
        bound = _bound(found, purpose)
        body = with_new_code(context, found, code_id, purpose, bound, digits=CODE_DIGITS, life=rules.code_life())
        return [found.operator.replaced(body)]

    write_again(context, writes)
    found = again(context, named)
    code = found.open_code()
    if code.get("id") != code_id:
        raise BusyError("Another code was asked for at the same time; ask again.")
    minutes = max(1, rules.code_life_s // 60)
    text = f"验证码{code_text(context, found)}，用于{_PURPOSES[purpose]}，{minutes}分钟内有效。任何人索要均勿告知。"
    send(context, found, text)
    return {"operator_id": found.id, "purpose": purpose.value, "expires_at": code["expires_at"]}


def send(context: Context, found: Person, text: str) -> None:
    """Send the open code; the gateway sends one code once. Raises SmsUnavailableError."""
    mobile = found.opened(context, "mobile")
    assert mobile is not None, "an operator has a mobile"
    code = found.open_code()
    context.sms.send(mobile, text, f"{found.operator.pk}/{code['sent_as']}")


def set_login_password(
    context: Context, credentials: Credentials, named: Person, command: SetLoginPassword
) -> Document:
    """Set the first login password and the reserved phrase (客户预留信息): the operator is active from then on.

    Raises NotFoundError, WrongStateError, PasswordError, the errors of codes, AccountsUnavailableError, BusyError.
    """
    found = again(context, named)
    require_status(found, Purpose.LOGIN_PASSWORD)
    password = _good(context, credentials, found, command.password, LOGIN_LENGTH_MIN, extra=command.phrase)
    taken = shown_code(context, named, Purpose.LOGIN_PASSWORD, command.code)
    credentials.accounts.set_password(taken.id, password)
    sealed = context.vault.encrypt(*taken.owner, command.phrase)
    changes: Document = {"status": OperatorStatus.ACTIVE.value, "phrase": sealed}
    return _cleared(context, named, changes, "OperatorActivated")


def change_login_password(
    context: Context, credentials: Credentials, named: Person, command: ChangeLoginPassword
) -> Document:
    """Change the login password; the login service itself counts wrong ones.

    Raises NotFoundError, OperatorNotActiveError, LoginError, PasswordError, AccountsUnavailableError, BusyError.
    """
    found = again(context, named)
    _require_active(found)
    require_login(
        context, credentials, found, command.access_token, age_s=rules_of(context, named.partner_id).login_age_s
    )
    phrase = found.opened(context, "phrase") or ""
    password = _good(context, credentials, found, command.password, LOGIN_LENGTH_MIN, extra=phrase)
    credentials.accounts.change_password(command.access_token, command.present, password)
    return _recorded(context, named, {}, "LoginPasswordChanged", lambda body: body)


def set_payment_password(
    context: Context, credentials: Credentials, named: Person, command: SetPaymentPassword
) -> Document:
    """Set the payment password (支付密码), or another one for whoever knows the present one.

    Takes a fresh login and a code; wrong codes and wrong present passwords count as failures alike. Raises
    NotFoundError, LoginError, OperatorNotActiveError, PasswordError, PaymentPasswordError, the errors of codes,
    BusyError.
    """
    found = again(context, named)
    require_status(found, Purpose.PAYMENT_PASSWORD)
    require_login(
        context, credentials, found, command.access_token, age_s=rules_of(context, named.partner_id).login_age_s
    )
    phrase = found.opened(context, "phrase") or ""
    password = _good(context, credentials, found, command.password, PAYMENT_LENGTH_MIN, extra=phrase)
    if "payment_password" in found.operator.body and command.present is None:
        raise PaymentPasswordError("Send the present payment password too.", field="present")
    taken = shown_code(context, named, Purpose.PAYMENT_PASSWORD, command.code)
    had = taken.opened(context, "payment_password")
    if had is not None and not credentials.hasher.verify(had, normalised(command.present or "")):
        refused(context, taken)
        raise PaymentPasswordError("The present payment password is wrong.", field="present")
    sealed = context.vault.encrypt(*taken.owner, credentials.hasher.hash(password))
    changes: Document = {"payment_password": sealed, "payment_password_set_at": iso(context.clock.now())}
    return _cleared(context, named, changes, "PaymentPasswordChanged" if had else "PaymentPasswordSet")


def rules_of(context: Context, partner_id: str) -> ConfirmationRules:
    """How the tenant's operators are asked."""
    platform, tenant = context.store.get_many([POLICY_KEY, tenant_key(partner_id)])
    return policy_of(platform, tenant).confirmation


def refused(context: Context, taken: Person) -> None:
    """Tell of the lock, where a wrong answer has brought one."""
    if taken.operator.body.get("locked_until") is None:
        return
    write_again(context, lambda: lock_writes(context, taken, enterprise_of(context, taken.owner[0])))


def shown_code(context: Context, named: Person, purpose: Purpose, code: str) -> Person:
    """The operator, once an attempt was taken and the code is right. Raises CodeMismatchError and those of attempts."""
    code_id = str(again(context, named).open_code().get("id", ""))
    taken = take_attempt(context, lambda: again(context, named), code_id, purpose)
    if not code_fits(context, taken, code, code_id, _bound(taken, purpose)):
        refused(context, taken)
        raise CodeMismatchError("The code is wrong; compare it with the message.", field="code")
    return taken


def _cleared(context: Context, named: Person, changes: Document, kind: str) -> Document:
    return _recorded(context, named, changes, kind, without_failures)


def _recorded(
    context: Context, named: Person, changes: Document, kind: str, edit: Callable[[Document], Document]
) -> Document:
    def writes() -> list[Write]:
        found = again(context, named)
        body = {**edit(found.operator.body), **changes}
        return [found.operator.replaced(body), *event_writes(context, found.enterprise, found.id, kind, {})]

    write_again(context, writes)
    return shown(again(context, named).operator.body)


def _good(context: Context, credentials: Credentials, found: Person, password: str, least: int, *, extra: str) -> str:
    owner, key = found.owner
    body = found.enterprise.body
    sealed = [context.vault.decrypt(owner, key, str(body[name])) for name in ("legal_representative", "mobile")]
    account = context.vault.decrypt(owner, key, str(body["account_number"]))
    own = [found.opened(context, "name") or "", found.opened(context, "mobile") or ""]
    known = [str(body["name"]), str(body["uscc"]), account, *sealed, *own, extra]
    return require_good(password, least=least, personal=known, breached=credentials.breached, field="password")


def _bound(found: Person, purpose: Purpose) -> str:
    return hashlib.sha256(canonical_bytes([purpose.value, found.owner[0], found.id])).hexdigest()


def _repeats(context: Context, found: Person, code_id: str) -> bool:
    code = found.open_code()
    return code.get("id") == code_id and iso(context.clock.now()) < str(code["expires_at"])


def require_status(found: Person, purpose: Purpose) -> None:
    """Raises WrongStateError, OperatorNotActiveError, EnterpriseClosedError where the code would be of no use."""
    status = found.operator.body["status"]
    require_not_closed(found.enterprise)
    if purpose is Purpose.LOGIN_PASSWORD and status != OperatorStatus.INVITED:
        raise WrongStateError(f"The operator is {status}: it changes its login password by the present one.")
    if purpose is not Purpose.LOGIN_PASSWORD:
        _require_active(found)


def _require_active(found: Person) -> None:
    status = found.operator.body["status"]
    if status != OperatorStatus.ACTIVE:
        raise OperatorNotActiveError(f"The operator is {status}; it first sets a login password.", field="operator_id")
