"""The bank, the registry or the evidence log is down for minutes: what do requests hear, and does all finish alone?

Exit 0 when every request was accepted or refused with a code, and everything accepted ended paid without a person.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from typing import Any

import requests
from kill import _reconcile
from rich.console import Console
from rich.table import Table

from deployed import Deployed, running
from paths import BUILD

_ENDS = {"DISBURSED", "REFUSED", "FAILED"}
_EVERY_S = 15
_PATIENCE_S = 1200
Document = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--services", nargs="*", default=["bank", "registry", "log"])
    options = parser.parse_args()
    console, began = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120), time.monotonic()

    def say(step: str) -> None:
        console.print(f"  {time.monotonic() - began:6.1f} s  {step}")

    table = Table(
        "down", "minutes", "requests", "accepted", "refused with a code", "other", "ended", "all ended after (s)"
    )
    with running(BUILD / "outage", say) as deployed:
        results = [_outage(deployed, service, options.minutes, say) for service in options.services]
        statement = requests.get(f"{deployed.stack.sandbox_url}/statement", timeout=30).json()
        reconciled = _reconcile(deployed)
    for row in results:
        table.add_row(
            *(str(row[key]) for key in ("down", "minutes", "requests", "accepted", "refused", "other")),
            json.dumps(row["ended"]),
            str(row["seconds"]),
        )
    console.print(table)
    paid = sum(row["paid_fen"] for row in results)
    console.print(
        f"books {paid:,} fen, bank {statement['total_fen']:,} fen, differences {len(reconciled['differences'])}"
    )
    good = (
        paid == statement["total_fen"]
        and reconciled["differences"] == []
        and all(row["other"] == 0 and set(row["ended"]) == {"DISBURSED"} for row in results)
    )
    (BUILD / "outage" / "summary.json").write_text(json.dumps({"rows": results, "good": good}, indent=2))
    console.print("Nothing was lost, and nobody was needed." if good else "[red]Not as promised.[/red]")
    return 0 if good else 1


def _outage(deployed: Deployed, service: str, minutes: float, say: Any) -> Document:
    """Submit a bill every quarter of a minute while the service is down, bring it back, wait for every end."""
    say(f"{service} down for {minutes:g} minutes")
    _down(deployed, service, down=True)
    until, accepted, heard = time.monotonic() + 60 * minutes, [], Counter[str]()
    while time.monotonic() < until:
        answer = deployed.clients["partner-a"].post("/v1/discounts", deployed.request(next(deployed.plain)))
        body = answer.json()
        if answer.status_code == 202:
            accepted.append(str(body["discount_id"]))
            heard["accepted"] += 1
        else:
            heard["refused" if body.get("code") else "other"] += 1
        time.sleep(min(_EVERY_S, max(0.0, until - time.monotonic())))
    _down(deployed, service, down=False)
    say(f"{service} is back; {len(accepted)} discounts wait")
    back = time.monotonic()
    while time.monotonic() < back + _PATIENCE_S:
        found = [deployed.clients["partner-a"].get(f"/v1/discounts/{one}").json() for one in accepted]
        if all(one.get("status") in _ENDS for one in found):
            break
        time.sleep(2)
    seconds = round(time.monotonic() - back)
    ended = Counter(str(one.get("status")) for one in found)
    say(f"{dict(ended)} {seconds} s after {service} was back")
    return {
        "down": service,
        "minutes": minutes,
        "requests": sum(heard.values()),
        **{name: heard[name] for name in ("accepted", "refused", "other")},
        "ended": dict(ended),
        "seconds": seconds,
        "paid_fen": sum(int(one.get("paid_fen", 0)) for one in found),
    }


def _down(deployed: Deployed, service: str, *, down: bool) -> None:
    if service != "log":
        deployed.mood(**({service: {"down": True}} if down else {}))
        return
    keys = deployed.stack.client("kms")
    outputs = deployed.stack.client("cloudformation").describe_stacks(StackName="rongtong")["Stacks"][0]["Outputs"]
    key = next(one["OutputValue"] for one in outputs if one["OutputKey"] == "LogKeyId")
    (keys.disable_key if down else keys.enable_key)(KeyId=key)


if __name__ == "__main__":
    sys.exit(main())
