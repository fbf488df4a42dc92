"""The managed blockchain: the one function that carries gRPC, inside the network that reaches peers and orderers."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import cache
from typing import Any, Literal, cast

import boto3
import botocore.session
from botocore.config import Config
from chalice.app import Chalice

from rongtong.adapters.fabric.chain import FabricChain, open_chain
from rongtong.adapters.fabric.pem import PemSource
from rongtong.adapters.fabric.profile_reader import parse_profile
from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.logs import logger
from rongtong.services.ports import ChainEntry

AWS_TIMEOUT_S = 5.0
AWS_RETRIES = 1
app = Chalice(app_name="chain")


@app.lambda_function(name="chain")
def chain(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Put ``entries`` (each ``key`` and ``value``), or read what stands under ``get``.

    Answers ``receipts`` in the entries' order, or ``value``. Errors keep their class names, by which the caller's side
    raises them again.
    """
    try:
        with _opened() as network:
            if "get" in event:
                return {"value": network.get(str(event["get"]))}
            entries = [ChainEntry(str(one["key"]), str(one["value"])) for one in event["entries"]]
            receipts = [asdict(receipt) for receipt in network.append(entries)]
    except RongTongError as error:
        logger.warning("the chain took nothing", extra={"code": error.code, "why": error.message})
        raise
    logger.info("on the chain", extra={"receipts": receipts})
    return {"receipts": receipts}


def _opened() -> FabricChain:
    """The network as its connection profile describes it now: a renewed certificate counts from the next call on.

    Opened for each call: connections that were frozen with the process are no connections any more.
    """
    _bound_calls_to_aws()
    env = os.environ
    profile = parse_profile(PemSource("secret", env["CHAIN_PROFILE_SECRET"]).read().decode())
    flow = cast(Literal["classic", "gateway"], env.get("CHAIN_FLOW", "classic"))
    return open_chain(profile, flow=flow, endorsements=int(env.get("CHAIN_ENDORSEMENTS", "0")) or None)


@cache
def _bound_calls_to_aws() -> None:
    session = botocore.session.get_session()
    session.set_default_client_config(
        Config(
            connect_timeout=AWS_TIMEOUT_S, read_timeout=AWS_TIMEOUT_S, retries={"total_max_attempts": 1 + AWS_RETRIES}
        )
    )
    boto3.setup_default_session(botocore_session=session)
