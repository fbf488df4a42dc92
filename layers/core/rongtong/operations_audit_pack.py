"""Fetch a year's audit pack and check every byte of it: ``python -m rongtong.operations audit-pack 2026 --out FILE``.

The platform says where the pack is and what its SHA-256 is; whether it is what the log's key signed is checked here,
with the key of a policy that the reader pinned (as for ``python -m rongtong.verify``), and so is the checkpoint in it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from rongtong.adapters.http import UnansweredError
from rongtong.adapters.signed_api import SignedApi
from rongtong.domain.audit_pack import AuditPackError, unpack
from rongtong.domain.checkpoint import CheckpointError
from rongtong.domain.trust import TrustPolicy
from rongtong.verify import RefusedError, pinned_policy

_TIMEOUT_S = 60
_BYTES_MAX = 1 << 30
_CHECKPOINT = "checkpoint.txt"


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """The command ``audit-pack`` of ``python -m rongtong.operations``."""
    parser = commands.add_parser("audit-pack", parents=[common], help="fetch a year's audit pack and check it")
    parser.add_argument("year", help="like 2026")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to keep it (audit-pack-YEAR.zip)")
    parser.add_argument("--wish", action="store_true", help="have the next audit make it, fetch nothing")
    parser.add_argument("--policy", type=Path, help="whom you trust (default: the file that RONGTONG_TRUST names)")
    parser.set_defaults(command=run)


def run(api: SignedApi, options: argparse.Namespace) -> int:
    """0 when the pack was fetched and is what the log's key signed; 1 and why not; nothing is kept then."""
    path = f"/v1/operations/audit-packs/{quote(options.year, safe='')}"
    if options.wish:
        told = api.post(path, {}, f"audit-pack-{options.year}")
        print(f"The next audit makes the pack of {told['year']}. {told['what_next']}")
        return 0
    try:
        policy, where = pinned_policy(options.policy)
        found = api.get(path)
        content = _fetched(str(found["url"]))
        files = checked(content, int(found["year"]), str(found["sha256"]), policy)
    except (RefusedError, AuditPackError) as error:
        print(f"REFUSED {error}", file=sys.stderr)
        return 1
    out = options.out or Path(f"audit-pack-{found['year']}.zip")
    out.write_bytes(content)
    print(f"{out}: {len(files)} files of {found['year']}, each what the log's key signed; trusted by {where}")
    if found["not_available"]:
        print(f"{found['not_available']} things are not in it: read its not-available.json.")
    return 0


def checked(content: bytes, year: int, sha256: str, policy: TrustPolicy) -> dict[str, bytes]:
    """The files of a pack that is the year's and whole, with a checkpoint that the policy takes.

    Raises AuditPackError.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise AuditPackError("What was fetched is not the file of which the platform told the SHA-256.")
    error = AuditPackError("The policy pins no log.")
    for key in policy.logs:
        try:
            signed, files = unpack(content, key)
        except AuditPackError as refused:
            error = refused
            continue
        if signed != year:
            raise AuditPackError(f"The pack is of {signed}, not of {year}.")
        _require_checkpoint(files, policy)
        return files
    raise error


def _require_checkpoint(files: dict[str, bytes], policy: TrustPolicy) -> None:
    """A pack of a year in which nothing was logged has none, and says so itself."""
    if _CHECKPOINT in files:
        try:
            policy.judge(files[_CHECKPOINT].decode())
        except (CheckpointError, UnicodeDecodeError) as error:
            raise AuditPackError(f"The pack's checkpoint is not one that you trust: {error}") from error


def _fetched(url: str) -> bytes:
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise AuditPackError("The platform named no https address.")
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 see above  # nosec B310
            content: bytes = answer.read(_BYTES_MAX)
    except OSError as error:
        raise UnansweredError(f"the archive did not answer: {error}") from error
    return content
