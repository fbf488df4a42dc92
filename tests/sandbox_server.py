"""The sandbox's own code behind a real HTTP server in this process, on an in-process DynamoDB."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from moto import mock_aws

from paths import ROOT

_TABLE = "sandbox"
_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "SANDBOX_TABLE": _TABLE,
}


@contextmanager
def running_sandbox() -> Iterator[str]:
    """The base URL of a fresh sandbox; requests to 127.0.0.1 pass the in-process AWS untouched."""
    os.environ.update(_SETTINGS)
    with mock_aws(config={"core": {"mock_credentials": False, "passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        create_table(_TABLE)
        application = _load()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(application))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


def create_table(name: str) -> None:
    """A table as template.yaml describes the business table."""
    boto3.client("dynamodb", region_name="us-east-1").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"}
            for key in ("pk", "sk", "due", "due_at", "owner", "listed_at", "own", "own2", "own_at")
        ],
        KeySchema=_keys("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": "due", "KeySchema": _keys("due", "due_at"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {
                "IndexName": "listed",
                "KeySchema": _keys("owner", "listed_at"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["summary"]},
            },
            {"IndexName": "owned", "KeySchema": _keys("own", "own_at"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {
                "IndexName": "owned_too",
                "KeySchema": _keys("own2", "own_at"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _load() -> Any:
    folder = str(ROOT / "functions" / "sandbox")
    names = ("app", "bank", "book", "clock", "examples", "magic", "registry")
    for name in names:
        sys.modules.pop(name, None)
    sys.path.insert(0, folder)
    try:
        import app
    finally:
        sys.path.remove(folder)
    for name in names:
        sys.modules.pop(name, None)
    return app.app


def _handler(application: Any) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            with lock:  # Chalice keeps the current request on the application
                answer = application(_event(application, self.command, self.path, content), None)
            body = answer["body"].encode()
            self.send_response(answer["statusCode"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 names of the standard library's interface

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def _event(application: Any, method: str, path: str, content: str) -> dict[str, Any]:
    resource, parameters = _route(application, method, path)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {"httpMethod": method, "resourcePath": resource, "identity": {}},
        "body": content or json.dumps({}),
        "isBase64Encoded": False,
    }


def _route(application: Any, method: str, path: str) -> tuple[str, dict[str, str]]:
    asked = path.split("/")
    for resource, methods in application.routes.items():
        parts = resource.split("/")
        if method in methods and len(parts) == len(asked):
            pairs = list(zip(parts, asked, strict=True))
            if all(part == given or part.startswith("{") for part, given in pairs):
                return resource, {part[1:-1]: given for part, given in pairs if part.startswith("{")}
    raise LookupError(f"{method} {path}")
