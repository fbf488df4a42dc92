"""Confirmation: the operators of an enterprise, their passwords, and the confirmation of a discount by two factors."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.entrypoints import confirmation_models, models
from rongtong.entrypoints.confirmation_parts import credentials, require_known_page
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.errors import InvalidBodyError
from rongtong.entrypoints.http import Headers, answer, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.services import confirmation, operator_passwords, operator_records, operators
from rongtong.services.storage import Item

app = Chalice(app_name="confirmation")


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
    body, found = (
        read_body(call.request, confirmation_models.LoginPasswordBody),
        operator_records.Person(enterprise, operator),
    )
    if body.first is not None and body.other is None:
        first = operator_passwords.SetLoginPassword(body.first.code, body.first.password, body.first.phrase)
        return answer(operator_passwords.set_login_password(call.context, credentials(), found, first))
    if body.other is not None and body.first is None:
        other = operator_passwords.ChangeLoginPassword(body.other.access_token, body.other.present, body.other.password)
        return answer(operator_passwords.change_login_password(call.context, credentials(), found, other))
    raise InvalidBodyError("Send either first or other.", field="first")


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/payment-password")
def set_payment_password(call: Call, enterprise: Item, operator: Item) -> Response:
    """The operator, whose payment password counts from now on."""
    idempotency_key(call.request)
    require_known_page(call)
    body = read_body(call.request, confirmation_models.PaymentPasswordBody)
    command = operator_passwords.SetPaymentPassword(body.access_token, body.code, body.password, body.present)
    found = operator_records.Person(enterprise, operator)
    return answer(operator_passwords.set_payment_password(call.context, credentials(), found, command))


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
    body = read_body(call.request, confirmation_models.ProofBody)
    command = confirmation.Complete(
        challenge_id=challenge_id,
        operator_id=body.operator_id,
        access_token=body.access_token,
        code=body.code,
        payment_password=body.payment_password,
        access=models.plain(body.access) if body.access else None,
    )
    return answer(confirmation.complete(call.context, credentials(), discount, command))
