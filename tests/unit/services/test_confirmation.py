"""The platform's own confirmation: what is shown, what is compared, what a wrong answer costs, what is recorded."""

import re
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import rongtong.services.confirmation as confirmation
from credential_fakes import make_credentials
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.confirmation import (
    ATTEMPTS_MAX,
    CODES_PER_HOUR,
    CodeExpiredError,
    CodeLockedError,
    CodeMismatchError,
    FactorsMissingError,
    PaymentPasswordError,
)
from rongtong.domain.confirmation_rules import ConfirmationByPlatformError
from rongtong.services import operator_passwords, operators
from rongtong.services.confirmation import Begin, Complete, PaymentPasswordNotSetError
from rongtong.services.credentials import LoginError
from rongtong.services.discounts import load
from rongtong.services.errors import NotFoundError, WrongStateError
from rongtong.services.operator_records import (
    _FAILED_KEPT,
    OperatorNotActiveError,
    Person,
    Purpose,
    TooManyCodesError,
    operator_key,
    person,
)
from rongtong.services.records import POLICY_KEY, STATE, enterprise_pk
from rongtong.services.screening import failed_logins
from rongtong.services.storage import WriteConflictError
from rongtong.services.waiting import confirm, park

GOOD = sample_bills()[2]
OTHER = next(
    bill
    for bill in sample_bills()[3:]
    if (bill.holder_uscc, bill.expected, bill.at) == (GOOD.holder_uscc, "disbursed", "")
)
LOGIN_PASSWORD, PAYMENT_PASSWORD, PHRASE = "lantern-orchid-47-mule", "Wq7$kd9L-teapot", "窗前明月光"


class Desk:
    """A platform with an operator that is ready to confirm, and a discount that waits for it."""

    def __init__(self, rules=None):
        self.platform = Platform()
        self.context = self.platform.context
        self.credentials = make_credentials()
        policy = self.context.store.get(*POLICY_KEY)
        asked = {"payment_password_from_fen": 10**15, **(rules or {})}
        self.context.store.transact([policy.replaced({**policy.body, "confirmation": asked})])
        self.discount_id = self.waiting(GOOD, "key-1")
        self.enterprise_id = self.discount.body["enterprise_id"]
        self.operator_id = self.operator("13900139000")

    @property
    def discount(self):
        return load(self.context, self.discount_id)

    @property
    def enterprise(self):
        return self.context.store.get(enterprise_pk(self.enterprise_id), STATE)

    @property
    def stored(self):
        return self.context.store.get(*operator_key(self.enterprise_id, self.operator_id)).body

    def waiting(self, bill, key):
        discount_id = self.platform.accept(bill, key, confirmed=False)
        self.platform.run(discount_id)
        assert self.platform.body(discount_id)["status"] == "AWAITING_CONFIRMATION"
        park(self.context, discount_id, f"token-of-{discount_id}")
        return discount_id

    def operator(self, mobile, roles=("confirm",)):
        command = operators.RegisterOperator("王芳芳", mobile, "2026-01", roles)
        operator_id = operators.register(self.context, self.credentials, self.enterprise, command)["operator_id"]
        named = person(self.context, self.enterprise_id, operator_id)
        operator_passwords.send_code(self.context, named, "k", Purpose.LOGIN_PASSWORD)
        first = operator_passwords.SetLoginPassword(self.last_code(), LOGIN_PASSWORD, PHRASE)
        operator_passwords.set_login_password(self.context, self.credentials, named, first)
        return operator_id

    def set_payment_password(self):
        named = person(self.context, self.enterprise_id, self.operator_id)
        operator_passwords.send_code(self.context, named, "p", Purpose.PAYMENT_PASSWORD)
        token = f"token-{self.operator_id}"
        command = operator_passwords.SetPaymentPassword(token, self.last_code(), PAYMENT_PASSWORD)
        operator_passwords.set_payment_password(self.context, self.credentials, named, command)

    def last_text(self):
        return list(self.context.sms.sent.values())[-1][1]

    def last_code(self):
        return re.search(r"验证码(\d+)", self.last_text())[1]

    def begin(self, key="c", discount_id=None):
        item = load(self.context, discount_id or self.discount_id)
        return confirmation.begin(self.context, item, Begin(self.operator_id, key))

    def complete(self, shown, code, discount_id=None, **changes):
        command = Complete(shown["challenge_id"], self.operator_id, f"token-{self.operator_id}", code)
        item = load(self.context, discount_id or self.discount_id)
        return confirmation.complete(self.context, self.credentials, item, replace(command, **changes))

    def events(self, kind, pk=None):
        found = self.context.store.query(pk or f"discount#{self.discount_id}", "event#")
        return [one.body["event"]["data"] for one in found if one.body["event"]["type"] == kind]

    def wrong(self, code):
        return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


@pytest.fixture
def desk():
    return Desk()


def test_payer_payee_account_amount_and_bill_are_shown_before_with_the_reserved_phrase(desk):
    shown = desk.begin()
    body = desk.discount.body
    assert shown["reserved_phrase"] == PHRASE
    assert shown["payee_account"].startswith("*")
    assert (shown["proceeds_fen"], shown["face_fen"]) == (body["proceeds_fen"], body["face_fen"])
    assert (shown["bill_number"], shown["payee_name"]) == (body["bill_number"], desk.enterprise.body["account_name"])
    assert shown["payer_name"] == desk.context.store.get(f"institution#{body['institution_id']}", STATE).body["name"]
    assert shown["code_sent_to"] == "139****9000"


def test_the_message_names_amount_and_the_last_digits_of_the_account(desk):
    shown = desk.begin()
    text = desk.last_text()
    yuan, fen = divmod(shown["proceeds_fen"], 100)
    assert f"{yuan}.{fen:02d}元" in text
    assert f"尾号{shown['payee_account'][-4:]}的账户" in text
    assert list(desk.context.sms.sent.values())[-1][0] == "13900139000"


def test_the_right_code_and_a_fresh_login_let_the_discount_go_on(desk):
    shown = desk.begin()
    answer = desk.complete(shown, desk.last_code())
    assert (answer["status"], answer["confirmed_by"]) == ("VERIFIED", desk.operator_id)
    token, output = desk.context.workflows.resumed[-1]
    assert (token, output["confirmed"]) == (f"token-of-{desk.discount_id}", True)


def test_a_confirmed_discount_is_paid(desk):
    desk.complete(desk.begin(), desk.last_code())
    desk.platform.pay(desk.discount_id)
    assert desk.platform.body(desk.discount_id)["status"] == "DISBURSED"


def test_the_event_tells_which_factors_were_shown_and_never_the_code(desk):
    shown = desk.begin()
    code = desk.last_code()
    desk.complete(shown, code)
    (data,) = desk.events("DiscountConfirmed")
    assert data["factors"] == ["password", "otp"]
    assert data["challenge_id"] == shown["challenge_id"]
    assert data["binding_sha256"] == desk.events("ConfirmationAsked")[0]["binding_sha256"]
    everything = "".join(str(item.body) for item in desk.context.store.items.values() if "event" in item.sk)
    assert not re.search(rf"(?<!\d){code}(?!\d)", everything)


def test_neither_code_nor_seed_can_be_read_from_what_is_stored(desk):
    desk.begin()
    code = desk.stored["code"]
    assert desk.last_code() not in str({**code, "bound": "", "id": ""})
    assert code["seed"].startswith("sealed:")


def test_the_same_challenge_answered_again_is_no_change(desk):
    shown = desk.begin()
    code = desk.last_code()
    first = desk.complete(shown, code)
    again = desk.complete(shown, code)
    assert again == first
    assert len(desk.events("DiscountConfirmed")) == 1


def test_the_same_begin_again_is_the_same_challenge_and_no_second_message(desk):
    first = desk.begin()
    sent = len(desk.context.sms.sent)
    assert desk.begin() == first
    assert len(desk.context.sms.sent) == sent
    assert len(desk.events("ConfirmationAsked")) == 1


def test_a_code_of_another_discount_is_refused(desk):
    other_id = desk.waiting(OTHER, "key-2")
    assert desk.platform.body(other_id)["enterprise_id"] == desk.enterprise_id, "the samples' holder is one company"
    shown = desk.begin(discount_id=other_id)
    with pytest.raises(CodeMismatchError):
        desk.complete(shown, desk.last_code())
    assert desk.platform.body(desk.discount_id)["status"] == "AWAITING_CONFIRMATION"


@pytest.mark.parametrize("part", ["proceeds_fen", "face_fen", "range"])
def test_a_code_made_before_the_payment_changed_is_refused(desk, part):
    shown = desk.begin()
    item = desk.discount
    value = item.body[part]
    changed = value + 1 if isinstance(value, int) else "000000000001-000000000002"
    desk.context.store.transact([item.replaced({**item.body, part: changed})])
    with pytest.raises(CodeMismatchError):
        desk.complete(shown, desk.last_code())
    assert desk.events("DiscountConfirmed") == []


def test_a_code_made_for_another_payee_is_refused(desk):
    shown = desk.begin()
    item = desk.enterprise
    desk.context.store.transact([item.replaced({**item.body, "account_name": "别家公司"})])
    with pytest.raises(CodeMismatchError):
        desk.complete(shown, desk.last_code())


def test_an_expired_code_is_refused_without_an_attempt(desk):
    shown = desk.begin()
    desk.context.clock.instant += timedelta(seconds=180)
    with pytest.raises(CodeExpiredError):
        desk.complete(shown, desk.last_code())
    assert desk.stored["failures"] == 0


def test_a_newer_challenge_takes_the_place_of_the_older(desk):
    older, older_code = desk.begin("a"), desk.last_code()
    desk.begin("b")
    with pytest.raises(CodeExpiredError):
        desk.complete(older, older_code)


def test_five_wrong_codes_lock_the_operator_whatever_comes_then(desk):
    shown, code = desk.begin(), desk.last_code()
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(CodeMismatchError):
            desk.complete(shown, desk.wrong(code))
    with pytest.raises(CodeLockedError):
        desk.complete(shown, code)
    with pytest.raises(CodeLockedError):
        desk.begin("again")
    reasons = [data["reason"] for data in desk.events("ConfirmationRefused")]
    assert reasons == ["CODE_MISMATCH"] * ATTEMPTS_MAX
    (locked,) = desk.events("OperatorLocked", f"enterprise#{desk.enterprise_id}")
    assert (locked["operator_id"], locked["until"]) == (desk.operator_id, desk.stored["locked_until"])


def test_each_lock_is_longer_until_the_operator_succeeds(desk):
    lengths = []
    for round_ in range(3):
        shown, code = desk.begin(f"round-{round_}"), desk.last_code()
        for _ in range(ATTEMPTS_MAX):
            with pytest.raises(CodeMismatchError):
                desk.complete(shown, desk.wrong(code))
        until = datetime.fromisoformat(desk.stored["locked_until"])
        lengths.append(until - desk.context.clock.now())
        desk.context.clock.instant = until
    assert lengths == [timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4)]
    desk.complete(desk.begin("right"), desk.last_code())
    assert (desk.stored["failures"], desk.stored["locks"]) == (0, 0)
    assert "locked_until" not in desk.stored


def test_the_right_code_at_the_fifth_attempt_leaves_no_lock(desk):
    shown, code = desk.begin(), desk.last_code()
    for _ in range(ATTEMPTS_MAX - 1):
        with pytest.raises(CodeMismatchError):
            desk.complete(shown, desk.wrong(code))
    assert desk.complete(shown, code)["status"] == "VERIFIED"
    assert "locked_until" not in desk.stored


def test_a_refusal_names_how_many_attempts_are_left(desk):
    shown, code = desk.begin(), desk.last_code()
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(CodeMismatchError, match=f"; {left} attempts"):
            desk.complete(shown, desk.wrong(code))


def test_the_attempt_is_written_before_anything_is_compared(desk, monkeypatch):
    seen = []
    fits = confirmation.code_fits
    monkeypatch.setattr(confirmation, "code_fits", lambda *given: seen.append(desk.stored["failures"]) or fits(*given))
    shown = desk.begin()
    desk.complete(shown, desk.last_code())
    assert seen == [1]


def test_attempts_that_meet_do_not_exceed_the_limit(desk, monkeypatch):
    """Every guess reads the operator before any of them writes: only five are ever compared."""
    shown, code = desk.begin(), desk.last_code()
    compared, lock, together = [], threading.Lock(), threading.Barrier(12)
    fits, store = confirmation.code_fits, desk.context.store
    transact, get_many = store.transact, store.get_many
    waits = threading.local()

    def counted(*given):
        compared.append(given)
        return fits(*given)

    def one_at_a_time(writes):
        with lock:
            transact(writes)

    def read_together(keys):
        found = get_many(keys)
        if not getattr(waits, "over", False) and any(sk.startswith("operator#") for _, sk in keys):
            waits.reads = getattr(waits, "reads", 0) + 1
            if waits.reads == 2:  # the read that the attempt is written from
                waits.over = True
                together.wait(timeout=10)
        return found

    monkeypatch.setattr(confirmation, "code_fits", counted)
    monkeypatch.setattr(store, "transact", one_at_a_time)
    monkeypatch.setattr(store, "get_many", read_together)
    refused = []

    def guess():
        try:
            desk.complete(shown, desk.wrong(code))
        except Exception as error:
            refused.append(type(error).__name__)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(compared) == ATTEMPTS_MAX
    assert len(refused) == 12
    assert {"CodeMismatchError", "CodeLockedError"} <= set(refused)


def test_two_right_answers_at_once_confirm_once(desk):
    shown, code = desk.begin(), desk.last_code()
    store = desk.context.store
    once = []

    def meanwhile(writes):
        if not once and len(writes) > 1:
            once.append(True)
            desk.complete(shown, code)

    store.before_write = meanwhile
    assert desk.complete(shown, code)["status"] == "VERIFIED"
    assert len(desk.events("DiscountConfirmed")) == 1


def test_a_confirmation_that_lost_its_answer_is_answered_when_it_is_sent_again(desk):
    shown, code = desk.begin(), desk.last_code()

    def lost(writes):
        if len(writes) > 1:
            desk.context.store.after_write = lambda writes: None
            raise ConnectionError

    desk.context.store.after_write = lost
    with pytest.raises(ConnectionError):
        desk.complete(shown, code)
    assert desk.complete(shown, code)["status"] == "VERIFIED"
    assert desk.context.workflows.resumed[-1][1]["confirmed"] is True


def test_above_the_amount_the_payment_password_is_needed_too():
    desk = Desk({"payment_password_from_fen": 1})
    with pytest.raises(PaymentPasswordNotSetError):
        desk.begin()
    desk.set_payment_password()
    shown, code = desk.begin(), desk.last_code()
    assert shown["factors"] == ["password", "otp", "payment_password"]
    with pytest.raises(FactorsMissingError, match="payment_password"):
        desk.complete(shown, code)
    assert desk.stored["failures"] == 0
    with pytest.raises(PaymentPasswordError, match="4 attempts"):
        desk.complete(shown, code, payment_password="Wq7$kd9L-teapots")
    answer = desk.complete(shown, code, payment_password=PAYMENT_PASSWORD)
    assert answer["status"] == "VERIFIED"
    assert desk.events("DiscountConfirmed")[0]["factors"] == ["password", "otp", "payment_password"]
    assert desk.events("ConfirmationRefused")[0]["reason"] == "PAYMENT_PASSWORD_WRONG"


def test_a_wrong_code_tells_nothing_of_the_payment_password():
    desk = Desk({"payment_password_from_fen": 1})
    desk.set_payment_password()
    shown, code = desk.begin(), desk.last_code()
    before = desk.credentials.hasher.verified
    for password in (PAYMENT_PASSWORD, "another-one-entirely"):
        with pytest.raises(CodeMismatchError):
            desk.complete(shown, desk.wrong(code), payment_password=password)
    assert desk.credentials.hasher.verified == before


def test_large_amounts_take_longer_codes():
    desk = Desk({"long_code_from_fen": 1})
    shown = desk.begin()
    assert (shown["code_digits"], len(desk.last_code())) == (8, 8)


@pytest.mark.parametrize("token", ["token-opr_other", "forged", ""])
def test_without_the_operator_s_own_login_nothing_is_compared_and_no_attempt_is_lost(desk, token):
    desk.credentials.accounts.passwords["opr_other"] = LOGIN_PASSWORD
    shown = desk.begin()
    with pytest.raises(LoginError):
        desk.complete(shown, desk.last_code(), access_token=token)
    assert desk.stored["failures"] == 0


def test_an_old_login_does_not_count(desk):
    shown = desk.begin()
    desk.credentials.accounts.age_s = 901
    with pytest.raises(LoginError):
        desk.complete(shown, desk.last_code())


def test_who_may_only_view_or_is_disabled_confirms_nothing(desk):
    shown, code = desk.begin(), desk.last_code()
    named = person(desk.context, desk.enterprise_id, desk.operator_id)
    operators.change(desk.context, desk.credentials, named, roles=("view",))
    with pytest.raises(OperatorNotActiveError):
        desk.complete(shown, code)
    operators.change(desk.context, desk.credentials, named, enabled=False, roles=("confirm",))
    with pytest.raises(OperatorNotActiveError):
        desk.complete(shown, code)
    assert desk.operator_id in desk.credentials.accounts.disabled


def test_another_enterprise_s_operator_is_none(desk):
    with pytest.raises(NotFoundError):
        confirmation.begin(desk.context, desk.discount, Begin("opr_of_another", "k"))


def test_a_discount_that_waits_for_nobody_is_not_confirmed(desk):
    shown, code = desk.begin(), desk.last_code()
    confirm(desk.context, desk.discount, "operator-1", ("password", "otp"))
    with pytest.raises(WrongStateError):
        desk.complete(shown, code)
    with pytest.raises(WrongStateError):
        desk.begin("later")


def test_no_more_codes_are_sent_than_anybody_needs(desk):
    already = len(desk.stored["asked"])
    for count in range(CODES_PER_HOUR - already):
        desk.begin(f"k-{count}")
    sent = len(desk.context.sms.sent)
    with pytest.raises(TooManyCodesError):
        desk.begin("one more")
    assert len(desk.context.sms.sent) == sent
    desk.context.clock.instant += timedelta(hours=1, seconds=1)
    desk.begin("an hour later")


def test_where_the_platform_asks_the_partner_s_word_is_not_taken():
    desk = Desk({"by_platform": True})
    with pytest.raises(ConfirmationByPlatformError):
        confirm(desk.context, desk.discount, "operator-1", ("password", "otp"))
    with pytest.raises(ConfirmationByPlatformError):
        desk.platform.accept(OTHER, "key-9", confirmed=True)
    assert desk.complete(desk.begin(), desk.last_code())["status"] == "VERIFIED"


def test_where_the_operator_was_is_kept_beside_the_event_as_hashes(desk):
    desk.complete(desk.begin(), desk.last_code(), access={"ip": "203.0.113.9", "region": "CN-31"})
    stored = [one.body for one in desk.context.store.query(f"discount#{desk.discount_id}", "event#")]
    (confirmed,) = [body for body in stored if body["event"]["type"] == "DiscountConfirmed"]
    assert confirmed["beside"]["access"][2] == "CN-31"
    assert "203.0.113.9" not in str(stored)


def test_a_conflict_that_never_ends_is_told_and_confirms_nothing(desk):
    shown, code = desk.begin(), desk.last_code()

    def busy(writes):
        raise WriteConflictError("meanwhile", failed=(0,))

    desk.context.store.before_write = busy
    with pytest.raises(Exception, match="same time") as refused:
        desk.complete(shown, code)
    assert refused.value.code == "BUSY_TRY_AGAIN"
    assert desk.events("DiscountConfirmed") == []


def test_a_person_is_the_enterprise_s_and_the_operator_s_records(desk):
    found = person(desk.context, desk.enterprise_id, desk.operator_id)
    assert isinstance(found, Person)
    assert (found.id, found.partner_id) == (desk.operator_id, PARTNER)


# ---- failures reach the risk rule on bursts of failed logins, and cost no further write

RULE = "LOGIN_BURST"
MINUTE = timedelta(minutes=1)


def _fail(desk, times=ATTEMPTS_MAX, key="c"):
    shown, code = desk.begin(key), desk.last_code()
    for _ in range(times):
        with pytest.raises(CodeMismatchError):
            desk.complete(shown, desk.wrong(code))
    return shown, code


def _fail_as_another(desk, mobile, key):
    mine, desk.operator_id = desk.operator_id, desk.operator(mobile)
    _fail(desk, key=key)
    desk.operator_id = mine


def _verified(desk):
    """Another discount of the company, and what verification found of it."""
    discount_id = desk.platform.accept(OTHER, "key-2")
    desk.platform.run(discount_id)
    found = desk.context.store.query(f"discount#{discount_id}", "event#")
    beside = next(one.body["beside"] for one in found if one.body["event"]["type"] == "BillVerified")
    findings = {one["rule_id"]: one["measured"] for one in beside.get("findings", ())}
    return desk.platform.body(discount_id), findings, beside["not_evaluated"]


def test_two_operators_that_are_locked_within_minutes_send_the_companys_next_discount_to_a_reviewer(desk):
    _fail(desk)
    desk.context.clock.instant += 5 * MINUTE
    _fail_as_another(desk, "13900139001", "d")
    desk.context.clock.instant += 4 * MINUTE
    body, findings, not_evaluated = _verified(desk)
    assert findings[RULE] == 2 * ATTEMPTS_MAX
    assert RULE not in not_evaluated
    assert (body["status"], body["reason"]) == ("IN_REVIEW", "REVIEW_REQUIRED"), "neutral words"


def test_a_burst_is_over_ten_minutes_later(desk):
    _fail(desk)
    _fail_as_another(desk, "13900139001", "d")
    desk.context.clock.instant += 10 * MINUTE
    body, findings, not_evaluated = _verified(desk)
    assert RULE not in {*findings, *not_evaluated}
    assert body["status"] != "IN_REVIEW"


def test_nine_failures_are_evaluated_and_no_burst(desk):
    _fail(desk, ATTEMPTS_MAX - 1)
    _fail_as_another(desk, "13900139001", "d")
    _, findings, not_evaluated = _verified(desk)
    assert RULE not in {*findings, *not_evaluated}


def test_where_the_partner_asks_its_operators_itself_the_rule_is_told_as_not_evaluated(desk):
    key = (f"enterprise#{desk.enterprise_id}", f"operator#{desk.operator_id}")
    del desk.context.store.items[key]
    assert failed_logins(desk.context, desk.enterprise_id) is None
    assert RULE in _verified(desk)[2]


def test_failures_of_another_company_are_not_this_ones(desk):
    _fail(desk)
    others = {item.body["enterprise_id"] for item in desk.context.store.states("enterprise#")} - {desk.enterprise_id}
    assert {failed_logins(desk.context, one) for one in others} == {None}


def test_the_attempt_that_was_right_is_no_failure_and_takes_those_before_not_away(desk):
    shown, code = _fail(desk, 2)
    at = desk.context.clock.now()
    desk.context.clock.instant += MINUTE
    desk.complete(shown, code)
    assert failed_logins(desk.context, desk.enterprise_id) == (at, at)
    assert desk.stored["failures"] == 0


def test_a_wrong_payment_password_is_a_failure_too():
    desk = Desk({"payment_password_from_fen": 0})
    desk.set_payment_password()
    assert failed_logins(desk.context, desk.enterprise_id) == ()
    shown = desk.begin()
    with pytest.raises(PaymentPasswordError):
        desk.complete(shown, desk.last_code(), payment_password=PAYMENT_PASSWORD + "x")
    assert failed_logins(desk.context, desk.enterprise_id) == (desk.context.clock.now(),)


def test_a_failure_costs_no_write_beside_those_of_its_attempt_and_its_event(desk):
    shown, code = desk.begin(), desk.last_code()
    written = []
    desk.context.store.before_write = lambda writes: written.append([(write.pk, write.sk) for write in writes])
    with pytest.raises(CodeMismatchError):
        desk.complete(shown, desk.wrong(code))
    operator = (f"enterprise#{desk.enterprise_id}", f"operator#{desk.operator_id}")
    discount = f"discount#{desk.discount_id}"
    assert written[0] == [operator]
    assert [pk for pk, _ in written[1]] == [discount, discount]
    assert written[1][0][1] == STATE
    assert len(written) == 2


def test_no_more_failures_are_kept_than_a_rule_can_want(desk):
    for round_ in range(_FAILED_KEPT // ATTEMPTS_MAX + 1):
        _fail(desk, key=f"round-{round_}")
        desk.context.clock.instant += timedelta(hours=25)
    kept = desk.stored["failed_at"]
    assert len(kept) == _FAILED_KEPT
    assert kept == sorted(kept)
