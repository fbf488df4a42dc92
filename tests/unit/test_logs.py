"""What is logged holds ids and codes, and nothing personal or secret, whatever fails."""

import importlib.util
import io
import json
import logging
from dataclasses import replace

import pytest

from api_calls import call
from credential_fakes import make_credentials
from in_memory import PARTNER, Platform, sample_bills
from paths import ROOT
from rongtong.domain import measures as m
from rongtong.entrypoints import bootstrap, tasks
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.outside import watched
from rongtong.services import disburse, notify, operator_passwords, registration, seal, verify_bill
from rongtong.services.context import NoMeter
from rongtong.services.ports import BankUnavailableError, SmsUnavailableError
from rongtong.services.waiting import park

GOOD = sample_bills()[2]
ENTERPRISE = {
    "name": "示例供应商九十九号有限公司",
    "uscc": "91310000MA1FL0HA77",
    "legal_representative": "样本卯辰",
    "mobile": "13800009977",
    "account": {
        "bank_code": "309391000011",
        "account_number": "11790000000099",
        "account_name": "示例供应商九十九号有限公司",
    },
    "consent": {"terms_version": "2026-01"},
}
OPERATOR = {"name": "样本午未", "mobile": "13900139966", "consent": {"terms_version": "2026-01"}}
LOGIN, PAYMENT, PHRASE = "lantern-orchid-47-mule", "Wq7$kd9L-teapot", "窗前明月光"
PERSONAL = [
    ENTERPRISE["legal_representative"],
    ENTERPRISE["mobile"],
    ENTERPRISE["account"]["account_number"],
    OPERATOR["name"],
    OPERATOR["mobile"],
    GOOD.request["payee_account"],
    LOGIN,
    PAYMENT,
    PHRASE,
]
OPERATORS = "/v1/enterprises/{enterprise_id}/operators"
CHALLENGES = "/v1/discounts/{discount_id}/confirmation-challenges"


@pytest.fixture
def logged():
    """The lines of every logger, as they are written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logger.registered_formatter)
    root = logging.getLogger()  # ours hands its lines on
    before = {one: one.level for one in (logger, root)}
    root.addHandler(handler)
    for one in before:
        one.setLevel("INFO")
    yield lambda: stream.getvalue().splitlines()
    root.removeHandler(handler)
    for one, level in before.items():
        one.setLevel(level)


@pytest.fixture
def platform(monkeypatch):
    found = Platform()
    bank = watched(found.bank, "bank", BankUnavailableError, m.BANK_UNANSWERED, NoMeter())
    found.context = replace(found.context, banks=(bank,))
    monkeypatch.setattr(bootstrap, "context", lambda: found.context)
    monkeypatch.setattr(tasks, "context", lambda: found.context)
    return found


def _module(folder):
    spec = importlib.util.spec_from_file_location(f"{folder}_app", ROOT / "functions" / folder / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _nothing_personal(lines, *secrets):
    text = "\n".join(lines)
    assert [one for one in (*PERSONAL, *secrets) if one in text or json.dumps(one)[1:-1] in text] == []


def _register(platform):
    app = _module("registration").app
    shown = call(app, "POST", "/v1/enterprises", body=ENTERPRISE, key="key-1")
    assert shown.status == 202, shown.text
    return shown.body["enterprise_id"]


def test_registration_logs_nothing_personal(platform, logged):
    account = ENTERPRISE["account"]
    platform.bank._port.accounts[account["account_number"]] = (account["account_name"], ENTERPRISE["uscc"])
    enterprise_id = _register(platform)
    tasks.run_task(lambda c: registration.verify_enterprise(c, enterprise_id), {"enterprise_id": enterprise_id})
    subject = f"enterprise#{enterprise_id}"
    tasks.run_task(lambda c: notify.notify(c, subject), {"subject": subject})
    assert [json.loads(line)["message"] for line in logged()] == ["answered", "task done", "task done"]
    _nothing_personal(logged())


def test_registration_that_fails_in_an_unforeseen_way_logs_nothing_personal(platform, logged, monkeypatch):
    def full(*_):
        raise OSError("no room left")

    monkeypatch.setattr(platform.context.vault, "encrypt", full)
    answered = call(_module("registration").app, "POST", "/v1/enterprises", body=ENTERPRISE, key="key-1")
    assert answered.status == 500
    (line,) = [json.loads(line) for line in logged()]
    assert (line["message"], line["exception_name"]) == ("route failed", "OSError")
    _nothing_personal(logged())


def test_a_discount_and_its_messages_log_nothing_personal(platform, logged):
    discount_id = platform.accept(GOOD)
    about = {"discount_id": discount_id}
    for step in (verify_bill.verify, seal.seal, disburse.disburse):
        tasks.run_task(lambda c, step=step: step(c, discount_id), about)
    send, platform.context.sms.send = platform.context.sms.send, _unavailable
    with pytest.raises(SmsUnavailableError):
        tasks.run_task(lambda c: notify.notify(c, f"discount#{discount_id}"), about)
    platform.context.sms.send = send
    tasks.run_task(lambda c: notify.notify(c, f"discount#{discount_id}"), about)
    assert {json.loads(line)["message"] for line in logged()} == {"answered", "task done", "task refused"}
    mobiles = [mobile for mobile, _ in platform.context.sms.sent.values()]
    assert mobiles
    _nothing_personal(logged(), *mobiles)


def _unavailable(mobile, text, reference):
    raise SmsUnavailableError(f"{mobile}: {text}")


def test_an_operators_passwords_and_codes_are_logged_nowhere(platform, logged, monkeypatch):
    module, credentials = _module("confirmation"), make_credentials()
    monkeypatch.setattr(module, "credentials", lambda: credentials)
    discount_id = platform.accept(GOOD, confirmed=False)
    platform.run(discount_id)
    park(platform.context, discount_id, "a-token")
    ids = {"enterprise_id": platform.body(discount_id)["enterprise_id"]}
    sent = iter(range(1, 20))

    def post(route, body, **more):
        return call(module.app, "POST", route, body=body, key=f"key-{next(sent)}", partner=PARTNER, **ids, **more)

    def code():
        return "".join(char for char in list(platform.context.sms.sent.values())[-1][1][:12] if char.isdigit())

    ids["operator_id"] = post(OPERATORS, OPERATOR).body["operator_id"]
    one = OPERATORS + "/{operator_id}"
    post(one + "/codes", {"purpose": "login_password"})
    codes = [code()]
    first = {"code": codes[0], "password": LOGIN, "phrase": PHRASE}
    assert post(one + "/login-password", {"first": first}).status == 200
    post(one + "/codes", {"purpose": "payment_password"})
    codes.append(code())
    token = f"token-{ids['operator_id']}"
    secret = {"access_token": token, "code": codes[1], "password": PAYMENT}
    monkeypatch.setattr(operator_passwords, "require_good", _broken)
    assert post(one + "/payment-password", secret).status == 500
    monkeypatch.undo()
    assert [json.loads(line)["message"] for line in logged()] == ["route failed"]
    _nothing_personal(logged(), token, *codes)


def _broken(*_, **__):
    raise KeyError("breached")
