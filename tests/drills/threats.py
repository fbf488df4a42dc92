"""``make drill``: a flood and a look-alike site against a stack of its own, step by step, with a report to keep.

The technical half of the joint drills on DDoS and phishing (BC-08, XYSJ-004); who is called and answers is for persons.
Exit 0 when every step held. The report's SHA-256 is what goes into the register (docs/operations/duties.md).
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cfnlint.decode import cfn_yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.table import Table

from demo import BUSINESS_TIME
from deployed import Deployed, running
from partner_client import PartnerClient
from paths import BUILD, ROOT
from rongtong.domain.lookalikes import lookalikes
from rongtong.operations import main as operations
from seed import load_key
from web_acl import Deployed as Edge

_FOLDER = BUILD / "drill"
_FLOODER, _VICTIM = "partner-b", "partner-a"
_PER_SECOND = 2
_FLOOD_S = 8.0
_AT_ONCE = 6
_DISCOUNTS = 3
_UNSIGNED = 150
_OWN_NAME = "rongtong.example"
_EDGE = {
    "ApiStageArn": "arn:aws:apigateway:eu-west-1::/restapis/a1/stages/v1",
    "DomainName": f"api.{_OWN_NAME}",
    "CertificateArn": "arn:aws:acm:eu-west-1:210987654321:certificate/0",
}
NOT_DRILLED = (
    "The web firewall (infrastructure/edge.yaml) is not in the local emulator: that it refuses one address above its"
    " rate with 429, and any other host with 403, is read from its template by the tests' model of it, and not sent.",
    "Floods of the network below HTTP are for AWS Shield and the telecom operator; nothing here sends them.",
    "The look-up of look-alike domains needs the internet's resolvers; tests/contract/test_dns.py has one of its own.",
    "Persons: who is called, reports a site to CNCERT and its registrar, and tells partners.",
)


@dataclass
class Step:
    """What was tried, what had to come of it, and what came."""

    name: str
    wanted: str
    found: dict[str, Any] = field(default_factory=dict)
    held: bool = False


class _Relay(HTTPAdapter):
    """A look-alike site: it hands on what was meant for it, under our own name."""

    def __init__(self, real: str) -> None:
        super().__init__()
        self._real = real

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> requests.Response:
        """To us, as though the client had come to us."""
        assert request.url is not None
        asked = urlsplit(request.url)
        request.url = f"{self._real}{asked.path}{f'?{asked.query}' if asked.query else ''}"
        request.headers["Host"] = urlsplit(self._real).netloc
        return super().send(request, *rest, **more)


class _Lured(PartnerClient):
    """A partner that was given the look-alike's address, and signs for it."""

    def __init__(self, name: str, real: str, key: Ed25519PrivateKey) -> None:
        where = urlsplit(real)
        super().__init__(f"http://{name}{where.path}", _VICTIM, key)
        self._session.mount("http://", _Relay(f"{where.scheme}://{where.netloc}"))


def main() -> int:
    console, began = Console(soft_wrap=True), time.monotonic()

    def say(step: str) -> None:
        console.print(f"  {time.monotonic() - began:6.1f} s  {step}", highlight=False)

    with running(_FOLDER, say) as deployed:
        steps = [_limit_set(deployed)]
        for step in (_flood_of_a_key, _flood_without_signature, _look_alike_relays):
            say(step.__name__.strip("_").replace("_", " "))
            steps.append(step(deployed))
        steps.append(_edge_as_written())
        report = _write(steps)
        recorded = _recorded(deployed, report)
    console.print(_table(steps))
    console.print("Not drilled here:")
    for one in NOT_DRILLED:
        console.print(f"  - {one}")
    console.print(f"{report}: SHA-256 {hashlib.sha256(report.read_bytes()).hexdigest()}")
    console.print(
        "Recorded on this stack as not passed: nobody but a machine took part. For a drill with others:\n"
        f"  python -m rongtong.operations record-duty ddos_drill --held-on DAY --took-part ROLE=N … --report {report}"
    )
    return 0 if recorded and all(step.held for step in steps) else 1


def _limit_set(deployed: Deployed) -> Step:
    """Two persons agree on a rate for the partner that will flood."""
    step = Step("two persons limit a partner", f"{_PER_SECOND} requests a second for {_FLOODER}")
    content = {"partner_id": _FLOODER, "role": "partner", "requests_per_second": _PER_SECOND, "reason": "DRILL"}
    proposed = deployed.clients["operations"].post("/v1/operations/changes", {"kind": "partner", "content": content})
    path = f"/v1/operations/changes/{proposed.json()['change_id']}/decision"
    decided = deployed.clients["operations-2"].post(path, {"decision": "approve"})
    step.found = {"proposed": proposed.status_code, "decided": decided.status_code, "status": decided.json()["status"]}
    step.held = decided.json()["status"] == "APPROVED"
    return step


def _flood_of_a_key(deployed: Deployed) -> Step:
    step = Step(
        "one key floods",
        f"at most {_PER_SECOND} a second are answered, the rest 429 with Retry-After; another's discounts are paid",
    )
    statuses: Counter[str] = Counter()
    lock, without_wait = threading.Lock(), []

    def once() -> None:
        answer = deployed.clients[_FLOODER].get("/v1/enterprises?limit=1")
        with lock:
            statuses[str(answer.status_code)] += 1
            if answer.status_code == 429 and "Retry-After" not in answer.headers:
                without_wait.append(answer.text)

    paid, elapsed = _meanwhile(deployed, once, _FLOOD_S)
    answered = statuses["200"]
    step.found = {
        "answers": dict(sorted(statuses.items())),
        "answered_a_second": round(answered / elapsed, 1),
        "refused_without_retry_after": len(without_wait),
        "discounts_of_others_paid": paid,
    }
    # A second's window may be seen by two of our own: its begin and its end.
    within = answered <= _PER_SECOND * (elapsed + 2)
    refused = statuses["429"] > answered and set(statuses) <= {"200", "429"}
    step.held = within and refused and not without_wait and paid == _DISCOUNTS
    return step


def _flood_without_signature(deployed: Deployed) -> Step:
    step = Step("one address floods without a signature", "every request is 401; another's discounts are paid")
    statuses: Counter[str] = Counter()
    lock = threading.Lock()

    def once() -> None:
        answer = requests.get(f"{deployed.stack.base_url}/v1/discounts", timeout=60)
        with lock:
            statuses[str(answer.status_code)] += 1

    paid, _ = _meanwhile(deployed, once, _FLOOD_S, at_most=_UNSIGNED)
    step.found = {"answers": dict(statuses), "discounts_of_others_paid": paid}
    step.held = set(statuses) == {"401"} and paid == _DISCOUNTS
    return step


def _look_alike_relays(deployed: Deployed) -> Step:
    names = [one.name for one in lookalikes(_OWN_NAME)][:: max(1, len(lookalikes(_OWN_NAME)) // 8)]
    step = Step(
        "look-alike sites hand on what partners signed for them", "every request is 401, and none has an effect"
    )
    key = load_key(Path(deployed.stack.keys), _VICTIM)
    bill, statuses = next(deployed.plain), Counter[str]()
    before = deployed.records()
    for name in names:
        lured = _Lured(name, deployed.stack.base_url, key)
        statuses[str(lured.post("/v1/discounts", deployed.request(bill)).status_code)] += 1
    direct = deployed.clients[_VICTIM].get("/v1/status").status_code
    step.found = {"names": names, "answers": dict(statuses), "the_same_key_at_our_own_name": direct}
    step.found["records_made"] = deployed.records() - before
    step.held = set(statuses) == {"401"} and direct == 200 and step.found["records_made"] == 0
    return step


def _edge_as_written() -> Step:
    """From the template, by the tests' model of a web ACL: nothing is sent."""
    step = Step(
        "the edge, as its template has it", "other hosts are refused; one address above its rate is told to wait"
    )
    edge = Edge(cfn_yaml.load(str(ROOT / "infrastructure" / "edge.yaml")), _EDGE)
    hosts = {one.name: edge.refused_by("/v1/status", host=f"api.{one.name}") for one in lookalikes(_OWN_NAME)}
    rates = {rule["Name"]: rule for rule in edge.rules if "RateBasedStatement" in rule["Statement"]}
    answers = {name: rule["Action"]["Block"]["CustomResponse"]["ResponseCode"] for name, rule in rates.items()}
    own = edge.refused_by("/v1/status", host=_EDGE["DomainName"])
    step.found = {"hosts_refused": sum(rule == "hosts" for rule in hosts.values()), "hosts": len(hosts)}
    step.found |= {"own_name_refused_by": own, "rate_rules": answers}
    step.held = set(hosts.values()) == {"hosts"} and own is None and set(map(str, answers.values())) == {"429"}
    return step


def _meanwhile(
    deployed: Deployed, once: Callable[[], None], seconds: float, at_most: int | None = None
) -> tuple[int, float]:
    """Flood while another partner's discounts run; how many of those were paid, and how long the flood lasted."""
    stop, left = threading.Event(), [at_most if at_most is not None else 1_000_000]

    def flood() -> None:
        while not stop.is_set() and left[0] > 0:
            left[0] -= 1
            once()

    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        floods = [pool.submit(flood) for _ in range(_AT_ONCE)]
        try:
            ids = [deployed.submit(next(deployed.plain)) for _ in range(_DISCOUNTS)]
            paid = [deployed.until(one, "DISBURSED", "FAILED", "REFUSED")["status"] for one in ids]
            while at_most is None and time.monotonic() - began < seconds:
                time.sleep(0.1)
        finally:
            stop.set()
        for one in floods:
            one.result()
    return paid.count("DISBURSED"), time.monotonic() - began


def _write(steps: list[Step]) -> Path:
    report = {
        "format": "rongtong-threat-drill/1",
        "held": all(step.held for step in steps),
        "steps": [vars(step) for step in steps],
        "not_drilled": list(NOT_DRILLED),
    }
    path = _FOLDER / "report.json"
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def _recorded(deployed: Deployed, report: Path) -> bool:
    """Both drills in the stack's register, on the day of its business clock, as what they were: a machine's alone."""
    key = str(Path(deployed.stack.keys) / "operations.pem")
    where = ["--url", deployed.stack.base_url, "--key-id", "operations#1", "--key", key]
    said = ["--held-on", BUSINESS_TIME[:10], "--took-part", "platform=1", "--result", "fail", "--report", str(report)]
    done = [operations(["record-duty", duty, *said, *where]) for duty in ("ddos_drill", "phishing_drill")]
    return done == [0, 0]


def _table(steps: list[Step]) -> Table:
    table = Table("step", "must", "found", "held")
    for step in steps:
        table.add_row(step.name, step.wanted, json.dumps(step.found), "yes" if step.held else "NO")
    return table


if __name__ == "__main__":
    sys.exit(main())
