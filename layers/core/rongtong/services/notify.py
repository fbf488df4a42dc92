"""Notification: what events have to tell their enterprise is sent, at least once, under one reference each."""

from __future__ import annotations

from rongtong.services.context import Context
from rongtong.services.records import STATE, amend, change_writes, enterprise_pk, event_sk
from rongtong.services.storage import Document, Item, WriteConflictError

_TEXTS = {
    "EnterpriseVerified": "企业认证已完成",
    "EnterpriseRefused": "企业认证未通过",
    "AccountChanged": "收款账户已变更",
    "DiscountPaid": "贴现款已到账",
    "PaymentReturned": "贴现款被退回，请核对收款账户",
    "DiscountRefused": "贴现申请未成功",
    "DiscountFailed": "贴现申请未成功",
}
"""Events that the enterprise is told of, and how; no text says more of a refusal than that it is one."""


def notify(context: Context, pk: str) -> Document:
    """Send the messages of every event not yet told to the enterprise's mobile number. Safe to repeat.

    The gateway knows a message by its reference, so a repeat after a lost answer is not a second message.
    Raises SmsUnavailableError; what was not sent stays pending.
    """
    item = context.store.get(pk, STATE)
    if item is None or _told(item.body) >= int(item.body["events"]):
        return {"subject": pk, "delivered": 0}
    told, last = _told(item.body), int(item.body["events"])
    events = [document.body["event"] for document in context.store.query(pk, "event#", start=event_sk(told + 1))]
    texts = {event_sk(event["n"]): _TEXTS[event["type"]] for event in events if event["type"] in _TEXTS}
    if texts:
        enterprise = context.store.get(enterprise_pk(str(item.body["enterprise_id"])), STATE)
        assert enterprise is not None, "events with messages belong to enterprises that exist"
        owner, key = str(enterprise.body["enterprise_id"]), str(enterprise.body["data_key"])
        mobile = context.vault.decrypt(owner, key, str(enterprise.body["mobile"]))
        for reference, text in texts.items():
            context.sms.send(mobile, text, f"{pk}/{reference}")
        _tell_of_it(context, item, last, sorted(texts))
    else:
        amend(context.store, item, lambda body: {**body, "told": last} if _told(body) < last else None)
    return {"subject": pk, "delivered": len(texts)}


def _tell_of_it(context: Context, item: Item, last: int, references: list[str]) -> None:
    """An event tells of what was sent; where another event came in between, that one is still to be told."""
    subject_field = "discount_id" if "discount_id" in item.body else "enterprise_id"
    data: Document = {"channel": "SMS", "references": references}
    while _told(item.body) < last:
        alone = int(item.body["events"]) == last
        changes: Document = {"told": last + 1 if alone else last}
        try:
            writes = change_writes(item, subject_field, changes, "EnterpriseTold", context.clock.now(), data)
            context.store.transact(writes)
        except WriteConflictError:
            found = context.store.get(item.pk, item.sk)
            assert found is not None, "an aggregate's state is never deleted"
            item = found
        else:
            return


def _told(body: Document) -> int:
    return int(body.get("told", 0))
