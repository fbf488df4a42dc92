"""What the console asks, over HTTP in this process: authorizer and apps in memory, sample callers with their keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from access_fakes import Gateway, MemoryNonces, Request, load_app
from api_calls import call
from in_memory import PARTNER, Platform
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.routes import ROUTES, Route, parameters_of
from rongtong.services.storage import Create
from scripted_server import Reply, Seen, serving
from seed import PARTNERS, partner_record

_APPS = ("operations", "configuration", "complaints", "institution", "discount_requests", "console")
_STAGE = "/v"


@dataclass
class ConsoleApi:
    """Where it answers, the platform behind it, and every sample caller's key file (PEM)."""

    base_url: str
    platform: Platform
    keys: dict[str, str]
    letters: LettersOfOnePath
    seen: list[Seen]


class LettersOfOnePath:
    """The dead letters of the sweeper: one, until it is delivered again."""

    def __init__(self) -> None:
        self.waiting = [{"key": "event-1", "at": "2026-04-15T02:00:00.000Z", "error": "StoreError"}]

    def letters(self) -> dict[str, Any]:
        return {"paths": [{"path": "sweep", "waiting": len(self.waiting), "letters": self.waiting}]}

    def require(self, path: str) -> None:
        assert path == "sweep"

    def redeliver(self, path: str) -> dict[str, Any]:
        done, self.waiting = [letter["key"] for letter in self.waiting], []
        return {"path": path, "redelivered": done, "kept": 0}


@contextmanager
def running_console_api() -> Iterator[ConsoleApi]:
    """The API below a stage, as API Gateway has it where no domain stands before it."""
    platform, letters = Platform(), LettersOfOnePath()
    keys = {caller: _let_call(platform, caller, role) for caller, role in PARTNERS.items()}
    authorization, nonces = load_app("authorization"), MemoryNonces()
    modules = {folder: load_app(folder) for folder in _APPS}
    apps = {
        (method, path): module.app
        for module in modules.values()
        for path, methods in module.app.routes.items()
        for method in methods
    }
    gateway = Gateway(authorization.authorize, apps)

    def answer(seen: Seen) -> Reply:
        found = _route(seen)
        if found is None:
            return Reply(404, {"code": "NO_SUCH_ROUTE", "detail": "There is no such route."})
        route, named = found
        if route.path.startswith("/console"):
            page = call(modules["console"].app, seen.method, route.path, **named)
            return Reply(page.status, page.text.encode(), page.headers)
        path = seen.path.removeprefix(_STAGE)
        answered = gateway.send(route, Request(seen.method, path, seen.query, seen.headers, seen.body), named)
        return Reply(answered.status, answered.document, answered.headers)

    with ExitStack() as stack:
        stack.enter_context(patch.object(bootstrap, "context", lambda: platform.context))
        stack.enter_context(patch.object(authorization, "context", lambda: platform.context))
        stack.enter_context(patch.object(authorization, "nonces", lambda: nonces))
        stack.enter_context(patch.object(modules["operations"], "dead_letters", lambda: letters))
        stack.enter_context(patch.dict(os.environ, {"SIGNED_PATH_PREFIX": ""}))
        server = stack.enter_context(serving(answer))
        yield ConsoleApi(f"{server.url}{_STAGE}", platform, keys, letters, server.seen)


def _let_call(platform: Platform, caller: str, role: str) -> str:
    """Register a new key of the caller's; answers its file."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    record = partner_record(role, public)
    known = platform.context.store.get(f"partner#{caller}", "state")
    if known is None:
        platform.context.store.transact([Create(f"partner#{caller}", "state", record)])
    else:
        assert caller == PARTNER
        platform.context.store.transact([known.replaced({**known.body, **record})])
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _route(seen: Seen) -> tuple[Route, dict[str, str]] | None:
    """Of two routes that fit, the one with fewer parameters is meant."""
    asked = seen.path.removeprefix(_STAGE).split("/")
    for route in sorted(ROUTES, key=lambda one: len(parameters_of(one.path))):
        parts = route.path.split("/")
        pairs = list(zip(parts, asked, strict=False))
        same = len(parts) == len(asked) and all(part.startswith("{") or part == given for part, given in pairs)
        if same and route.method == seen.method:
            return route, {part[1:-1]: given for part, given in pairs if part.startswith("{")}
    return None
