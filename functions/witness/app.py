"""A witness of evidence logs (C2SP tlog-witness): a notary's own function, in the notary's own account.

It asks nobody who they are: what a log signed is all that counts.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache

import boto3
import botocore.session
from botocore.config import Config
from chalice.app import Chalice, Response

from rongtong.adapters.kms import KmsLogSigner
from rongtong.adapters.witness_table import WitnessTable
from rongtong.domain.note import ED25519, VerifierKey
from rongtong.domain.witness import TEXT_TYPE
from rongtong.entrypoints.logs import logger
from rongtong.services.witnessing import Witness, add_checkpoint

AWS_TIMEOUT_S = 1.5
"""A log waits some seconds for its witnesses: one that reads, signs and writes must be through by then."""
AWS_RETRIES = 1
app = Chalice(app_name="witness")


@cache
def witness() -> Witness:
    """This deployment's witness, made once per process. Raises NoteError for a key that is none."""
    env = os.environ
    session = botocore.session.get_session()
    session.set_default_client_config(
        Config(
            connect_timeout=AWS_TIMEOUT_S, read_timeout=AWS_TIMEOUT_S, retries={"total_max_attempts": 1 + AWS_RETRIES}
        )
    )
    boto3.setup_default_session(botocore_session=session)
    logs = [VerifierKey.parse(text) for text in env["LOG_KEYS"].split()]
    return Witness(
        name=env["WITNESS_NAME"],
        signer=KmsLogSigner(env["WITNESS_KEY_ID"]),
        # A witness's key vouches for no log.
        logs=[key for key in logs if key.kind == ED25519],
        store=WitnessTable(env["WITNESS_TABLE"]),
        now=lambda: datetime.now(UTC),
    )


@app.route("/add-checkpoint", methods=["POST"], content_types=["*/*"])
def submit() -> Response:
    """Cosign the checkpoint that a log shows, or say why not."""
    request = app.current_request
    raw = b"" if request is None else request.raw_body
    try:
        answer = add_checkpoint(witness(), raw.encode() if isinstance(raw, str) else raw)
    except Exception:
        logger.exception("a checkpoint could not be judged")
        return _plain(503, "This witness could not read or write its record; send the same request again.\n")
    if answer.alarm is not None:
        logger.error("log and record do not fit together", extra={"place": answer.alarm})
    if answer.remark is not None:
        # Anybody may bring this about with an old checkpoint: no alarm, or strangers would ring it.
        logger.info("a checkpoint was refused and kept", extra={"place": answer.remark})
    return _plain(answer.status, answer.body, answer.content_type)


def _plain(status: int, body: str, content_type: str = TEXT_TYPE) -> Response:
    return Response(body=body, status_code=status, headers={"Content-Type": content_type})
