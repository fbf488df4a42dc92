"""Backups and disasters, last of all: damage is found, and of lost tables nothing is unaccounted for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import boto3
import pytest
import requests

from deployed import wait_for
from emulator import CREDENTIALS
from paths import ROOT
from stack import BACKUP_REGION, STACK

VAULT = f"{STACK}-backup"
LATER = "2026-04-20T10:00:00+08:00"
"""After every day on which the other tests have made backups: the newest is one that is made here."""
DAY = "2026-04-19"


@pytest.fixture(scope="module", autouse=True)
def later(deployed):
    """The business clock stands on a later working day, as every function sees by then that the tests wait for."""
    requests.put(f"{deployed.stack.sandbox_url}/clock", json={"now": LATER}, timeout=30).raise_for_status()
    path, asked = "/v1/operations/jobs/backup/runs", {"period": DAY, "why": "DRILL"}
    wait_for(lambda: deployed.clients["operations"].post(path, asked).status_code, lambda status: status != 422)
    wait_for(lambda: _run_of(deployed).get("status"), lambda status: status == "SUCCEEDED")


def _run_of(deployed):
    return deployed.clients["operations"].get(f"/v1/operations/jobs/backup/runs/{DAY}").json()


def _run_job(deployed, job, **given):
    """Run a job to its end; what it found."""
    states = deployed.stack.client("stepfunctions")
    machine = deployed.stack.discount_machine_arn.replace(f"{STACK}-discount", f"{STACK}-{job}")
    started = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    ended = wait_for(
        lambda: states.describe_execution(executionArn=started), lambda found: found["status"] != "RUNNING"
    )
    assert ended["status"] == "SUCCEEDED", ended
    return json.loads(ended["output"])["found"]


def _vault(deployed):
    return boto3.client(
        "s3",
        endpoint_url=deployed.stack.emulator.url,
        region_name=BACKUP_REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


def _restore(deployed, tmp_path, *more):
    """Run the command as an operator does; what it printed."""
    endpoint = {"AWS_ENDPOINT_URL": deployed.stack.emulator.url, "PYTHONPATH": str(ROOT / "layers" / "core")}
    command = [sys.executable, "-m", "rongtong.operations", "restore", "--stack", STACK]
    command += ["--policy", deployed.stack.trust, "--settle", "0", *more]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **CREDENTIALS, **endpoint},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _lose_tables(deployed):
    """Delete both tables and everything in them."""
    tables = deployed.stack.client("dynamodb")
    names = [name for name in tables.list_tables()["TableNames"] if "BusinessTable" in name or "EvidenceTable" in name]
    assert len(names) == 2
    for name in names:
        tables.delete_table(TableName=name)


def test_a_flipped_bit_in_the_newest_backup_is_named_by_the_drill_and_the_one_before_it_is_used(deployed):
    deployed.until(deployed.submit(next(deployed.plain)), "DISBURSED")
    older = _run_job(deployed, "backup", again=True)
    deployed.until(deployed.submit(next(deployed.plain)), "DISBURSED")
    newest = _run_job(deployed, "backup", again=True)
    vault = _vault(deployed)
    listed = vault.list_objects_v2(Bucket=VAULT, Prefix=f"tables/{newest['backup_id']}/")["Contents"]
    key = max(listed, key=lambda one: one["Size"])["Key"]
    content = bytearray(vault.get_object(Bucket=VAULT, Key=key)["Body"].read())
    content[len(content) // 2] ^= 1
    vault.put_object(Bucket=VAULT, Key=key, Body=bytes(content))

    found = _run_job(deployed, "restore_drill", again=True)
    assert found["backup_id"] == older["backup_id"]
    (damaged,) = found["damaged"]
    assert damaged.endswith(key)
    assert found["broken_count"] == 0
    tables = deployed.stack.client("dynamodb").list_tables()["TableNames"]
    assert [name for name in tables if "-scratch-" in name] == []


def test_after_all_tables_are_lost_every_acknowledged_request_is_back_or_listed_by_its_id(deployed, tmp_path):
    client = deployed.clients["partner-a"]
    bills = [next(deployed.plain) for _ in range(4)]
    kept = [deployed.submit(bills[0])]
    deployed.until(kept[0], "DISBURSED")
    _run_job(deployed, "backup", again=True)
    paid, body = deployed.submit(bills[1]), deployed.request(bills[2], confirmation=None)
    deployed.until(paid, "DISBURSED")
    answer = client.post("/v1/discounts", body, key="sent-again")
    waiting = answer.json()["discount_id"]
    deployed.until(waiting, "AWAITING_CONFIRMATION", "IN_REVIEW")

    _lose_tables(deployed)
    report = tmp_path / "report.json"
    planned = _restore(deployed, tmp_path, "--dry-run")
    assert "Nothing was changed." in planned
    told = _restore(deployed, tmp_path, "--report", str(report))
    print(told)

    listed = {one["id"]: one for one in json.loads(report.read_text())["after_the_backup"]}
    for discount_id in (*kept, paid, waiting):
        back = client.get(f"/v1/discounts/{discount_id}").status_code == 200
        assert back or f"discount#{discount_id}" in listed
        assert back or discount_id in told
    assert listed[f"discount#{paid}"]["paid"]
    assert set(listed[f"discount#{paid}"]["known_by"]) == {"execution", "log", "bank"}
    assert client.get(f"/v1/discounts/{kept[0]}").json()["status"] == "DISBURSED"
    assert "Recovery point:" in told
    assert "Recovery time:" in told
    assert json.loads(report.read_text())["broken"] == []

    # The main flow goes on: a new discount is paid, its receipt is cosigned; what was gone may be sent again.
    again = client.post("/v1/discounts", body, key="sent-again")
    assert (again.status_code, again.json()["discount_id"]) == (202, waiting)
    new = deployed.submit(bills[3])
    deployed.until(new, "DISBURSED")
    # Its receipt is one under the quorum of witnesses, who would cosign no fork.
    wait_for(lambda: client.get(f"/v1/discounts/{new}/receipt"), lambda one: one.status_code == 200)
    incidents = deployed.clients["operations"].get("/v1/operations/incidents").json()["incidents"]
    kinds = {one["kind"] for one in incidents}
    assert "RESTORED" in kinds
    assert "LOG_REFUSED_BY_WITNESS" not in kinds
