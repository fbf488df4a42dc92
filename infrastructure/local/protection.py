"""Holds the platform to what software can show of level 3 of GB/T 22239-2019 (等保三级), and writes down what it found.

    python infrastructure/local/protection.py --parameters my-deployment.json --out protection.json \
        [--url https://… --key-id operations#1 --key operations.pem]

It is a self-check, and no assessment (测评): an assessor of the register does that. Each check is computed from the
templates as the parameters make them, from the code, and, with ``--url``, from the running platform's own records. Exit
0 when none failed. The clauses are those of chapter 8 (level 3; assumed: to be compared with the text by the assessor).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protection_checks import CHECKS, House
from protection_template import made, parameters_in
from rongtong.adapters.http import UnansweredError
from rongtong.adapters.signed_api import RefusedError, SignedApi, load_key
from rongtong.operations_output import table

FORMAT = "rongtong-protection-self-check/1"
NOT_OF_SOFTWARE = (
    "8.1.1 physical environment: the cloud provider's own assessment shows it.",
    "8.1.3 network boundary below HTTP, 8.1.4.5 malicious code, 8.1.4.6 trusted verification: the cloud provider's.",
    "8.1.5 management centre: accounts and CloudTrail of the AWS account are outside of these templates.",
    "8.1.6 to 8.1.10 management: institutions, persons, construction and operation; the register has their records.",
)
_TEMPLATES = {"edge": "infrastructure/edge.yaml", "backup": "infrastructure/backup.yaml"}
_EXAMPLES = Path(__file__).resolve().parents[1] / "parameters"
_MARKS = {"pass": "pass", "fail": "FAIL", "not_checked": "not checked"}


@dataclass(frozen=True)
class Running:
    """What the running platform says of itself."""

    jobs: list[dict[str, Any]]
    duties: list[dict[str, Any]]


def house_of(parameters: Path, running: Running | None = None) -> House:
    """The platform as the parameters make it; edge and backups as their examples have it beside them."""
    beside = {name: parameters_in(_EXAMPLES / f"{name}.json") for name in _TEMPLATES}
    others = {name: made(path, beside[name]) for name, path in _TEMPLATES.items()}
    return House(
        made("template.yaml", parameters_in(parameters)),
        edge=others["edge"],
        backup=others["backup"],
        jobs=None if running is None else running.jobs,
        duties=None if running is None else running.duties,
    )


def checked(house: House) -> list[dict[str, Any]]:
    """Every check with its result; ``faults`` says what is not as it must be."""
    found: list[dict[str, Any]] = []
    for check in CHECKS:
        faults = check.run(house)
        result = "not_checked" if faults is None else "fail" if faults else "pass"
        found.append({"clause": check.clause, "area": check.area, "must": check.must, "result": result})
        if faults:
            found[-1]["faults"] = faults
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when no check failed, 1 when one did, 2 when the platform could not be asked."""
    options = _parser().parse_args(arguments)
    try:
        running = _asked(options) if options.url else None
    except (OSError, ValueError, RefusedError, UnansweredError) as error:
        print(f"{options.url}: {error}", file=sys.stderr)
        return 2
    found = checked(house_of(options.parameters, running))
    report = {
        "format": FORMAT,
        "parameters": options.parameters.name,
        "checks": found,
        "not_of_software": list(NOT_OF_SOFTWARE),
    }
    content = (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode()
    options.out.write_bytes(content)
    table([{**one, "result": _MARKS[one["result"]]} for one in found], ("clause", "area", "result", "must"))
    for clause, fault in ((one["clause"], fault) for one in found for fault in one.get("faults", ())):
        print(f"FAIL {clause}: {fault}")
    print("Not shown by software:")
    for one in NOT_OF_SOFTWARE:
        print(f"  {one}")
    print(f"{options.out}: SHA-256 {hashlib.sha256(content).hexdigest()}")
    return int(any(one["result"] == "fail" for one in found))


def _asked(options: argparse.Namespace) -> Running:
    api = SignedApi(options.url, options.key_id, load_key(Path(options.key).read_bytes()), at_once=1, pause=time.sleep)
    return Running(api.get("/v1/operations/jobs")["jobs"], api.get("/v1/operations/duties")["duties"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Self-check against level 3 of GB/T 22239-2019.")
    parser.add_argument("--parameters", type=Path, required=True, metavar="FILE", help="the deployment's parameters")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the findings are written")
    parser.add_argument("--url", help="the running platform's base URL; without it its records are not checked")
    parser.add_argument("--key-id", help="like operations#1")
    parser.add_argument("--key", metavar="FILE", help="its Ed25519 private key (PEM)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
