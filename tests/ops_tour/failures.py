"""What goes wrong on the tour: one failure for each alarm, and what the world outside does to end it.

``begin`` makes it happen; ``meanwhile`` is done until the alarm rings; ``outside`` is what somebody else mends before
the runbook's lines are run (the bank is back, a receiver answers), and answers what stands for the lines' placeholders;
``after`` is done until the alarm is over.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from journey import Journey

from deployed import wait_for
from partner_client import PartnerClient
from rongtong.domain.payment import payment_reference
from stack import STACK, WITNESSES
from webhook_receiver import Receiver, answering

Values = dict[str, list[str]]
_CALLER = {"partner_id": "sample-caller", "role": "partner"}
_STOPPED: list[Any] = []
"""What a failure has to put back: names, ids, a receiver."""


@dataclass(frozen=True)
class Failure:
    """What happens, and which alarm it raises. Failures that lead to one another stand one behind the other."""

    alarm: str
    what: str
    begin: Callable[[Journey], None] | None
    """None where what went before has raised it already."""
    outside: Callable[[Journey], Values] | None = None
    meanwhile: Callable[[Journey], None] | None = None
    after: Callable[[Journey], None] | None = None


def failures() -> Iterator[Failure]:
    """The tour's stops, in an order in which business time only goes on."""
    yield Failure("dead-letters", "the sweeper could not be begun", lambda j: j.give_up("sweep"))
    yield Failure("limit-near", "an institution's limit is nearly used", _use_up, _raise_limit)
    yield Failure("breaks-open", "a payment came back", _send_back)
    yield Failure("bank-unanswered", "the bank is down", _bank_down, _all_paid, meanwhile=_submit)
    yield Failure("payments-unknown", "it was down for eleven minutes", _bank_down_for_long, _all_paid)
    yield Failure("discounts-stuck", "discounts do not come further", _bank_down_for_long, _all_paid)
    yield Failure("registry-unanswered", "the bill registry is down", _registry_down, _all_paid, meanwhile=_submit)
    yield Failure(
        "discounts-slow", "payments are told four minutes late", _pay_late, meanwhile=_tell_one, outside=_tell_all
    )
    yield Failure("witness-silent", "one witness was stopped", lambda j: _stop_witnesses(j, 1), _stopped)
    yield Failure("quorum-lost", "two witnesses were stopped", _stop_two_and_submit, _stopped)
    yield Failure("checkpoint-late", "the sweeper does not run", _sweeper_stops, _sweeper_runs)
    yield Failure("outbox-late", "the sweeper does not run for longer", _change_unlogged, _sweeper_runs)
    yield Failure("reviews-late", "nobody decides a review for two hours of service", _doubt)
    yield Failure("requests-refused", "somebody tries keys", _new_caller, _revoke, meanwhile=_try_keys)
    yield Failure("pages-refused", "a strange page sends an operator's request", _logs, _release_partner, _strange_page)
    yield Failure("webhooks-late", "a receiver is down", _receiver_down, _receiver_up, after=_deliver)
    yield Failure("bills-late", "nobody looks after bills", _bills_stop, _bills_run)
    yield Failure("watch-silent", "the watch was stopped", _watch_stops, _watch_runs)
    yield Failure("api-faults", "the API answers with faults (the metric is put by hand)", _faults, _release)
    yield Failure("monthly-review-late", "five weeks without any job", _five_weeks)
    for job in ("reconciliation", "audit", "backup", "restore-drill"):  # a drill needs a backup
        yield Failure(f"{job}-late", "five weeks without any job", None)


def _five_weeks(journey: Journey) -> None:
    journey.deployed.sweep()  # what is not logged yet would be weeks late all at once
    journey.advance(timedelta(days=35))
    journey.deployed.sweep()


def _submit(journey: Journey) -> None:
    _STOPPED.append(journey.submit())


def _paid(journey: Journey) -> str:
    discount_id = journey.submit()
    journey.deployed.until(discount_id, "DISBURSED")
    return discount_id


def _use_up(journey: Journey) -> None:
    _paid(journey)
    found = wait_for(journey.watch, lambda one: one is not None and _institutions(one))
    fullest = _institutions(found)[0]
    institution = fullest["limit"].removeprefix("institution#")
    _STOPPED[:] = [institution, fullest["limit_fen"]]
    _change(journey, "institution", {"institution_id": institution, "limit_fen": fullest["used_fen"] * 100 // 95})


def _institutions(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found["details"]["limits"]["used"] if one["limit"].startswith("institution#")]


def _raise_limit(journey: Journey) -> Values:
    institution, limit_fen = _STOPPED
    (journey.folder / "LIMIT.json").write_text(json.dumps({"institution_id": institution, "limit_fen": limit_fen}))
    return {}


def _change(journey: Journey, kind: str, content: dict[str, Any]) -> None:
    one, other = (journey.deployed.clients[name] for name in ("operations", "operations-2"))
    made = one.post("/v1/operations/changes", {"kind": kind, "content": content})
    assert made.status_code == 201, made.text
    decided = other.post(f"/v1/operations/changes/{made.json()['change_id']}/decision", {"decision": "approve"})
    assert decided.status_code == 200, decided.text


def _send_back(journey: Journey) -> None:
    discount_id = _paid(journey)
    reference = payment_reference(discount_id, 1)
    url = f"{journey.deployed.stack.sandbox_url}/payments/{reference}/back"
    requests.post(url, json={"how": "RETURNED"}, timeout=30).raise_for_status()
    _notice(journey, reference, "RETURNED")


def _notice(journey: Journey, reference: str, status: str) -> None:
    bank = journey.deployed.clients["sample-bank"]
    taken = bank.post("/v1/bank/notices", {"reference": reference, "status": status})
    assert taken.status_code == 200, taken.text


def _bank_down(journey: Journey) -> None:
    _STOPPED.clear()
    journey.deployed.mood(bank={"down": True})


def _bank_down_for_long(journey: Journey) -> None:
    _bank_down(journey)
    for _ in range(2):
        _submit(journey)
    found = wait_for(journey.watch, lambda one: one is not None and one["measures"].get("PaymentsUnknown", 0) >= 2)
    assert found["measures"]["PaymentsUnknown"] >= 2
    journey.advance(timedelta(minutes=11))


def _all_paid(journey: Journey) -> Values:
    journey.deployed.mood()
    for discount_id in _STOPPED:
        journey.deployed.until(str(discount_id), "DISBURSED")
    return {}


def _registry_down(journey: Journey) -> None:
    _STOPPED.clear()
    journey.deployed.mood(registry={"down": True})


def _pay_late(journey: Journey) -> None:
    """The bank has paid, and tells nobody for four minutes."""
    _STOPPED.clear()
    journey.deployed.mood(bank={"late_percent": 100, "late_s": 3600})
    for _ in range(12):
        _submit(journey)
    wait_for(journey.watch, lambda one: one is not None and one["measures"].get("PaymentsUnknown", 0) >= len(_STOPPED))
    journey.advance(timedelta(minutes=4))


def _tell_one(journey: Journey) -> None:
    if _STOPPED:
        _notice(journey, payment_reference(str(_STOPPED.pop(0)), 1), "SUCCEEDED")


def _tell_all(journey: Journey) -> Values:
    journey.deployed.mood()
    while _STOPPED:
        _tell_one(journey)
    return {}


def _stop_witnesses(journey: Journey, count: int) -> None:
    _STOPPED[:] = [journey.function("WitnessFunction", stack=name) for name in WITNESSES[:count]]
    for function in _STOPPED:
        journey.stop(str(function))


def _stop_two_and_submit(journey: Journey) -> None:
    _stop_witnesses(journey, 2)
    journey.submit()


def _stopped(_: Journey) -> Values:
    return {"WITNESS_FUNCTION": [str(one) for one in _STOPPED]}


def _sweeper_stops(journey: Journey) -> None:
    journey.stop(journey.function("SweepRequestsFunction"))
    _paid(journey)  # what is logged of it after its payment waits for the sweeper to be cosigned
    wait_for(journey.watch, lambda one: one is not None and "behind" in one["details"].get("log", {}))
    journey.advance(timedelta(minutes=4))


def _sweeper_runs(journey: Journey) -> Values:
    journey.let_run(journey.function("SweepRequestsFunction"))
    journey.give_up("sweep")
    return {}


def _change_unlogged(journey: Journey) -> None:
    journey.stop(journey.function("SweepRequestsFunction"))
    content = {"list": "grey", "subject_kind": "name", "value": "示例名单企业有限公司", "effective_from": "2026-04-15"}
    _change(journey, "list_entry", {**content, "effective_until": None, "reason": "SAMPLE"})
    journey.advance(timedelta(minutes=17))


def _receiver_down(journey: Journey) -> None:
    receiver = Receiver(answering(503))
    _STOPPED[:] = [receiver]
    made = journey.deployed.clients["partner-a"].post(
        "/v1/webhook-endpoints", {"url": f"http://127.0.0.1:{receiver.port}/hook", "types": []}
    )
    assert made.status_code == 201, made.text
    _paid(journey)
    wait_for(journey.watch, lambda one: one is not None and one["measures"].get("WebhookBacklog", 0) > 0)
    journey.advance(timedelta(minutes=61))


def _receiver_up(journey: Journey) -> Values:
    _STOPPED[0]._behave = answering(200)
    # The next attempt of each is due within an hour.
    journey.advance(timedelta(minutes=61))
    return {}


def _deliver(journey: Journey) -> None:
    functions = journey.deployed.stack.client("lambda")
    try:
        journey.deployed.call("DeliverWebhooksFunction", {})
    except functions.exceptions.TooManyRequestsException:
        return


def _bills_stop(journey: Journey) -> None:
    journey.stop(journey.function("LookAfterBillsFunction"))
    bill = next(journey.deployed.plain)
    asked = journey.deployed.request(bill)
    stated = {name: asked[name] for name in ("enterprise_id", "bill", "trade")}
    body = {"institution_ids": ["bank-1"], "bills": [stated]}
    made = journey.deployed.clients["partner-a"].post("/v1/bill-imports", body)
    assert made.status_code in (201, 202), made.text
    journey.advance(timedelta(minutes=32))


def _bills_run(journey: Journey) -> Values:
    journey.let_run(journey.function("LookAfterBillsFunction"), 1)
    journey.give_up("look-after-bills")
    return {}


def _watch_stops(journey: Journey) -> None:
    journey.stop(journey.function("WatchFunction"))


def _watch_runs(journey: Journey) -> Values:
    journey.let_run(journey.function("WatchFunction"), 1)
    journey.give_up("watch")
    return {}


def _doubt(journey: Journey) -> None:
    doubtful = next(bill for bill in journey.deployed.samples if bill.expected == "in_review" and not bill.at)
    journey.deployed.until(journey.deployed.submit(doubtful), "IN_REVIEW")
    journey.deployed.sweep()
    journey.advance(timedelta(minutes=121))


def _new_caller(journey: Journey) -> None:
    _logs(journey)
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keys = {"1": {"algorithm": "ed25519", "public_key": pem}}
    _change(journey, "partner", {**_CALLER, "keys": keys, "reason": "SAMPLE"})


def _try_keys(journey: Journey) -> None:
    """Signed with another key than the one that is named."""
    client = PartnerClient(journey.deployed.stack.base_url, _CALLER["partner_id"], Ed25519PrivateKey.generate())
    with ThreadPoolExecutor(4) as pool:
        refused = [answer.status_code for answer in pool.map(client.get, ["/v1/status"] * 100)]
    assert set(refused) == {401}, refused


def _revoke(journey: Journey) -> Values:
    (journey.folder / "KEY.json").write_text(json.dumps({**_CALLER, "revoke": ["1"], "reason": "KEY_LOST"}))
    return {}


def _strange_page(journey: Journey) -> None:
    if not _STOPPED:
        _submit(journey)
    path = f"/v1/discounts/{_STOPPED[0]}/confirmation-challenges"
    headers = {"Idempotency-Key": str(uuid.uuid4()), "Origin": "https://pay.example.cn.evil.example"}
    answer = journey.deployed.clients["partner-a"].send("POST", path, b'{"operator_id": "opr_sample"}', headers)
    assert answer.status_code == 403, answer.text


def _release_partner(journey: Journey) -> Values:
    content = {"scope": "partner", "id": "partner-a", "reason": "PAGE_TAKEN_DOWN"}
    (journey.folder / "RELEASE.json").write_text(json.dumps(content))
    return {"PARTNER_ID": ["partner-a"]}


def _logs(journey: Journey) -> None:
    """The emulator's functions write to log groups of their own; on AWS these two are theirs."""
    _STOPPED.clear()
    logs = journey.deployed.stack.client("logs")
    for kind in ("functions", "signatures"):
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=f"/rongtong/{STACK}/{kind}")


def _faults(journey: Journey) -> None:
    """The emulator's API Gateway publishes no metrics: what AWS would is put in its place, one a second."""
    _logs(journey)


def put_fault(journey: Journey) -> None:
    """Ten faults of this moment."""
    dimensions = [{"Name": "ApiName", "Value": STACK}]
    datum = {"MetricName": "5XXError", "Dimensions": dimensions, "Value": 10.0, "Unit": "Count"}
    journey.deployed.stack.client("cloudwatch").put_metric_data(Namespace="AWS/ApiGateway", MetricData=[datum])


def _release(journey: Journey) -> Values:
    content = {"scope": "platform", "reason": "API_MENDED"}
    (journey.folder / "RELEASE.json").write_text(json.dumps(content))
    return {}
