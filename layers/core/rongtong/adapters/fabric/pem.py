"""Where certificates and keys lie: inline, in a file, in Secrets Manager, or (a signing key) for good in KMS."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rongtong.adapters.fabric.outcomes import ChainProfileError

_BEGIN = "-----BEGIN "
_KINDS = ("pem", "path", "secret", "kms")


@dataclass(frozen=True)
class PemSource:
    """``where`` is a text that may be shown: a path or an id, never the PEM itself."""

    kind: Literal["pem", "path", "secret", "kms"]
    where: str
    content: bytes = field(default=b"", repr=False)

    def read(self) -> bytes:
        """The PEM. Raises ChainProfileError when there is none."""
        if self.kind == "pem":
            return self.content
        if self.kind == "path":
            return _read_file(Path(self.where))
        if self.kind == "secret":
            return _read_secret(self.where)
        raise ChainProfileError(f"{self.where} stays in KMS: it signs, but cannot be read.")


def pem_source(said: object, folder: Path, what: str) -> PemSource:
    """From a profile: a PEM, a path, or a mapping with ``pem``, ``path``, ``secret`` or ``kms``.

    ``what`` names the place for messages. A path is looked for in ``folder`` first. Raises ChainProfileError.
    """
    if isinstance(said, Mapping):
        for kind in _KINDS:
            if said.get(kind):
                return _of_kind(kind, said[kind], folder, what)
        raise ChainProfileError(f"{what} has none of {', '.join(_KINDS)}.")
    text = "\n".join(str(one) for one in listed(said)).strip()
    if not text:
        raise ChainProfileError(f"{what} is empty.")
    return _of_kind("pem" if _BEGIN in text else "path", said, folder, what)


def _of_kind(kind: str, said: Any, folder: Path, what: str) -> PemSource:
    if kind == "pem":
        return PemSource("pem", what, "\n".join(str(one).strip() for one in listed(said)).encode() + b"\n")
    if kind == "path":
        path = Path(os.path.expandvars(str(said))).expanduser()
        beside = folder / path
        return PemSource("path", str(beside if beside.exists() else path))
    return PemSource("secret" if kind == "secret" else "kms", str(said))


def from_msp_folder(folder: Path) -> tuple[PemSource, PemSource]:
    """Certificate and key of an MSP folder as fabric-ca-client leaves it. Raises ChainProfileError."""
    found = (PemSource("path", str(folder / "signcerts")), PemSource("path", str(folder / "keystore")))
    for source in found:
        source.read()
    return found


def listed(said: Any) -> list[Any]:
    """One or many, as a list; a mapping's keys."""
    if said is None:
        return []
    if isinstance(said, str) or not isinstance(said, Iterable):
        return [said]
    return list(said)


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            files = [one for one in sorted(path.iterdir()) if one.is_file() and not one.name.startswith(".")]
            if len(files) != 1:
                raise ChainProfileError(f"{path} holds {len(files)} files, not one.")
            path = files[0]
        return path.read_bytes()
    except OSError as error:
        raise ChainProfileError(f"{path}: {error.strerror}") from error


def _read_secret(name: str) -> bytes:
    """The whole secret is the PEM."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=name)
    except (BotoCoreError, ClientError) as error:
        raise ChainProfileError(f"The secret {name} cannot be read: {type(error).__name__}.") from error
    text = answer.get("SecretString")
    return str(text).encode() if text is not None else bytes(answer["SecretBinary"])
