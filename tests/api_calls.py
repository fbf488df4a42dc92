"""Calls of a function's routes as API Gateway makes them once its authorizer has let a caller in."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from rongtong.domain.access import ROLES, Role

SIGNED = {"key_id": "partner-a#1", "signature_sha256": "c2lnbmF0dXJl"}


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


def call(
    app: Any,
    method: str,
    route: str,
    *,
    body: Any = None,
    query: dict[str, str | list[str]] | None = None,
    headers: dict[str, str] | None = None,
    role: str = "partner",
    partner: str = "partner-a",
    institution: str | None = None,
    key: str | None = None,
    **parameters: str,
) -> Answered:
    """Call a route; ``key`` is the Idempotency-Key, ``parameters`` are those of the path."""
    content = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    sent = {"content-type": "application/json", "content-digest": f"sha-256=:{digest}:", **(headers or {})}
    path = route.format(**parameters)
    values = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
    event = {
        "httpMethod": method,
        "path": path,
        "resource": route,
        "pathParameters": parameters or None,
        "multiValueQueryStringParameters": values or None,
        "headers": sent | ({"idempotency-key": key} if key else {}),
        "requestContext": {
            "resourcePath": route,
            "path": path,
            "httpMethod": method,
            "requestId": "request-1",
            "identity": {"sourceIp": "203.0.113.7"},
            "authorizer": {
                "partner_id": partner,
                "role": role,
                "scopes": " ".join(sorted(ROLES[Role(role)])),
                **({} if institution is None else {"institution_id": institution}),
                **SIGNED,
            },
        },
        "body": content,
        "isBase64Encoded": False,
        "stageVariables": None,
    }
    answer = app(event, None)
    found = {**answer.get("headers", {}), **{k: v[0] for k, v in answer.get("multiValueHeaders", {}).items()}}
    return Answered(answer["statusCode"], found, answer["body"])
