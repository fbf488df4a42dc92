"""Bills and their imports, asked for as API Gateway asks: what is answered is what the description says."""

import base64
import csv
import hashlib
import io
import json

import openpyxl
import pytest

from access_fakes import load_app
from api_calls import call
from bill_files import csv_of, json_of, row
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.bill_columns import COLUMNS
from rongtong.entrypoints import answers_bills as shown
from rongtong.entrypoints import bootstrap
from rongtong.services import bills as bill_services

APP = load_app("bills").app
GOOD = [bill for bill in sample_bills() if bill.expected == "disbursed" and bill.bill and not bill.at][:4]
IMPORTS, IMPORT, BILLS, BILL = (
    "/v1/bill-imports",
    "/v1/bill-imports/{bill_import_id}",
    "/v1/bills",
    "/v1/bills/{bill_id}",
)
TEMPLATE = "/v1/bill-imports/template"


@pytest.fixture
def platform(monkeypatch):
    made = Platform(("partner-a", "partner-b"))
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


def rows(platform):
    return [row(bill, platform.ids[PARTNER, bill.holder_uscc]) for bill in GOOD]


def imported(platform, bills=GOOD, key="key-1", **more):
    body = {"bills": json.loads(json_of(platform, bills)), "institution_ids": ["bank-1"], **more}
    return call(APP, "POST", IMPORTS, body=body, key=key)


def file_body(content, file_format, **more):
    return {"format": file_format, "content_base64": base64.b64encode(content).decode(), **more}


def test_bills_are_imported_with_the_request_and_read_again(platform):
    answer = imported(platform)
    assert (answer.status, answer.body["status"], answer.body["imported"]) == (201, "DONE", 4)
    assert answer.headers["Location"] == f"/v1/bill-imports/{answer.body['import_id']}"
    lines = call(APP, "GET", IMPORT, bill_import_id=answer.body["import_id"]).body
    shown.BillImportLines.model_validate(lines)
    bill = call(APP, "GET", BILL, bill_id=lines["results"][0]["bill_id"]).body
    assert bill["bill_number"] == GOOD[0].request["bill"]["number"]


def test_a_repeat_says_so(platform):
    first, again = imported(platform), imported(platform)
    assert (again.status, again.body) == (first.status, first.body)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_small_file_comes_with_the_request(platform, file_format):
    content = csv_of(rows(platform))
    if file_format == "xlsx":
        book, saved = openpyxl.Workbook(), io.BytesIO()
        for line in csv.reader(io.StringIO(content.decode())):
            book.active.append(line)
        book.save(saved)
        content = saved.getvalue()
    answer = call(APP, "POST", IMPORTS, body=file_body(content, file_format), key="key-1")
    assert (answer.status, answer.body["imported"], answer.body["refused"]) == (201, 4, 0)


def test_a_large_file_is_announced_put_and_started(platform):
    content = csv_of(rows(platform))
    upload = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    begun = call(APP, "POST", IMPORTS, body={"format": "csv", "upload": upload}, key="key-1")
    shown.BillImport.model_validate(begun.body)
    assert begun.body["upload"]["method"] == "PUT"
    named = {"bill_import_id": begun.body["import_id"]}
    early = call(APP, "POST", f"{IMPORT}/start", key="key-2", **named)
    assert (early.status, early.body["code"]) == (409, "UPLOAD_MISSING")
    platform.context.uploads.files[platform.context.uploads.invited[0][0]] = content
    started = call(APP, "POST", f"{IMPORT}/start", key="key-2", **named)
    assert (started.status, started.body["status"], started.body["imported"]) == (200, "DONE", 4)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID_BODY"),
        ({"bills": []}, "INVALID_BODY"),
        ({"bills": [{}] * 201}, "INVALID_BODY"),
        ({"bills": [{}], "content_base64": "YQ=="}, "INVALID_BODY"),
        ({"bills": [{}], "format": "csv"}, "INVALID_BODY"),
        ({"bills": [{}], "upload": None}, "INVALID_BODY"),
        ({"format": "csv", "content_base64": "A"}, "INVALID_BODY"),
        ({"format": "csv", "content_base64": "%%"}, "INVALID_BODY"),
        ({"format": "csv", "content_base64": "YQ=="}, "BILL_FILE_COLUMNS"),
        ({"format": "xlsx", "content_base64": "YQ=="}, "BILL_FILE_FORMAT"),
        ({"format": "json", "content_base64": "YQ=="}, "BILL_FILE_FORMAT"),
        ({"format": "pdf", "content_base64": "YQ=="}, "INVALID_BODY"),
        ({"upload": {"sha256": "0" * 64, "bytes": 2**40}}, "INVALID_BODY"),
        ({"upload": {"sha256": "0" * 63, "bytes": 1}}, "INVALID_BODY"),
        ({"bills": [{}], "institution_ids": ["nobody"] * 21}, "INVALID_BODY"),
    ],
)
def test_what_is_no_import_is_refused_and_leaves_nothing(platform, body, code):
    answer = call(APP, "POST", IMPORTS, body=body, key="key-1")
    assert (answer.status, answer.body["code"]) == (422, code)
    assert platform.context.store.states("import#") == []


def test_an_import_may_be_larger_than_other_bodies_but_not_without_end(platform):
    padded = {"bills": [{"note": "x" * 400}] * 200}
    assert call(APP, "POST", IMPORTS, body=padded, key="key-1").body["refused"] == 200
    padded["bills"] = [{"note": "x" * 2_000}] * 200
    assert call(APP, "POST", IMPORTS, body=padded, key="key-2").status == 413


def test_another_tenant_s_imports_and_bills_look_like_none(platform):
    import_id = imported(platform).body["import_id"]
    bill_id = call(APP, "GET", BILLS).body["bills"][0]["bill_id"]
    for route, named in ((IMPORT, {"bill_import_id": import_id}), (BILL, {"bill_id": bill_id})):
        theirs = call(APP, "GET", route, partner="partner-b", **named)
        unknown = call(APP, "GET", route, partner="partner-b", **dict.fromkeys(named, "nothing"))
        assert theirs.status == unknown.status == 404
        assert theirs.body["detail"] == unknown.body["detail"]
    assert call(APP, "GET", BILLS, partner="partner-b").body["bills"] == []
    assert call(APP, "GET", IMPORTS, partner="partner-b").body["bill_imports"] == []
    started = call(APP, "POST", f"{IMPORT}/start", partner="partner-b", key="k", bill_import_id=import_id)
    assert started.status == 404


def test_bills_are_listed_by_maturity_in_pages_and_between_two_days(platform):
    imported(platform)
    days = sorted(bill.request["bill"]["maturity_date"] for bill in GOOD)
    first = call(APP, "GET", BILLS, query={"limit": "3"}).body
    rest = call(APP, "GET", BILLS, query={"limit": "3", "cursor": first["next_cursor"]}).body
    assert [bill["maturity_date"] for bill in first["bills"] + rest["bills"]] == days[::-1]
    assert rest["next_cursor"] is None
    between = call(APP, "GET", BILLS, query={"maturity_from": days[1], "maturity_to": days[2]}).body["bills"]
    assert {bill["maturity_date"] for bill in between} == {day for day in days if days[1] <= day <= days[2]}
    shown.BillList.model_validate(first)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cursor": "AAAA"}, "INVALID_CURSOR"),
        ({"status": "NEW"}, "INVALID_BODY"),
        ({"maturity_from": "1.1.2026"}, "INVALID_BODY"),
        ({"limit": "0"}, "INVALID_BODY"),
        ({"state": "IMPORTED"}, "INVALID_BODY"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(platform, query, code):
    answer = call(APP, "GET", BILLS, query=query)
    assert (answer.status, answer.body["code"]) == (422, code)


def test_the_last_day_of_the_calendar_may_be_asked_for(platform):
    imported(platform)
    assert len(call(APP, "GET", BILLS, query={"maturity_to": "9999-12-31"}).body["bills"]) == 4


def test_what_was_found_ahead_is_answered_as_described(platform):
    for bill in GOOD:
        platform.hold(bill)
    imported(platform)
    platform.context.clock.sleep(1)
    platform.context.clock.instant = platform.context.clock.instant.replace(second=5)
    bill_services.look_after(platform.context)
    page = call(APP, "GET", BILLS, query={"status": "QUALIFIED"}).body
    shown.BillList.model_validate_json(json.dumps(page), strict=True)
    assert {bill["prequalification"]["outcome"] for bill in page["bills"]} == {"approve"}


def test_results_come_as_a_table_too(platform):
    import_id = imported(platform).body["import_id"]
    answer = call(APP, "GET", IMPORT, query={"format": "csv"}, bill_import_id=import_id)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(list(csv.reader(io.StringIO(answer.text)))) == 5


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_the_template_is_a_file_to_fill_in(platform, file_format):
    answer = call(APP, "GET", TEMPLATE, query={"format": file_format})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="bills.{file_format}"'
    assert all(name in answer.text for name in ("maturity_date", "order_buyer_uscc"))


def test_the_workbook_arrives_whole(platform):
    accept = {"accept": "application/octet-stream"}
    answer = call(APP, "GET", TEMPLATE, query={"format": "xlsx"}, headers=accept)
    book = openpyxl.load_workbook(io.BytesIO(base64.b64decode(answer.text)))
    assert [cell.value for cell in book["bills"][1]] == list(COLUMNS)


def test_the_list_of_imports_is_as_described(platform):
    imported(platform)
    imported(platform, GOOD[:1], "key-2", enterprise_id=platform.ids[PARTNER, GOOD[0].holder_uscc])
    page = call(APP, "GET", IMPORTS).body
    shown.BillImportList.model_validate_json(json.dumps(page), strict=True)
    assert len(page["bill_imports"]) == 2
