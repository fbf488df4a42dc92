"""When a key last used a scope: noted at most once a day for each, where every signed request comes through.

It is written by the authorizer, beside the request and never in a transaction of business: it costs a request no write
unit but the first of a day of its kind, and a request never fails for it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from rongtong.domain.calendar import SHANGHAI
from rongtong.services.storage import Create, Document, Store, WriteConflictError

_SCOPE = "scope#"


def usage_pk(key_id: str) -> str:
    """Where the uses of a key ``<caller's id>#<number>`` are kept."""
    return f"usage#{key_id}"


class Usage:
    """Notes uses; one for each process, which remembers what it has noted today."""

    def __init__(self) -> None:
        self._day = ""
        self._noted: set[tuple[str, str]] = set()

    def note(self, store: Store, key_id: str, scope: str, now: datetime) -> None:
        """Note that the key used the scope on this day in Shanghai; the same again on the day is no write."""
        day = now.astimezone(SHANGHAI).date().isoformat()
        if day != self._day:
            self._day, self._noted = day, set()
        if (key_id, scope) in self._noted:
            return
        known = store.get(usage_pk(key_id), _SCOPE + scope)
        if known is None or str(known.body["last_on"]) < day:
            body: Document = {"scope": scope, "first_on": day if known is None else known.body["first_on"]}
            body |= {"last_on": day, "days": 1 if known is None else int(known.body["days"]) + 1}
            # Another process was quicker: it notes the same.
            with suppress(WriteConflictError):
                store.transact(
                    [Create(usage_pk(key_id), _SCOPE + scope, body) if known is None else known.replaced(body)]
                )
        self._noted.add((key_id, scope))


def uses(store: Store, key_id: str) -> dict[str, str]:
    """The day (ISO 8601) on which the key used each scope last."""
    return {str(item.body["scope"]): str(item.body["last_on"]) for item in store.query(usage_pk(key_id), _SCOPE)}
