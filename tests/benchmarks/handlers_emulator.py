"""GETs of a running stack beside Chalice functions that do nothing, on the same emulator with the same layers.

An empty function is put behind the API three times: without an authorizer; behind an authorizer that does nothing but
let everything in, which is what any API with an authorizer takes; and behind ours.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

from deployed import Deployed, running
from paths import BUILD
from stack import Stack

_WARM_UP = 20
_APP = """
from chalice.app import Chalice

app = Chalice(app_name="empty")


@app.route("/v1/empty-0", name="unguarded")
@app.route("/v1/empty-1", name="guarded")
@app.route("/v1/empty-2", name="ours")
def empty():
    return {}


@app.lambda_function(name="let_in")
def let_in(event, _):
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "anybody", "policyDocument": document, "context": {}}
"""
Send = Callable[[], Any]


def answer_times(requests: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    """How long so many requests of each took, in ms: one of each in turn, one at a time, all signed alike."""
    with running(BUILD / "handlers" / "stack", say) as deployed:
        say("deploying the empty functions")
        sends = {**_empty(deployed), **_ours(deployed)}
        return _times(sends, requests, say)


def _times(sends: dict[str, Send], requests: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    say(f"asking each of {len(sends)} {_WARM_UP + requests} times")
    times: dict[str, list[float]] = {name: [] for name in sends}
    for at in range(_WARM_UP + requests):
        for name, send in sends.items():
            began = time.perf_counter()
            answer = send()
            took = 1000 * (time.perf_counter() - began)
            if answer.status_code != 200:
                raise RuntimeError(f"{name}: {answer.status_code} {answer.text}")
            if at >= _WARM_UP:
                times[name].append(took)
    return times


def _ours(deployed: Deployed) -> dict[str, Send]:
    """Three GETs: without any record of the object, with a small one, with a large one."""
    client = deployed.clients["partner-a"]
    bill = next(deployed.plain)
    discount_id = deployed.submit(bill)
    deployed.until(discount_id, "DISBURSED")
    enterprise_id = deployed.ids["partner-a"][bill.holder_uscc]
    return {
        "GET /v1/status": partial(client.get, "/v1/status"),
        "GET /v1/enterprises/{id}": partial(client.get, f"/v1/enterprises/{enterprise_id}"),
        "GET /v1/discounts/{id}": partial(client.get, f"/v1/discounts/{discount_id}"),
    }


def _empty(deployed: Deployed) -> dict[str, Send]:
    """The empty function behind each of the three, asked by the same client with the same signature."""
    stack = deployed.stack
    functions = stack.client("lambda")
    ours = _function(stack, "DiscountRequestsFunction")
    common = {
        "Runtime": ours["Runtime"],
        "Role": ours["Role"],
        "Code": {"ZipFile": _zipped(_APP)},
        "Layers": [layer["Arn"] for layer in ours["Layers"]],
        "MemorySize": ours["MemorySize"],
        "Timeout": 30,
    }
    made = {
        name: str(functions.create_function(FunctionName=name, Handler=handler, **common)["FunctionArn"])
        for name, handler in (("empty", "app.app"), ("empty-authorizer", "app.let_in"))
    }
    gateway, api = stack.client("apigateway"), stack.base_url.split("/restapis/")[1].split("/")[0]
    (known,) = gateway.get_authorizers(restApiId=api)["items"]
    guards = {
        "no authorizer": None,
        "empty authorizer": _authorizer(gateway, api, made["empty-authorizer"], known),
        "our authorizer": str(known["id"]),
    }
    (above,) = [one["id"] for one in _resources(gateway, api) if one["path"] == "/v1"]
    for at, guard in enumerate(guards.values()):
        _route(gateway, api, above, f"empty-{at}", made["empty"], guard)
    (stage,) = gateway.get_stages(restApiId=api)["item"]
    gateway.create_deployment(restApiId=api, stageName=stage["stageName"])
    client = deployed.clients["partner-a"]
    return {f"empty, {name}": partial(client.get, f"/v1/empty-{at}") for at, name in enumerate(guards)}


def _function(stack: Stack, logical_name: str) -> dict[str, Any]:
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    (found,) = [one for page in pages for one in page["Functions"] if f"-{logical_name}-" in one["FunctionName"]]
    described: dict[str, Any] = found
    return described


def _resources(gateway: Any, api: str) -> list[dict[str, Any]]:
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api)
    return [one for page in pages for one in page["items"]]


def _route(gateway: Any, api: str, above: str, name: str, function: str, authorizer: str | None) -> None:
    """A GET of the API that goes to the function."""
    at = gateway.create_resource(restApiId=api, parentId=above, pathPart=name)["id"]
    guard = {"authorizationType": "NONE"}
    if authorizer is not None:
        guard = {"authorizationType": "CUSTOM", "authorizerId": authorizer}
    where = {"restApiId": api, "resourceId": at, "httpMethod": "GET"}
    gateway.put_method(**where, **guard)
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=_invocation(function))


def _authorizer(gateway: Any, api: str, function: str, known: dict[str, Any]) -> str:
    """One like the API's own that asks another function."""
    made = gateway.create_authorizer(
        restApiId=api,
        name="empty",
        type=known["type"],
        authorizerUri=_invocation(function),
        identitySource=known["identitySource"],
        authorizerResultTtlInSeconds=known["authorizerResultTtlInSeconds"],
    )
    return str(made["id"])


def _invocation(function: str) -> str:
    region = function.split(":")[3]
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"


def _zipped(app: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", app)
    return content.getvalue()
