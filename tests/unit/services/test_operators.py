"""Operators of an enterprise: registered by its partner, with secrets that they alone set."""

import re
from datetime import timedelta

import pytest

from credential_fakes import make_credentials
from in_memory import PARTNER, Platform
from rongtong.domain.confirmation import (
    ATTEMPTS_MAX,
    CodeExpiredError,
    CodeLockedError,
    CodeMismatchError,
    PaymentPasswordError,
)
from rongtong.domain.errors import IdentityError
from rongtong.domain.passwords import PasswordError
from rongtong.services import changes, operator_passwords, operators
from rongtong.services.credentials import LoginError
from rongtong.services.errors import EnterpriseNotActiveError, NotFoundError, WrongStateError
from rongtong.services.operator_passwords import ChangeLoginPassword, SetLoginPassword, SetPaymentPassword
from rongtong.services.operator_records import OperatorNotActiveError, Purpose, operator_key, person
from rongtong.services.records import STATE, enterprise_pk

LOGIN, OTHER_LOGIN, PAYMENT = "lantern-orchid-47-mule", "teapot-harbour-93-fig", "Wq7$kd9L-teapot"
MOBILE = "13900139000"


class Desk:
    def __init__(self):
        platform = Platform()
        self.context, self.credentials = platform.context, make_credentials()
        self.enterprise_id = next(iter(platform.ids.values()))
        self.pk = enterprise_pk(self.enterprise_id)

    @property
    def enterprise(self):
        return self.context.store.get(self.pk, STATE)

    def register(self, mobile=MOBILE, roles=("confirm",), name="王芳芳"):
        command = operators.RegisterOperator(name, mobile, "2026-01", roles)
        return operators.register(self.context, self.credentials, self.enterprise, command)

    def named(self, operator_id=None):
        return person(self.context, self.enterprise_id, operator_id or self.register()["operator_id"])

    def stored(self, operator_id):
        return self.context.store.get(*operator_key(self.enterprise_id, operator_id)).body

    def code(self, purpose=Purpose.LOGIN_PASSWORD, key="k"):
        operator_passwords.send_code(self.context, self.named(), key, purpose)
        return re.search(r"验证码(\d+)", list(self.context.sms.sent.values())[-1][1])[1]

    def activate(self, password=LOGIN, code=None, phrase="窗前明月光"):
        command = SetLoginPassword(code or self.code(), password, phrase)
        return operator_passwords.set_login_password(self.context, self.credentials, self.named(), command)

    def set_payment(self, password=PAYMENT, present=None, code=None, token=None, key="p"):
        code = code or self.code(Purpose.PAYMENT_PASSWORD, key)
        command = SetPaymentPassword(token or f"token-{self.named().id}", code, password, present)
        return operator_passwords.set_payment_password(self.context, self.credentials, self.named(), command)

    def kinds(self):
        return [one.body["event"]["type"] for one in self.context.store.query(self.pk, "event#")]


@pytest.fixture
def desk():
    return Desk()


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def test_an_operator_is_registered_sealed_and_shown_masked(desk):
    shown = desk.register()
    assert (shown["status"], shown["name"], shown["mobile"]) == ("INVITED", "**芳", "139****9000")
    stored = {name: str(value) for name, value in desk.stored(shown["operator_id"]).items() if name != "masked"}
    assert not any(MOBILE in value or "王芳芳" in value for value in stored.values())
    assert stored["partner_id"] == PARTNER
    assert desk.kinds()[-1] == "OperatorRegistered"


def test_the_event_of_a_registration_keeps_the_version_of_the_terms_that_the_person_agreed_to(desk):
    desk.register()
    last = desk.context.store.query(desk.pk, "event#")[-1].body["event"]
    assert (last["type"], last["data"]["terms_version"]) == ("OperatorRegistered", "2026-01")


def test_the_same_mobile_again_is_the_same_operator(desk):
    first = desk.register()
    assert desk.register(name="别人") == first
    assert desk.kinds().count("OperatorRegistered") == 1
    assert len(operators.listed(desk.context, desk.enterprise)) == 1


def test_events_bear_who_asked_and_no_personal_data(desk):
    from dataclasses import replace

    desk.context = replace(desk.context, initiator={"key": "partner-a#1", "sig": "c2ln"})
    desk.register()
    last = desk.context.store.query(desk.pk, "event#")[-1].body["event"]
    assert last["by"] == {"key": "partner-a#1", "sig": "c2ln"}
    assert set(last["data"]) == {"operator_id", "roles", "terms_version"}


def test_no_mobile_number_registers_nobody(desk):
    with pytest.raises(IdentityError):
        desk.register(mobile="12800000000")
    assert desk.credentials.accounts.passwords == {}


def test_an_enterprise_that_is_not_active_has_no_operators(desk):
    item = desk.enterprise
    desk.context.store.transact([item.replaced({**item.body, "status": "PENDING"})])
    with pytest.raises(EnterpriseNotActiveError):
        desk.register()


def test_the_first_login_password_makes_the_operator_active(desk):
    assert desk.activate()["status"] == "ACTIVE"
    operator_id = desk.named().id
    assert desk.credentials.accounts.passwords[operator_id] == LOGIN
    assert LOGIN not in str(desk.context.store.items)
    assert desk.kinds()[-1] == "OperatorActivated"


def test_an_account_cannot_log_in_before_it_has_a_password(desk):
    operator_id = desk.register()["operator_id"]
    with pytest.raises(LoginError):
        desk.credentials.accounts.login(f"token-{operator_id}")


def test_a_lost_mobile_alone_sets_no_login_password_any_more(desk):
    desk.activate()
    with pytest.raises(WrongStateError):
        desk.code(Purpose.LOGIN_PASSWORD, "stolen")


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "PASSWORD_LENGTH"), ("hunter2hunter2x", "PASSWORD_BREACHED"), ("my-13900139000-x", "PASSWORD_PERSONAL")],
)
def test_a_bad_login_password_is_refused_before_an_attempt_is_taken(desk, password, code):
    entered = desk.code()
    with pytest.raises(PasswordError) as refused:
        desk.activate(password, entered)
    assert refused.value.code == code
    assert desk.named().operator.body["failures"] == 0
    assert desk.activate(code=entered)["status"] == "ACTIVE"


def test_a_password_may_not_be_the_reserved_phrase(desk):
    with pytest.raises(PasswordError) as refused:
        desk.activate("moonlight before my bed", phrase="Moonlight before my bed")
    assert refused.value.code == "PASSWORD_PERSONAL"


def test_a_code_counts_once(desk):
    entered = desk.code()
    desk.activate(code=entered)
    with pytest.raises(WrongStateError):
        desk.activate(OTHER_LOGIN, entered)
    assert desk.credentials.accounts.passwords[desk.named().id] == LOGIN


def test_a_code_is_for_its_purpose_alone(desk):
    desk.activate()
    entered = desk.code(Purpose.PAYMENT_PASSWORD)
    operator = desk.named()
    item = operator.operator
    desk.context.store.transact([item.replaced({**item.body, "status": "INVITED"})])
    with pytest.raises(CodeExpiredError):
        desk.activate(OTHER_LOGIN, entered)


def test_wrong_codes_lock_whoever_guesses(desk):
    entered = desk.code()
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(CodeMismatchError):
            desk.activate(code=wrong(entered))
    with pytest.raises(CodeLockedError):
        desk.activate(code=entered)
    assert desk.kinds()[-1] == "OperatorLocked"
    assert desk.named().operator.body["status"] == "INVITED"


def test_the_same_key_sends_the_same_code_and_no_second_message(desk):
    assert desk.code(key="k") == desk.code(key="k")
    assert len(desk.context.sms.sent) == 1
    assert desk.code(key="other") != desk.code(key="k")
    desk.context.clock.instant += timedelta(minutes=4)
    sent = len(desk.context.sms.sent)
    desk.code(key="k")
    assert len(desk.context.sms.sent) == sent + 1


def test_the_login_password_is_changed_by_who_knows_the_present_one(desk):
    desk.activate()
    token = f"token-{desk.named().id}"
    change = operator_passwords.change_login_password
    with pytest.raises(LoginError):
        change(desk.context, desk.credentials, desk.named(), ChangeLoginPassword(token, "not it", OTHER_LOGIN))
    change(desk.context, desk.credentials, desk.named(), ChangeLoginPassword(token, LOGIN, OTHER_LOGIN))
    assert desk.credentials.accounts.passwords[desk.named().id] == OTHER_LOGIN
    assert desk.kinds()[-1] == "LoginPasswordChanged"


def test_a_payment_password_takes_login_and_code_and_is_stored_sealed(desk):
    desk.activate()
    shown = desk.set_payment()
    assert "payment_password_set_at" in shown
    assert "payment_password" not in shown
    stored = desk.stored(desk.named().id)["payment_password"]
    assert stored.startswith("sealed:")
    assert desk.credentials.hasher.hash(PAYMENT) not in stored
    assert desk.kinds()[-1] == "PaymentPasswordSet"


def test_without_a_login_no_payment_password_is_set(desk):
    desk.activate()
    with pytest.raises(LoginError):
        desk.set_payment(token="token-opr_other")
    assert "payment_password" not in desk.stored(desk.named().id)


def test_before_its_login_password_an_operator_has_no_payment_password(desk):
    with pytest.raises(OperatorNotActiveError):
        desk.code(Purpose.PAYMENT_PASSWORD)


def test_a_payment_password_is_changed_by_who_knows_the_present_one(desk):
    desk.activate()
    desk.set_payment()
    with pytest.raises(PaymentPasswordError):
        desk.set_payment("teapot-lantern-5", key="a")
    with pytest.raises(PaymentPasswordError):
        desk.set_payment("teapot-lantern-5", "not the present", key="b")
    assert desk.named().operator.body["failures"] == 1
    desk.set_payment("teapot-lantern-5", PAYMENT, key="c")
    assert desk.kinds()[-1] == "PaymentPasswordChanged"
    assert desk.named().operator.body["failures"] == 0


def test_who_is_disabled_is_logged_out_and_comes_back_as_it_was(desk):
    operator_id = desk.register()["operator_id"]
    change = operators.change
    assert change(desk.context, desk.credentials, desk.named(), enabled=False)["status"] == "DISABLED"
    assert change(desk.context, desk.credentials, desk.named(), enabled=True)["status"] == "INVITED"
    desk.activate()
    change(desk.context, desk.credentials, desk.named(), enabled=False)
    with pytest.raises(LoginError):
        desk.credentials.accounts.login(f"token-{operator_id}")
    assert change(desk.context, desk.credentials, desk.named(), enabled=True)["status"] == "ACTIVE"


def test_roles_are_replaced_and_told(desk):
    desk.register()
    assert operators.change(desk.context, desk.credentials, desk.named(), roles=("view",))["roles"] == ["view"]
    assert desk.kinds()[-1] == "OperatorChanged"


def _reset(desk):
    content = {"enterprise_id": desk.enterprise_id, "operator_id": desk.named().id, "reason": "SEEN_WITH_LICENCE"}
    change = changes.propose(desk.context, "operations", "reset-1", "operator_reset", content)
    return changes.decide(desk.context, "operations-2", change["change_id"], approve=True)


def test_who_lost_its_passwords_sets_them_anew_once_two_persons_have_reset_it(desk):
    desk.activate()
    desk.set_payment()
    _reset(desk)
    stored = desk.stored(desk.named().id)
    assert (stored["status"], {"phrase", "payment_password", "code"} & set(stored)) == ("INVITED", set())
    desk.context.clock.instant += timedelta(minutes=1)
    assert desk.activate(OTHER_LOGIN, code=desk.code(key="anew"))["status"] == "ACTIVE"
    assert desk.credentials.accounts.passwords[desk.named().id] == OTHER_LOGIN
    assert "payment_password_set_at" in desk.set_payment("harbour-fig-91-x", key="anew-too")


def test_before_it_has_new_passwords_an_operator_that_was_reset_does_nothing(desk):
    desk.activate()
    _reset(desk)
    token = f"token-{desk.named().id}"
    with pytest.raises(OperatorNotActiveError):
        desk.set_payment(code="000000")
    change = ChangeLoginPassword(token, LOGIN, OTHER_LOGIN)
    with pytest.raises(OperatorNotActiveError):
        operator_passwords.change_login_password(desk.context, desk.credentials, desk.named(), change)
    assert desk.credentials.accounts.passwords[desk.named().id] == LOGIN


def test_a_login_from_before_the_reset_counts_no_more(desk):
    desk.activate()
    _reset(desk)
    desk.context.clock.instant += timedelta(seconds=30)
    desk.activate(OTHER_LOGIN, code=desk.code(key="anew"))
    desk.credentials.accounts.age_s = 31
    with pytest.raises(LoginError):
        desk.set_payment(key="old login")
    desk.credentials.accounts.age_s = 29
    assert "payment_password_set_at" in desk.set_payment(key="new login")


def test_who_is_disabled_stays_so_when_it_is_reset_and_is_invited_once_enabled(desk):
    desk.activate()
    operators.change(desk.context, desk.credentials, desk.named(), enabled=False)
    _reset(desk)
    assert desk.stored(desk.named().id)["status"] == "DISABLED"
    assert operators.change(desk.context, desk.credentials, desk.named(), enabled=True)["status"] == "INVITED"


def test_nobody_is_reset_who_is_no_operator(desk):
    content = {"enterprise_id": desk.enterprise_id, "operator_id": "opr_nobody", "reason": "SEEN_WITH_LICENCE"}
    change = changes.propose(desk.context, "operations", "reset-1", "operator_reset", content)
    with pytest.raises(NotFoundError):
        changes.decide(desk.context, "operations-2", change["change_id"], approve=True)
    assert desk.context.store.get(desk.pk, "operator#opr_nobody") is None
