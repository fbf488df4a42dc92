"""Notification: enterprises, and their partners' webhook endpoints, are told of events, at least once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rongtong.domain.lifecycle import EnterpriseStatus
from rongtong.services.context import Context
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.ports import SmsUnavailableError
from rongtong.services.records import STATE, amend, at_rest, change_writes, enterprise_pk, event_sk
from rongtong.services.storage import Document, Item, Key, WriteConflictError
from rongtong.services.webhooks import queue, queue_now, try_at_once

_TEXTS = {
    "EnterpriseVerified": "企业认证已完成",
    "EnterpriseRefused": "企业认证未通过",
    "AccountChanged": "收款账户已变更",
    "EnterpriseClosed": "账户已关闭，资料停止使用，依法须保存的期满后删除",
    "DiscountPaid": "贴现款已到账",
    "PaymentReturned": "贴现款被退回，请核对收款账户",
    "DiscountRefused": "贴现申请未成功",
    "DiscountFailed": "贴现申请未成功",
}
"""Events that the enterprise is told of, and how; no text says more of a refusal than that it is one."""


def notify(context: Context, pk: str) -> Document:
    """Send the messages of every event not yet told to the enterprise's mobile number. Safe to repeat.

    The gateway knows a message by its reference, so a repeat after a lost answer is not a second message. The partner's
    webhook endpoints are given the events with the note that they were told, and tried at once; what they do not take
    is tried again by others, and fails nothing here. Raises SmsUnavailableError; what was not sent stays pending.
    """
    item = context.store.get(pk, STATE)
    if item is None or _told(item.body) >= int(item.body["events"]):
        return {"subject": pk, "delivered": 0}
    told, last = _told(item.body), int(item.body["events"])
    events = [document.body["event"] for document in context.store.query(pk, "event#", start=event_sk(told + 1))]
    texts = {event_sk(event["n"]): _TEXTS[event["type"]] for event in events if event["type"] in _TEXTS}
    if texts:
        mobile = mobile_of(context, str(item.body["enterprise_id"]))
        if mobile is None:
            given = _note(context, item, last, events)
            try_at_once(context, given)
            return {"subject": pk, "delivered": 0}
        try:
            for reference, text in texts.items():
                context.sms.send(mobile, text, f"{pk}/{reference}")
        except SmsUnavailableError:
            # The partner need not wait for the enterprise's gateway.
            queue_now(context, pk)
            raise
        given = _tell_of_it(context, item, last, sorted(texts), events)
    else:
        given = _note(context, item, last, events)
    try_at_once(context, given)
    return {"subject": pk, "delivered": len(texts)}


def mobile_of(context: Context, enterprise_id: str) -> str | None:
    """The mobile number that an enterprise's messages go to; None once it was erased: nobody knows where any more."""
    enterprise = context.store.get(enterprise_pk(enterprise_id), STATE)
    assert enterprise is not None, "events with messages belong to enterprises that exist"
    if enterprise.body["status"] == EnterpriseStatus.ERASED:
        return None
    return context.vault.decrypt(*data_key_of(enterprise), str(enterprise.body["mobile"]))


def _note(context: Context, item: Item, last: int, events: Sequence[Document]) -> Sequence[Key]:
    """Nothing was sent: no event tells of it. Answers the deliveries that were made."""
    while _told(item.body) < last:
        made = queue(context, item, events, last, _told(item.body))
        if made is None:
            amend(context.store, item, lambda body: {**body, "told": last} if _told(body) < last else None)
            return ()
        body = {**item.body, **made.changes, "told": last}
        state = replace(item.replaced(body), due=None if at_rest(body) else item.due)
        try:
            context.store.transact([state, *made.writes])
        except WriteConflictError:
            item = _again(context, item)
        else:
            return made.keys
    return ()


def _tell_of_it(
    context: Context, item: Item, last: int, references: list[str], events: Sequence[Document]
) -> Sequence[Key]:
    """An event tells of what was sent; where another event came in between, that one is still to be told.

    Answers the deliveries that were made.
    """
    subject_field = "discount_id" if "discount_id" in item.body else "enterprise_id"
    data: Document = {"channel": "SMS", "references": references}
    while _told(item.body) < last:
        made = queue(context, item, events, last, _told(item.body))
        alone = int(item.body["events"]) == last
        changes: Document = {"told": last + 1 if alone else last, **(made.changes if made else {})}
        try:
            writes = change_writes(item, subject_field, changes, "EnterpriseTold", context.clock.now(), data)
            context.store.transact([*writes, *(made.writes if made else ())])
        except WriteConflictError:
            item = _again(context, item)
        else:
            return made.keys if made else ()
    return ()


def _again(context: Context, item: Item) -> Item:
    found = context.store.get(item.pk, item.sk)
    assert found is not None, "an aggregate's state is never deleted"
    return found


def _told(body: Document) -> int:
    return int(body.get("told", 0))
