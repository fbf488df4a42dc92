"""The audit pack of a year: one archive whose every byte is covered by one signature of the log's key.

A zip file holds ``manifest.json`` (the SHA-256 and length of every other file, canonical JSON), ``manifest.note`` (a
signed note over the manifest's SHA-256, C2SP signed-note) and the files themselves. The same files make the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from io import BytesIO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.note import Note, NoteError, Signature, VerifierKey

FORMAT = "rongtong-audit-pack/1"
MANIFEST, NOTE = "manifest.json", "manifest.note"
_THEN = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can name: every file bears it, whenever the pack is made."""
_FILE_MODE = 0o100644 << 16
_UNIX = 3
_BYTES_MAX = 1 << 30


class AuditPackError(ValueError):
    """The file is no audit pack, or not the one that was signed; the text names the part."""


def note_text(year: int, manifest_sha256: str) -> str:
    """What the log's key signs. Its first line is no log's name, so that nobody takes it for a checkpoint."""
    return f"{FORMAT} {year}\n{manifest_sha256}\n"


def pack(
    year: int, files: Mapping[str, bytes], key: VerifierKey, sign: Callable[[bytes], bytes]
) -> tuple[bytes, bytes]:
    """The pack of these files, and its manifest. ``sign`` makes an Ed25519 signature with the key."""
    if {MANIFEST, NOTE} & set(files):
        raise AuditPackError("The manifest is made here.")
    listed = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()
    }
    manifest = canonical_bytes({"format": FORMAT, "year": year, "files": listed})
    text = note_text(year, hashlib.sha256(manifest).hexdigest())
    note = text + "\n" + Signature(key.name, key.identity, sign(text.encode())).line()
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in {MANIFEST: manifest, NOTE: note.encode(), **dict(sorted(files.items()))}.items():
            entry = ZipInfo(name, _THEN)
            entry.compress_type, entry.external_attr, entry.create_system = ZIP_DEFLATED, _FILE_MODE, _UNIX
            archive.writestr(entry, content)
    return out.getvalue(), manifest


def unpack(content: bytes, key: VerifierKey) -> tuple[int, dict[str, bytes]]:
    """The year and the files of a pack that this key signed, each found to be what was signed.

    Raises AuditPackError, which names the first file that is missing, too much or another one.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names) or sum(one.file_size for one in archive.infolist()) > _BYTES_MAX:
                raise AuditPackError("The pack names a file twice, or is larger than any pack.")
            files = {name: archive.read(name) for name in names}
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise AuditPackError(f"The pack cannot be read: {error}.") from error
    manifest, note = files.pop(MANIFEST, b""), files.pop(NOTE, b"")
    year = _signed_year(manifest, note, key)
    listed = json.loads(manifest)["files"]
    if missing := sorted(set(listed) - set(files)):
        raise AuditPackError(f"{missing[0]} is missing from the pack.")
    if more := sorted(set(files) - set(listed)):
        raise AuditPackError(f"{more[0]} is in the pack, but was not signed.")
    for name, found in files.items():
        if hashlib.sha256(found).hexdigest() != listed[name]["sha256"]:
            raise AuditPackError(f"{name} is not the file that was signed.")
    return year, files


def _signed_year(manifest: bytes, content: bytes, key: VerifierKey) -> int:
    try:
        note = Note.parse(content.decode())
        own = [one for one in note.signatures if one.is_of(key)]
        if not own:
            raise AuditPackError("The pack's manifest is not signed by the pinned log key.")
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(own[0].content, note.text.encode())
    except (NoteError, InvalidSignature, UnicodeDecodeError) as error:
        raise AuditPackError("The signature of the pack's manifest is wrong.") from error
    named = note.text.split("\n")[0].removeprefix(f"{FORMAT} ")
    if not named.isdigit() or note.text != note_text(int(named), hashlib.sha256(manifest).hexdigest()):
        raise AuditPackError(f"{MANIFEST} is not the one that was signed.")
    return int(named)
