"""Confirmation: the operators of an enterprise, their passwords, and the confirmation of a discount by two factors."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.domain.sealed import About
from rongtong.entrypoints import confirmation_models, models
from rongtong.entrypoints.confirmation_parts import credentials, require_known_page, secrets_of
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.errors import InvalidBodyError
from rongtong.entrypoints.http import Headers, answer, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.services import confirmation, operator_passwords, operator_records, operators
from rongtong.services.storage import Item

app = Chalice(app_name="confirmation")
KEY_KEPT_S = 300
"""How long the public key may be kept; after another one took its place, it counts for longer than that."""


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/operators")
def register_operator(call: Call, enterprise: Item) -> Response:
    """201 with the operator, who sets a login password next."""
    idempotency_key(call.request)
    body = read_body(call.request, confirmation_models.OperatorBody)
    roles = tuple(dict.fromkeys(body.roles))
    command = operators.RegisterOperator(body.name, body.mobile, body.consent.terms_version, roles)
    document = operators.register(call.context, credentials(), enterprise, command)
    headers: Headers = {"Location": f"/v1/enterprises/{enterprise.body['enterprise_id']}/operators"}
    return answer(document, 201, headers)


@serve(app, "GET", "/v1/enterprises/{enterprise_id}/operators")
def list_operators(call: Call, enterprise: Item) -> Response:
    """The enterprise's operators, masked."""
    return answer({"operators": operators.listed(call.context, enterprise)})


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}")
def change_operator(call: Call, enterprise: Item, operator: Item) -> Response:
    """Disable or enable an operator, or give it other roles."""
    idempotency_key(call.request)
    body = read_body(call.request, confirmation_models.OperatorChangeBody)
    found = operator_records.Person(enterprise, operator)
    roles = None if body.roles is None else tuple(dict.fromkeys(body.roles))
    return answer(operators.change(call.context, credentials(), found, enabled=body.enabled, roles=roles))


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/codes")
def send_code(call: Call, enterprise: Item, operator: Item) -> Response:
    """201 once a code is on its way to the operator's mobile."""
    key = idempotency_key(call.request)
    require_known_page(call)
    body = read_body(call.request, confirmation_models.CodeBody)
    found = operator_records.Person(enterprise, operator)
    return answer(operator_passwords.send_code(call.context, found, key, operator_records.Purpose(body.purpose)), 201)


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/login-password")
def set_login_password(call: Call, enterprise: Item, operator: Item) -> Response:
    """The operator; with its first login password it becomes active."""
    idempotency_key(call.request)
    require_known_page(call)
    body = read_body(call.request, confirmation_models.LoginPasswordBody)
    found, given = operator_records.Person(enterprise, operator), credentials()
    about = About(operator_records.Purpose.LOGIN_PASSWORD, found.id)
    if body.first is not None and body.other is None:
        new = secrets_of(call, given, body.first, confirmation_models.FirstLoginSecrets, about)
        first = operator_passwords.SetLoginPassword(new.code, new.password, body.first.phrase)
        return answer(operator_passwords.set_login_password(call.context, given, found, first))
    if body.other is not None and body.first is None:
        both = secrets_of(call, given, body.other, confirmation_models.OtherLoginSecrets, about)
        other = operator_passwords.ChangeLoginPassword(body.other.access_token, both.present, both.password)
        return answer(operator_passwords.change_login_password(call.context, given, found, other))
    raise InvalidBodyError("Send either first or other.", field="first")


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/payment-password")
def set_payment_password(call: Call, enterprise: Item, operator: Item) -> Response:
    """The operator, whose payment password counts from now on."""
    idempotency_key(call.request)
    require_known_page(call)
    body = read_body(call.request, confirmation_models.PaymentPasswordBody)
    found, given = operator_records.Person(enterprise, operator), credentials()
    about = About(operator_records.Purpose.PAYMENT_PASSWORD, found.id)
    new = secrets_of(call, given, body, confirmation_models.PaymentSecrets, about)
    command = operator_passwords.SetPaymentPassword(body.access_token, new.code, new.password, new.present)
    return answer(operator_passwords.set_payment_password(call.context, given, found, command))


@serve(app, "POST", "/v1/discounts/{discount_id}/confirmation-challenges")
def begin_confirmation(call: Call, discount: Item) -> Response:
    """201 with what the operator must see before it confirms; a code is on its way to its mobile."""
    key = idempotency_key(call.request)
    require_known_page(call)
    body = read_body(call.request, confirmation_models.ChallengeBody)
    document = confirmation.begin(call.context, discount, confirmation.Begin(body.operator_id, key))
    path = f"/v1/discounts/{document['discount_id']}/confirmation-challenges/{document['challenge_id']}"
    headers: Headers = {"Location": path}
    return answer(document, 201, headers)


@serve(app, "POST", "/v1/discounts/{discount_id}/confirmation-challenges/{challenge_id}")
def complete_confirmation(call: Call, discount: Item, challenge_id: str) -> Response:
    """The discount, which goes on once every factor is right."""
    idempotency_key(call.request)
    require_known_page(call)
    body, given = read_body(call.request, confirmation_models.ProofBody), credentials()
    discount_id = str(discount.body["discount_id"])
    about = About(operator_records.Purpose.CONFIRM, body.operator_id, discount_id, challenge_id)
    shown = secrets_of(call, given, body, confirmation_models.ProofSecrets, about)
    command = confirmation.Complete(
        challenge_id=challenge_id,
        operator_id=body.operator_id,
        access_token=body.access_token,
        code=shown.code,
        payment_password=shown.payment_password,
        access=models.plain(body.access) if body.access else None,
    )
    return answer(confirmation.complete(call.context, given, discount, command))


@serve(app, "GET", "/v1/confirmation-key")
def read_confirmation_key(_: Call) -> Response:
    """The public key under which operators' pages seal codes and passwords (RFC 7517); their browsers may ask."""
    headers: Headers = {"Cache-Control": f"public, max-age={KEY_KEPT_S}", "Access-Control-Allow-Origin": "*"}
    return answer(credentials().keys.published(), headers=headers)
