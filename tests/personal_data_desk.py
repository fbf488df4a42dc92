"""A platform whose vault really encrypts, with an enterprise and an operator of it: for tests about personal data."""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import in_memory
from credential_fakes import make_credentials
from fakes import make_context
from in_memory import PARTNER, Platform, sample_bills
from rongtong.adapters.kms import KmsVault
from rongtong.services import changes, operator_passwords, operators
from rongtong.services.disclosures import Disclose, to_operator
from rongtong.services.errors import SealedDataError
from rongtong.services.operator_records import Person, Purpose, person
from rongtong.services.storage import Document

GOOD = sample_bills()[2]
MAKER, CHECKER = "operations", "operations-2"
OPERATOR_NAME, OPERATOR_MOBILE = "王芳芳", "13900139000"
LOGIN_PASSWORD, PHRASE = "lantern-orchid-47-mule", "窗前明月光"
COMPLAINT = "张三：利息算错了"
OWNER_FIELDS = ("legal_representative", "mobile", "account_number")


class MemoryKms:
    """A key service that wraps data keys with a key of its own, bound to their context."""

    def __init__(self) -> None:
        self._master = AESGCM(os.urandom(32))

    def generate_data_key(self, *, KeyId: str, KeySpec: str, EncryptionContext: dict[str, str]) -> dict[str, bytes]:  # noqa: N803
        nonce, key = os.urandom(12), os.urandom(32)
        return {"CiphertextBlob": nonce + self._master.encrypt(nonce, key, json.dumps(EncryptionContext).encode())}

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, EncryptionContext: dict[str, str]) -> dict[str, bytes]:  # noqa: N803
        nonce, wrapped = CiphertextBlob[:12], CiphertextBlob[12:]
        return {"Plaintext": self._master.decrypt(nonce, wrapped, json.dumps(EncryptionContext).encode())}


def real_vault() -> KmsVault:
    """The adapter of production over a key service in memory."""
    vault = KmsVault("key")
    vault.__dict__["_kms"] = MemoryKms()
    return vault


class Desk:
    """Everything about one enterprise, with an operator that can log in and read its messages."""

    def __init__(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(in_memory, "make_context", lambda: make_context(vault=real_vault()))
        self.platform = Platform()
        self.credentials = make_credentials()
        self.enterprise_id = self.platform.ids[PARTNER, GOOD.holder_uscc]
        self.operator_id = self.register_operator()
        self._sent = 0

    @property
    def context(self) -> Any:
        return self.platform.context

    def acting(self, who: str = PARTNER) -> None:
        """Whoever does what follows has signed for it."""
        self.platform.context = replace(self.context, initiator={"key": f"{who}#1", "sig": f"sig of {who}"})

    @property
    def enterprise(self) -> Any:
        return self.platform.enterprise(self.enterprise_id)

    @property
    def values(self) -> Document:
        """The personal data as it is, while the store still has what opens it."""
        body = self.enterprise.body
        opened = {
            name: self.context.vault.decrypt(self.enterprise_id, body["data_key"], body[name]) for name in OWNER_FIELDS
        }
        return {**opened, "operator_name": OPERATOR_NAME, "operator_mobile": OPERATOR_MOBILE}

    @property
    def named(self) -> Person:
        return person(self.context, self.enterprise_id, self.operator_id)

    def register_operator(self) -> str:
        command = operators.RegisterOperator(OPERATOR_NAME, OPERATOR_MOBILE, "2026-01", ("confirm",))
        shown = operators.register(self.context, self.credentials, self.enterprise, command)
        named = person(self.context, self.enterprise_id, shown["operator_id"])
        operator_passwords.send_code(self.context, named, "k", Purpose.LOGIN_PASSWORD)
        first = operator_passwords.SetLoginPassword(self.last_code(), LOGIN_PASSWORD, PHRASE)
        operator_passwords.set_login_password(self.context, self.credentials, named, first)
        return str(shown["operator_id"])

    def last_code(self) -> str:
        found = re.search(r"验证码(\d+)", list(self.context.sms.sent.values())[-1][1])
        assert found is not None
        return found[1]

    def send_code(self) -> str:
        self._sent += 1
        operator_passwords.send_code(self.context, self.named, f"d-{self._sent}", Purpose.DISCLOSURE)
        return self.last_code()

    def disclose(self, *fields: str, code: str | None = None, reason: str = "DATA_SUBJECT_REQUEST") -> Document:
        """Ask for a code, unless one is given, and show the fields to the operator."""
        code = self.send_code() if code is None else code
        command = Disclose(reason, fields or ("mobile",), f"token-{self.operator_id}", code)
        return to_operator(self.context, self.credentials, self.named, command)

    def decided(self, kind: str, key: str, approve: bool = True, **content: Any) -> Document:
        """A change by two persons about this enterprise."""
        content = {"enterprise_id": self.enterprise_id, **content}
        proposed = changes.propose(self.context, MAKER, key, kind, content)
        return changes.decide(self.context, CHECKER, proposed["change_id"], approve=approve)

    def events(self, kind: str, prefix: str = "") -> list[Document]:
        """Every stored event of this type."""
        store: Any = self.context.store
        found = [item.body["event"] for item in store.items.values() if "event" in item.body]
        return [one for one in found if one["type"] == kind]

    def texts(self) -> list[str]:
        """Everything that lies anywhere: records with their listings, archive, the log's files, kept answers."""
        context: Any = self.context
        records = [
            json.dumps([item.body, str(item.listing)], ensure_ascii=False) for item in context.store.items.values()
        ]
        files = [*context.archive.objects.values(), *context.files.files.values()]
        return [*records, *[content.decode(errors="replace") for content in files]]

    def opens(self) -> set[str]:
        """What of the enterprise's opens with anything that lies in the store."""
        found: set[str] = set()
        bodies = [item.body for item in self.context.store.items.values()]
        keys = {body["data_key"] for body in bodies if "data_key" in body}
        for sealed in {text for body in bodies for text in _texts(body) if len(text) >= 40}:
            for key in keys:
                with suppress(SealedDataError, InvalidTag, ValueError):
                    b64decode(sealed, validate=True)
                    found.add(self.context.vault.decrypt(self.enterprise_id, key, sealed))
        return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
