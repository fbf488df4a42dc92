"""Supervision: what a regulator reads of all tenants, its connections, and the hints that go to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints import queries, supervision_models
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.etags import etag
from rongtong.entrypoints.http import answer
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import receipts, supervision, supervision_feed, supervision_figures
from rongtong.services.storage import Item

app = Chalice(app_name="supervision")


@serve(app, "GET", "/v1/supervision/events")
def follow_events(call: Call) -> Response:
    """Public events of every partner behind a leaf of the evidence log."""
    asked = queries.read_query(call.request.query_params, supervision_models.SupervisedEventsQuery)
    return answer(supervision.events(call.context, -1 if asked.after is None else asked.after, asked.limit))


@serve(app, "GET", "/v1/supervision/discounts/{discount_id}")
def read_supervised_discount(call: Call, discount: Item) -> Response:
    """Any tenant's discount."""
    shown = supervision.discount(call.context, discount)
    return answer(shown, headers={"ETag": etag(shown)})


@serve(app, "GET", "/v1/supervision/discounts/{discount_id}/receipt")
def read_supervised_receipt(call: Call, discount: Item) -> Response:
    """The receipt's exact bytes, as its partner is given them."""
    from rongtong.domain.receipt import receipt_bytes  # and with it signatures, which no other route here checks

    text = receipt_bytes(receipts.receipt(call.context, discount)).decode()
    return Response(body=text, status_code=200, headers={"Content-Type": "application/json"})


@serve(app, "GET", "/v1/supervision/figures")
def read_figures(call: Call) -> Response:
    """A day's figures by institution and acceptor class."""
    asked = queries.read_query(call.request.query_params, supervision_models.FiguresQuery)
    return answer(supervision_figures.figures(call.context, call.partner_id, asked.day))


@app.lambda_function(name="feed")
def feed(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """WebSocket: note who connects, forget who leaves; what a client sends keeps its connection, and is not read."""
    from rongtong.entrypoints.feed import connections  # routes need none of it

    about = event["requestContext"]
    if about["eventType"] == "CONNECT":
        address = str((about.get("identity") or {}).get("sourceIp", ""))
        key_id = str(about["authorizer"]["key_id"])
        supervision_feed.connected(
            connections(), supervision_feed.connection_of(about, key_id, address, datetime.now(UTC))
        )
    elif about["eventType"] == "DISCONNECT":
        connections().forget([str(about["connectionId"])])
    return {"statusCode": 200}


@app.lambda_function(name="push_hints")
def push_hints(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Stream of the evidence table: the cosigned head has moved, however often."""
    from rongtong.entrypoints.feed import connections, door

    return run_task(lambda c: supervision_feed.push(c, connections(), door(), datetime.now(UTC)), event)
