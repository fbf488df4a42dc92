"""On the running stack: the register of duties under its own roles, and a bad release that is taken back."""

import hashlib
from pathlib import Path

import pytest

from demo import BUSINESS_TIME
from deployed import wait_for
from emulator import CREDENTIALS, REGION
from rongtong import operations
from rongtong.services.records import duty_pk
from stack import STACK

HELD_ON = BUSINESS_TIME[:10]
SHA = "ab" * 32
FINDING = {"what": "The list was out of date.", "due_on": HELD_ON, "owner": "platform"}
RECORDS = "/v1/operations/duties/switch_drill/records"


def _commanded(deployed, who, *words):
    key = str(Path(deployed.stack.keys) / f"{who}.pem")
    where = ["--url", deployed.stack.base_url, "--key-id", f"{who}#1", "--key", key]
    return operations.main([*words, *where])


def _state(deployed, pk):
    table, key = deployed.stack.client("dynamodb"), {"pk": {"S": pk}, "sk": {"S": "state"}}
    return table.get_item(TableName=deployed.stack.business_table, Key=key, ConsistentRead=True)["Item"]


def test_a_duty_is_recorded_logged_and_its_finding_closed_by_another_person(deployed, tmp_path):
    """Through the API's own roles, and by the command."""
    report = tmp_path / "report.txt"
    report.write_bytes(b"what was done")
    said = ["--held-on", HELD_ON, "--took-part", "platform=2", "--result", "pass", "--report", str(report)]
    assert _commanded(deployed, "operations", "record-duty", "switch_drill", *said) == 0
    body = {"held_on": HELD_ON, "participants": [{"role": "platform", "count": 2}], "result": "pass"}
    body |= {"report_sha256": SHA, "findings": [FINDING]}
    record = deployed.clients["operations"].post(RECORDS, body, "registers-1")
    assert record.status_code == 201, record.text
    assert deployed.clients["operations"].post(RECORDS, body, "registers-1").json() == record.json()
    listed = deployed.clients["operations"].get(RECORDS).json()["records"]
    assert {one["report_sha256"] for one in listed} == {SHA, hashlib.sha256(b"what was done").hexdigest()}
    closure = f"{RECORDS}/{record.json()['duty_record_id']}/findings/1/closure"
    said = {"note": "LIST_RENEWED", "sha256": SHA}
    assert deployed.clients["operations"].post(closure, said).json()["code"] == "SAME_PERSON"
    closed = deployed.clients["operations-2"].post(closure, said)
    assert closed.json()["findings"][0]["closed"]["by"] == "operations-2"
    (drill,) = [
        one
        for one in deployed.clients["operations"].get("/v1/operations/duties").json()["duties"]
        if one["duty"] == "switch_drill"
    ]
    assert (drill["last_held_on"], drill["open_findings"]) == (HELD_ON, [])
    # Its two events are in the evidence log, and then nothing is due of it.
    pk = duty_pk(record.json()["duty_record_id"])
    wait_for(lambda: _swept(deployed, pk), lambda item: "due" not in item, pause_s=1.0)


def _swept(deployed, pk):
    deployed.sweep()
    return _state(deployed, pk)


def test_a_partner_neither_reads_nor_writes_the_register(deployed):
    assert deployed.clients["partner-a"].get("/v1/operations/duties").status_code == 403
    assert deployed.clients["partner-a"].post(RECORDS, {}).status_code == 403


@pytest.fixture
def at_the_emulator(deployed, monkeypatch):
    """The operator's credentials, for commands that speak to AWS."""
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": deployed.stack.emulator.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def test_a_bad_release_is_taken_back_by_one_command(deployed, at_the_emulator):
    client, asked = deployed.stack.client("lambda"), deployed.clients["partner-a"]
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    (name,) = [one for one in names if "-DiscountRequestsFunction-" in one]
    handler = client.get_function_configuration(FunctionName=name)["Handler"]
    good = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    assert asked.get("/v1/discounts?limit=1").status_code == 200
    try:
        client.update_function_configuration(FunctionName=name, Handler="app.gone")
        bad = client.publish_version(FunctionName=name)
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=bad["Version"])
        assert asked.get("/v1/discounts?limit=1").status_code >= 500
        assert operations.main(["rollback", "--stack", STACK, "--to-before", bad["LastModified"]]) == 0
        assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == good
        assert asked.get("/v1/discounts?limit=1").status_code == 200
    finally:
        # Whatever came of it, the tests behind this one find the release that they were given.
        client.update_function_configuration(FunctionName=name, Handler=handler)
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=good)
