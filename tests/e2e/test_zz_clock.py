"""The business clock can be set; last of all, because it changes the time for everybody."""

import requests

from demo import BUSINESS_TIME
from deployed import wait_for


def _set(deployed, now):
    answer = requests.put(f"{deployed.stack.sandbox_url}/clock", json={"now": now}, timeout=30)
    assert answer.status_code == 200
    return answer.json()["now"]


def test_on_a_sunday_nothing_is_accepted_and_the_clock_can_be_set_back(deployed):
    client, bill = deployed.clients["partner-a"], next(deployed.plain)
    assert _set(deployed, "2026-04-19T10:00:00+08:00").startswith("2026-04-19T02:00:00")
    closed = wait_for(
        lambda: client.post("/v1/discounts", deployed.request(bill, confirmation=None)),
        lambda answer: answer.status_code != 202 and answer.json()["code"] != "RANGE_TAKEN",
    )
    assert (closed.status_code, closed.json()["code"]) == (422, "NOT_A_WORKING_DAY")
    _set(deployed, BUSINESS_TIME)
    other = next(deployed.plain)
    opened = wait_for(
        lambda: client.post("/v1/discounts", deployed.request(other, confirmation=None)),
        lambda answer: answer.status_code == 202,
    )
    assert opened.json()["status"] == "ACCEPTED"
