"""The routes about personal data, called as API Gateway calls them."""

from __future__ import annotations

import pytest

from access_fakes import load_app
from api_calls import call
from personal_data_desk import CHECKER, MAKER, Desk
from rongtong.entrypoints import answers, answers_operations, bootstrap
from rongtong.entrypoints import answers_personal as shown
from rongtong.entrypoints.repeats import KEPT

ENTERPRISE = "/v1/enterprises/{enterprise_id}"
CONSENTS, DISCLOSURES, EXPORT, CLOSURE = (
    ENTERPRISE + end for end in ("/consents", "/disclosures", "/export", "/closure")
)
OF_OPERATIONS = "/v1/operations/enterprises/{enterprise_id}/disclosures"
_OPERATIONS = {"role": "operations", "partner": MAKER}


@pytest.fixture(scope="module")
def module():
    return load_app("personal_data")


@pytest.fixture
def desk(monkeypatch, module):
    made = Desk(monkeypatch)
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    monkeypatch.setattr(module, "credentials", lambda: made.credentials)
    monkeypatch.delenv("API_HOSTS", raising=False)
    made.app = module.app
    return made


def ask(desk, method, route, body=None, *, key="key-1", model=None, **more):
    answer = call(desk.app, method, route, body=body, key=key, **{"enterprise_id": desk.enterprise_id, **more})
    if model is not None:
        assert answer.status == 200, answer.text
        model.model_validate_json(answer.text)
    return answer


def disclosure(desk, **changes):
    body = {
        "operator_id": desk.operator_id,
        "access_token": f"token-{desk.operator_id}",
        "code": desk.send_code(),
        "reason": "DATA_SUBJECT_REQUEST",
        "fields": ["mobile"],
    }
    return {**body, **changes}


def test_a_consent_is_read_withdrawn_and_given_anew(desk):
    assert ask(desk, "GET", CONSENTS, model=shown.ConsentList).body["standing"] is True
    assert ask(desk, "POST", CONSENTS + "/withdrawal", model=shown.ConsentList).body["standing"] is False
    given = ask(desk, "POST", CONSENTS, {"terms_version": "2026-02"}, key="key-2", model=shown.ConsentList)
    assert [one["terms_version"] for one in given.body["consents"]] == ["2026-02", "2026-01"]


def test_an_operator_is_shown_a_field_and_the_answer_is_kept_for_no_repeat(desk):
    body = disclosure(desk)
    answer = ask(desk, "POST", DISCLOSURES, body, model=shown.Disclosed)
    assert answer.body["fields"] == {"mobile": desk.values["mobile"]}
    repeated = ask(desk, "POST", DISCLOSURES, body)
    assert (repeated.status, repeated.body["code"]) == (422, "CODE_EXPIRED")
    assert not {DISCLOSURES, OF_OPERATIONS} & KEPT


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_another_partner_s_enterprise_is_not_there(desk, method):
    route, body = (DISCLOSURES, disclosure(desk)) if method == "POST" else (EXPORT, None)
    answer = ask(desk, method, route, body, partner="partner-b")
    assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")
    assert desk.events("PersonalDataDisclosed") == []


def test_another_enterprise_s_operator_is_shown_nothing(desk):
    other = next(one for one in desk.platform.ids.values() if one != desk.enterprise_id)
    answer = ask(desk, "POST", DISCLOSURES, disclosure(desk), enterprise_id=other)
    assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")


def test_a_key_without_the_scope_is_shown_nothing(desk, monkeypatch):
    from rongtong.domain import access

    fewer = access.ROLES[access.Role.PARTNER] - {"enterprises:disclose"}
    monkeypatch.setattr("api_calls.ROLES", {**access.ROLES, access.Role.PARTNER: fewer})
    answer = ask(desk, "POST", DISCLOSURES, disclosure(desk))
    assert (answer.status, answer.body["code"]) == (403, "FORBIDDEN")


def test_operations_are_shown_what_two_persons_decided_and_the_accesses_list_both_kinds(desk, monkeypatch):
    ask(desk, "POST", DISCLOSURES, disclosure(desk), model=shown.Disclosed)
    refused = ask(desk, "POST", OF_OPERATIONS, **_OPERATIONS)
    assert (refused.status, refused.body["code"]) == (409, "DISCLOSURE_NOT_APPROVED")
    desk.decided("disclosure", "k", reason="COMPLAINT", fields=["account_number"])
    answer = ask(desk, "POST", OF_OPERATIONS, **_OPERATIONS, model=shown.Disclosed)
    assert answer.body["fields"] == {"account_number": desk.values["account_number"]}
    operations = load_app("operations").app
    path = "/v1/operations/enterprises/{enterprise_id}/accesses"
    listed = call(operations, "GET", path, enterprise_id=desk.enterprise_id, **_OPERATIONS)
    answers_operations.AccessList.model_validate_json(listed.text)
    data = [one["event"]["data"] for one in listed.body["accesses"]]
    assert {(one.get("operator_id"), one.get("by"), one.get("approved_by")) for one in data} == {
        (desk.operator_id, None, None),
        (None, MAKER, CHECKER),
    }
    for value in desk.values.values():
        assert value not in listed.text


def test_the_export_is_what_its_description_says(desk):
    handed = ask(desk, "GET", EXPORT, model=shown.Export)
    for value in desk.values.values():
        assert value not in handed.text


def test_closing_is_refused_with_a_conflict_and_answered_with_the_closed_enterprise(desk):
    from personal_data_desk import GOOD

    discount_id = desk.platform.accept(GOOD)
    refused = ask(desk, "POST", CLOSURE, {"reason": "DELETION_REQUESTED"})
    assert (refused.status, refused.body["code"]) == (409, "CLOSURE_BLOCKED")
    assert discount_id in refused.body["detail"]
    desk.platform.run(discount_id)
    closed = ask(desk, "POST", CLOSURE, {"reason": "DELETION_REQUESTED"}, model=answers.Enterprise)
    assert (closed.body["status"], closed.body["mobile"]) == ("CLOSED", "*")
    again = ask(desk, "POST", CLOSURE, {"reason": "DELETION_REQUESTED"}, model=answers.Enterprise)
    assert again.headers["Idempotent-Replayed"] == "true"
    late = ask(desk, "POST", CONSENTS, {"terms_version": "2026-02"}, key="key-9")
    assert (late.status, late.body["code"]) == (409, "ENTERPRISE_CLOSED")
