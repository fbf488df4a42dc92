"""Personal data on the deployed stack: consents, both ways of full display, closing, and erasing by the sweeper."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from deployed import Deployed, wait_for
from sample_file import read_json

PASSWORD, PHRASE = "lantern-orchid-47-mule", "窗前明月光"
_SAID = {"login_password": "设置登录密码", "disclosure": "查看企业完整资料"}
MOBILE = "13900139000"
ENTERPRISE = next(one for one in reversed(read_json("enterprises.json")) if one.get("expected", "ACTIVE") == "ACTIVE")


class Owner:
    """An enterprise that no other test needs, with an operator of its own."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.partner = deployed.clients["partner-b"]
        self.id = deployed.ids["partner-b"][ENTERPRISE["uscc"]]
        self.path = f"/v1/enterprises/{self.id}"
        self.operator_id = ""

    def post(self, end: str, body: Any, status: int) -> Any:
        answer = self.partner.post(self.path + end, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def code(self, purpose: str) -> str:
        self.post(f"/operators/{self.operator_id}/codes", {"purpose": purpose}, 201)
        messages = requests.get(f"{self.deployed.stack.sandbox_url}/messages", timeout=30).json()["messages"]
        (text,) = [one["text"] for one in messages if one["mobile"] == MOBILE and _SAID[purpose] in one["text"]]
        return re.findall(r"验证码(\d+)", text)[0]

    def enrol(self) -> None:
        body = {"name": "示例乙", "mobile": MOBILE, "roles": ["view"], "consent": {"terms_version": "2026-01"}}
        self.operator_id = self.post("/operators", body, 201)["operator_id"]
        first = {"code": self.code("login_password"), "password": PASSWORD, "phrase": PHRASE}
        self.post(f"/operators/{self.operator_id}/login-password", {"first": first}, 200)

    def log_in(self) -> str:
        cognito = self.deployed.stack.client("cognito-idp")
        (pool,) = [one["Id"] for one in cognito.list_user_pools(MaxResults=10)["UserPools"]]
        (client,) = [one["ClientId"] for one in cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]]
        answer = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=client,
            AuthParameters={"USERNAME": self.operator_id, "PASSWORD": PASSWORD},
        )
        return str(answer["AuthenticationResult"]["AccessToken"])

    def stored(self, sk: str = "state") -> dict[str, Any]:
        item = self._get(sk)
        return dict(json.loads(item["body"]["S"]))

    def _get(self, sk: str) -> dict[str, Any]:
        key = {"pk": {"S": f"enterprise#{self.id}"}, "sk": {"S": sk}}
        found = self.deployed.stack.client("dynamodb").get_item(TableName=self.deployed.stack.business_table, Key=key)
        return dict(found["Item"])

    def years_pass(self) -> None:
        """As if it had been closed eleven years ago."""
        table = self.deployed.stack.client("dynamodb")
        state, due = self._get("state"), self._get("retention")
        body = {**json.loads(state["body"]["S"]), "closed_at": "2015-01-01T00:00:00.000Z"}
        state["body"]["S"] = json.dumps({**body, "retain_until": "2025-01-01T00:00:00.000Z"}, ensure_ascii=False)
        due["due_at"] = {"S": "2025-01-01T00:00:00.000Z"}
        for item in (state, due):
            table.put_item(TableName=self.deployed.stack.business_table, Item=item)


@pytest.fixture(scope="module")
def owner(deployed: Deployed) -> Owner:
    return Owner(deployed)


def test_a_consent_is_withdrawn_and_given_anew(owner: Owner) -> None:
    assert owner.post("/consents/withdrawal", {}, 200)["standing"] is False
    given = owner.post("/consents", {"terms_version": "2026-02"}, 200)
    assert [one["terms_version"] for one in given["consents"]] == ["2026-02", "2026-01"]


def test_an_operator_and_operations_are_shown_a_field_and_both_are_recorded(owner: Owner) -> None:
    owner.enrol()
    proof = {"operator_id": owner.operator_id, "access_token": owner.log_in(), "code": owner.code("disclosure")}
    shown = owner.post("/disclosures", {**proof, "reason": "CORRECTION", "fields": ["mobile"]}, 200)
    assert shown["fields"] == {"mobile": ENTERPRISE["mobile"]}

    maker, checker = owner.deployed.clients["operations"], owner.deployed.clients["operations-2"]
    content = {"enterprise_id": owner.id, "fields": ["legal_representative"], "reason": "COMPLAINT"}
    change = maker.post("/v1/operations/changes", {"kind": "disclosure", "content": content}).json()["change_id"]
    approved = checker.post(f"/v1/operations/changes/{change}/decision", {"decision": "approve"})
    assert approved.status_code == 200, approved.text
    path = f"/v1/operations/enterprises/{owner.id}/disclosures"
    assert maker.post(path, {}).json()["fields"] == {"legal_representative": ENTERPRISE["legal_representative"]}
    assert maker.post(path, {}).json()["code"] == "DISCLOSURE_NOT_APPROVED"

    def accesses() -> list[Any]:
        listed = maker.get(f"/v1/operations/enterprises/{owner.id}/accesses").json()["accesses"]
        return [one["event"]["data"] for one in listed if one["event"]["type"] == "PersonalDataDisclosed"]

    recorded = wait_for(accesses, lambda found: len(found) == 2)
    assert {(one.get("operator_id"), one.get("approved_by")) for one in recorded} == {
        (owner.operator_id, None),
        (None, "operations-2"),
    }


def test_the_export_is_handed_out_masked(owner: Owner) -> None:
    answer = owner.partner.get(owner.path + "/export")
    assert answer.status_code == 200, answer.text
    assert answer.json()["enterprise"]["enterprise_id"] == owner.id
    for value in (ENTERPRISE["mobile"], ENTERPRISE["legal_representative"], ENTERPRISE["account"]["account_number"]):
        assert value not in answer.text


def test_a_closed_enterprise_is_erased_by_the_sweeper_once_its_time_is_over(owner: Owner) -> None:
    closed = owner.post("/closure", {"reason": "DELETION_REQUESTED"}, 200)
    assert (closed["status"], closed["mobile"]) == ("CLOSED", "*")
    owner.deployed.sweep()
    assert "data_key" in owner.stored()
    owner.years_pass()

    def swept() -> dict[str, Any]:
        owner.deployed.sweep()
        return owner.stored()

    body = wait_for(swept, lambda found: found["status"] == "ERASED", pause_s=1.0)
    assert not {"data_key", "mobile", "legal_representative", "account_number"} & set(body)
    operator = owner.stored(f"operator#{owner.operator_id}")
    assert not {"name", "mobile", "phrase"} & set(operator)
    assert owner.partner.get(owner.path).json()["status"] == "ERASED"
