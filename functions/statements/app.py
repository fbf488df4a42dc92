"""Statements: what was paid and came back in a day or a month, and what of it is a large value, for who asks."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.adapters.camt_statement import camt_053
from rongtong.adapters.statement_csv import statement_csv
from rongtong.entrypoints import institution_models, queries
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import Headers, answer
from rongtong.entrypoints.routes import serve
from rongtong.services import large_values, statements

app = Chalice(app_name="statements")


@serve(app, "GET", "/v1/statements/{day}")
def read_statement(call: Call, day: str) -> Response:
    """The caller's own statement as JSON, or as a file for a spreadsheet or a treasury program."""
    query = queries.read_query(call.request.query_params, institution_models.StatementQuery)
    institution_id = call.who.institution_id
    of = statements.Owner
    owner = of.partner(call.partner_id) if institution_id is None else of.institution(institution_id)
    made = statements.statement(call.context, owner, day)
    if query.format == "csv":
        return _file(statement_csv(made), "text/csv; charset=utf-8", f"statement-{made.period.text()}.csv")
    if query.format == "camt.053":
        return _file(camt_053(made), "application/xml", f"camt053-{made.period.text()}.xml")
    return answer(statements.as_document(made))


@serve(app, "GET", "/v1/institution/large-values/{day}")
def read_large_values(call: Call, day: str) -> Response:
    """Whom the institution's bank must report for what it paid through the platform on a day."""
    return answer(large_values.large_values(call.context, str(call.who.institution_id), day))


def _file(content: bytes, media: str, name: str) -> Response:
    headers: Headers = {"Content-Type": media, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body=content.decode(), status_code=200, headers=headers)
