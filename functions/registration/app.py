"""Registration: the enterprise routes of the API and the task that verifies an enterprise."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints import models, queries
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.etags import etag, require_match
from rongtong.entrypoints.http import answer, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import accounts, lists, registration
from rongtong.services.storage import Item

app = Chalice(app_name="registration")


@serve(app, "POST", "/v1/enterprises")
def register_enterprise(call: Call) -> Response:
    """202 with the enterprise; its verification goes on by itself."""
    idempotency_key(call.request)
    body = read_body(call.request, models.EnterpriseBody)
    command = registration.RegisterEnterprise(
        partner_id=call.partner_id,
        name=body.name,
        uscc=body.uscc,
        legal_representative=body.legal_representative,
        mobile=body.mobile,
        bank_code=body.account.bank_code,
        account_number=body.account.account_number,
        account_name=body.account.account_name,
        terms_version=body.consent.terms_version,
        profile=models.plain(body.profile) if body.profile else None,
    )
    return answer(registration.register(call.context, command), 202)


@serve(app, "GET", "/v1/enterprises")
def list_enterprises(call: Call) -> Response:
    """The caller's enterprises, masked, newest first, a page at a time."""
    asked = queries.read_query(call.request.query_params, queries.EnterprisesQuery)
    part = queries.part_of(asked, asked.fields)
    return answer(lists.enterprises(call.context, part, partner_id=call.partner_id, status=asked.status))


@serve(app, "GET", "/v1/enterprises/{enterprise_id}")
def read_enterprise(call: Call, enterprise: Item) -> Response:
    """The enterprise, masked."""
    shown = registration.shown(call.context, enterprise)
    return answer(shown, headers={"ETag": etag(shown)})


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/account")
def change_account(call: Call, enterprise: Item) -> Response:
    """Let the enterprise be paid to another account of its own."""
    idempotency_key(call.request)
    account = read_body(call.request, models.AccountBody).account
    require_match(call.request, registration.shown(call.context, enterprise))
    command = accounts.ChangeAccount(
        bank_code=account.bank_code,
        account_number=account.account_number,
        account_name=account.account_name,
    )
    return answer(accounts.change_account(call.context, enterprise, command))


@app.lambda_function(name="verify_enterprise")
def verify_enterprise(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: check account and lists, decide."""
    return run_task(lambda c: registration.verify_enterprise(c, str(event["enterprise_id"])), event)
