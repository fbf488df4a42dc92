"""The sample bills, driven through the use cases in memory."""

from collections import Counter

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services.discounts import load
from rongtong.services.receipts import receipt
from sample_file import SampleFileError, read_bills


@pytest.fixture(scope="module")
def run():
    platform = Platform()
    bills = sample_bills()
    return platform, bills, platform.outcomes(bills)


def test_every_bill_ends_as_its_line_expects(run):
    _, bills, outcomes = run
    assert [(bill.line, *outcome) for bill, outcome in zip(bills, outcomes, strict=True)] == [
        (bill.line, bill.expected, bill.reason) for bill in bills
    ]


def test_most_bills_are_paid_and_every_refusal_but_for_limits_stands_for_another_rule(run):
    _, bills, _ = run
    expected = Counter(bill.expected for bill in bills)
    refusals = Counter(bill.reason for bill in bills if bill.expected == "refused")
    assert expected == {"disbursed": 160, "refused": 84, "in_review": 10, "failed": 1}
    assert {reason: count for reason, count in refusals.items() if count > 1} == {"LIMIT_EXCEEDED": 5}


def test_the_bank_paid_face_less_interest_of_the_disbursed_and_nothing_else(run):
    platform, _, _ = run
    paid = [item.body for item in platform.context.store.states("discount#") if item.body["status"] == "DISBURSED"]
    owed = sum(body["face_fen"] - body["interest_fen"] + body.get("buyer_interest_fen", 0) for body in paid)
    assert sum(body["proceeds_fen"] for body in paid) == platform.bank.total_fen() == owed > 0
    assert sum("buyer_interest_fen" in body for body in paid) == 2


def test_every_paid_discount_has_a_receipt_that_verifies(run):
    platform, _, _ = run
    proved = []
    for item in platform.context.store.states("discount#"):
        if item.body["status"] == "DISBURSED":
            content = receipt_bytes(receipt(platform.context, load(platform.context, item.body["discount_id"])))
            proved.append(verify_receipt(content, platform.trust).events[-2:])
    assert proved == [("DiscountPaid", "EnterpriseTold")] * 160


def test_the_limits_hold_exactly_what_is_paid_or_in_review(run):
    platform, _, _ = run
    expected = dict.fromkeys(platform.used(), 0)
    for item in platform.context.store.states("discount#"):
        if item.body["status"] in ("DISBURSED", "IN_REVIEW"):
            for limit in platform.counted(item.body["discount_id"]):
                expected[limit] += item.body["face_fen"]
    assert platform.used() == expected


def test_no_personal_data_stands_in_clear_in_any_record(run):
    platform, _, _ = run
    stored = "".join(str(item.body) for item in platform.context.store.items.values())
    clear = [account for account in platform.bank.accounts if account in stored]
    assert clear == []
    assert "1380000" not in stored.replace("sealed:", "")


def test_every_end_was_told_to_the_enterprise_once(run):
    platform, _, _ = run
    states = platform.context.store.states("discount#")
    # The event that tells of the message follows the end that it is about.
    ended = {item.pk: item.body["events"] - 1 for item in states if item.body["status"] not in ("IN_REVIEW",)}
    assert sorted(ref for ref in platform.context.sms.sent if ref.startswith("discount#")) == sorted(
        f"{pk}/event#{events:04d}" for pk, events in ended.items()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("chain", lambda chain: "9" * 18 + ">" + chain), "neither companies.json nor enterprises.json"),
        (("chain", lambda chain: chain.split(">")[0]), "drawer>payee"),
        (("expected", lambda _: "maybe"), "expected is 'maybe'"),
        (("amount_fen", lambda _: "1.5"), "line 2"),
        (("differs", lambda _: "bill.nothing=1"), "there is no bill.nothing"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(tmp_path, change, message):
    import csv

    from paths import SAMPLES
    from sample_file import COLUMNS

    column, edit = change
    row = next(csv.DictReader((SAMPLES / "bills.csv").read_text(encoding="utf-8").splitlines()))
    row[column] = edit(row[column])
    path = tmp_path / "bills.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow(row)
    with pytest.raises(SampleFileError, match=message):
        read_bills(path)
