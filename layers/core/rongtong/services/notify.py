"""Notification: what is pending in an aggregate's outbox is delivered, at least once, under one reference each."""

from __future__ import annotations

from rongtong.services.context import Context
from rongtong.services.records import STATE, enterprise_pk
from rongtong.services.storage import Document, Replace


def notify(context: Context, pk: str) -> Document:
    """Send every undelivered message of the aggregate to the enterprise's mobile number. Safe to repeat.

    The gateway knows a message by its reference, so a repeat after a lost answer is not a second message.
    Raises SmsUnavailableError; what was not delivered stays pending.
    """
    delivered = 0
    for message in context.store.query(pk, "outbox#"):
        if message.body["delivered"]:
            continue
        enterprise = context.store.get(enterprise_pk(str(message.body["enterprise_id"])), STATE)
        assert enterprise is not None, "messages are written only for enterprises that exist"
        owner, key = str(enterprise.body["enterprise_id"]), str(enterprise.body["data_key"])
        mobile = context.vault.decrypt(owner, key, str(enterprise.body["mobile"]))
        context.sms.send(mobile, str(message.body["text"]), f"{pk}/{message.sk}")
        context.store.transact([Replace(message.pk, message.sk, {**message.body, "delivered": True}, message.version)])
        delivered += 1
    return {"subject": pk, "delivered": delivered}
