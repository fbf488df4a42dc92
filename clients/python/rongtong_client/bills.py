"""Imported bills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from rongtong_client import types
from rongtong_client.calls import Calls, path_of


class BillCalls(Calls):
    """Bills ahead of their discounts."""

    def import_bills(self, body: types.BillImportBody, *, idempotency_key: str | None = None) -> types.BillImport:
        """Import bills, a small file of them, or announce a large one (``start_bill_import`` once it was put)."""
        return cast(types.BillImport, self._post("/v1/bill-imports", body, idempotency_key))

    def start_bill_import(self, bill_import_id: str, *, idempotency_key: str | None = None) -> types.BillImport:
        """Begin with a file that was put to the address of its announcement."""
        path = path_of("/v1/bill-imports", bill_import_id, "start")
        return cast(types.BillImport, self._post(path, None, idempotency_key))

    def list_bill_imports(self, *, since: str | None = None, until: str | None = None) -> Iterator[types.BillImport]:
        """All of them, newest first, page by page."""
        return self._pages("/v1/bill-imports", "bill_imports", {"since": since, "until": until})

    def read_bill_import(
        self,
        bill_import_id: str,
        *,
        only: Literal["all", "imported", "refused"] = "all",
        offset: int = 0,
        limit: int | None = None,
    ) -> types.BillImportLines:
        """Where an import stands, and what became of its lines from ``offset`` on."""
        query = {"only": only, "offset": offset, "limit": limit}
        return cast(types.BillImportLines, self._get(path_of("/v1/bill-imports", bill_import_id), query))

    def read_bill_import_lines(
        self, bill_import_id: str, *, only: Literal["all", "imported", "refused"] = "all"
    ) -> Iterator[types.LineResult]:
        """What became of every line that was worked on so far."""
        offset: int | None = 0
        while offset is not None:
            page = self.read_bill_import(bill_import_id, only=only, offset=offset)
            yield from page["results"]
            offset = page["next_offset"]

    def read_bill_template(self, form: Literal["csv", "xlsx", "json"] = "csv") -> bytes:
        """A file to be filled in."""
        # The gateway answers bytes only to whoever asks for this type first.
        accept = "application/octet-stream" if form == "xlsx" else "*/*"
        return self._transport.send("GET", "/v1/bill-imports/template", query={"format": form}, accept=accept).content

    def list_bills(
        self,
        *,
        status: types.BillStatus | None = None,
        acceptor_bank_code: str | None = None,
        maturity_from: str | None = None,
        maturity_to: str | None = None,
    ) -> Iterator[types.ImportedBill]:
        """Imported bills as they stand now, page by page."""
        query = {"status": status, "acceptor_bank_code": acceptor_bank_code}
        return self._pages("/v1/bills", "bills", {**query, "maturity_from": maturity_from, "maturity_to": maturity_to})

    def read_bill(self, bill_id: str) -> types.ImportedBill:
        """An imported bill, with what was found of it ahead of time."""
        return cast(types.ImportedBill, self._get(path_of("/v1/bills", bill_id)))
