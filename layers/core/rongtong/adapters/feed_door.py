"""Supervisors' connections through API Gateway's management API."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_TIMEOUT_S = 2.0
_GONE = "GoneException"


class ManagementDoor:
    """``services.supervision_feed.HintDoor``; ``url`` is the WebSocket API's stage over HTTPS."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _client(self) -> Any:
        # The next hint makes up for one that did not come: nothing is tried again.
        config = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 1})
        return boto3.client("apigatewaymanagementapi", endpoint_url=self._url, config=config)

    def send(self, connection_id: str, text: str) -> bool:
        """Send; False where there is no such connection any more."""
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=text.encode())
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
            return False
        return True

    def hang_up(self, connection_id: str) -> None:
        """Close, if it is open."""
        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
