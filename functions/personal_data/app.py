"""Personal data: consents, full display with a reason, the export, and closing an enterprise."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.entrypoints import personal_models, queries
from rongtong.entrypoints.confirmation_parts import credentials, require_known_page
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import answer, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.services import closure, consents, disclosures, operator_records, personal_export
from rongtong.services.storage import Item

app = Chalice(app_name="personal_data")


@serve(app, "GET", "/v1/enterprises/{enterprise_id}/consents")
def list_consents(call: Call, enterprise: Item) -> Response:
    """Every consent with its source, newest first."""
    return answer(consents.consents(call.context, enterprise))


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/consents")
def give_consent(call: Call, enterprise: Item) -> Response:
    """The enterprise consents to a version of the terms, again or anew."""
    idempotency_key(call.request)
    body = read_body(call.request, personal_models.ConsentBody)
    return answer(consents.give(call.context, enterprise, body.terms_version))


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/consents/withdrawal")
def withdraw_consent(call: Call, enterprise: Item) -> Response:
    """No new discount from now on; what runs goes on."""
    idempotency_key(call.request)
    return answer(consents.withdraw(call.context, enterprise))


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/disclosures")
def disclose(call: Call, enterprise: Item) -> Response:
    """Fields in full, to an operator that proves a fresh login and a code."""
    idempotency_key(call.request)
    require_known_page(call)
    body = read_body(call.request, personal_models.DisclosureBody)
    named = operator_records.person(call.context, str(enterprise.body["enterprise_id"]), body.operator_id)
    command = disclosures.Disclose(body.reason, tuple(body.fields), body.access_token, body.code)
    return answer(disclosures.to_operator(call.context, credentials(), named, command))


@serve(app, "GET", "/v1/enterprises/{enterprise_id}/export")
def export(call: Call, enterprise: Item) -> Response:
    """A page of what the platform holds of the enterprise, masked."""
    query = queries.read_query(call.request.query_params, personal_models.ExportQuery)
    return answer(personal_export.export(call.context, enterprise, query.cursor))


@serve(app, "POST", "/v1/enterprises/{enterprise_id}/closure")
def close(call: Call, enterprise: Item) -> Response:
    """Close it for good; its data is restricted, and erased when it need be kept no longer."""
    idempotency_key(call.request)
    body = read_body(call.request, personal_models.ClosureBody)
    return answer(closure.close(call.context, credentials(), enterprise, body.reason))


@serve(app, "POST", "/v1/operations/enterprises/{enterprise_id}/disclosures")
def disclose_to_operations(call: Call, enterprise: Item) -> Response:
    """Fields in full, as another person has approved them for the caller."""
    idempotency_key(call.request)
    return answer(disclosures.to_operations(call.context, call.partner_id, enterprise))
