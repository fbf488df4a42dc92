"""Bills become money over HTTP on the deployed template: the straight way, the doubtful way, and under faults."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests

from deployed import wait_for
from measure import cost_of
from rongtong.domain.trust import TrustPolicy
from rongtong.verify import main as verify_file

BYTES = {"Accept": "application/octet-stream"}


def _receipt(deployed, discount_id, folder):
    client = deployed.clients["partner-a"]
    answer = wait_for(
        lambda: client.get(f"/v1/discounts/{discount_id}/receipt"), lambda found: found.status_code == 200
    )
    path = folder / "receipt.json"
    path.write_bytes(answer.content)
    return path


def _verify(path, trust):
    command = [sys.executable, "-m", "rongtong.verify", str(path), "--policy", trust]
    environment = {**os.environ, "PYTHONPATH": "layers/core"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_a_straight_through_discount_is_paid_once_proved_and_within_its_budget(deployed, tmp_path):
    bill = next(deployed.plain)
    discount_id = deployed.submit(bill)
    found = deployed.until(discount_id, "DISBURSED")
    assert found["paid_fen"] == found["face_fen"] - found["interest_fen"]
    assert len(deployed.payments(bill.request["payee_account"], found["paid_fen"])) == 1
    receipt = _receipt(deployed, discount_id, tmp_path)
    good = _verify(receipt, deployed.stack.trust)
    assert (good.returncode, len(good.stdout.splitlines())) == (0, 1)
    content = bytearray(receipt.read_bytes())
    content[len(content) // 3] ^= 1
    receipt.write_bytes(content)
    bad = _verify(receipt, deployed.stack.trust)
    assert (bad.returncode, bad.stdout[:7]) == (1, "REFUSED")
    states = deployed.stack.client("stepfunctions")
    arn = deployed.stack.discount_machine_arn.replace(":stateMachine:", ":execution:") + f":{discount_id}"
    wait_for(lambda: states.describe_execution(executionArn=arn)["status"], lambda status: status == "SUCCEEDED")
    cost = cost_of(states, deployed.stack.discount_machine_arn, discount_id)
    assert cost.transitions <= 10
    # Two for the event that tells of the message, two for the keys of the lists: docs/adr/0001.
    assert cost.write_units <= 44
    assert cost.task_invocations <= 5


def test_the_same_range_through_two_partners_at_once_is_accepted_once(deployed):
    bill = next(deployed.plain)
    partners = ("partner-a", "partner-b")

    def send(partner):
        return deployed.clients[partner].post("/v1/discounts", deployed.request(bill, partner))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, partners))
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (refused.json()["code"], refused.json()["field"]) == ("RANGE_TAKEN", "bill.range")


def _kill_workers(deployed, function):
    """Kill the function's processes that the emulator runs now; how many there were."""
    killed = 0
    for process in psutil.Process(deployed.stack.emulator_pid).children(recursive=True):
        if process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").startswith(f"rongtong-{function}"):
            process.send_signal(signal.SIGKILL)
            killed += 1
    return killed


def test_a_process_killed_in_the_middle_of_a_payment_leaves_exactly_one_payment(deployed):
    bill = next(deployed.plain)
    deployed.behave(bill, delay_ms=6_000)
    discount_id = deployed.submit(bill)
    account, face = bill.request["payee_account"], bill.request["bill"]["amount_fen"]

    def on_its_way():
        listed = wait_for(lambda: deployed.clients["partner-a"].get(f"/v1/discounts/{discount_id}").json(), bool)
        return deployed.payments(account, listed.get("proceeds_fen", 0))

    (booked,) = wait_for(on_its_way, bool)
    assert _kill_workers(deployed, "PayFunction") >= 1
    deployed.behave(bill)
    states = deployed.stack.client("stepfunctions")
    payload = {"discount_id": discount_id, "subject": f"discount#{discount_id}", "write_units": 0}
    again = states.start_execution(
        stateMachineArn=deployed.stack.discount_machine_arn, name=f"{discount_id}-again", input=json.dumps(payload)
    )["executionArn"]
    found = deployed.until(discount_id, "DISBURSED")
    first = again.removesuffix("-again")
    for arn in (first, again):
        wait_for(lambda arn=arn: states.describe_execution(executionArn=arn)["status"], lambda s: s != "RUNNING")
    assert states.describe_execution(executionArn=again)["status"] == "SUCCEEDED"
    assert [p["reference"] for p in deployed.payments(account, found["paid_fen"])] == [booked["reference"]]
    assert booked["amount_fen"] == found["paid_fen"] == face - found["interest_fen"]


def test_a_payment_in_process_is_asked_about_until_it_is_settled(deployed):
    bill = next(deployed.plain)
    deployed.behave(bill, open_answers=2)
    found = deployed.until(deployed.submit(bill), "DISBURSED")
    deployed.behave(bill)
    (payment,) = deployed.payments(bill.request["payee_account"], found["paid_fen"])
    assert payment["requests"] == 1, "a payment in process is asked about, never sent again"


def test_a_refused_payment_gives_the_range_back(deployed):
    bill = next(deployed.plain)
    deployed.behave(bill, result="FAILED")
    failed = deployed.until(deployed.submit(bill), "FAILED")
    assert failed["reason"] == "PAYEE_REFUSED"
    deployed.behave(bill)
    again = wait_for(
        lambda: deployed.clients["partner-a"].post("/v1/discounts", deployed.request(bill)),
        lambda answer: answer.status_code == 202,
    )
    assert deployed.until(again.json()["discount_id"], "DISBURSED", "FAILED", "REFUSED")["status"] == "DISBURSED"


def test_a_doubtful_bill_is_paid_after_operations_approved_it(deployed):
    bill = next(bill for bill in deployed.samples if bill.expected == "in_review")
    discount_id = deployed.submit(bill)
    deployed.until(discount_id, "IN_REVIEW")
    path, decision = f"/v1/operations/reviews/{discount_id}", {"decision": "approve", "note": "FILES_SEEN"}
    refused = deployed.clients["partner-a"].post(path, decision)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert deployed.clients["operations"].post(path, decision).status_code == 200
    assert deployed.until(discount_id, "DISBURSED", "FAILED")["status"] == "DISBURSED"


def test_without_confirmation_the_discount_waits_for_the_operator(deployed):
    bill = next(deployed.plain)
    discount_id = deployed.submit(bill, confirmation=None)
    deployed.until(discount_id, "AWAITING_CONFIRMATION")
    path = f"/v1/discounts/{discount_id}/confirmation"
    one_factor = deployed.clients["partner-a"].post(path, {"operator": "operator-1", "factors": ["otp"]})
    assert (one_factor.status_code, one_factor.json()["field"]) == (409, "factors")
    both = deployed.clients["partner-a"].post(path, {"operator": "operator-1", "factors": ["password", "otp"]})
    assert both.status_code == 200
    assert deployed.until(discount_id, "DISBURSED", "FAILED")["status"] == "DISBURSED"


def test_a_repeat_answers_the_same_discount_and_says_so(deployed):
    bill = next(deployed.plain)
    client, body = deployed.clients["partner-a"], deployed.request(bill)
    first, again = (client.post("/v1/discounts", body, key="the-same") for _ in range(2))
    assert first.json()["discount_id"] == again.json()["discount_id"]
    assert (first.headers.get("Idempotent-Replayed"), again.headers.get("Idempotent-Replayed")) == (None, "true")


def test_another_partner_s_discount_does_not_exist(deployed):
    discount_id = deployed.submit(next(deployed.plain))
    for path in ("", "/timeline", "/receipt"):
        answer = deployed.clients["partner-b"].get(f"/v1/discounts/{discount_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_the_published_log_checks_from_its_first_entry_to_a_checkpoint_that_a_quorum_cosigned(deployed):
    discount_id = deployed.submit(next(deployed.plain))
    deployed.until(discount_id, "DISBURSED")
    note = requests.get(f"{deployed.stack.log_url}/checkpoint", timeout=30).text
    trusted = TrustPolicy.parse(Path(deployed.stack.trust).read_text()).judge(note)
    assert len(trusted.cosignatures) >= 2
    answer = requests.get(f"{deployed.stack.log_url}/tile/0/999", headers=BYTES, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert verify_file(["--audit", deployed.stack.log_url, "--policy", deployed.stack.trust]) == 0
