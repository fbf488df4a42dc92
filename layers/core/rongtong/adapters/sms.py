"""The SMS gateway over HTTP."""

from __future__ import annotations

from rongtong.adapters.http import HttpClient, UnansweredError
from rongtong.services.ports import SmsUnavailableError


class HttpSmsGateway:
    """Messages to mobiles; the gateway sends one reference once."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def send(self, mobile: str, text: str, reference: str) -> None:
        """Send once per reference. Raises SmsUnavailableError."""
        try:
            self._client.require("POST", "/messages", body={"mobile": mobile, "text": text, "reference": reference})
        except UnansweredError as error:
            raise SmsUnavailableError("The SMS gateway did not take the message; send it again.") from error
