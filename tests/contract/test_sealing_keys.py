"""One suite for the keys that pages seal under, held against the stand-in and against the adapter of KMS.

moto knows no RSA decryption: the requests for it are answered here as KMS documents them.
"""

import json
import os
from base64 import b64decode
from datetime import UTC, datetime

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.adapters.sealing_keys import KmsSealingKeys
from rongtong.domain.sealed import About, SealedKeyUnknownError, SealedUnreadableError, read
from sealing import OAEP_SHA_256, MemorySealingKeys, header_of, rsa_key, sealed_text

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
ABOUT = About("confirm", "opr_1", "dsc_1", "chl_1")


class Kms:
    """GetPublicKey and Decrypt of the keys of these names, for clients of boto3."""

    def __init__(self):
        self.asked = []
        self.client = boto3.client("kms", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.client.meta.events.register("before-call.kms.*", self._answer)

    def _answer(self, model, params, **_):
        said = json.loads(params["body"])
        self.asked.append((model.name, said["KeyId"]))
        private = rsa_key(said["KeyId"])
        if model.name == "GetPublicKey":
            public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return _http(200), {"PublicKey": public}
        assert said.get("EncryptionAlgorithm") == "RSAES_OAEP_SHA_256", "KMS takes a symmetric one otherwise"
        if said["KeyId"] == "disabled":
            return _http(400), {"Error": {"Code": "DisabledException", "Message": "It is disabled."}}
        try:
            opened = private.decrypt(b64decode(said["CiphertextBlob"]), OAEP_SHA_256)
        except ValueError:
            return _http(400), {"Error": {"Code": "InvalidCiphertextException", "Message": ""}}
        return _http(200), {"Plaintext": opened}


def _http(status):
    return AWSResponse("", status, {}, None)


@pytest.fixture
def kms():
    return Kms()


@pytest.fixture(params=["in memory", "kms"])
def keys_of(request, kms, monkeypatch):
    """Makes keys of names."""
    monkeypatch.setattr(boto3, "client", lambda service: kms.client)
    if request.param == "in memory":
        return MemorySealingKeys
    return lambda *names: KmsSealingKeys(names)


def _sealed(jwk, **changes):
    return read(sealed_text(jwk, {**header_of(jwk, ABOUT, NOW), **changes}, {"code": "123456"}), ABOUT, NOW)


def test_what_was_sealed_under_the_published_key_opens(keys_of):
    keys = keys_of("a")
    sealed = _sealed(keys.published())
    assert sealed.opened(keys.unwrapped(sealed.key_id, sealed.wrapped_key)) == b'{"code": "123456"}'


def test_the_first_key_is_published_and_the_one_before_opens_too(keys_of):
    before, both = keys_of("a"), keys_of("b", "a")
    assert both.published() == keys_of("b").published() != before.published()
    sealed = _sealed(before.published())
    assert len(both.unwrapped(sealed.key_id, sealed.wrapped_key)) == 32


def test_a_key_that_is_named_no_longer_is_unknown(keys_of):
    sealed = _sealed(keys_of("a").published())
    with pytest.raises(SealedKeyUnknownError):
        keys_of("b").unwrapped(sealed.key_id, sealed.wrapped_key)


def test_what_was_not_wrapped_under_the_key_does_not_open(keys_of):
    keys = keys_of("a")
    with pytest.raises(SealedUnreadableError):
        keys.unwrapped(keys.published()["kid"], os.urandom(384))
    sealed = _sealed(keys_of("b").published(), kid=keys.published()["kid"])
    with pytest.raises(SealedUnreadableError):
        keys.unwrapped(sealed.key_id, sealed.wrapped_key)


def test_kms_is_asked_for_each_public_key_once_and_never_for_an_unknown_one(kms, monkeypatch):
    monkeypatch.setattr(boto3, "client", lambda service: kms.client)
    keys = KmsSealingKeys(["b", "a"])
    for _ in range(2):
        keys.published()
        with pytest.raises(SealedKeyUnknownError):
            keys.unwrapped("other", b"x" * 384)
    assert kms.asked == [("GetPublicKey", "b"), ("GetPublicKey", "a")]


def test_a_key_that_the_key_service_does_not_use_is_our_fault_and_no_refusal(kms, monkeypatch):
    monkeypatch.setattr(boto3, "client", lambda service: kms.client)
    keys = KmsSealingKeys(["disabled"])
    sealed = _sealed(keys.published())
    with pytest.raises(ClientError):
        keys.unwrapped(sealed.key_id, sealed.wrapped_key)
