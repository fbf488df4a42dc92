"""What operations change by two persons takes effect over HTTP; quotes and partial discounts as deployed."""

from concurrent.futures import ThreadPoolExecutor

from rongtong.domain.sub_bill_range import SubBillRange
from sample_file import read_json

CHANGES = "/v1/operations/changes"


def _approved(deployed, kind, content):
    maker, checker = deployed.clients["operations"], deployed.clients["operations-2"]
    proposed = maker.post(CHANGES, {"kind": kind, "content": content})
    assert proposed.status_code == 201, proposed.text
    path = f"{CHANGES}/{proposed.json()['change_id']}/decision"
    own = maker.post(path, {"decision": "approve"})
    assert (own.status_code, own.json()["code"]) == (422, "SAME_PERSON")
    decided = checker.post(path, {"decision": "approve"})
    assert (decided.status_code, decided.json()["status"]) == (200, "APPROVED"), decided.text
    return decided.json()["change_id"]


def _two_of_one_enterprise(deployed):
    """Two plain bills of one enterprise."""
    seen = {}
    for bill in deployed.plain:
        if bill.holder_uscc in seen:
            return seen[bill.holder_uscc], bill
        seen[bill.holder_uscc] = bill
    raise AssertionError("no enterprise has two plain bills left")


def test_two_requests_at_once_never_both_take_the_last_of_a_limit(deployed):
    first, second = _two_of_one_enterprise(deployed)
    amounts = [bill.request["bill"]["amount_fen"] for bill in (first, second)]
    limits = read_json("limits.json")
    _approved(deployed, "limits", {**limits, "enterprises": {first.holder_uscc: {"day_fen": sum(amounts) - 1}}})
    client = deployed.clients["partner-b"]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda bill: client.post("/v1/discounts", deployed.request(bill, "partner-b")), (first, second))
        )
    assert sorted(answer.status_code for answer in answers) == [202, 422]
    refused = next(answer.json() for answer in answers if answer.status_code == 422)
    assert (refused["code"], refused["field"]) == ("LIMIT_EXCEEDED", "bill.amount_fen")
    _approved(deployed, "limits", limits)


def test_partners_neither_see_nor_make_changes(deployed):
    client = deployed.clients["partner-a"]
    change_id = _approved(deployed, "acceptors", read_json("acceptors.json"))
    answers = [
        client.get(CHANGES),
        client.get(f"{CHANGES}/{change_id}"),
        client.post(CHANGES, {"kind": "limits", "content": {}}),
        client.post(f"{CHANGES}/{change_id}/decision", {"decision": "approve"}),
        client.get("/v1/operations/reviews/dsc_any"),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "FORBIDDEN")}
    listed = deployed.clients["operations"].get(CHANGES).json()["changes"]
    assert change_id in [change["change_id"] for change in listed]


def test_the_best_of_several_offers_is_discounted_at_its_price(deployed):
    bill = next(deployed.plain)
    client, stated = deployed.clients["partner-a"], bill.request["bill"]
    asked = {
        "institution_ids": ["bank-1", "bank-2", "bank-3", "bank-4"],
        "kind": stated["kind"],
        "acceptor_bank_code": stated["acceptor_bank_code"],
        "amount_fen": stated["amount_fen"],
        "maturity_date": stated["maturity_date"],
    }
    quoted = client.post("/v1/quotes", asked)
    assert quoted.status_code == 201, quoted.text
    best = quoted.json()["offers"][0]
    assert (best["institution_id"], best["reason"]) == ("bank-3", None)
    assert client.get(f"/v1/quotes/{quoted.json()['quote_id']}").json() == quoted.json()
    assert deployed.clients["partner-b"].get(f"/v1/quotes/{quoted.json()['quote_id']}").status_code == 404
    discount_id = deployed.submit(bill, institution_id="bank-3", quote_id=quoted.json()["quote_id"])
    paid = deployed.until(discount_id, "DISBURSED", "REFUSED", "FAILED")
    assert (paid["status"], paid["proceeds_fen"], paid["limits"]) == ("DISBURSED", best["proceeds_fen"], "CONSUMED")


def test_a_part_is_discounted_and_the_rest_at_once_by_itself(deployed):
    bill = next(deployed.plain)
    held = SubBillRange.parse(bill.request["bill"]["range"])
    dealt, rest = held.split(held.amount_fen // 5)
    part = deployed.submit(bill, bill={**bill.request["bill"], "deal_amount_fen": dealt.amount_fen})
    remainder = {**bill.request["bill"], "range": rest.display(), "amount_fen": rest.amount_fen}
    left = deployed.submit(bill, bill=remainder)
    ended = [deployed.until(one, "DISBURSED", "REFUSED", "FAILED") for one in (part, left)]
    assert [(one["status"], one["face_fen"]) for one in ended] == [
        ("DISBURSED", dealt.amount_fen),
        ("DISBURSED", rest.amount_fen),
    ]
    assert ended[0]["remainder"] == rest.wire()


def test_reviewers_see_why_and_partners_do_not(deployed):
    bill = next(bill for bill in deployed.samples if bill.reason == "REVIEW_REQUIRED")
    discount_id = deployed.submit(bill)
    waiting = deployed.until(discount_id, "IN_REVIEW")
    assert waiting["reason"] == "REVIEW_REQUIRED"
    seen = deployed.clients["operations"].get(f"/v1/operations/reviews/{discount_id}").json()
    assert [hit["list"] for hit in seen["findings"]["hits"]] == ["grey"]
    told = deployed.clients["partner-a"].get(f"/v1/discounts/{discount_id}/timeline").text
    assert "grey" not in told
    assert '"hits"' not in told
