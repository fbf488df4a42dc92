"""Every route, with every kind of caller and every way a request can be wrong: only what the table says gets in.

Requests go through the authorizer and the Chalice apps as API Gateway puts them together. The routes' own functions are
taken out: what is asked is whether they are reached, and with what.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

import access_fakes
from access_fakes import Gateway, MemoryNonces, Request, ed25519, key_record, load_app
from access_table import PAGE, page
from fakes import make_context
from paths import ROOT
from rongtong.domain.access import ROLES, SCOPES, Role
from rongtong.entrypoints import bootstrap, routes
from rongtong.entrypoints.http import answer
from rongtong.entrypoints.routes import FREE, OWNED, ROUTES, RouteError, parameters_of, serve
from rongtong.services.storage import Create, Item
from template_reading import TEMPLATE

FOLDERS = sorted(
    path.parent.name for path in ROOT.glob("functions/*/app.py") if path.parent.name not in ("sandbox", "witness")
)
SIGNED = [route for route in ROUTES if route.scope is not None]
PUBLIC = [route for route in ROUTES if route.scope is None]
HERE = "203.0.113.7"
TENANTS = {
    "partner-a": {"role": "partner"},
    "partner-b": {"role": "partner"},
    "institution-1": {"role": "institution", "institution_id": "bank-1"},
    "institution-2": {"role": "institution", "institution_id": "bank-2"},
    "operations": {"role": "operations"},
    "sample-bank": {"role": "bank"},
    "sample-supervisor": {"role": "supervisor"},
}
OWNERS = {Role.PARTNER: "partner-a", Role.INSTITUTION: "institution-1", Role.OPERATIONS: "operations"}
OWNERS |= {Role.BANK: "sample-bank", Role.SUPERVISOR: "sample-supervisor"}
OTHERS = {Role.PARTNER: "partner-b", Role.INSTITUTION: "institution-2"}


@dataclass
class World:
    """The platform's API with callers and what they own; ``reached`` notes what every route's function was given."""

    gateway: Gateway
    store: object
    nonces: MemoryNonces
    reached: list
    authorization: ModuleType

    def key(self, tenant, **parts):
        """A key of the caller, under a number of its own."""
        private, number = ed25519(), str(len(self.store.get(f"partner#{tenant}", "state").body["keys"]) + 1)
        item = self.store.get(f"partner#{tenant}", "state")
        keys = {**item.body["keys"], number: key_record(private, **parts)}
        self.store.transact([item.replaced({**item.body, "keys": keys})])
        return private, f"{tenant}#{number}"

    def change(self, tenant, **parts):
        """Set parts of the caller's record."""
        item = self.store.get(f"partner#{tenant}", "state")
        self.store.transact([item.replaced({**item.body, **parts})])

    def request(self, route):
        """A request to the route about what partner-a owns, not signed yet."""
        named = {name: f"{name}-1" for name in parameters_of(route.path)}
        headers = {} if route.method == "GET" else {"Idempotency-Key": "key-1"}
        body = b"" if route.method == "GET" else b"{}"
        return named, Request(route.method, route.path.format(**named), {"limit": "5"}, headers, body)

    def send(self, route, signer=None, change=lambda request: request, address=HERE, **parameters):
        """Sign (or not), change on the way, and send."""
        named, request = self.request(route)
        if signer is not None:
            request.signed(*signer, **parameters)
        request = change(request)
        return self.gateway.send(route, request, named, address)


@pytest.fixture(scope="module")
def apps():
    """Every function's app, its routes' functions taken out; they note what they are given."""
    reached, modules, real = [], {}, routes.serve

    def spying(app, method, path):
        def register(handler):
            def spy(call, **named):
                reached.append((call, named))
                return answer({"reached": path})

            real(app, method, path)(spy)
            return handler

        return register

    routes.serve = spying
    try:
        for folder in FOLDERS:
            modules[folder] = load_app(folder)
    finally:
        routes.serve = real
    served = {
        (method, path): module.app
        for module in modules.values()
        for path, methods in module.app.routes.items()
        for method in methods
    }
    return served, reached


@pytest.fixture
def world(apps, monkeypatch):
    context, nonces = make_context(), MemoryNonces()
    monkeypatch.setattr(bootstrap, "context", lambda: context)
    monkeypatch.setitem(os.environ, "SIGNED_PATH_PREFIX", "")
    authorization = load_app("authorization")
    monkeypatch.setattr(authorization, "context", lambda: context)
    monkeypatch.setattr(authorization, "nonces", lambda: nonces)
    for tenant, about in TENANTS.items():
        context.store.transact([Create(f"partner#{tenant}", "state", {**about, "keys": {}})])
    served, reached = apps
    reached.clear()
    found = World(Gateway(authorization.authorize, served), context.store, nonces, reached, authorization)
    for name in OWNED:
        _own(found, name)
    return found


def _own(world, name, **about):
    """Something of partner-a's and of bank-1's that the parameter names."""
    named = {each: f"{each}-1" for each in (*OWNED, *FREE)}
    body = {"partner_id": "partner-a", "institution_id": "bank-1", **about}
    world.store.transact([Create(*OWNED[name].key(named), {**body, name: named[name]})])


def _id(route):
    return f"{route.method} {route.path}"


def _roles(route):
    return [role for role in Role if route.scope in ROLES[role]]


ALLOWED = [pytest.param(route, role, id=f"{_id(route)} {role}") for route in SIGNED for role in _roles(route)]
NOT_ALLOWED = [
    pytest.param(route, role, id=f"{_id(route)} {role}")
    for route in SIGNED
    for role in Role
    if role not in _roles(route)
]
EVERY = [pytest.param(route, id=_id(route)) for route in SIGNED]


def _is_refused(world, got, status, code):
    assert (got.status, got.code, world.reached) == (status, code, [])


# ---- who gets in


@pytest.mark.parametrize(("route", "role"), ALLOWED)
def test_a_key_with_just_the_route_s_scope_reaches_it_with_what_it_owns(world, route, role):
    got = world.send(route, world.key(OWNERS[role], scopes=[route.scope]))
    assert got.status == 200, got.document
    ((call, named),) = world.reached
    assert (call.partner_id, call.who.role) == (OWNERS[role], role)
    given = {name.removesuffix("_id") if name in OWNED else name for name in parameters_of(route.path)}
    assert set(named) == given
    assert all(isinstance(named[name.removesuffix("_id")], Item) for name in parameters_of(route.path) if name in OWNED)
    assert call.context.initiator["key"].startswith(f"{OWNERS[role]}#")


@pytest.mark.parametrize(("route", "role"), ALLOWED)
def test_a_key_without_scopes_of_its_own_has_those_of_its_role(world, route, role):
    assert world.send(route, world.key(OWNERS[role])).status == 200


@pytest.mark.parametrize(("route", "role"), [case for case in ALLOWED if case.values[1] in OTHERS])
def test_another_tenant_gets_at_nothing_of_this_one_s(world, route, role):
    got = world.send(route, world.key(OTHERS[role], scopes=[route.scope]))
    if any(name in OWNED for name in parameters_of(route.path)):
        _is_refused(world, got, 404, "NOT_FOUND")
    else:
        assert (got.status, world.reached[0][0].partner_id) == (200, OTHERS[role])


@pytest.mark.parametrize(("route", "role"), [case for case in ALLOWED if case.values[1] in OTHERS])
def test_another_tenant_s_object_and_none_at_all_are_answered_with_the_same_bytes(world, route, role):
    if not any(name in OWNED for name in parameters_of(route.path)):
        return
    signer = world.key(OTHERS[role], scopes=[route.scope])
    others = world.send(route, signer)
    for name in OWNED:
        world.store.items.pop(OWNED[name].key({each: f"{each}-1" for each in (*OWNED, *FREE)}))
    nobodys = world.send(route, signer)
    assert (others.status, others.document) == (nobodys.status, nobodys.document)
    differing = {"X-Request-Id"}
    assert {k: v for k, v in others.headers.items() if k not in differing} == {
        k: v for k, v in nobodys.headers.items() if k not in differing
    }


@pytest.mark.parametrize(("route", "role"), NOT_ALLOWED)
def test_a_key_of_another_role_is_refused(world, route, role):
    _is_refused(world, world.send(route, world.key(OWNERS[role])), 403, "FORBIDDEN")


@pytest.mark.parametrize(("route", "role"), [case for case in ALLOWED if len(ROLES[case.values[1]]) > 1])
def test_a_key_with_every_scope_of_its_role_but_the_route_s_is_refused_and_told_the_scope(world, route, role):
    got = world.send(route, world.key(OWNERS[role], scopes=sorted(ROLES[role] - {route.scope})))
    _is_refused(world, got, 403, "FORBIDDEN")
    assert route.scope in got.document["detail"]


def test_a_supervisor_can_do_nothing_but_read():
    """Whatever its key signs: none of its scopes leads to a route that changes anything."""
    assert {route.method for route in SIGNED if route.scope in ROLES[Role.SUPERVISOR]} == {"GET"}
    assert [role for role in Role if ROLES[role] & ROLES[Role.SUPERVISOR]] == [Role.SUPERVISOR]


def test_a_supervisor_reads_what_is_any_tenant_s(world):
    (route,) = [one for one in SIGNED if one.path == "/v1/supervision/discounts/{discount_id}"]
    world.store.items.pop(OWNED["discount_id"].key({"discount_id": "discount_id-1"}))
    _own(world, "discount_id", partner_id="partner-b", institution_id="bank-2")
    assert world.send(route, world.key("sample-supervisor")).status == 200


# ---- keys that do not count


@pytest.mark.parametrize("route", EVERY)
def test_a_request_without_signature_is_refused(world, route):
    _is_refused(world, world.send(route), 401, "SIGNATURE_INVALID")


@pytest.mark.parametrize("route", EVERY)
def test_a_key_that_nobody_registered_is_refused(world, route):
    tenant = OWNERS[_roles(route)[0]]
    _, key_id = world.key(tenant)
    for signer in ((ed25519(), key_id), (ed25519(), f"{tenant}#9"), (ed25519(), "nobody#1")):
        _is_refused(world, world.send(route, signer), 401, "SIGNATURE_INVALID")


LATER, EARLIER = (datetime.now(UTC) + sign * timedelta(hours=1) for sign in (1, -1))


@pytest.mark.parametrize(
    "parts",
    [{"revoked_at": EARLIER.isoformat()}, {"not_after": EARLIER.isoformat()}, {"not_before": LATER.isoformat()}],
    ids=["revoked", "expired", "not yet valid"],
)
@pytest.mark.parametrize("route", EVERY)
def test_a_key_that_does_not_count_now_is_refused(world, route, parts):
    _is_refused(world, world.send(route, world.key(OWNERS[_roles(route)[0]], **parts)), 403, "SIGNATURE_REFUSED")


@pytest.mark.parametrize("route", EVERY)
def test_an_address_that_is_not_agreed_is_refused(world, route):
    tenant = OWNERS[_roles(route)[0]]
    signer = world.key(tenant)
    world.change(tenant, addresses=["198.51.100.0/24"])
    _is_refused(world, world.send(route, signer, address=HERE), 403, "SIGNATURE_REFUSED")
    assert world.send(route, signer, address="198.51.100.9").status == 200


# ---- requests that are not what was signed, or not now


@pytest.mark.parametrize("route", EVERY)
def test_a_request_that_was_answered_is_not_answered_again(world, route):
    named, request = world.request(route)
    request.signed(*world.key(OWNERS[_roles(route)[0]]))
    assert world.gateway.send(route, request, named).status == 200
    world.reached.clear()
    _is_refused(world, world.gateway.send(route, request, named), 403, "SIGNATURE_REFUSED")


@pytest.mark.parametrize(
    ("shift", "status", "code"),
    [
        (timedelta(minutes=-6), 403, "SIGNATURE_REFUSED"),
        (timedelta(minutes=2), 403, "SIGNATURE_REFUSED"),
    ],
    ids=["stale", "ahead"],
)
@pytest.mark.parametrize("route", EVERY)
def test_a_signature_of_another_time_is_refused(world, route, shift, status, code):
    signer = world.key(OWNERS[_roles(route)[0]])
    _is_refused(world, world.send(route, signer, created=datetime.now(UTC) + shift), status, code)


@pytest.mark.parametrize("route", [case for case in EVERY if case.values[0].method != "GET"])
def test_another_body_than_the_signed_one_is_refused(world, route):
    got = world.send(
        route, world.key(OWNERS[_roles(route)[0]]), change=lambda request: replace(request, body=b'{"x": 1}')
    )
    _is_refused(world, got, 401, "CONTENT_DIGEST_MISMATCH")


@pytest.mark.parametrize("route", [case for case in EVERY if case.values[0].method == "GET"])
def test_a_body_that_was_slipped_under_a_request_without_one_is_refused(world, route):
    got = world.send(route, world.key(OWNERS[_roles(route)[0]]), change=lambda request: replace(request, body=b"{}"))
    _is_refused(world, got, 401, "CONTENT_DIGEST_MISMATCH")


def _digest_too(request):
    body = b'{"x": 1}'
    return replace(request, body=body, headers={**request.headers, "Content-Digest": access_fakes.digest_of(body)})


def _header(name, value):
    return lambda request: replace(request, headers={**request.headers, name: value})


def _nonce(request):
    headers = {**request.headers}
    headers["Signature-Input"] = headers["Signature-Input"].replace('nonce="', 'nonce="0')
    return replace(request, headers=headers)


@pytest.mark.parametrize(
    "change",
    [
        _digest_too,
        _header("Idempotency-Key", "another"),
        _header("If-Match", '"7"'),
        _nonce,
        lambda request: replace(request, path=request.path + "2"),
        lambda request: replace(request, method="PUT"),
        lambda request: replace(request, query={**request.query, "limit": "6"}),
        lambda request: replace(request, query={**request.query, "more": "1"}),
        lambda request: replace(request, query={}),
    ],
    ids=[
        "body and digest",
        "idempotency key",
        "condition",
        "nonce",
        "path",
        "method",
        "query",
        "more query",
        "no query",
    ],
)
@pytest.mark.parametrize("route", EVERY)
def test_whatever_is_changed_on_its_way_is_refused(world, route, change):
    signer = world.key(OWNERS[_roles(route)[0]])
    _is_refused(world, world.send(route, signer, change=change), 401, "SIGNATURE_INVALID")


# ---- the public routes


@pytest.mark.parametrize("route", [pytest.param(route, id=_id(route)) for route in PUBLIC])
def test_a_public_route_is_open_to_everybody_and_knows_nobody(world, route):
    assert world.send(route).status == 200
    assert world.reached[0][0].caller is None


# ---- nothing is forgotten


def test_every_route_of_every_function_was_put_there_by_serve():
    by_hand = []
    for folder in FOLDERS:
        app = load_app(folder).app
        for path, methods in app.routes.items():
            by_hand += [f"{method} {path}" for method, one in methods.items() if one.view_function not in routes.SERVED]
    assert by_hand == []


def test_the_table_is_what_the_template_deploys():
    deployed = {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"], _is_public(event["Properties"]))
        for resource in TEMPLATE.values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"]["RestApiId"] == {"!Ref": "PartnerApi"}
    }
    assert {(route.method, route.path, route.scope is None) for route in ROUTES} == deployed


def _is_public(properties):
    return properties.get("Auth", {}).get("Authorizer") == "NONE"


def test_the_table_is_what_the_functions_serve(apps):
    assert set(apps[0]) == {(route.method, route.path) for route in ROUTES}


def test_no_route_stands_in_the_table_twice():
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_scope_of_a_route_is_one_and_some_role_may_have_it():
    assert {route.scope for route in SIGNED} <= set(SCOPES)
    assert set().union(*ROLES.values()) == set(SCOPES)


@pytest.mark.parametrize("route", [route for route in SIGNED if not route.scope.startswith("operations:")], ids=_id)
def test_a_free_parameter_of_a_tenant_s_route_names_nothing_of_another_tenant_s(route):
    """Whoever adds one says here why it is nobody's."""
    nobodys = {
        # Of the discount or operator that stands before it in the path, or in the body.
        "challenge_id",
        # A day of the caller's own.
        "day",
    }
    assert {name for name in parameters_of(route.path) if name in FREE} <= nobodys


def test_a_parameter_is_owned_or_free_and_not_both():
    assert set(OWNED) & FREE == set()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("PUT", "/v1/discounts"), ("GET", "/v1/discounts/{id}")]
)
def test_a_route_that_is_not_in_the_table_cannot_be_served(method, path):
    with pytest.raises(RouteError):
        serve(None, method, path)


def test_a_parameter_of_which_nobody_said_whose_it_is_cannot_be_served(monkeypatch):
    route = routes.Route("GET", "/v1/shoes/{shoe_id}", "discounts:read")
    monkeypatch.setitem(routes._TABLE, (route.method, route.path), route)
    with pytest.raises(RouteError, match="shoe_id"):
        serve(None, route.method, route.path)


def test_the_page_is_what_make_docs_writes():
    assert PAGE.read_text(encoding="utf-8") == page()


# ---- what every answer has

READ = next(route for route in ROUTES if route.path == "/v1/discounts/{discount_id}")


@pytest.mark.parametrize("route", [READ, PUBLIC[0]], ids=_id)
@pytest.mark.parametrize("role", ["partner-a", "partner-b", "sample-bank"])
def test_every_answer_bears_its_request_s_id_and_is_kept_by_nobody(world, route, role):
    got = world.send(route, world.key(role) if route.scope else None)
    assert got.headers["X-Request-Id"] == got.request_id
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "no-store"


def test_two_live_keys_overlap_and_revoking_one_leaves_the_other(world):
    old, new = world.key("partner-a"), world.key("partner-a")
    assert [world.send(READ, signer).status for signer in (old, new)] == [200, 200]
    keys = world.store.get("partner#partner-a", "state").body["keys"]
    world.change("partner-a", keys={**keys, "1": {**keys["1"], "revoked_at": EARLIER.isoformat()}})
    assert [world.send(READ, signer).status for signer in (old, new)] == [403, 200]


# ---- how often


def test_a_caller_without_a_limit_is_told_of_none(world):
    got = world.send(READ, world.key("partner-a"))
    assert not {"RateLimit", "RateLimit-Policy"} & set(got.headers)
    assert world.nonces.counts == {}


def test_more_requests_in_a_second_than_agreed_are_refused_until_the_next_one(world, monkeypatch):
    signer = world.key("partner-a")
    world.change("partner-a", requests_per_second=2)
    instant = datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(world.authorization, "_now", lambda: instant)
    answers = [world.send(READ, signer) for _ in range(3)]
    assert [got.status for got in answers] == [200, 200, 429]
    assert [got.headers["RateLimit"] for got in answers] == [f'"requests";r={left};t=1' for left in (1, 0, 0)]
    assert {got.headers["RateLimit-Policy"] for got in answers} == {'"requests";q=2;w=1'}
    assert (answers[2].code, answers[2].headers["Retry-After"]) == ("TOO_MANY_REQUESTS", "1")
    monkeypatch.setattr(world.authorization, "_now", lambda: instant + timedelta(seconds=1))
    assert world.send(READ, signer).status == 200


def test_another_caller_s_requests_do_not_count(world):
    for tenant in ("partner-a", "partner-b"):
        world.change(tenant, requests_per_second=1)
    world.send(READ, world.key("partner-b"))
    assert world.send(READ, world.key("partner-a")).status == 200
