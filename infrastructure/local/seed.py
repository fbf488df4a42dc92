"""What operations set up before any partner can call: partners' public keys, institutions, policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from paths import SAMPLES

PARTNERS = {
    "partner-a": "partner",
    "partner-b": "partner",
    "operations": "operations",
    "operations-2": "operations",
    "sample-bank": "bank",
    "sample-institution": "institution",
    "sample-institution-2": "institution",
    "sample-supervisor": "supervisor",
}


def make_keys(folder: Path) -> dict[str, str]:
    """A fresh Ed25519 key pair for every sample partner; private halves in ``folder``, public ones answered: as PEM."""
    folder.mkdir(parents=True, exist_ok=True)
    public = {}
    for partner in PARTNERS:
        key = Ed25519PrivateKey.generate()
        pem = folder / f"{partner}.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pem.chmod(0o600)
        public[partner] = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return public


def load_key(folder: Path, partner: str) -> Ed25519PrivateKey:
    """The private key that was made for the partner."""
    key = load_pem_private_key((folder / f"{partner}.pem").read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{partner}.pem holds no Ed25519 key.")
    return key


def seed_platform(dynamodb: Any, table: str, public_keys: dict[str, str], witnesses: str) -> None:
    """Write the partners, the witnesses' policy and the sample configuration."""
    records: dict[tuple[str, str], dict[str, Any]] = {
        ("partner#" + partner, "state"): partner_record(role, public_keys[partner])
        for partner, role in PARTNERS.items()
    }
    records["platform", "witnesses"] = {"policy": witnesses}
    for (pk, sk), body in {**records, **sample_configuration()}.items():
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "version": {"N": "1"}}
        dynamodb.put_item(TableName=table, Item={**item, "body": {"S": json.dumps(body, ensure_ascii=False)}})


def partner_record(role: str, public_key: str) -> dict[str, Any]:
    """A caller with one Ed25519 key (PEM) that may do all that its role may."""
    return {"role": role, "keys": {"1": {"algorithm": "ed25519", "public_key": public_key}}, **_of_role(role)}


def _of_role(role: str) -> dict[str, Any]:
    """A bank speaks of the payments of its institutions, an institution for itself; a supervisor counts all of them."""
    institutions = [one["institution_id"] for one in _read("institutions.json")]
    about = {"bank": {"institutions": institutions}, "institution": {"institution_id": institutions[0]}}
    return {**about, "supervisor": {"institutions": institutions}}.get(role, {})


def sample_configuration() -> dict[tuple[str, str], dict[str, Any]]:
    """Institutions, policy, limits, acceptors and lists of the samples folder, by the keys of their records."""
    records: dict[tuple[str, str], dict[str, Any]] = {
        ("institution#" + institution["institution_id"], "state"): institution
        for institution in _read("institutions.json")
    }
    for name in ("policy", "limits", "acceptors"):
        records["platform", name] = _read(f"{name}.json")
    for entry in _read("lists.json"):
        records[f"listed#{entry['subject_key']}", "state"] = {"entries": [entry]}
    return records


def _read(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))
