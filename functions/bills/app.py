"""Bills: their import, what was found of them ahead of time, and the round that keeps it fresh."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.bill_template import template
from rongtong.entrypoints import bill_models, queries
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import Headers, answer, body_digest, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import bill_imports, bills
from rongtong.services.storage import Item

app = Chalice(app_name="bills")


@serve(app, "POST", "/v1/bill-imports")
def import_bills(call: Call) -> Response:
    """201 with the import: its end, or where to put the file that it announces."""
    key = idempotency_key(call.request)
    body = read_body(call.request, bill_models.BillImportBody, most=bill_models.BODY_BYTES_MAX)
    document, created = bill_imports.begin(
        call.context,
        bill_imports.ImportBills(
            partner_id=call.partner_id,
            idempotency_key=key,
            body_digest=body_digest(call.request),
            format=body.format,
            enterprise_id=body.enterprise_id,
            institution_ids=tuple(dict.fromkeys(body.institution_ids)),
            content=_content(body),
            file_sha256=body.upload.sha256 if body.upload else "",
            file_bytes=body.upload.bytes if body.upload else 0,
        ),
    )
    headers: Headers = {"Location": f"/v1/bill-imports/{document['import_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 201, headers)


@serve(app, "GET", "/v1/bill-imports")
def list_imports(call: Call) -> Response:
    """The caller's imports, the newest first."""
    asked = queries.part_of(queries.read_query(call.request.query_params, queries.ListQuery), None)
    return answer(bills.import_page(call.context, asked, partner_id=call.partner_id))


@serve(app, "GET", "/v1/bill-imports/template")
def read_template(call: Call) -> Response:
    """The empty file to fill in."""
    query = queries.read_query(call.request.query_params, bill_models.TemplateQuery)
    content = template(query.format)
    if query.format == "xlsx":
        return _file(content, "application/octet-stream", "bills.xlsx")
    return _file(content.decode(), _TEXT_TYPES[query.format], f"bills.{query.format}")


@serve(app, "GET", "/v1/bill-imports/{bill_import_id}")
def read_import(call: Call, bill_import: Item) -> Response:
    """How far an import is, and what became of its lines."""
    query = queries.read_query(call.request.query_params, bill_models.BillImportQuery)
    if query.format == "csv":
        name = f"{bill_import.body['import_id']}.csv"
        return _file(bills.import_csv(call.context, bill_import), _TEXT_TYPES["csv"], name)
    asked = bills.LinesAsked(query.only, query.offset, query.limit)
    return answer(bills.read_import(call.context, bill_import, asked))


@serve(app, "POST", "/v1/bill-imports/{bill_import_id}/start")
def start_import(call: Call, bill_import: Item) -> Response:
    """Import the file that was put where the import said; a repeat answers how far it is."""
    idempotency_key(call.request)
    return answer(bill_imports.start(call.context, bill_import))


@serve(app, "GET", "/v1/bills")
def list_bills(call: Call) -> Response:
    """The caller's imported bills, those that mature last first."""
    query = queries.read_query(call.request.query_params, bill_models.BillsQuery)
    page = bills.find_page(
        call.context,
        query.part(),
        partner_id=call.partner_id,
        status=query.status,
        acceptor_bank_code=query.acceptor_bank_code,
    )
    return answer(page)


@serve(app, "GET", "/v1/bills/{bill_id}")
def read_bill(_: Call, bill: Item) -> Response:
    """A bill as it was imported, with what was found of it ahead of time and until when that is good."""
    return answer(bills.view(bill))


@app.lambda_function(name="look_after_bills")
def look_after_bills(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: carry on imports, look anew at bills whose time has come."""
    return run_task(bills.look_after, event)


_TEXT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def _content(body: bill_models.BillImportBody) -> bytes | None:
    """The file that came with the request, None where it follows."""
    if body.upload is not None:
        return None
    return b64decode(body.content_base64) if body.content_base64 else json.dumps(body.bills).encode()


def _file(content: str | bytes, media: str, name: str) -> Response:
    headers: Headers = {"Content-Type": media, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body=content, status_code=200, headers=headers)
