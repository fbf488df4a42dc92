"""The API's authorizer: lets a request through to any route when a caller's key signed it."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from functools import cache
from typing import Any

from chalice.app import Chalice

from rongtong.domain.measures import SIGNATURE_INVALID
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.metrics import METER
from rongtong.entrypoints.nonces import nonces
from rongtong.entrypoints.refusals import note_refusal
from rongtong.entrypoints.routes import scope_of
from rongtong.entrypoints.signatures import (
    MAX_AGE,
    SignatureError,
    SignatureRefusedError,
    SignedRequest,
    Signer,
    named_key,
    signed_request,
    signer_of,
)
from rongtong.services import key_usage
from rongtong.services.access import rate_of

app = Chalice(app_name="authorization")
_FEED_SCOPE = "supervision:read"


@app.lambda_function(name="authorize")
def authorize(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """An IAM policy for API Gateway; routes read who calls, and what its key may do, from its context.

    A wrong signature ends as UNAUTHORIZED (401); a right one that is not taken (too old, replayed, of a revoked key,
    from another address) as ACCESS_DENIED (403), so that the caller learns that the signature was right.
    """
    request = signed_request(event, os.environ["SIGNED_PATH_PREFIX"])
    about = event["requestContext"]
    logger.append_keys(request_id=str(about.get("requestId", "")))
    address = str((about.get("identity") or {}).get("sourceIp", ""))
    now = _now()
    try:
        signer = signer_of(context().store, nonces(), request, address=address, now=now)
    except SignatureRefusedError as refused:
        _refuse(refused.refusal, request, address, "")
        return _policy("refused", "Deny", event["methodArn"], {})
    except SignatureError as error:
        _refuse(SIGNATURE_INVALID, request, address, str(error))
        raise Exception("Unauthorized") from error  # the one text that API Gateway answers with 401
    digest = b64encode(hashlib.sha256(b64decode(signer.signature)).digest()).decode()
    # What stands in events is the digest: these lines, kept as long as the events, are what it is the digest of.
    logger.info("signed request", extra={"sig": digest, "signed": signer.signed, "signature": signer.signature})
    _note_use(signer, scope_of(str(event["httpMethod"]), str(event.get("resource", ""))), now)
    known = {**_about(signer), "signature_sha256": digest, **_rate(signer, now)}
    return _policy(signer.tenant.tenant_id, "Allow", event["methodArn"], known)


@app.lambda_function(name="authorize_feed")
def authorize_feed(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """As ``authorize``, for the handshake of the supervisors' WebSocket: signed over method, authority and path."""
    # What API Gateway tells of a handshake has neither.
    request = signed_request({**event, "httpMethod": "GET", "path": ""}, os.environ["SIGNED_PATH_PREFIX"])
    address = str((event["requestContext"].get("identity") or {}).get("sourceIp", ""))
    now = _now()
    try:
        signer = signer_of(context().store, nonces(), request, address=address, now=now)
    except SignatureRefusedError as refused:
        _refuse(refused.refusal, request, address, "")
        return _policy("refused", "Deny", event["methodArn"], {})
    except SignatureError as error:
        _refuse(SIGNATURE_INVALID, request, address, str(error))
        raise Exception("Unauthorized") from error
    if _FEED_SCOPE not in signer.key.scopes or _rate(signer, now).get("retry_after", "0") != "0":
        logger.warning("signed handshake refused", extra={"key_id": signer.key_id, "address": address})
        return _policy("refused", "Deny", event["methodArn"], {})
    _note_use(signer, _FEED_SCOPE, now)
    return _policy(signer.tenant.tenant_id, "Allow", event["methodArn"], _about(signer))


def _refuse(reason: str, request: SignedRequest, address: str, detail: str) -> None:
    note_refusal(reason, key_id=named_key(request), address=address, detail=detail)
    METER.flush()


def _now() -> datetime:
    """The clock's time: what the sandbox's business clock shows is nothing to signatures."""
    return datetime.now(UTC)


@cache
def _usage() -> key_usage.Usage:
    return key_usage.Usage()


def _note_use(signer: Signer, scope: str | None, now: datetime) -> None:
    """For the audit of privileges. A request does not fail because its use could not be noted."""
    if scope is None or scope not in signer.key.scopes:
        return
    try:
        _usage().note(context().store, signer.key_id, scope, now)
    except Exception:
        logger.exception("use of a key not noted", extra={"key_id": signer.key_id, "scope": scope})


def _about(signer: Signer) -> dict[str, str]:
    about = {
        "partner_id": signer.tenant.tenant_id,
        "role": signer.tenant.role.value,
        "key_id": signer.key_id,
        "scopes": " ".join(sorted(signer.key.scopes)),
    }
    if signer.tenant.institution_id is not None:
        about["institution_id"] = signer.tenant.institution_id
    return about


def _rate(signer: Signer, now: datetime) -> dict[str, str]:
    """Where the caller's requests are limited: the fields that tell of it, and how long to wait above the limit.

    An authorizer can answer no 429: the route does, before anything else.
    """
    rate = rate_of(nonces(), signer.tenant, now, now + MAX_AGE)
    if rate is None:
        return {}
    return {"rate_policy": rate.policy, "rate": rate.state, "retry_after": str(rate.retry_after_s)}


def _policy(principal: str, effect: str, method_arn: str, about: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal, "policyDocument": document, "context": about}
