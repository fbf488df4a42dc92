"""What two persons decide about an enterprise's personal data: that one of them sees it, and that it is held."""

from __future__ import annotations

import re

from rongtong.domain.personal_data import DisclosureRequestError, readable
from rongtong.services.context import Context
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.errors import NotFoundError
from rongtong.services.records import STATE, enterprise_pk
from rongtong.services.storage import Document

_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,63}", re.ASCII)


def prepare_disclosure(content: Document) -> Document:
    """Whose personal data is to be shown to the proposer, which fields, and why. Raises DisclosureRequestError."""
    try:
        reason, fields = readable(content.get("reason"), content.get("fields"))
    except DisclosureRequestError as error:
        raise DisclosureRequestError(error.message, field=f"content.{error.field}") from error
    return {**_named(content), "reason": reason.value, "fields": [one.value for one in fields]}


def prepare_hold(content: Document) -> Document:
    """Whose data an investigation keeps from being erased (《反洗钱法》 article 34), or no longer; ``reason`` a code.

    Raises DisclosureRequestError.
    """
    if type(content.get("active")) is not bool:
        raise DisclosureRequestError("active is true or false.", field="content.active")
    reason = content.get("reason")
    if not isinstance(reason, str) or not _REASON.fullmatch(reason):
        raise DisclosureRequestError("reason is a code of 3 to 64 characters like CASE_OPEN.", field="content.reason")
    return {**_named(content), "active": content["active"], "reason": reason}


def of_known_enterprise(context: Context, content: Document) -> Document:
    """The content, if there is still something to show or to hold. Raises NotFoundError, PersonalDataErasedError."""
    found = context.store.get(enterprise_pk(content["enterprise_id"]), STATE)
    if found is None:
        raise NotFoundError("There is no such enterprise; compare its id.", field="content.enterprise_id")
    data_key_of(found)
    return content


def _named(content: Document) -> Document:
    enterprise_id = content.get("enterprise_id")
    if not isinstance(enterprise_id, str) or not enterprise_id:
        raise DisclosureRequestError("enterprise_id is missing or is no text.", field="content.enterprise_id")
    return {"enterprise_id": enterprise_id}
