"""The sandbox's magic values do what its table says, on the platform's own code; nothing of it is there elsewhere."""

import sys
from dataclasses import replace
from itertools import count

import pytest
import requests

from in_memory import PARTNER, Platform
from paths import ROOT
from rongtong.adapters.bank import HttpBank
from rongtong.adapters.http import HttpClient
from rongtong.adapters.registries import HttpBillRegistry, HttpInvoiceRegistry
from rongtong.domain.identity import check_bank_code, check_uscc
from rongtong.domain.payment import PaymentStatus
from rongtong.services import registration
from rongtong.services.ports import BankUnavailableError, RegistryUnavailableError
from sandbox_server import running_sandbox
from sandbox_table import PAGE, magic, page
from template_reading import TEMPLATE

NUMBERS = count(1)
NEVER_ANSWERED = {"registry_down", "invoices_down"}


@pytest.fixture(scope="module")
def url():
    with running_sandbox() as found:
        requests.put(f"{found}/reset", json={}, timeout=10).raise_for_status()
        yield found


@pytest.fixture
def platform(url):
    """The platform in memory, with the sandbox as its outside."""
    found, client = Platform(), HttpClient(url, 5.0)
    outside = {"bills": HttpBillRegistry(client), "invoices": HttpInvoiceRegistry(client), "banks": (HttpBank(client),)}
    found.context = replace(found.context, **outside)
    return found


def _sample(url, **asked):
    answer = requests.post(f"{url}/samples", json=asked, timeout=10)
    answer.raise_for_status()
    return answer.json()


def _registered(platform, body):
    """The id of a sample's supplier, as it was registered and verified."""
    command = registration.RegisterEnterprise(
        partner_id=PARTNER,
        **{name: body[name] for name in ("name", "uscc", "legal_representative", "mobile")},
        **body["account"],
        terms_version="2026-01",
    )
    enterprise_id = registration.register(platform.context, command)["enterprise_id"]
    registration.verify_enterprise(platform.context, enterprise_id)
    return enterprise_id


class _Line:
    """A sample's request, as the platform in memory takes lines of the sample file."""

    bill = invoice = None

    def __init__(self, request):
        self.request = request


def _requested(platform, sample):
    enterprise_id = _registered(platform, sample["enterprise"])
    return platform.accept(_Line({**sample["discount"], "enterprise_id": enterprise_id}), f"key-{next(NUMBERS)}")


def _paid(platform, sample):
    """The discount of a sample, at its end, and the reference that it was paid under."""
    discount_id = _requested(platform, sample)
    platform.run(discount_id)
    return platform.body(discount_id)


def _statement(url, account):
    listed = requests.get(f"{url}/statement", timeout=10).json()["payments"]
    return [payment for payment in listed if payment["payee_account"].endswith(account)]


@pytest.mark.parametrize(
    "case", [case for case in magic.CASES if case.name not in NEVER_ANSWERED], ids=lambda c: c.name
)
def test_every_case_becomes_what_the_table_says(url, platform, case):
    discount_id = _requested(platform, _sample(url, case=case.name))
    for _ in range(case.silent):
        with pytest.raises(RegistryUnavailableError):
            platform.run(discount_id)
    platform.run(discount_id)
    body = platform.body(discount_id)
    assert (body["status"], body.get("reason") or "") == (case.becomes, case.reason)


@pytest.mark.parametrize("name", sorted(NEVER_ANSWERED))
def test_a_registry_that_never_answers_leaves_the_discount_undecided(url, platform, name):
    discount_id = _requested(platform, _sample(url, case=name))
    for _ in range(4):
        with pytest.raises(RegistryUnavailableError):
            platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "ACCEPTED"


@pytest.mark.parametrize("digits", ["00", "01", "02", "03", "05"])
def test_the_money_moves_once_however_the_bank_behaves(url, platform, digits):
    before = len(requests.get(f"{url}/statement", timeout=10).json()["payments"])
    body = _paid(platform, _sample(url, account=digits))
    assert body["status"] == "DISBURSED"
    assert len(requests.get(f"{url}/statement", timeout=10).json()["payments"]) == before + 1


def test_an_account_that_refuses_fails_the_discount(url, platform):
    body = _paid(platform, _sample(url, account="04"))
    assert (body["status"], body["reason"]) == ("FAILED", "PAYEE_REFUSED")


def _order(reference, digits):
    return {
        "reference": reference,
        "amount_fen": 100,
        "payee_account": magic.ACCOUNT_PREFIX + digits,
        "payee_name": "anybody",
        "not_after": "2099-01-01T00:00:00+00:00",
    }


def _pay(url, reference, digits):
    return requests.post(f"{url}/payments", json=_order(reference, digits), timeout=10)


def test_a_late_success_is_open_three_times(url):
    told = [_pay(url, "L1", "01").json()["status"] for _ in range(1)]
    told += [requests.get(f"{url}/payments/L1", timeout=10).json()["status"] for _ in range(4)]
    assert told == ["PROCESSING"] * 4 + ["SUCCEEDED"]


def test_a_lost_answer_is_of_a_payment_that_was_booked(url):
    assert _pay(url, "L2", "02").status_code == 504
    assert requests.get(f"{url}/payments/L2", timeout=10).json()["status"] == "SUCCEEDED"


def test_a_lost_order_was_not_booked_and_the_next_one_is(url):
    assert _pay(url, "L3", "03").status_code == 504
    assert requests.get(f"{url}/payments/L3", timeout=10).status_code == 404
    assert _pay(url, "L3", "03").json()["status"] == "SUCCEEDED"


def test_a_payment_that_stays_open_is_never_told(url):
    _pay(url, "L6", "06")
    assert {requests.get(f"{url}/payments/L6", timeout=10).json()["status"] for _ in range(5)} == {"PROCESSING"}


def test_money_that_comes_back_is_returned_in_the_bank_s_word_and_in_its_statement(url, monkeypatch):
    assert _pay(url, "L5", "05").json()["status"] == "SUCCEEDED"
    real = sys.modules["time"].time
    monkeypatch.setattr("time.time", lambda: real() + 3)
    assert requests.get(f"{url}/payments/L5", timeout=10).json()["status"] == "RETURNED"
    day = requests.get(f"{url}/clock", timeout=10).json()["now"][:10]
    entries = requests.get(f"{url}/statements/{day}", timeout=10).json()["entries"]
    assert [one["status"] for one in entries if one["reference"] == "L5"] == ["SUCCEEDED", "RETURNED"]


def test_an_account_of_another_company_refuses_the_enterprise(url, platform):
    enterprise_id = _registered(platform, _sample(url, account="07")["enterprise"])
    body = platform.enterprise(enterprise_id).body
    assert (body["status"], body["reason"]) == ("REFUSED", "ACCOUNT_NOT_VERIFIED")


def test_a_bank_that_does_not_answer_leaves_the_enterprise_pending(url, platform):
    with pytest.raises(BankUnavailableError):
        _registered(platform, _sample(url, account="08")["enterprise"])


def test_every_magic_supplier_has_a_valid_credit_code_and_bank(url):
    bodies = [_sample(url, account=account.digits)["enterprise"] for account in magic.ACCOUNTS]
    assert len({check_uscc(body["uscc"]) for body in bodies}) == len(magic.ACCOUNTS)
    assert {check_bank_code(body["account"]["bank_code"]) for body in bodies}


def test_what_is_seeded_comes_before_what_a_number_means(url):
    account = {"account_number": magic.ACCOUNT_PREFIX + "04", "account_name": "anybody", "uscc": "U1"}
    requests.post(f"{url}/seed", json={"accounts": [account]}, timeout=10).raise_for_status()
    assert _pay(url, "S1", "04").json()["status"] == "SUCCEEDED"
    requests.put(f"{url}/reset", json={}, timeout=10).raise_for_status()
    assert _pay(url, "S2", "04").json()["status"] == PaymentStatus.FAILED


def test_an_unknown_case_is_named_as_one(url):
    answer = requests.post(f"{url}/samples", json={"case": "nothing"}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_CASE")


def test_the_cases_can_be_read(url):
    answer = requests.get(f"{url}/cases", timeout=10).json()
    assert [one["case"] for one in answer["cases"]] == [case.name for case in magic.CASES]


def test_no_two_samples_have_the_same_bill_also_after_a_reset(url):
    bodies = [_sample(url) for _ in range(3)]
    requests.put(f"{url}/reset", json={}, timeout=10).raise_for_status()
    bodies += [_sample(url) for _ in range(3)]
    assert len({body["discount"]["bill"]["number"] for body in bodies}) == 6


# ---- reset


def test_a_reset_empties_what_was_seeded_paid_and_sent(url):
    requests.post(f"{url}/seed", json={"invoices": [{"number": "7"}]}, timeout=10).raise_for_status()
    requests.post(f"{url}/messages", json={"reference": "m1"}, timeout=10).raise_for_status()
    _pay(url, "R1", "00")
    requests.put(f"{url}/reset", json={}, timeout=10).raise_for_status()
    assert requests.get(f"{url}/invoices/7", timeout=10).status_code == 404
    assert requests.get(f"{url}/messages", timeout=10).json() == {"messages": []}
    assert requests.get(f"{url}/statement", timeout=10).json() == {"payments": [], "total_fen": 0}


def test_a_reset_lifts_every_mood(url):
    requests.put(f"{url}/moods", json={"bank": {"down": True}}, timeout=10).raise_for_status()
    assert _pay(url, "R2", "00").status_code == 503
    requests.put(f"{url}/reset", json={}, timeout=10).raise_for_status()
    assert _pay(url, "R2", "00").status_code == 200


@pytest.mark.parametrize(
    ("body", "now"), [({}, "2026-04-15T02:00"), ({"now": "2026-05-06T09:30:00+08:00"}, "2026-05-06T01:30")]
)
def test_a_reset_sets_the_clock(url, body, now):
    assert requests.put(f"{url}/reset", json=body, timeout=10).json()["now"].startswith(now)
    requests.put(f"{url}/reset", json={}, timeout=10).raise_for_status()


# ---- the table, and where all this is not


def test_the_page_is_what_make_docs_writes():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_no_two_cases_or_accounts_have_the_same_digits_or_name():
    for table in (magic.CASES, magic.ACCOUNTS):
        assert len({one.digits for one in table}) == len({one.name for one in table}) == len(table)


def test_the_sandbox_is_deployed_only_where_it_is_enabled():
    sandbox = [name for name in TEMPLATE if name.startswith("Sandbox")]
    assert len(sandbox) >= 3
    assert {TEMPLATE[name]["Condition"] for name in sandbox} == {"WithSandbox"}


def test_nothing_of_the_platform_knows_a_magic_value():
    core = [path for path in ROOT.glob("layers/core/rongtong/**/*.py") if "__pycache__" not in path.parts]
    others = [path for path in ROOT.glob("functions/*/*.py") if path.parent.name != "sandbox"]
    assert len(core) > 100
    assert [path for path in (*core, *others) if magic.ACCOUNT_PREFIX in path.read_text(encoding="utf-8")] == []


def test_a_case_does_the_same_the_twentieth_time(url, platform):
    assert {_paid(platform, _sample(url))["status"] for _ in range(20)} == {"DISBURSED"}
