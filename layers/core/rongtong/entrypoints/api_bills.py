"""The description of bills and their imports."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_bills as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.bill_models import BillImportBody, BillImportQuery, BillsQuery, TemplateQuery
from rongtong.entrypoints.queries import ListQuery

_BILLS = "Bills"
_BINARY = "application/octet-stream"
_IMPORT = {"bill_import_id": "$response.body#/import_id"}
_FROM_IMPORT = {
    "import": Link("readBillImport", "How far it is, and what became of its lines.", _IMPORT),
    "start": Link("startBillImport", "Once the announced file is where it belongs.", _IMPORT),
}
_EXAMPLE = {
    "institution_ids": ["bank-1"],
    "bills": [
        {
            "enterprise_id": "ent_abcdefghijklmnopqrstuvwxyz",
            "bill": {
                "number": "531310000001320260304000000016",
                "range": "000894000001-001239000000",
                "amount_fen": 345_000_000,
                "kind": "AC01",
                "issue_date": "2026-03-04",
                "maturity_date": "2026-07-04",
                "acceptor_bank_code": "313100000013",
            },
            "trade": {
                "order_number": "PO-2026-00001",
                "order_amount_fen": 345_000_000,
                "order_date": "2026-01-16",
                "order_buyer_uscc": "91350100MA0001202D",
                "invoice_number": "26352000000000000001",
            },
        }
    ],
}

BILLS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/bill-imports"): Operation(
        id="importBills",
        tag=_BILLS,
        summary="Import bills",
        description=(
            "Every line is imported or refused by a code of its own. Up to 200 bills come with the request, as `bills` "
            "or as a file in `content_base64`; up to 10,000 in a file that `upload` announces: put it where the answer "
            "says, then start the import."
        ),
        body=BillImportBody,
        example=_EXAMPLE,
        replies={201: Reply("The import.", shown.BillImport, headers=("Location", "Idempotent-Replayed"))},
        codes=(
            "INSTITUTION_UNKNOWN",
            "IMPORT_TOO_LONG",
            "BILL_FILE_FORMAT",
            "BILL_FILE_ENCODING",
            "BILL_FILE_COLUMNS",
            "BILL_FILE_EMPTY",
            "BILL_FILE_TOO_LARGE",
            "BILL_FILE_TOO_MANY_LINES",
        ),
        links=_FROM_IMPORT,
    ),
    ("GET", "/v1/bill-imports"): Operation(
        id="listBillImports",
        tag=_BILLS,
        summary="List the imports",
        query=ListQuery,
        replies={200: Reply("A page of them.", shown.BillImportList)},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={
            "first": Link(
                "readBillImport",
                "The first of them.",
                {"bill_import_id": "$response.body#/bill_imports/0/import_id"},
            )
        },
    ),
    ("GET", "/v1/bill-imports/template"): Operation(
        id="readBillTemplate",
        tag=_BILLS,
        summary="Get the empty file to fill in",
        description="A workbook comes as `application/octet-stream`; ask with `Accept: application/octet-stream`.",
        query=TemplateQuery,
        replies={200: Reply("The file.", media="text/csv", others=("application/json", _BINARY))},
        codes=("INVALID_BODY",),
    ),
    ("GET", "/v1/bill-imports/{bill_import_id}"): Operation(
        id="readBillImport",
        tag=_BILLS,
        summary="Read how far an import is, and what became of its lines",
        query=BillImportQuery,
        replies={200: Reply("The import.", shown.BillImportLines, others=("text/csv",))},
        codes=("NOT_FOUND", "INVALID_BODY"),
        links={"bill": Link("readBill", "The first line's bill.", {"bill_id": "$response.body#/results/0/bill_id"})},
    ),
    ("POST", "/v1/bill-imports/{bill_import_id}/start"): Operation(
        id="startBillImport",
        tag=_BILLS,
        summary="Import the announced file",
        description="What is not done when this is answered goes on by itself.",
        replies={200: Reply("The import as it stands.", shown.BillImport)},
        codes=("NOT_FOUND", "UPLOAD_MISSING", "HEADER_MISSING", "CONTENT_DIGEST_MISMATCH"),
        links=_FROM_IMPORT,
    ),
    ("GET", "/v1/bills"): Operation(
        id="listBills",
        tag=_BILLS,
        summary="List the imported bills, those that mature last first",
        query=BillsQuery,
        replies={200: Reply("A page of them.", shown.BillList)},
        codes=("INVALID_BODY", "INVALID_CURSOR"),
        links={"first": Link("readBill", "The first of them.", link_by("bill_id", "/bills/0"))},
    ),
    ("GET", "/v1/bills/{bill_id}"): Operation(
        id="readBill",
        tag=_BILLS,
        summary="Read an imported bill and what was found of it ahead of time",
        replies={200: Reply("The bill.", shown.ImportedBill)},
        codes=("NOT_FOUND",),
    ),
}
