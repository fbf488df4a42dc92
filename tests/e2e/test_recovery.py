"""Operations on the deployed template: replay, returned money, suspension, reconciliation and the limits' sums."""

from deployed import wait_for
from rongtong.domain.payment import payment_reference


def _execution(deployed, discount_id):
    return deployed.stack.discount_machine_arn.replace(":stateMachine:", ":execution:") + f":{discount_id}"


def _incidents(deployed, discount_id):
    found = deployed.clients["operations"].get("/v1/operations/incidents").json()["incidents"]
    return [one["kind"] for one in found if one["subject"] == discount_id]


def _two_persons(deployed, kind, content):
    proposed = deployed.clients["operations"].post("/v1/operations/changes", {"kind": kind, "content": content})
    assert proposed.status_code in (200, 201, 202), proposed.text
    path = f"/v1/operations/changes/{proposed.json()['change_id']}/decision"
    decided = deployed.clients["operations-2"].post(path, {"decision": "approve"})
    assert decided.status_code == 200, decided.text


def test_a_stopped_discount_is_replayed_however_often_the_button_is_pressed(deployed):
    bill = next(deployed.plain)
    deployed.mood(registry={"down": True})
    try:
        discount_id = deployed.submit(bill)
        states = deployed.stack.client("stepfunctions")
        states.stop_execution(executionArn=_execution(deployed, discount_id), error="STOPPED", cause="on purpose")
    finally:
        deployed.mood()
    listed = deployed.clients["operations"].get("/v1/operations/executions?status=failed&since=2h").json()
    assert discount_id in [one["discount_id"] for one in listed["executions"]]
    path, why = f"/v1/operations/executions/{discount_id}/replay", {"why": "STOPPED_ON_PURPOSE"}
    assert deployed.clients["partner-a"].post(path, why).status_code == 403
    answers = [deployed.clients["operations"].post(path, why).json() for _ in range(2)]
    assert answers[0]["replay"] == "started"
    assert answers[1]["replay"] in ("running", "nothing")
    found = deployed.until(discount_id, "DISBURSED", "FAILED", "REFUSED")
    assert found["status"] == "DISBURSED"
    assert len(deployed.payments(bill.request["payee_account"], found["paid_fen"])) == 1
    events = deployed.clients["partner-a"].get(f"/v1/discounts/{discount_id}/timeline").json()["events"]
    replayed = [one["data"] for one in events if one["type"] == "ExecutionReplayed"]
    # The emulator has no redrive: that it was tried is an event, and so is the fresh execution.
    assert [one["by"] for one in replayed if not one.get("redriven")] == ["operations"]


def test_money_that_comes_back_is_an_incident_until_two_persons_let_it_be_paid_again(deployed):
    bill = next(deployed.plain)
    discount_id = deployed.submit(bill)
    deployed.until(discount_id, "DISBURSED")
    reference = payment_reference(discount_id, 1)
    notice = {"reference": reference, "status": "RETURNED", "reason": "ACCOUNT_CLOSED"}
    assert deployed.clients["operations"].post("/v1/bank/notices", notice).status_code == 403
    unknown = {**notice, "reference": payment_reference("dsc_" + "a" * 26, 1)}
    assert deployed.clients["sample-bank"].post("/v1/bank/notices", unknown).status_code == 404
    for _ in range(2):
        answer = deployed.clients["sample-bank"].post("/v1/bank/notices", notice)
        assert answer.json() == {"notices": [{"reference": reference, "payment": "RETURNED"}]}
    deployed.until(discount_id, "RETURNED")
    assert _incidents(deployed, discount_id) == ["PAYMENT_RETURNED"]
    content = {"discount_id": discount_id, "series": 2, "reason": "ACCOUNT_MENDED"}
    _two_persons(deployed, "repayment", content)
    path = f"/v1/operations/executions/{discount_id}/replay"
    assert deployed.clients["operations"].post(path, {"why": "REPAID"}).json()["replay"] == "started"
    deployed.until(discount_id, "DISBURSED")
    assert wait_for(lambda: _incidents(deployed, discount_id), lambda found: found == []) == []


def test_business_with_an_institution_stops_at_once_and_goes_on_when_two_persons_say_so(deployed):
    bill = next(deployed.plain)
    institution = bill.request["institution_id"]
    stop = {"scope": "institution", "id": institution, "reason": "DRILL"}
    assert deployed.clients["operations"].post("/v1/operations/suspensions", stop).status_code in (200, 201)
    try:
        refused = deployed.clients["partner-a"].post("/v1/discounts", deployed.request(bill))
        assert (refused.status_code, refused.json()["code"]) == (409, "SUSPENDED")
        shown = deployed.clients["partner-a"].get("/v1/status").json()
        assert shown["institutions"] == {institution: "suspended"}
    finally:
        _two_persons(deployed, "release", {"scope": "institution", "id": institution, "reason": "DRILL_OVER"})
    assert deployed.until(deployed.submit(bill), "DISBURSED", "FAILED", "REFUSED")["status"] == "DISBURSED"


def test_an_enterprise_is_paid_to_another_account_only_if_the_bank_says_that_it_holds_it(deployed):
    enterprise = deployed.ids["partner-a"][next(deployed.plain).holder_uscc]
    account = {"bank_code": "309391000011", "account_number": "600000000000123456", "account_name": "示例他人有限公司"}
    path = f"/v1/enterprises/{enterprise}/account"
    refused = deployed.clients["partner-a"].post(path, {"account": account})
    assert (refused.status_code, refused.json()["code"]) == (422, "ACCOUNT_NOT_VERIFIED")
    assert deployed.clients["partner-b"].post(path, {"account": account}).status_code == 404


def test_the_nightly_jobs_find_no_difference(deployed):
    deployed.until(deployed.submit(next(deployed.plain)), "DISBURSED")
    differences = deployed.call("ReconciliationJobFunction", {"day": "2026-04-15"})["differences"]
    assert [one for one in differences if one["what"] != "PAID_NOT_ENDORSED"] == []
    assert deployed.call("SweepRequestsFunction", {})["failed"] == []
    run = {"period": "2026-04-14"}
    deployed.call("ReconciliationJobFunction", {"do": "begin", "again": True, **run})
    for stage in ("payments", "applications", "exposures", "evidence"):
        while deployed.call("ReconciliationJobFunction", {"do": stage, **run})["more"]:
            pass
    found = deployed.call("ReconciliationJobFunction", {"do": "finish", **run})["found"]
    assert found["bill_locked"] == 0
    assert (found["limits_differ"], found["event_not_in_log"], found["leaf_without_event"]) == (0, 0, 0)
    assert found["discounts"] > 0
    assert found["events"] > found["discounts"]
