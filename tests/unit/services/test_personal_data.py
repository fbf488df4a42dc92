"""Consents, full display, the export, closing and erasing: what is shown, recorded, refused, and gone."""

import json
from datetime import timedelta

import pytest

from in_memory import PARTNER, sample_bills
from personal_data_desk import CHECKER, COMPLAINT, GOOD, MAKER, OWNER_FIELDS, Desk
from rongtong.domain.confirmation import CodeExpiredError, CodeMismatchError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.personal_data import (
    DISCLOSURES_PER_DAY,
    ClosureBlockedError,
    ConsentWithdrawnError,
    DisclosureNotApprovedError,
    DisclosureRequestError,
    EnterpriseClosedError,
    PersonalDataErasedError,
    TooManyDisclosuresError,
)
from rongtong.domain.public_events import envelope
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services import access_audit, accounts, changes, closure, complaints, consents, disclosures, operators
from rongtong.services.credentials import LoginError
from rongtong.services.errors import BusyError, EnterpriseNotActiveError, WrongStateError
from rongtong.services.incidents import open_once, resolve
from rongtong.services.notify import notify
from rongtong.services.payments import settle
from rongtong.services.personal_export import export
from rongtong.services.ports import PaymentAnswer
from rongtong.services.receipts import receipt
from rongtong.services.records import POLICY_KEY, STATE, discount_pk, iso, logged_count, payment_sk, retention_key
from rongtong.services.steps_taken import Step
from rongtong.services.storage import WriteConflictError
from rongtong.services.sweep import sweep
from rongtong.services.waiting import confirm

OTHER_ACCOUNT = "350100100000000077"
TEN_YEARS = timedelta(days=3654)
"""And a day more, so that the sweeper's grace is over."""


@pytest.fixture
def desk(monkeypatch):
    return Desk(monkeypatch)


@pytest.fixture
def paid(desk):
    """The desk with a discount of the enterprise that is paid, and all of its messages sent."""
    desk.discount_id = desk.platform.accept(GOOD)
    desk.platform.run(desk.discount_id)
    assert desk.platform.body(desk.discount_id)["status"] == "DISBURSED"
    return desk


def _close(desk, reason="DELETION_REQUESTED"):
    return closure.close(desk.context, desk.credentials, desk.enterprise, reason)


def _wait(desk, span):
    desk.context.clock.instant += span


def _complain(desk):
    command = complaints.Complain(PARTNER, "c-1", "digest", "enterprise", desk.enterprise_id, "PRICE", COMPLAINT)
    return complaints.receive(desk.context, command)[0]["complaint_id"]


# ---- consents


def test_a_consent_tells_its_terms_its_purposes_its_instant_and_its_partner(desk):
    shown = consents.consents(desk.context, desk.enterprise)
    assert shown["standing"] is True
    assert shown["consents"] == [
        {
            "terms_version": "2026-01",
            "covers": ["IDENTIFY", "PAY", "TELL"],
            "given_at": desk.enterprise.body["registered_at"],
            "through": PARTNER,
        }
    ]


def test_a_withdrawal_refuses_new_discounts_and_a_new_consent_takes_them_again(desk):
    withdrawn = consents.withdraw(desk.context, desk.enterprise)
    assert withdrawn["standing"] is False
    assert withdrawn["consents"][0]["withdrawn_at"]
    with pytest.raises(ConsentWithdrawnError) as refused:
        desk.platform.accept(GOOD)
    assert refused.value.code == "CONSENT_WITHDRAWN"
    consents.give(desk.context, desk.enterprise, "2026-02")
    assert desk.platform.accept(GOOD)
    newest, first = consents.consents(desk.context, desk.enterprise)["consents"]
    assert (newest["terms_version"], "withdrawn_at" in newest) == ("2026-02", False)
    assert first["withdrawn_at"]


def test_what_runs_is_paid_in_full_to_the_same_account_after_a_withdrawal(desk):
    discount_id = desk.platform.accept(GOOD, confirmed=False)
    desk.platform.run(discount_id)
    consents.withdraw(desk.context, desk.enterprise)
    confirm(desk.context, desk.platform.discount(discount_id), "operator-1", ("password", "otp"))
    desk.platform.pay(discount_id)
    (paid,) = desk.platform.bank.orders
    assert desk.platform.body(discount_id)["status"] == "DISBURSED"
    assert paid.payee_account == desk.values["account_number"]
    assert paid.amount_fen == desk.platform.body(discount_id)["proceeds_fen"]


def test_the_same_consent_and_the_same_withdrawal_again_are_no_change(desk):
    before = desk.enterprise.body["events"]
    consents.give(desk.context, desk.enterprise, "2026-01")
    assert desk.enterprise.body["events"] == before
    consents.withdraw(desk.context, desk.enterprise)
    consents.withdraw(desk.context, desk.enterprise)
    assert len(desk.events("ConsentWithdrawn")) == 1


# ---- shown in full, to an operator


def test_an_operator_that_proves_itself_is_shown_just_the_fields_it_asked_for(desk):
    shown = desk.disclose("mobile", "account_number")
    assert shown["fields"] == {name: desk.values[name] for name in ("mobile", "account_number")}


def test_the_record_says_who_when_why_and_which_fields_and_goes_to_the_log_and_to_the_accesses(desk):
    desk.acting()
    desk.disclose("mobile", reason="PAYMENT_INQUIRY")
    _wait(desk, timedelta(minutes=10))
    sweep(desk.context)
    (one,) = access_audit.accesses(desk.context, enterprise_id=desk.enterprise_id)["accesses"]
    assert one["event"]["type"] == "PersonalDataDisclosed"
    assert one["event"]["data"] == {
        "enterprise_id": desk.enterprise_id,
        "reason": "PAYMENT_INQUIRY",
        "fields": ["mobile"],
        "operator_id": desk.operator_id,
    }
    assert one["event"]["by"]["key"] == f"{PARTNER}#1"
    assert one["index"] is not None


def test_a_code_shows_once(desk):
    code = desk.send_code()
    desk.disclose("mobile", code=code)
    with pytest.raises(CodeExpiredError):
        desk.disclose("mobile", code=code)
    assert len(desk.events("PersonalDataDisclosed")) == 1


def test_a_code_that_is_used_between_look_and_record_shows_nothing_a_second_time(desk, monkeypatch):
    code, note, shown = desk.send_code(), disclosures.note_disclosure, []

    def other_was_quicker(context, data, also):
        monkeypatch.setattr(disclosures, "note_disclosure", note)
        note(context, data, also)
        note(context, data, also)

    monkeypatch.setattr(disclosures, "note_disclosure", other_was_quicker)
    with pytest.raises(CodeExpiredError):
        shown.append(desk.disclose("mobile", code=code))
    assert shown == []


def test_a_wrong_code_and_another_s_login_show_and_record_nothing(desk):
    code = desk.send_code()
    with pytest.raises(CodeMismatchError):
        desk.disclose("mobile", code=f"{(int(code) + 1) % 10**6:06d}")
    command = disclosures.Disclose("CORRECTION", ("mobile",), "token-somebody", code)
    with pytest.raises(LoginError):
        disclosures.to_operator(desk.context, desk.credentials, desk.named, command)
    assert desk.events("PersonalDataDisclosed") == []


@pytest.mark.parametrize(
    ("reason", "fields"), [("CURIOSITY", ("mobile",)), ("AML_INVESTIGATION", ("mobile",)), ("CORRECTION", ("name",))]
)
def test_an_operator_has_no_other_reasons_and_no_other_fields(desk, reason, fields):
    with pytest.raises(DisclosureRequestError):
        desk.disclose(*fields, code="123456", reason=reason)


def test_nothing_is_shown_where_the_record_cannot_be_written(desk, monkeypatch):
    code, transact = desk.send_code(), desk.context.store.transact

    def no_records(writes):
        if any(write.pk.startswith("access#") for write in writes):
            raise WriteConflictError("no", failed=(0,))
        transact(writes)

    monkeypatch.setattr(desk.context.store, "transact", no_records)
    with pytest.raises(BusyError):
        desk.disclose("mobile", code=code)
    monkeypatch.undo()
    assert desk.events("PersonalDataDisclosed") == []
    # Nothing was used up either.
    assert desk.disclose("mobile", code=code)["fields"]["mobile"]


def test_the_record_uses_the_code_up_and_counts_in_one_transaction(desk, monkeypatch):
    code, transact, seen = desk.send_code(), desk.context.store.transact, []
    monkeypatch.setattr(
        desk.context.store,
        "transact",
        lambda writes: (seen.append({w.pk.partition("#")[0] for w in writes}), transact(writes)),
    )
    desk.disclose("mobile", code=code)
    assert {"access", "shown", "enterprise"} in seen


def test_one_person_is_shown_no_more_in_a_day_than_the_policy_allows(desk):
    policy = desk.context.store.get(*POLICY_KEY)
    desk.context.store.transact([policy.replaced({**policy.body, "disclosures_per_day": 2})])
    desk.disclose("mobile")
    desk.disclose("mobile")
    with pytest.raises(TooManyDisclosuresError):
        desk.disclose("mobile")
    assert len(desk.events("PersonalDataDisclosed")) == 2
    _wait(desk, timedelta(days=1))
    assert desk.disclose("mobile")["fields"]


# ---- shown in full, to operations


def _approved(desk, key="k", **content):
    return desk.decided("disclosure", key, **{"reason": "AUTHORITY_REQUEST", "fields": ["mobile"], **content})


def test_operations_are_shown_what_a_second_person_has_approved_once_and_it_is_recorded_with_both(desk):
    desk.acting(MAKER)
    with pytest.raises(DisclosureNotApprovedError):
        disclosures.to_operations(desk.context, MAKER, desk.enterprise)
    _approved(desk)
    shown = disclosures.to_operations(desk.context, MAKER, desk.enterprise)
    assert shown["fields"] == {"mobile": desk.values["mobile"]}
    with pytest.raises(DisclosureNotApprovedError):
        disclosures.to_operations(desk.context, MAKER, desk.enterprise)
    (event,) = desk.events("PersonalDataDisclosed")
    assert (event["data"]["by"], event["data"]["approved_by"]) == ("operations", "operations-2")


@pytest.mark.parametrize("why", ["another person", "too late", "rejected"])
def test_an_approval_is_for_who_proposed_it_and_for_a_day(desk, why):
    _approved(desk, approve=why != "rejected")
    if why == "too late":
        _wait(desk, timedelta(hours=24))
    with pytest.raises(DisclosureNotApprovedError):
        disclosures.to_operations(desk.context, "operations-2" if why == "another person" else MAKER, desk.enterprise)
    assert desk.events("PersonalDataDisclosed") == []


def test_operations_cannot_copy_everything_in_a_day_however_much_is_approved(desk):
    for number in range(DISCLOSURES_PER_DAY):
        _approved(desk, f"k-{number}")
        disclosures.to_operations(desk.context, MAKER, desk.enterprise)
    _approved(desk, "one more")
    with pytest.raises(TooManyDisclosuresError):
        disclosures.to_operations(desk.context, MAKER, desk.enterprise)


# ---- nowhere else


def test_no_record_no_file_no_message_and_no_log_line_holds_a_full_value(paid, caplog):
    values = paid.values
    paid.disclose(*OWNER_FIELDS)
    _approved(paid, fields=list(OWNER_FIELDS))
    disclosures.to_operations(paid.context, MAKER, paid.enterprise)
    complaint = _complain(paid)
    complaints.close(paid.context, complaints.load(paid.context, complaint))
    _close(paid)
    _wait(paid, timedelta(minutes=10))
    sweep(paid.context)
    shown = json.dumps(
        [export(paid.context, paid.enterprise), complaints.of_partner(paid.context, PARTNER)], ensure_ascii=False
    )
    messages = [text for _, text in paid.context.sms.sent.values()]
    events = [item.body["event"] for item in paid.context.store.items.values() if "event" in item.body]
    webhooks = json.dumps([envelope(event, "rongtong.example") for event in events], ensure_ascii=False)
    assert "enterprise.closed.v1" in webhooks
    for value in values.values():
        assert [text[:200] for text in [*paid.texts(), shown, webhooks, *messages, caplog.text] if value in text] == []


# ---- handed out


def test_the_export_has_all_that_is_held_and_masks_it(paid):
    paid.disclose("mobile")
    complaint_id = _complain(paid)
    handed = export(paid.context, paid.enterprise)
    assert handed["enterprise"]["mobile"] == paid.enterprise.body["masked"]["mobile"]
    assert [one["discount_id"] for one in handed["discounts"]] == [paid.discount_id]
    assert [one["complaint_id"] for one in handed["complaints"]] == [complaint_id]
    assert [one["name"] for one in handed["operators"]] == ["**芳"]
    assert [one["fields"] for one in handed["disclosures"]] == [["mobile"]]
    assert handed["consents"][0]["terms_version"] == "2026-01"
    assert handed["next_cursor"] is None


def test_the_export_goes_on_page_by_page_until_everything_was_handed_out(paid, monkeypatch):
    monkeypatch.setattr("rongtong.services.personal_export._PAGE", 1)
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = export(paid.context, paid.enterprise, cursor)
        found += [one["discount_id"] for one in page["discounts"]]
        cursor, pages = page["next_cursor"], pages + 1
        assert ("enterprise" in page) == (pages == 1)
    assert found == [paid.discount_id]
    assert pages == 2


# ---- closing


def test_closing_is_refused_while_something_is_open_and_says_what(desk):
    discount_id, complaint_id = desk.platform.accept(GOOD), _complain(desk)
    open_once(desk.context, IncidentKind.STUCK, discount_id, discount_id, {})
    with pytest.raises(ClosureBlockedError) as refused:
        _close(desk)
    assert discount_id in refused.value.message
    assert complaint_id in refused.value.message
    assert f"1 open incidents ({discount_id})" in refused.value.message
    assert desk.enterprise.body["status"] == "ACTIVE"


def test_what_is_looked_into_about_the_company_is_not_told_by_a_refusal_and_keeps_the_data_all_the_same(paid):
    uscc = paid.enterprise.body["uscc"]
    open_once(paid.context, IncidentKind.BUSINESS_UNUSUAL, uscc, f"2026-04/{uscc}", {})
    assert _close(paid)["status"] == "CLOSED"
    _over(paid)
    assert paid.enterprise.body["status"] == "CLOSED"
    resolve(paid.context, MAKER, paid.events("IncidentOpened")[0]["incident_id"], "SETTLED")
    _wait(paid, timedelta(days=2))
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "ERASED"


def test_what_is_settled_no_longer_keeps_it_open(paid):
    open_once(paid.context, IncidentKind.STUCK, paid.discount_id, paid.discount_id, {})
    with pytest.raises(ClosureBlockedError):
        _close(paid)
    incident = paid.events("IncidentOpened")[0]["incident_id"]
    resolve(paid.context, MAKER, incident, "SETTLED")
    assert _close(paid)["status"] == "CLOSED"


def test_another_company_s_discount_keeps_nothing_open(desk):
    fit = (bill for bill in sample_bills() if bill.expected == "disbursed" and not bill.at and not bill.quote)
    other = next(bill for bill in fit if bill.holder_uscc != GOOD.holder_uscc)
    desk.platform.accept(other)
    assert _close(desk)["status"] == "CLOSED"


def test_a_closed_enterprise_shows_nothing_personal_and_until_when_it_is_kept(paid):
    shown = _close(paid)
    assert {shown[name] for name in OWNER_FIELDS} == {"*"}
    assert shown["retain_until"] == "2036-" + shown["closed_at"][5:]
    assert {one["mobile"] for one in operators.listed(paid.context, paid.enterprise)} == {"*"}


def test_nothing_new_is_begun_for_a_closed_enterprise(paid):
    code = paid.send_code()
    _close(paid)
    for act in (
        lambda: paid.platform.accept(GOOD, "another"),
        lambda: consents.give(paid.context, paid.enterprise, "2026-02"),
        lambda: paid.send_code(),
        lambda: paid.disclose("mobile", code=code),
        lambda: operators.change(paid.context, paid.credentials, paid.named, enabled=True),
    ):
        with pytest.raises(EnterpriseClosedError):
            act()
    command = operators.RegisterOperator("李四", "13800138000", "2026-01", ("confirm",))
    with pytest.raises(EnterpriseNotActiveError):
        operators.register(paid.context, paid.credentials, paid.enterprise, command)


def test_its_operators_cannot_log_in_and_their_accounts_are_gone(desk):
    assert desk.credentials.accounts.login(f"token-{desk.operator_id}").name == desk.operator_id
    _close(desk)
    assert desk.operator_id not in desk.credentials.accounts.passwords
    assert desk.named.operator.body["status"] == "DISABLED"


def test_a_closure_that_was_stopped_at_the_accounts_is_carried_on_by_its_repeat(desk, monkeypatch):
    def down(name):
        raise RuntimeError(name)

    monkeypatch.setattr(desk.credentials.accounts, "delete", down)
    with pytest.raises(RuntimeError):
        _close(desk)
    monkeypatch.undo()
    assert desk.enterprise.body["status"] == "CLOSED"
    _close(desk)
    assert desk.named.operator.body["status"] == "DISABLED"
    assert len(desk.events("EnterpriseClosed")) == 1


def test_the_enterprise_is_told_that_its_data_is_kept_and_then_deleted(desk):
    _close(desk)
    notify(desk.context, desk.enterprise.pk)
    assert list(desk.context.sms.sent.values())[-1] == (
        desk.values["mobile"],
        "账户已关闭，资料停止使用，依法须保存的期满后删除",
    )


def test_an_enterprise_that_is_being_verified_is_not_closed(desk):
    item = desk.enterprise
    desk.context.store.transact([item.replaced({**item.body, "status": "PENDING"})])
    with pytest.raises(WrongStateError):
        _close(desk)


@pytest.mark.parametrize("moved", [False, True])
def test_money_that_comes_back_after_closing_is_paid_again_to_the_account_that_is_kept_or_named_anew(paid, moved):
    (first,) = paid.platform.bank.orders
    known = paid.values["account_number"]
    _close(paid)
    payment = paid.context.store.get(discount_pk(paid.discount_id), payment_sk(1))
    answer = PaymentAnswer(first.reference, PaymentStatus.RETURNED, "SB0", "ACCOUNT_CLOSED")
    settle(paid.context, paid.platform.discount(paid.discount_id), payment, answer)
    if moved:
        body = paid.enterprise.body
        paid.platform.bank.accounts[OTHER_ACCOUNT] = (body["account_name"], body["uscc"])
        account = accounts.ChangeAccount(body["bank_code"], OTHER_ACCOUNT, body["account_name"])
        assert accounts.change_account(paid.context, paid.enterprise, account)["account_number"] == "*"
    _wait(paid, timedelta(minutes=1))
    again = {"discount_id": paid.discount_id, "series": 2, "reason": "ACCOUNT_MENDED"}
    proposed = changes.propose(paid.context, MAKER, "again", "repayment", again)
    changes.decide(paid.context, CHECKER, proposed["change_id"], approve=True)
    paid.platform.pay(paid.discount_id)
    assert [one.payee_account for one in paid.platform.bank.orders] == [known, OTHER_ACCOUNT if moved else known]


# ---- erasing


def _over(desk):
    _wait(desk, TEN_YEARS)
    return sweep(desk.context)


def test_nothing_is_erased_before_its_time(paid):
    _close(paid)
    _wait(paid, TEN_YEARS - timedelta(days=2))
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "CLOSED"
    assert paid.values["mobile"] in paid.opens()


def test_once_its_time_is_over_nothing_in_the_store_opens_any_more(paid):
    complaint_id = _complain(paid)
    complaints.close(paid.context, complaints.load(paid.context, complaint_id))
    values = paid.values
    assert {*values.values(), COMPLAINT} <= paid.opens()
    _close(paid)
    _over(paid)
    body = paid.enterprise.body
    assert body["status"] == "ERASED"
    assert not {*OWNER_FIELDS, "data_key"} & set(body)
    assert paid.opens() == set()
    assert complaints.view(paid.context, complaints.load(paid.context, complaint_id))["messages"] == []
    for value in values.values():
        assert [text for text in paid.texts() if value in text] == []


def test_an_operator_s_record_keeps_nothing_of_the_person(paid):
    _close(paid)
    _over(paid)
    body = paid.named.operator.body
    assert not {"name", "mobile", "phrase", "payment_password", "code", "asked"} & set(body)
    assert set(body["masked"].values()) == {"*"}


def test_after_the_erasure_nobody_is_shown_anything_and_an_event_in_the_log_says_so(paid):
    _close(paid)
    _over(paid)
    sweep(paid.context)
    _wait(paid, timedelta(minutes=10))
    sweep(paid.context)
    (event,) = paid.events("PersonalDataErased")
    assert event["data"]["fields"] == list(OWNER_FIELDS)
    assert logged_count(paid.enterprise.body) == paid.enterprise.body["events"] >= event["n"]
    with pytest.raises(PersonalDataErasedError):
        _approved(paid)
    with pytest.raises(DisclosureNotApprovedError):
        disclosures.to_operations(paid.context, MAKER, paid.enterprise)
    handed = export(paid.context, paid.enterprise)
    assert {handed["enterprise"][name] for name in OWNER_FIELDS} == {"*"}
    assert [one["discount_id"] for one in handed["discounts"]] == [paid.discount_id]


def test_an_approval_from_before_shows_nothing_after_the_erasure(paid):
    _close(paid)
    _wait(paid, TEN_YEARS)
    _approved(paid)
    sweep(paid.context)
    with pytest.raises(PersonalDataErasedError):
        disclosures.to_operations(paid.context, MAKER, paid.enterprise)


def test_receipts_verify_after_the_erasure(paid):
    before = receipt_bytes(receipt(paid.context, paid.platform.discount(paid.discount_id)))
    _close(paid)
    _over(paid)
    after = receipt_bytes(receipt(paid.context, paid.platform.discount(paid.discount_id)))
    assert verify_receipt(before, paid.platform.trust)
    assert verify_receipt(after, paid.platform.trust)


def test_a_hold_by_two_persons_keeps_it_and_its_end_lets_it_go(paid):
    _close(paid)
    paid.decided("hold", "h-1", active=True, reason="CASE_OPEN")
    _over(paid)
    assert paid.enterprise.body["status"] == "CLOSED"
    paid.decided("hold", "h-2", active=False, reason="CASE_CLOSED")
    _wait(paid, timedelta(days=2))
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "ERASED"
    with pytest.raises(PersonalDataErasedError):
        paid.decided("hold", "h-3", active=True, reason="CASE_OPEN")


def test_a_hold_that_is_approved_while_it_is_erased_meets_the_erasure(paid, monkeypatch):
    _close(paid)
    _wait(paid, TEN_YEARS)
    transact, done = paid.context.store.transact, []

    def held_first(writes):
        if not done and any(write.pk.startswith("hold#") for write in writes):
            done.append(True)
            paid.decided("hold", "h-1", active=True, reason="CASE_OPEN")
        transact(writes)

    monkeypatch.setattr(paid.context.store, "transact", held_first)
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "CLOSED"
    assert paid.values["mobile"]


def test_an_open_complaint_keeps_it_until_it_is_answered(paid):
    _close(paid)
    complaint_id = _complain(paid)
    _over(paid)
    assert paid.enterprise.body["status"] == "CLOSED"
    item = complaints.load(paid.context, complaint_id)
    complaints.take(paid.context, Step(MAKER, "taking", "t", "d"), item)
    item = complaints.load(paid.context, complaint_id)
    complaints.answer(paid.context, Step(MAKER, "answer", "a", "d"), item, "已核对")
    _wait(paid, timedelta(days=2))
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "ERASED"


def test_a_longer_time_of_keeping_holds_for_what_is_closed_already_and_a_shorter_one_does_not(paid):
    _close(paid)
    policy = paid.context.store.get(*POLICY_KEY)
    paid.context.store.transact([policy.replaced({**policy.body, "retention_years": 12})])
    _over(paid)
    assert paid.enterprise.body["status"] == "CLOSED"
    assert paid.enterprise.body["retain_until"].startswith("2038")


def test_a_restored_backup_from_before_the_erasure_is_erased_again_by_the_next_sweep(paid):
    _close(paid)
    _wait(paid, TEN_YEARS)
    backed_up = dict(paid.context.store.items)
    sweep(paid.context)
    assert paid.opens() == set()
    # The log stays; a restore makes its head anew out of its own files.
    items = paid.context.store.items
    for key in [key for key, item in items.items() if item.pk.partition("#")[0] != "log"]:
        del items[key]
    items.update({key: item for key, item in backed_up.items() if key not in items})
    assert paid.values["mobile"] in paid.opens()
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "ERASED"
    assert paid.opens() == set()


def test_what_cannot_be_erased_now_is_put_off_and_told_and_erased_later(paid, monkeypatch):
    _close(paid)
    _wait(paid, TEN_YEARS)

    def fails(context, due):
        raise BusyError("no")

    with monkeypatch.context() as broken:
        broken.setattr(closure, "look_after", fails)
        done = sweep(paid.context)
    assert done["failed"] == [f"{paid.enterprise.pk}: BUSY_TRY_AGAIN"]
    assert paid.context.store.get(*retention_key(paid.enterprise_id)).due > iso(paid.context.clock.now())
    _wait(paid, timedelta(minutes=10))
    sweep(paid.context)
    assert paid.enterprise.body["status"] == "ERASED"


def test_what_was_erased_is_not_looked_after_again(paid):
    _close(paid)
    _over(paid)
    assert paid.context.store.get(*retention_key(paid.enterprise_id)).due is None
    assert paid.context.store.get(paid.enterprise.pk, STATE) is not None


def test_money_that_came_back_and_waits_keeps_it_from_being_erased(paid):
    (first,) = paid.platform.bank.orders
    _close(paid)
    payment = paid.context.store.get(discount_pk(paid.discount_id), payment_sk(1))
    settle(
        paid.context,
        paid.platform.discount(paid.discount_id),
        payment,
        PaymentAnswer(first.reference, PaymentStatus.RETURNED, "SB0", "ACCOUNT_CLOSED"),
    )
    _over(paid)
    assert paid.enterprise.body["status"] == "CLOSED"
