"""The API's authorizer: lets a request through to any route when a partner's key signed it."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from typing import Any

from chalice.app import Chalice

from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.signatures import SignatureError, SignatureTooOldError, signed_request, signer_of

app = Chalice(app_name="authorization")


@app.lambda_function(name="authorize")
def authorize(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """An IAM policy for API Gateway; routes read ``partner_id`` and ``role`` from its context.

    A wrong signature ends as UNAUTHORIZED; a right one that is too old as ACCESS_DENIED, so that the caller learns why.
    """
    request = signed_request(event, os.environ["SIGNED_PATH_PREFIX"])
    try:
        signer = signer_of(context().store, request)
    except SignatureTooOldError:
        return _policy("expired", "Deny", event["methodArn"], {})
    except SignatureError as error:
        raise Exception("Unauthorized") from error  # the one text that API Gateway answers with 401
    digest = b64encode(hashlib.sha256(b64decode(signer.signature)).digest()).decode()
    # What stands in events is the digest: these lines, kept as long as the events, are what it is the digest of.
    logger.info("signed request", extra={"sig": digest, "signed": signer.signed, "signature": signer.signature})
    about = {
        "partner_id": signer.partner_id,
        "role": signer.role,
        "key_id": signer.key_id,
        "signature_sha256": digest,
    }
    return _policy(signer.partner_id, "Allow", event["methodArn"], about)


def _policy(principal: str, effect: str, method_arn: str, about: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": principal, "policyDocument": document, "context": about}
