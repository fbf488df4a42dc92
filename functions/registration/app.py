"""Registration: the enterprise routes of the API and the task that verifies an enterprise."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.http import acting, answer, answers, caller, idempotency_key, read_body
from rongtong.entrypoints.models import AccountBody, EnterpriseBody, plain
from rongtong.entrypoints.tasks import run_task
from rongtong.services import accounts, registration

app = Chalice(app_name="registration")


@app.route("/v1/enterprises", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def register_enterprise() -> Response:
    """202 with the enterprise; its verification goes on by itself."""
    who = caller(app.current_request)
    idempotency_key(app.current_request)
    body = read_body(app.current_request, EnterpriseBody)
    command = registration.RegisterEnterprise(
        partner_id=who.partner_id,
        name=body.name,
        uscc=body.uscc,
        legal_representative=body.legal_representative,
        mobile=body.mobile,
        bank_code=body.account.bank_code,
        account_number=body.account.account_number,
        account_name=body.account.account_name,
        terms_version=body.consent.terms_version,
        profile=plain(body.profile) if body.profile else None,
    )
    return answer(registration.register(acting(context(), who), command), 202)


@app.route("/v1/enterprises/{enterprise_id}", methods=["GET"])
@answers(lambda: app.current_request)
def read_enterprise(enterprise_id: str) -> Response:
    """The enterprise, masked."""
    who = caller(app.current_request)
    return answer(registration.find(context(), who.partner_id, enterprise_id))


@app.route("/v1/enterprises/{enterprise_id}/account", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def change_account(enterprise_id: str) -> Response:
    """Let the enterprise be paid to another account of its own."""
    who = caller(app.current_request)
    idempotency_key(app.current_request)
    account = read_body(app.current_request, AccountBody).account
    command = accounts.ChangeAccount(
        partner_id=who.partner_id,
        enterprise_id=enterprise_id,
        bank_code=account.bank_code,
        account_number=account.account_number,
        account_name=account.account_name,
    )
    return answer(accounts.change_account(acting(context(), who), command))


@app.lambda_function(name="verify_enterprise")
def verify_enterprise(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: check account and lists, decide."""
    return run_task(lambda c: registration.verify_enterprise(c, str(event["enterprise_id"])), event)
