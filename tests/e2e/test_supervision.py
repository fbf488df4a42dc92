"""A supervisor of the deployed stack: connected before a discount, hinted at it, catching up after a cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployed import Deployed, wait_for
from rongtong import follow
from rongtong.adapters.feed_socket import FeedClosedError, FeedSocket
from seed import load_key

WHO = "sample-supervisor"


@pytest.fixture
def connect(deployed: Deployed) -> Iterator[Callable[[str], FeedSocket]]:
    """Connections by a caller's key, closed at the end."""
    made: list[FeedSocket] = []

    def connected(caller: str) -> FeedSocket:
        key = load_key(Path(deployed.stack.keys), caller)
        made.append(FeedSocket(deployed.stack.feed_url, f"{caller}#1", key))
        made[-1].connect()
        return made[-1]

    yield connected
    for one in made:
        one.close()


def events(deployed: Deployed, after: int) -> tuple[list[dict[str, Any]], int]:
    """Everything behind a leaf, and the last leaf."""
    found: list[dict[str, Any]] = []
    while True:
        behind = f"?after={after}" if after >= 0 else ""
        page = deployed.clients[WHO].get(f"/v1/supervision/events{behind}").json()
        found, after = found + page["events"], page["after"]
        if not page["more"]:
            return found, after


def types_of(found: list[dict[str, Any]], discount_id: str) -> list[str]:
    return [one["event"]["type"].split(".")[3] for one in found if one["event"]["subject"] == discount_id]


def pay(deployed: Deployed) -> str:
    discount_id = deployed.submit(next(deployed.plain))
    deployed.until(discount_id, "DISBURSED")
    return discount_id


def cosigned(deployed: Deployed, discount_id: str) -> Any:
    """Sweep until the discount's last event is under the cosigned head."""

    def ready() -> Any:
        deployed.sweep()
        return types_of(events(deployed, -1)[0], discount_id)

    return wait_for(ready, lambda types: "paid" in types)


def test_who_is_connected_is_hinted_at_a_discount_and_reads_it_behind_its_own_cursor(deployed, connect):
    _, after = events(deployed, -1)
    feed = connect(WHO)
    discount_id = pay(deployed)
    hints: list[dict[str, Any]] = []

    def told() -> bool:
        hint = feed.wait(1)
        hints.extend([hint] if hint else [])
        return bool(hints) and hints[-1]["after"] > after

    wait_for(told, bool)
    assert hints[-1]["size"] == hints[-1]["after"] + 1
    assert hints[-1]["checkpoint"].split("\n")[1] == str(hints[-1]["size"])
    assert set(types_of(events(deployed, after)[0], discount_id)) >= {"requested", "verified", "sealed"}
    assert cosigned(deployed, discount_id) == ["requested", "verified", "sealed", "paid"]


def test_after_a_cut_nothing_is_lost_and_every_leaf_is_found_in_the_published_log(deployed, tmp_path, capsys):
    stack = deployed.stack
    where = ["--url", stack.base_url, "--key-id", f"{WHO}#1", "--key", str(Path(stack.keys) / f"{WHO}.pem")]
    command = [*where, "--policy", stack.trust, "--cursor", str(tmp_path / "cursor"), "--once", "--json", "--receipts"]
    first = pay(deployed)
    cosigned(deployed, first)
    assert follow.main(command) == 0
    before = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    second = pay(deployed)
    cosigned(deployed, second)
    assert follow.main(command) == 0
    behind = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    whole, _ = events(deployed, -1)
    assert "paid" in types_of(before, first)
    assert "paid" in types_of(behind, second)
    told = before + behind
    assert told == whole[: len(told)]


def test_a_supervisor_s_key_changes_nothing_and_a_partner_s_opens_no_feed(deployed, connect):
    discount_id = pay(deployed)
    client = deployed.clients[WHO]
    for path in (f"/v1/discounts/{discount_id}/confirmation", "/v1/operations/suspensions", "/v1/discounts"):
        assert client.post(path, {}).status_code == 403
    assert client.get(f"/v1/discounts/{discount_id}").status_code == 403
    assert client.get(f"/v1/supervision/discounts/{discount_id}").json()["status"] == "DISBURSED"
    for caller in ("partner-a", "operations", "sample-bank"):
        with pytest.raises(FeedClosedError, match="403"):
            connect(caller)


def test_the_figures_of_the_day_count_a_paid_discount(deployed):
    bill = next(deployed.plain)
    discount_id = deployed.submit(bill)
    shown = deployed.until(discount_id, "DISBURSED")
    day = shown["priced_on"]
    made = deployed.clients[WHO].get(f"/v1/supervision/figures?day={day}").json()
    rows = [row for row in made["figures"] if row["institution_id"] == shown["institution_id"]]
    assert sum(row["paid"]["count"] for row in rows) >= 1
    assert sum(row["paid"]["paid_fen"] for row in rows) >= shown["paid_fen"]


def test_a_revoked_key_s_connection_is_closed_with_the_next_push_and_opens_no_other(deployed, connect):
    """Two persons revoke it; a second key goes on reading."""
    feed = connect(WHO)
    maker, checker = deployed.clients["operations"], deployed.clients["operations-2"]
    content = {"partner_id": WHO, "role": "supervisor", "reason": "KEY_LEAKED", "revoke": ["1"]}
    proposed = maker.post("/v1/operations/changes", {"kind": "partner", "content": content})
    assert proposed.status_code == 201, proposed.text
    decided = checker.post(f"/v1/operations/changes/{proposed.json()['change_id']}/decision", {"decision": "approve"})
    assert decided.status_code == 200, decided.text
    pay(deployed)

    def is_closed() -> bool:
        try:
            feed.wait(1)
        except FeedClosedError as error:
            return "403" in str(error) or "closed" in str(error)
        return False

    wait_for(is_closed, bool)
    with pytest.raises(FeedClosedError, match="403"):
        connect(WHO)
