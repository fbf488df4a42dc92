"""What the vault holds once for all backups: the copies of the buckets' objects.

Whoever relies on a copy that was made long ago lengthens the time for which nobody can delete it. One that a drill has
named is made anew under a key of its own by the next backup: what is under the old key stays, as everything there does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rongtong.domain.backup import Entry, content_key, shared_copy
from rongtong.domain.jobs import Job
from rongtong.services.backup_ports import Vault
from rongtong.services.context import Context
from rongtong.services.jobs import job_pk
from rongtong.services.records import iso
from rongtong.services.storage import Create, Document, Key, WriteConflictError

_COPIES_KEY: Key = (job_pk(Job.RESTORE_DRILL), "copies")
"""Of each object of which a copy was damaged, by its SHA-256, the number of the copy that is to be relied on."""
_ATTEMPTS = 8
_MARGIN = timedelta(hours=1)
"""The vault's policy lets nobody ask for more than its own time, and clocks differ."""


def note_damaged(context: Context, damaged: str) -> None:
    """Let the next backup copy the object anew, if ``damaged`` names one of a bucket. Raises WriteConflictError."""
    found = shared_copy(damaged)
    if found is None:
        return
    sha256, copy = found
    for attempt in range(_ATTEMPTS):
        item = context.store.get(*_COPIES_KEY)
        copies: Document = {} if item is None else item.body["copies"]
        if int(copies.get(sha256, 1)) > copy:
            return
        body: Document = {"copies": {**copies, sha256: copy + 1}}
        try:
            context.store.transact([Create(*_COPIES_KEY, body) if item is None else item.replaced(body)])
        except WriteConflictError:
            if attempt + 1 == _ATTEMPTS:
                raise
        else:
            return


class Shared:
    """The vault's shared copies for a piece of a backup."""

    def __init__(self, context: Context, vault: Vault) -> None:
        self._vault, self._now, self._retention = vault, context.clock.now(), vault.retention()
        item = context.store.get(*_COPIES_KEY)
        self._copies: Document = {} if item is None else item.body["copies"]

    def relied_on(self, entry: Entry) -> Entry | None:
        """The entry of an earlier backup, kept from now for half of the vault's time at least.

        None where its copy is missing, as far as that is seen, or was found damaged.
        """
        if entry.copy < self._copy(entry):
            return None
        return entry if self._is_kept(entry) else self._lengthened(entry)

    def put(self, name: str, content: bytes, tag: str) -> Entry:
        """Copy an object, unless the same content is there."""
        entry = Entry.of(name, content, 1, tag)
        entry = replace(entry, copy=self._copy(entry))
        is_new = self._vault.create(_key(entry), content)
        if self._retention is None:
            return entry
        if is_new:
            return replace(entry, kept_until=iso(self._now + self._retention - _MARGIN))
        return self._lengthened(entry) or entry

    def _copy(self, entry: Entry) -> int:
        return int(self._copies.get(entry.sha256, 1))

    def _is_kept(self, entry: Entry) -> bool:
        if self._retention is None:
            return True
        return bool(entry.kept_until) and datetime.fromisoformat(entry.kept_until) - self._now >= self._retention / 2

    def _lengthened(self, entry: Entry) -> Entry | None:
        assert self._retention is not None, "nothing is locked"
        until = self._vault.keep(_key(entry), self._now + self._retention - _MARGIN)
        return None if until is None else replace(entry, kept_until=iso(until))


def _key(entry: Entry) -> str:
    return content_key("", "buckets", entry)
