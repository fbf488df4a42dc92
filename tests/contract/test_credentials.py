"""The operators' accounts on Cognito (moto), and the token that decides who confirms; the hash; the breach list."""

import base64
import json
import secrets
import time

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from moto import mock_aws
from moto.utilities.utils import load_resource

from credential_fakes import MemoryAccounts, QuickHasher
from rongtong.adapters.argon2_hasher import ITERATIONS, LANES, MEMORY_KIB, Argon2Hasher
from rongtong.adapters.breached_passwords import BreachedPasswords, packed
from rongtong.adapters.cognito import CognitoAccounts, PoolKeys
from rongtong.domain.passwords import PasswordError
from rongtong.services.credentials import AccountsUnavailableError, LoginError

PASSWORD, OTHER = "lantern-orchid-47-mule", "teapot-harbour-93-fig"


class Pool:
    """A user pool as template.yaml has it, and a client that pages log in by."""

    def __init__(self):
        self.cognito = boto3.client("cognito-idp")
        created = self.cognito.create_user_pool(
            PoolName="operators",
            Policies={
                "PasswordPolicy": {
                    "MinimumLength": 12,
                    "RequireUppercase": False,
                    "RequireLowercase": False,
                    "RequireNumbers": False,
                    "RequireSymbols": False,
                }
            },
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
        )
        self.id = created["UserPool"]["Id"]
        client = self.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName="pages", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
        )
        self.client_id = client["UserPoolClient"]["ClientId"]
        self.issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{self.id}"
        keys = load_resource("cognitoidp/resources/jwks-public.json")
        self.accounts = CognitoAccounts(self.id, self.client_id, self.issuer, PoolKeys(lambda: keys))

    def token(self, name, password, kind="AccessToken"):
        try:
            answer = self.cognito.initiate_auth(
                ClientId=self.client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": name, "PASSWORD": password},
            )
        except self.cognito.exceptions.NotAuthorizedException as error:
            raise LoginError("no login") from error
        return answer["AuthenticationResult"][kind]

    def __getattr__(self, name):
        return getattr(self.accounts, name)


class Memory(MemoryAccounts):
    def token(self, name, password):
        if self.passwords.get(name) != password or name in self.disabled:
            raise LoginError("no login")
        return f"token-{name}"


@pytest.fixture(params=["cognito", "memory"])
def accounts(request, monkeypatch):
    if request.param == "memory":
        yield Memory()
        return
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        boto3.setup_default_session()
        yield Pool()


def test_who_has_set_a_password_logs_in_under_its_own_name(accounts):
    accounts.create("opr_1", "13900139000")
    accounts.set_password("opr_1", PASSWORD)
    login = accounts.login(accounts.token("opr_1", PASSWORD))
    assert login.name == "opr_1"
    assert 0 <= login.age_s < 60


def test_creating_an_account_again_keeps_its_password(accounts):
    accounts.create("opr_1", "13900139000")
    accounts.set_password("opr_1", PASSWORD)
    accounts.create("opr_1", "13900139000")
    assert accounts.login(accounts.token("opr_1", PASSWORD)).name == "opr_1"


def test_an_account_that_there_is_not_gets_no_password(accounts):
    with pytest.raises(LoginError):
        accounts.set_password("opr_1", PASSWORD)


def test_the_password_is_changed_by_who_knows_it(accounts):
    accounts.create("opr_1", "13900139000")
    accounts.set_password("opr_1", PASSWORD)
    token = accounts.token("opr_1", PASSWORD)
    with pytest.raises(LoginError):
        accounts.change_password(token, "not-it-at-all", OTHER)
    accounts.change_password(token, PASSWORD, OTHER)
    assert accounts.token("opr_1", OTHER)
    with pytest.raises(LoginError):
        accounts.token("opr_1", PASSWORD)


def test_an_account_that_is_deleted_is_there_no_more_and_deleting_it_again_is_no_error(accounts):
    accounts.create("opr_1", "13900139000")
    accounts.set_password("opr_1", PASSWORD)
    accounts.delete("opr_1")
    accounts.delete("opr_1")
    with pytest.raises(LoginError):
        accounts.set_password("opr_1", OTHER)


def test_who_is_disabled_logs_in_no_longer(accounts):
    accounts.create("opr_1", "13900139000")
    accounts.set_password("opr_1", PASSWORD)
    accounts.enable("opr_1", enabled=False)
    with pytest.raises(LoginError):
        accounts.token("opr_1", PASSWORD)
    accounts.enable("opr_1", enabled=True)
    assert accounts.token("opr_1", PASSWORD)


@pytest.mark.parametrize("token", ["", "token", "a.b.c", "é.b.c", "..", "e30.e30.", "x" * 9000])
def test_what_is_no_token_is_no_login(accounts, token):
    with pytest.raises(LoginError):
        accounts.login(token)


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        boto3.setup_default_session()
        yield Pool()


def test_a_password_that_the_pool_refuses_is_refused_by_name(pool):
    pool.create("opr_1", "13900139000")
    with pytest.raises(PasswordError):
        pool.set_password("opr_1", "short")


def test_nobody_logs_in_with_the_password_of_a_new_account(pool):
    pool.create("opr_1", "13900139000")
    (user,) = pool.cognito.list_users(UserPoolId=pool.id)["Users"]
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_an_identity_token_is_no_access_token(pool):
    pool.create("opr_1", "13900139000")
    pool.set_password("opr_1", PASSWORD)
    with pytest.raises(LoginError):
        pool.login(pool.token("opr_1", PASSWORD, "IdToken"))


# ---- tokens, signed here

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = 1_776_000_000
CLAIMS = {
    "iss": "https://cognito-idp.eu-west-1.amazonaws.com/pool",
    "client_id": "client",
    "token_use": "access",
    "username": "opr_1",
    "auth_time": NOW - 42,
    "exp": NOW + 600,
}


def _b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value):
    return _b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _keys(**keys):
    numbers = {kid: key.public_key().public_numbers() for kid, key in keys.items()}
    return {
        "keys": [{"kty": "RSA", "kid": kid, "n": _number(one.n), "e": _number(one.e)} for kid, one in numbers.items()]
    }


def _token(claims=CLAIMS, key=_KEY, header=None):
    parts = [{"alg": "RS256", "kid": "k1", **(header or {})}, claims]
    text = ".".join(_b64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_b64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _accounts(keys=None):
    found = keys or PoolKeys(lambda: _keys(k1=_KEY))
    return CognitoAccounts("pool", "client", CLAIMS["iss"], found, now=lambda: float(NOW))


def test_a_right_token_says_who_and_how_long_ago():
    login = _accounts().login(_token())
    assert (login.name, login.age_s) == ("opr_1", 42)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/other"},
        {"client_id": "another"},
        {"token_use": "id"},
        {"exp": NOW},
        {"auth_time": NOW + 60},
        {"auth_time": None},
        {"auth_time": "42"},
        {"username": None},
        {"username": ["opr_1"]},
    ],
)
def test_a_token_of_another_pool_client_use_or_time_is_refused(changes):
    with pytest.raises(LoginError):
        _accounts().login(_token({**CLAIMS, **changes}))


@pytest.mark.parametrize("claim", list(CLAIMS))
def test_a_token_without_a_claim_is_refused(claim):
    with pytest.raises(LoginError):
        _accounts().login(_token({name: value for name, value in CLAIMS.items() if name != claim}))


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"kid": "k2"}, {"kid": None}])
def test_the_token_chooses_neither_algorithm_nor_key(header):
    with pytest.raises(LoginError):
        _accounts().login(_token(header=header))


def test_a_token_that_another_key_signed_is_refused():
    with pytest.raises(LoginError):
        _accounts().login(_token(key=_STRANGER))


def test_a_token_whose_claims_were_changed_is_refused():
    head, _, signature = _token().split(".")
    claims = _b64(json.dumps({**CLAIMS, "username": "opr_2"}).encode())
    with pytest.raises(LoginError):
        _accounts().login(f"{head}.{claims}.{signature}")


def test_keys_are_read_anew_for_an_unknown_one_and_at_most_once_a_minute():
    fetched, clock = [], [0.0]

    def fetch():
        fetched.append(clock[0])
        return _keys(k1=_KEY) if len(fetched) == 1 else _keys(k1=_KEY, k2=_STRANGER)

    accounts = _accounts(PoolKeys(fetch, lambda: clock[0]))
    rotated = _token(key=_STRANGER, header={"kid": "k2"})
    accounts.login(_token())
    for _ in range(5):
        with pytest.raises(LoginError):
            accounts.login(rotated)
    clock[0] = 60.0
    assert accounts.login(rotated).name == "opr_1"
    assert fetched == [0.0, 60.0]


def test_where_keys_cannot_be_read_nothing_is_decided():
    def fetch():
        raise AccountsUnavailableError("The login service's keys cannot be read; try again.")

    with pytest.raises(AccountsUnavailableError):
        _accounts(PoolKeys(fetch)).login(_token())


# ---- hash and list


@pytest.fixture(params=[Argon2Hasher(memory_kib=64, iterations=1), QuickHasher()], ids=["argon2", "quick"])
def hasher(request):
    return request.param


def test_a_hash_is_its_password_s_alone(hasher):
    stored = hasher.hash(PASSWORD)
    assert hasher.verify(stored, PASSWORD)
    assert not hasher.verify(stored, PASSWORD + " ")
    assert not hasher.verify("no hash", PASSWORD)
    assert PASSWORD not in stored


def test_the_hash_has_owasp_s_parameters_and_a_salt_of_its_own():
    hasher = Argon2Hasher()
    one, other = hasher.hash(PASSWORD), hasher.hash(PASSWORD)
    assert one.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p={LANES}$")
    assert (MEMORY_KIB, ITERATIONS, LANES) == (19456, 2, 1)
    assert one != other
    assert hasher.verify(one, PASSWORD)


def test_a_weaker_hash_is_still_right_and_known_to_be_outdated():
    stored = Argon2Hasher(memory_kib=64, iterations=1).hash(PASSWORD)
    assert Argon2Hasher().verify(stored, PASSWORD)
    assert Argon2Hasher().is_outdated(stored)
    assert not Argon2Hasher().is_outdated(Argon2Hasher().hash(PASSWORD))


@pytest.mark.parametrize("password", ["password", "123456", "qwertyuiop", "iloveyou", "woaini", "5201314", "dragon"])
def test_the_shipped_list_has_the_commonest(password):
    assert BreachedPasswords()(password)


def test_the_shipped_list_has_no_random_ones():
    listed = BreachedPasswords()
    assert not any(listed(secrets.token_hex(8)) for _ in range(2000))
    assert not listed("lantern-orchid-47-mule")


def test_every_entry_of_a_list_is_found(tmp_path):
    words = [f"word-{n}" for n in range(500)]
    (tmp_path / "list.bin").write_bytes(packed([*words, "WORD-7"]))
    listed = BreachedPasswords(tmp_path / "list.bin")
    assert all(listed(word) for word in words)
    assert (tmp_path / "list.bin").stat().st_size == 500 * 6
    assert not any(listed(f"other-{n}") for n in range(500))


def test_an_empty_list_has_nothing(tmp_path):
    (tmp_path / "list.bin").write_bytes(b"")
    assert not BreachedPasswords(tmp_path / "list.bin")("password")


def test_a_real_clock_is_the_default():
    accounts = CognitoAccounts("pool", "client", CLAIMS["iss"], PoolKeys(lambda: _keys(k1=_KEY)))
    now = int(time.time())
    assert accounts.login(_token({**CLAIMS, "auth_time": now - 5, "exp": now + 60})).age_s in range(5, 30)
