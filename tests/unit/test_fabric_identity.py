"""Who signs for Fabric, and the ids and messages that it signs."""

import hashlib
from datetime import UTC, datetime

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2
from moto import mock_aws

from fabric_msp import Organisation
from rongtong.adapters.fabric.identity import (
    P256_ORDER,
    Identity,
    KmsSigner,
    LocalSigner,
    check_dates,
    has_low_s,
    load_identity,
    low_s,
    verifies,
)
from rongtong.adapters.fabric.outcomes import ChainProfileError, contract_code
from rongtong.adapters.fabric.pem import PemSource
from rongtong.adapters.fabric.proposal import Call, nonce_of
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError

ORG = Organisation("Org1MSP", "org1.example.com")
USER = ORG.members.issue("User1@org1.example.com")
IDENTITY = Identity("Org1MSP", USER.certificate, LocalSigner(USER.key))
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
KEY = "a" * 64


def _pem(content):
    return PemSource("pem", "profile", content)


def _call(identity=IDENTITY, value="leaf", attempt=0):
    nonce = nonce_of("bills", "evidence", KEY, value, attempt)
    return Call(identity, "bills", "evidence", ("put", KEY, value), nonce, AT)


@pytest.fixture
def aws(monkeypatch):
    for name, value in [
        ("AWS_DEFAULT_REGION", "ap-southeast-1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
    ]:
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


# Signatures.


def test_every_signature_has_a_low_s_and_verifies():
    signatures = [IDENTITY.sign(b"message") for _ in range(64)]
    assert all(has_low_s(one) and verifies(USER.certificate, one, b"message") for one in signatures)


def test_a_high_s_is_turned_into_the_low_one_that_verifies_too():
    high = USER.sign(b"message", high_s=True)
    assert not has_low_s(high)
    assert has_low_s(low_s(high))
    assert verifies(USER.certificate, low_s(high), b"message")


def test_a_low_s_stays_as_it_is():
    low = USER.sign(b"message")
    assert low_s(low) == low


@pytest.mark.parametrize(("s", "low"), [(P256_ORDER // 2, True), (P256_ORDER // 2 + 1, False)])
def test_half_of_the_order_is_the_last_low_s(s, low):
    assert has_low_s(encode_dss_signature(1, s)) is low


def test_a_signature_of_another_key_does_not_leave():
    other = ORG.members.issue("User2@org1.example.com")
    with pytest.raises(ChainProfileError, match="not the key of the certificate"):
        Identity("Org1MSP", USER.certificate, LocalSigner(other.key)).sign(b"message")


class Kms:
    """Signs a digest as KMS does (moto hashes it once more); the higher S comes as often as the lower."""

    def sign(self, **call):
        message = call.pop("Message")
        assert call == {"KeyId": "alias/chain", "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
        return {"Signature": USER.key.sign(message, ec.ECDSA(Prehashed(SHA256())))}


def test_a_key_in_kms_signs_with_a_low_s():
    identity = Identity("Org1MSP", USER.certificate, KmsSigner("alias/chain", Kms()))
    message = b"longer than KMS takes" * 1000
    signatures = [identity.sign(message) for _ in range(32)]
    assert all(has_low_s(one) and verifies(USER.certificate, one, message) for one in signatures)


def test_a_key_that_kms_does_not_have_is_unavailable(aws):
    with pytest.raises(ChainUnavailableError, match="alias/none"):
        KmsSigner("alias/none").sign(b"message")


# Certificates and keys.


def test_certificate_and_key_are_loaded_from_the_profile():
    identity = load_identity("Org1MSP", _pem(USER.certificate_pem), _pem(USER.key_pem))
    assert identity.creator == IDENTITY.creator


def test_a_key_in_the_older_form_is_loaded():
    pem = USER.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert load_identity("Org1MSP", _pem(USER.certificate_pem), _pem(pem)).creator == IDENTITY.creator


def test_certificate_and_key_come_from_secrets_manager(aws):
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="chain/cert", SecretString=USER.certificate_pem.decode())
    secrets.create_secret(Name="chain/key", SecretBinary=USER.key_pem)
    identity = load_identity("Org1MSP", PemSource("secret", "chain/cert"), PemSource("secret", "chain/key"))
    assert identity.creator == IDENTITY.creator


def test_a_secret_that_is_not_there_is_named(aws):
    with pytest.raises(ChainProfileError, match="chain/none"):
        PemSource("secret", "chain/none").read()


OTHER = ORG.members.issue("User2@org1.example.com")
LOCKED = USER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
RSA = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        (USER.certificate_pem, OTHER.key_pem, "is not the key of the certificate"),
        (USER.certificate_pem, LOCKED, "no private key"),
        (USER.certificate_pem, RSA, "P-256"),
        (b"nothing", USER.key_pem, "no certificate"),
    ],
)
def test_what_is_no_pair_is_refused(certificate, key, told):
    with pytest.raises(ChainProfileError, match=told):
        load_identity("Org1MSP", _pem(certificate), _pem(key))


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)])
def test_a_certificate_outside_of_its_dates_is_refused(days):
    certificate = ORG.members.issue("User1@org1.example.com", days=days).certificate
    with pytest.raises(ChainRefusedError, match="has expired or is not yet valid"):
        check_dates(certificate, "certificate", datetime.now(UTC))


# What is signed.


def test_a_transaction_id_is_the_hash_of_nonce_and_creator():
    call = _call()
    assert call.transaction_id == hashlib.sha256(call.nonce + IDENTITY.creator).hexdigest()


def test_the_same_entry_and_attempt_make_the_same_id_later_too():
    later = Call(IDENTITY, "bills", "evidence", ("put", KEY, "leaf"), _call().nonce, datetime(2027, 1, 5, tzinfo=UTC))
    assert later.transaction_id == _call().transaction_id


def test_another_value_attempt_or_member_makes_another_id():
    member = Identity("Org1MSP", OTHER.certificate, LocalSigner(OTHER.key))
    calls = [_call(), _call(value="another"), _call(attempt=1), _call(member)]
    assert len({call.transaction_id for call in calls}) == 4


def test_no_two_places_or_entries_share_a_nonce():
    assert (
        len({nonce_of("a", "bc", KEY, "v", 0), nonce_of("ab", "c", KEY, "v", 0), nonce_of("a", "bc", KEY, "v0", 0)})
        == 3
    )


def test_a_proposals_header_names_channel_id_and_creator():
    proposal = proposal_pb2.Proposal.FromString(_call().signed_proposal().proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    channel = common_pb2.ChannelHeader.FromString(header.channel_header)
    signature = common_pb2.SignatureHeader.FromString(header.signature_header)
    assert (channel.type, channel.channel_id, channel.tx_id) == (3, "bills", _call().transaction_id)
    assert channel.timestamp.ToDatetime(UTC) == AT
    assert (signature.creator, signature.nonce) == (IDENTITY.creator, _call().nonce)


def test_a_proposal_is_signed_as_it_is_sent():
    signed = _call().signed_proposal()
    r, s = decode_dss_signature(signed.signature)
    assert verifies(USER.certificate, signed.signature, signed.proposal_bytes)
    assert (r > 0, s <= P256_ORDER // 2) == (True, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("KEY_NOT_FOUND: no value is stored; put it", "KEY_NOT_FOUND"),
        ("500 error in simulation: transaction returned with failure: KEY_EXISTS: a value; get it", "KEY_EXISTS"),
        ("500 KEY_NOT_FOUND: no value", "KEY_NOT_FOUND"),
        ("500 the asset aa does not exist", ""),
        ("500 no value is stored under 'KEY_NOT_FOUND: '", ""),
    ],
)
def test_a_contracts_own_code_is_found_behind_the_peers_words(text, code):
    assert contract_code(text) == code
