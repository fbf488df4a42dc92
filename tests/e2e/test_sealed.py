"""What an operator's page seals under the deployed key, by the module that pages use, opens at the platform."""

import re
from datetime import datetime, timedelta

import requests

from seal_module import run_page

LOGIN = "lantern-orchid-47-mule"
CODE_LIFE = timedelta(seconds=180)
"""The policy's default: so long before a code's end it is now on the platform's clock, which the sandbox sets."""


def _messages(deployed):
    return requests.get(f"{deployed.stack.sandbox_url}/messages", timeout=30).json()["messages"]


def test_a_sealed_code_and_password_make_an_operator_active_and_serve_no_other(deployed, tmp_path):
    client, base_url = deployed.clients["partner-a"], deployed.stack.base_url
    enterprise_id = next(iter(deployed.ids["partner-a"].values()))
    operators = f"/v1/enterprises/{enterprise_id}/operators"
    person = {"name": "示例乙", "mobile": "13900139021", "consent": {"terms_version": "2026-01"}}
    operator_id = client.post(operators, person).json()["operator_id"]
    own = f"{operators}/{operator_id}"
    before = {one["reference"] for one in _messages(deployed)}
    sent = client.post(f"{own}/codes", {"purpose": "login_password"})
    assert sent.status_code == 201, sent.text
    (message,) = [one for one in _messages(deployed) if one["reference"] not in before]
    code = re.search(r"验证码(\d+)", str(message))[1]
    now = (datetime.fromisoformat(sent.json()["expires_at"]) - CODE_LIFE).isoformat()

    about = {"purpose": "login_password", "operator_id": operator_id}
    secrets = {"code": code, "password": LOGIN}
    cases = [(about, secrets, now), ({**about, "operator_id": "opr_other"}, secrets, now)]
    page = run_page(tmp_path, base_url, cases)
    assert page["found"]["kid"] == requests.get(f"{base_url}/v1/confirmation-key", timeout=30).json()["kid"]
    sealed, of_other = page["made"]

    def first(text):
        answer = client.post(f"{own}/login-password", {"first": {"sealed": text, "phrase": "窗前明月光"}})
        return answer.status_code, answer.json()

    parts = sealed.split(".")
    turned = ".".join([*parts[:4], ("B" if parts[4][0] == "A" else "A") + parts[4][1:]])
    rewrapped = ".".join([parts[0], ("B" if parts[1][0] == "A" else "A") + parts[1][1:], *parts[2:]])
    assert [(status, answer["code"]) for status, answer in map(first, (of_other, turned, rewrapped))] == [
        (422, "SEALED_FOR_OTHER"),
        (422, "SEALED_UNREADABLE"),
        (422, "SEALED_UNREADABLE"),
    ]
    status, answer = first(sealed)
    assert (status, answer.get("status")) == (200, "ACTIVE"), answer
