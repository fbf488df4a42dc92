"""Imports: every line is imported or refused by name, once, whatever happens to those who work on it."""

import csv
import hashlib
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from bill_files import command, csv_of, json_of, row, stored_bill
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.bill_file import BillFileError
from rongtong.domain.bill_import import ImportStatus, require_import_transition
from rongtong.domain.bill_number import check_digit
from rongtong.domain.errors import TransitionError
from rongtong.services import bill_imports, bills, lists
from rongtong.services.bill_imports import CHUNK, ImportTooLongError, UploadMissingError, begin, start
from rongtong.services.errors import IdempotencyMismatchError, InstitutionUnknownError
from rongtong.services.records import import_pk
from rongtong.services.storage import BILL_LANE, IMPORT_LANE, Create

GOOD = [bill for bill in sample_bills() if bill.expected == "disbursed" and bill.bill and not bill.at][:6]


class CrashError(Exception):
    """The worker is gone."""


@pytest.fixture
def platform():
    return Platform(("partner-a", "partner-b"))


@pytest.fixture
def lines(platform):
    return [row(bill, platform.ids[PARTNER, bill.holder_uscc]) for bill in GOOD]


def many(lines, count):
    """Further bills of the first one's holder, each a number of its own."""
    first = lines[0]
    found = []
    for at in range(count):
        stem = f"{first['number'][:21]}{at:08d}"
        found.append({**first, "number": stem + check_digit(stem), "invoice_number": f"INV-{at}"})
    return found


def item_of(platform, import_id):
    return platform.context.store.get(import_pk(import_id), "state")


def read(platform, import_id, **asked):
    return bills.read_import(platform.context, item_of(platform, import_id), bills.LinesAsked(**asked))


def listed(platform, partner=PARTNER, **filters):
    asked = lists.Asked(100, since=filters.pop("since", None), until=filters.pop("until", None))
    wanted = {"status": None, "acceptor_bank_code": None, **filters}
    return bills.find_page(platform.context, asked, partner_id=partner, **wanted)["bills"]


def test_good_lines_are_imported_and_bad_ones_named(platform, lines):
    wrong = {**lines[1], "number": lines[1]["number"][:-1] + "x"}
    shown, created = begin(platform.context, command(csv_of([lines[0], wrong, lines[2]])))
    assert created
    assert {name: shown[name] for name in ("status", "lines", "done", "imported", "refused")} == {
        "status": "DONE",
        "lines": 3,
        "done": 3,
        "imported": 2,
        "refused": 1,
    }
    first, second, third = read(platform, shown["import_id"])["results"]
    assert (first["line"], first["outcome"], third["line"]) == (2, "imported", 4)
    assert {name: second[name] for name in ("line", "outcome", "column", "code")} == {
        "line": 3,
        "outcome": "refused",
        "column": "bill.number",
        "code": "BILL_NUMBER_DIGITS",
    }
    assert stored_bill(platform, GOOD[0]).body["bill_id"] == first["bill_id"]


def test_a_bill_is_kept_as_a_discount_of_it_states_it(platform):
    begin(platform.context, command(json_of(platform, [GOOD[0]]), file_format="json"))
    platform.hold(GOOD[0])
    discount_id = platform.accept(GOOD[0])
    request = platform.context.store.get(f"discount#{discount_id}", "event#0001").body["event"]["data"]
    body = stored_bill(platform, GOOD[0]).body
    common = set(request) & set(body)
    assert {name: body[name] for name in common} == {name: request[name] for name in common}
    assert {"bill_number", "range", "order_number", "invoice_number", "applicant_uscc"} <= common


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"amount_fen": 5}, "bill.amount_fen", "RANGE_AMOUNT_MISMATCH"),
        ({"kind": "AC02"}, "bill.kind", "KIND_MISMATCH"),
        ({"order_buyer_uscc": "91350100MA0001077X"}, "trade.order_buyer_uscc", "USCC_INVALID"),
        ({"acceptor_bank_code": "313100000014"}, "bill.acceptor_bank_code", "BANK_CODE_INVALID"),
        ({"acceptor_bank_code": "316331000018"}, "bill.acceptor_bank_code", "ACCEPTOR_BLOCKED"),
        ({"acceptor_bank_code": "318110000014"}, "bill.acceptor_bank_code", "ACCEPTOR_OVERDUE"),
        ({"maturity_date": "2026-04-15"}, "bill.maturity_date", "BILL_MATURED"),
        ({"maturity_date": "2026-12-31"}, "bill.maturity_date", "TENOR_TOO_LONG"),
        ({"maturity_date": "2026-01-04"}, "bill.maturity_date", "MATURITY_BEFORE_ISSUE"),
        ({"invoice_number": None}, "trade.invoice_number", "TRADE_EVIDENCE_MISSING"),
        ({"enterprise_id": None}, "enterprise_id", "CELL_MISSING"),
        ({"enterprise_id": "ent_nobody"}, "enterprise_id", "ENTERPRISE_UNKNOWN"),
    ],
)
def test_what_needs_no_look_outside_is_said_at_once(platform, lines, changes, column, code):
    shown, _ = begin(platform.context, command(csv_of([{**lines[0], **changes}])))
    (line,) = read(platform, shown["import_id"])["results"]
    assert (line["column"], line["code"]) == (column, code)
    assert platform.context.store.states("bill#") == []


def test_no_bill_is_imported_for_another_tenant_s_enterprise(platform, lines):
    other = platform.ids["partner-b", GOOD[0].holder_uscc]
    shown, _ = begin(platform.context, command(csv_of([{**lines[0], "enterprise_id": other}])))
    assert read(platform, shown["import_id"])["results"][0]["code"] == "ENTERPRISE_UNKNOWN"


def test_the_holder_may_be_named_once_for_all_lines(platform, lines):
    holder = lines[0]["enterprise_id"]
    begin(platform.context, command(csv_of([{**lines[0], "enterprise_id": None}]), enterprise_id=holder))
    assert stored_bill(platform, GOOD[0]).body["enterprise_id"] == holder


def test_of_lines_with_the_same_units_the_first_counts(platform, lines):
    first = lines[0]
    start_unit, _, end = first["range"].partition("-")
    part = {**first, "range": f"{start_unit}-{int(start_unit) + 99:012d}", "amount_fen": 100}
    apart = {**first, "range": f"{int(end) + 1}-{int(end) + 100}", "amount_fen": 100}
    shown, _ = begin(platform.context, command(csv_of([first, first, part, apart])))
    assert [line.get("code") for line in read(platform, shown["import_id"])["results"]] == [
        None,
        "LINE_REPEATED",
        "LINE_OVERLAPS",
        None,
    ]


def test_a_bill_that_was_imported_before_stays_as_it_was(platform, lines):
    begin(platform.context, command(csv_of([lines[0]])))
    before = stored_bill(platform, GOOD[0])
    shown, _ = begin(platform.context, command(csv_of([{**lines[0], "order_number": "OTHER"}]), "import-2"))
    assert read(platform, shown["import_id"])["results"][0]["code"] == "BILL_IMPORTED_BEFORE"
    assert stored_bill(platform, GOOD[0]) == before


def test_two_partners_may_each_import_the_same_bill(platform, lines):
    begin(platform.context, command(csv_of([lines[0]])))
    theirs = {**lines[0], "enterprise_id": platform.ids["partner-b", GOOD[0].holder_uscc]}
    begin(platform.context, command(csv_of([theirs]), partner_id="partner-b"))
    assert [len(listed(platform, partner)) for partner in ("partner-a", "partner-b")] == [1, 1]


def test_a_repeat_is_the_same_import_and_another_body_is_refused(platform, lines):
    content = csv_of(lines)
    first, _ = begin(platform.context, command(content))
    assert begin(platform.context, command(content)) == (first, False)
    with pytest.raises(IdempotencyMismatchError):
        begin(platform.context, command(content + b"\r\n"))
    assert len(platform.context.store.states("import#")) == 1


def test_a_file_that_cannot_be_read_leaves_nothing(platform):
    with pytest.raises(BillFileError):
        begin(platform.context, command(b"nonsense"))
    assert platform.context.store.states("import#") == []
    assert platform.context.uploads.files == {}


def test_more_lines_than_a_request_takes_are_refused_before_any_is_imported(platform, lines):
    with pytest.raises(ImportTooLongError):
        begin(platform.context, command(csv_of(many(lines, 201))))
    assert platform.context.store.states("import#") == []


def test_only_institutions_with_an_agreement_are_asked(platform, lines):
    partner = platform.context.store.get("partner#partner-a", "state")
    platform.context.store.transact([partner.replaced({**partner.body, "institutions": ["bank-2"]})])
    with pytest.raises(InstitutionUnknownError):
        begin(platform.context, command(csv_of(lines)))


def look_after(platform):
    """The worker of a minute later."""
    platform.context.clock.instant += timedelta(minutes=1)
    return bills.look_after(platform.context)


# ---- large files ----------------------------------------------------------------------------------------------------


def announced(content, **changes):
    sha256 = hashlib.sha256(content).hexdigest()
    return command(None, file_sha256=sha256, file_bytes=len(content), **changes)


def test_a_large_file_is_put_where_the_import_says_and_then_started(platform, lines):
    content = csv_of(many(lines, 1_000))
    shown, _ = begin(platform.context, announced(content))
    assert (shown["status"], shown["upload"]["method"]) == ("AWAITING_FILE", "PUT")
    ((key, sha256, size),) = platform.context.uploads.invited
    assert (sha256, size) == (hashlib.sha256(content).digest(), len(content))
    assert PARTNER in key
    with pytest.raises(UploadMissingError):
        start(platform.context, item_of(platform, shown["import_id"]))
    platform.context.uploads.files[key] = content
    ended = start(platform.context, item_of(platform, shown["import_id"]))
    assert (ended["status"], ended["imported"]) == ("DONE", 1_000)
    assert len(platform.context.store.states("bill#")) == 1_000
    assert "upload" not in ended


def test_another_file_than_was_announced_is_not_imported(platform, lines):
    shown, _ = begin(platform.context, announced(csv_of(lines)))
    platform.context.uploads.files[platform.context.uploads.invited[0][0]] = csv_of(lines[:1])
    with pytest.raises(UploadMissingError):
        start(platform.context, item_of(platform, shown["import_id"]))
    assert item_of(platform, shown["import_id"]).body["status"] == "AWAITING_FILE"


def test_a_large_file_that_cannot_be_read_fails_as_a_whole_and_says_why(platform):
    content = b"nonsense"
    shown, _ = begin(platform.context, announced(content))
    platform.context.uploads.files[platform.context.uploads.invited[0][0]] = content
    ended = start(platform.context, item_of(platform, shown["import_id"]))
    assert (ended["status"], ended["reason"], ended["imported"]) == ("FAILED", "BILL_FILE_COLUMNS", 0)
    assert due(platform, IMPORT_LANE) == []


def due(platform, lane):
    far = platform.context.clock.now() + timedelta(days=1)
    return platform.context.store.due(far.isoformat(), lane=lane)


def _begun(platform, lines):
    """A large import whose file is there."""
    content = csv_of(many(lines, 3 * CHUNK - 20))
    shown, _ = begin(platform.context, announced(content))
    platform.context.uploads.files[platform.context.uploads.invited[0][0]] = content
    return shown["import_id"]


@pytest.mark.parametrize("persisted", [False, True])
@pytest.mark.parametrize("write", range(4))
def test_a_crash_at_any_write_leaves_no_line_in_doubt_and_the_next_worker_goes_on(platform, lines, write, persisted):
    import_id = _begun(platform, lines)
    store, count = platform.context.store, 0

    def crash(_):
        nonlocal count
        count += 1
        if count == write + 1:
            raise CrashError

    setattr(store, "after_write" if persisted else "before_write", crash)
    with pytest.raises(CrashError):
        start(platform.context, item_of(platform, import_id))
    store.before_write = store.after_write = lambda writes: None
    body = item_of(platform, import_id).body
    assert len(store.states("bill#")) == body["imported"] == body["done"]
    if body["status"] == "AWAITING_FILE":
        start(platform.context, item_of(platform, import_id))
    else:
        look_after(platform)
    body = item_of(platform, import_id).body
    assert (body["status"], body["done"], body["imported"]) == ("DONE", 250, 250)
    assert len(store.states("bill#")) == 250
    assert [line["line"] for line in read(platform, import_id, limit=1_000)["results"]] == list(range(2, 252))
    assert due(platform, IMPORT_LANE) == []


def test_the_state_says_how_far_it_is_and_the_rest_is_carried_on(platform, lines):
    import_id = _begun(platform, lines)
    clock = platform.context.clock
    platform.context.store.after_write = lambda writes: clock.sleep(16)
    half = start(platform.context, item_of(platform, import_id))
    assert (half["status"], half["done"], half["lines"]) == ("IMPORTING", CHUNK, 250)
    platform.context.store.after_write = lambda writes: None
    look_after(platform)
    assert item_of(platform, import_id).body["status"] == "DONE"


def test_a_file_that_is_gone_before_its_end_is_told_of(platform, lines):
    import_id = _begun(platform, lines)
    clock = platform.context.clock
    platform.context.store.after_write = lambda writes: clock.sleep(16)
    start(platform.context, item_of(platform, import_id))
    platform.context.store.after_write = lambda writes: None
    platform.context.uploads.files.clear()
    look_after(platform)
    body = item_of(platform, import_id).body
    assert (body["status"], body["reason"], body["imported"]) == ("FAILED", "UPLOAD_MISSING", CHUNK)


def test_a_bill_that_another_file_imports_at_the_same_time_is_imported_once(platform, lines):
    store = platform.context.store
    raced = []

    def race(writes):
        if not raced and any(isinstance(write, Create) and write.pk.startswith("bill#") for write in writes):
            raced.append(True)
            begin(platform.context, command(csv_of([lines[0]]), "import-2"))

    store.before_write = race
    shown, _ = begin(platform.context, command(csv_of(lines[:2])))
    assert [line.get("code") for line in read(platform, shown["import_id"])["results"]] == [
        "BILL_IMPORTED_BEFORE",
        None,
    ]
    assert len(store.states("bill#")) == 2


def test_two_workers_at_once_import_each_line_once(platform, lines):
    import_id = _begun(platform, lines)
    store, inside = platform.context.store, []

    def other(writes):
        if not inside:
            inside.append(True)
            start(platform.context, item_of(platform, import_id))
            inside.append("done")

    store.before_write = other
    ended = start(platform.context, item_of(platform, import_id))
    assert (ended["status"], ended["imported"]) == ("DONE", 250)
    assert len(store.states("bill#")) == 250


def test_every_chunk_is_told_by_an_event_with_the_digest_of_what_was_imported(platform, lines):
    import_id = _begun(platform, lines)
    start(platform.context, item_of(platform, import_id))
    events = [item.body["event"] for item in platform.context.store.query(import_pk(import_id), "event#")]
    assert [event["type"] for event in events] == [
        "BillImportRequested",
        "BillFileReceived",
        *["BillsImported"] * 3,
    ]
    assert [event["data"]["imported"] for event in events[2:]] == [90, 90, 70]
    assert item_of(platform, import_id).body["events"] == 5


def test_no_write_is_larger_than_a_transaction(platform, lines):
    import_id = _begun(platform, lines)
    sizes = []
    platform.context.store.after_write = lambda writes: sizes.append(len(writes))
    start(platform.context, item_of(platform, import_id))
    assert max(sizes) <= 100


# ---- reading --------------------------------------------------------------------------------------------------------


def test_results_are_read_in_pages_of_all_or_of_one_kind(platform, lines):
    content = csv_of([{**line, "kind": "?"} if at % 2 else line for at, line in enumerate(many(lines, 150))])
    shown, _ = begin(platform.context, command(content))
    first = read(platform, shown["import_id"], only="refused", limit=60)
    second = read(platform, shown["import_id"], only="refused", limit=60, offset=first["next_offset"])
    seen = [line["line"] for line in first["results"] + second["results"]]
    assert (seen, second["next_offset"]) == (list(range(3, 153, 2)), None)


def test_results_as_csv_are_safe_to_open(platform, lines):
    shown, _ = begin(platform.context, command(csv_of([{**lines[0], "order_number": "=1+1"}, lines[1]])))
    text = bills.import_csv(platform.context, item_of(platform, shown["import_id"]))
    head, first, second = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert head == ["line", "outcome", "bill_id", "column", "code", "message"]
    assert (first[1], first[4], second[1]) == ("refused", "CELL_FORMULA", "imported")


def test_bills_are_listed_by_maturity_and_filtered(platform, lines):
    begin(platform.context, command(csv_of(lines)))
    days = [bill["maturity_date"] for bill in listed(platform)]
    assert days == sorted((line["maturity_date"] for line in lines), reverse=True)
    acceptor = lines[0]["acceptor_bank_code"]
    assert {bill["acceptor_bank_code"] for bill in listed(platform, acceptor_bank_code=acceptor)} == {acceptor}
    assert listed(platform, status="QUALIFIED") == []
    assert listed(platform, "partner-b") == []


def test_nothing_of_the_platform_s_own_is_shown(platform, lines):
    begin(platform.context, command(csv_of(lines)))
    shown = listed(platform)[0]
    assert not {"partner_id", "kept", "applicant_uscc"} & set(shown)
    (entry,) = bills.import_page(platform.context, lists.Asked(10), partner_id=PARTNER)["bill_imports"]
    assert not {"partner_id", "body_digest", "file_key", "logged"} & set(entry)


def test_imported_bills_wait_to_be_looked_at_and_not_in_the_lane_of_what_moves_money(platform, lines):
    begin(platform.context, command(csv_of(lines)))
    assert len(due(platform, BILL_LANE)) == len(lines)
    assert [item for item in platform.context.store.due("9") if item.pk.startswith("bill#")] == []


def test_an_import_that_ended_stays_as_it_is():
    for ended in (ImportStatus.DONE, ImportStatus.FAILED):
        for status in ImportStatus:
            with pytest.raises(TransitionError):
                require_import_transition(ended, status)


def test_a_conflict_that_never_ends_is_told_and_the_import_stays_begun(platform, lines, monkeypatch):
    monkeypatch.setattr(bill_imports, "results_of", lambda context, item, part, now: ([[2, "b"]], [_taken]))
    _taken = Create("partner#partner-a", "state", {})
    with pytest.raises(bill_imports.BusyError):
        begin(platform.context, command(csv_of(lines[:1])))
    (item,) = platform.context.store.states("import#")
    assert (item.body["status"], item.body["done"]) == ("IMPORTING", 0)
    assert replace(item) == item
