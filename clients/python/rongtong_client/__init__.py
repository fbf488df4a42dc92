"""Client of the RongTong partner API."""

from rongtong_client.client import ENDED, WAITS_FOR_A_PERSON, Client
from rongtong_client.errors import NotDoneError, ProblemError, RongTongError, UnansweredError, WebhookError
from rongtong_client.transport import Patience
from rongtong_client.webhooks import verify_webhook

__all__ = [
    "ENDED",
    "WAITS_FOR_A_PERSON",
    "Client",
    "NotDoneError",
    "Patience",
    "ProblemError",
    "RongTongError",
    "UnansweredError",
    "WebhookError",
    "verify_webhook",
]
