"""The platform's own API over HTTP in this process: authorizer, apps and use cases in memory, the sandbox outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import requests

from access_fakes import Gateway, MemoryNonces, PrivateKey, Request, key_record, load_app
from in_memory import PARTNER, Platform
from rongtong.adapters.bank import HttpBank
from rongtong.adapters.http import HttpClient
from rongtong.adapters.registries import HttpBillRegistry, HttpInvoiceRegistry
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.routes import ROUTES
from rongtong.services import registration
from sandbox_server import running_sandbox
from scripted_server import Reply, Seen, serving

_APPS = ("registration", "discount_requests")


@dataclass
class Api:
    """Where the API and the sandbox answer, and what is behind them."""

    base_url: str
    sandbox_url: str
    platform: Platform


class _Machines:
    """Runs what was started, once the request that started it was answered."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._done = platform, set[str]()

    def run(self) -> None:
        workflows: Any = self._platform.context.workflows
        for enterprise_id in workflows.registrations:
            if enterprise_id not in self._done:
                self._done.add(enterprise_id)
                registration.verify_enterprise(self._platform.context, enterprise_id)
        for name, payload in workflows.discounts:
            if name not in self._done:
                self._done.add(name)
                self._platform.run(str(payload["discount_id"]))


@contextmanager
def running_api(key: PrivateKey) -> Iterator[Api]:
    """An API whose one partner signs with the key."""
    with running_sandbox() as sandbox_url:
        requests.put(f"{sandbox_url}/reset", json={}, timeout=10).raise_for_status()
        platform, client = Platform(), HttpClient(sandbox_url, 5.0)
        platform.context = replace(
            platform.context,
            bills=HttpBillRegistry(client),
            invoices=HttpInvoiceRegistry(client),
            banks=(HttpBank(client),),
        )
        item = platform.context.store.get(f"partner#{PARTNER}", "state")
        assert item is not None
        platform.context.store.transact([item.replaced({**item.body, "keys": {"1": key_record(key)}})])
        authorization, nonces, machines = load_app("authorization"), MemoryNonces(), _Machines(platform)
        apps = {
            (method, path): module.app
            for module in map(load_app, _APPS)
            for path, methods in module.app.routes.items()
            for method in methods
        }
        gateway = Gateway(authorization.authorize, apps)

        def answer(seen: Seen) -> Reply:
            route, named = _route(apps, seen)
            path = seen.path.removeprefix("/v")
            answered = gateway.send(route, Request(seen.method, path, seen.query, seen.headers, seen.body), named)
            machines.run()
            headers = {**answered.headers, "X-Request-Id": answered.request_id}
            return Reply(answered.status, answered.document, headers)

        with (
            patch.object(bootstrap, "context", lambda: platform.context),
            patch.object(authorization, "context", lambda: platform.context),
            patch.object(authorization, "nonces", lambda: nonces),
            patch.dict(os.environ, {"SIGNED_PATH_PREFIX": ""}),
            serving(answer) as server,
        ):
            yield Api(f"{server.url}/v", sandbox_url, platform)


def _route(apps: dict[tuple[str, str], Any], seen: Seen) -> tuple[Any, dict[str, str]]:
    asked = seen.path.removeprefix("/v").split("/")
    for route in ROUTES:
        pairs = list(zip(route.path.split("/"), asked, strict=False))
        same = len(route.path.split("/")) == len(asked) and all(
            part in (given, f"{{{part[1:-1]}}}") for part, given in pairs
        )
        if same and route.method == seen.method and (route.method, route.path) in apps:
            return route, {part[1:-1]: given for part, given in pairs if part.startswith("{")}
    raise LookupError(f"{seen.method} {seen.path}")
