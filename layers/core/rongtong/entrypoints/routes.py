"""Every route with the scope that it needs, and the one way to serve a route: nothing is served that is not in here.

The table is light: whoever wants to know the routes imports neither AWS nor pydantic with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any, TypeVar

from rongtong.services.records import (
    STATE,
    bill_pk,
    change_pk,
    complaint_pk,
    discount_pk,
    enterprise_pk,
    import_pk,
    operator_sk,
    quote_pk,
    webhook_endpoint_pk,
)

if TYPE_CHECKING:
    from chalice.app import Chalice, Response

    from rongtong.services.storage import Key

Handler = TypeVar("Handler", bound="Callable[..., Response]")


@dataclass(frozen=True)
class Route:
    """A route of the API; ``path`` as API Gateway writes it."""

    method: str
    path: str
    scope: str | None
    """What the caller's key must have (domain/access.py); None: everybody may ask, unsigned."""


ROUTES: tuple[Route, ...] = (
    # ---- enterprises
    Route("POST", "/v1/enterprises", "enterprises:write"),
    Route("GET", "/v1/enterprises", "enterprises:read"),
    Route("GET", "/v1/enterprises/{enterprise_id}", "enterprises:read"),
    Route("POST", "/v1/enterprises/{enterprise_id}/account", "enterprises:write"),
    # ---- personal data of an enterprise
    Route("GET", "/v1/enterprises/{enterprise_id}/consents", "enterprises:read"),
    Route("POST", "/v1/enterprises/{enterprise_id}/consents", "enterprises:write"),
    Route("POST", "/v1/enterprises/{enterprise_id}/consents/withdrawal", "enterprises:write"),
    Route("POST", "/v1/enterprises/{enterprise_id}/disclosures", "enterprises:disclose"),
    Route("GET", "/v1/enterprises/{enterprise_id}/export", "enterprises:read"),
    Route("POST", "/v1/enterprises/{enterprise_id}/closure", "enterprises:write"),
    # ---- operators of an enterprise
    Route("GET", "/v1/enterprises/{enterprise_id}/operators", "operators:read"),
    Route("POST", "/v1/enterprises/{enterprise_id}/operators", "operators:write"),
    Route("POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}", "operators:write"),
    Route("POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/codes", "operators:write"),
    Route("POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/login-password", "operators:write"),
    Route("POST", "/v1/enterprises/{enterprise_id}/operators/{operator_id}/payment-password", "operators:write"),
    # ---- bills and their imports
    Route("POST", "/v1/bill-imports", "bills:write"),
    Route("GET", "/v1/bill-imports", "bills:read"),
    Route("GET", "/v1/bill-imports/template", "bills:read"),
    Route("GET", "/v1/bill-imports/{bill_import_id}", "bills:read"),
    Route("POST", "/v1/bill-imports/{bill_import_id}/start", "bills:write"),
    Route("GET", "/v1/bills", "bills:read"),
    Route("GET", "/v1/bills/{bill_id}", "bills:read"),
    # ---- quotes and discounts
    Route("POST", "/v1/quotes", "quotes:write"),
    Route("GET", "/v1/quotes", "quotes:read"),
    Route("GET", "/v1/quotes/{quote_id}", "quotes:read"),
    Route("POST", "/v1/discounts", "discounts:write"),
    Route("GET", "/v1/discounts", "discounts:read"),
    Route("GET", "/v1/discounts/{discount_id}", "discounts:read"),
    Route("GET", "/v1/discounts/{discount_id}/timeline", "discounts:read"),
    Route("GET", "/v1/discounts/{discount_id}/receipt", "discounts:read"),
    Route("POST", "/v1/discounts/{discount_id}/confirmation", "discounts:confirm"),
    Route("POST", "/v1/discounts/{discount_id}/confirmation-challenges", "discounts:confirm"),
    Route("POST", "/v1/discounts/{discount_id}/confirmation-challenges/{challenge_id}", "discounts:confirm"),
    Route("GET", "/v1/confirmation-key", None),
    Route("GET", "/v1/status", "status:read"),
    # ---- webhooks and events
    Route("POST", "/v1/webhook-endpoints", "webhooks:write"),
    Route("GET", "/v1/webhook-endpoints", "webhooks:read"),
    Route("GET", "/v1/webhook-endpoints/{endpoint_id}", "webhooks:read"),
    Route("PATCH", "/v1/webhook-endpoints/{endpoint_id}", "webhooks:write"),
    Route("DELETE", "/v1/webhook-endpoints/{endpoint_id}", "webhooks:write"),
    Route("POST", "/v1/webhook-endpoints/{endpoint_id}/secret", "webhooks:write"),
    Route("POST", "/v1/webhook-endpoints/{endpoint_id}/test", "webhooks:write"),
    Route("POST", "/v1/webhook-endpoints/{endpoint_id}/replay", "webhooks:write"),
    Route("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries", "webhooks:read"),
    Route("GET", "/v1/events", "events:read"),
    # ---- this API's description and the evidence log, for everybody
    Route("GET", "/v1/openapi.json", None),
    # ---- the page for operations and institutions, which asks the routes below with its reader's key
    Route("GET", "/console", None),
    Route("GET", "/console/{file}", None),
    # ---- statements, for partners and institutions
    Route("GET", "/v1/statements/{day}", "statements:read"),
    # ---- the institution's side
    Route("GET", "/v1/institution/portfolio", "institution:read"),
    Route("GET", "/v1/institution/discounts", "institution:read"),
    Route("GET", "/v1/institution/large-values/{day}", "institution:read"),
    Route("GET", "/v1/institution/rates", "institution:read"),
    Route("POST", "/v1/institution/rates", "institution:rates"),
    Route("POST", "/v1/institution/limits", "institution:rates"),
    Route("GET", "/v1/institution/changes", "institution:read"),
    Route("GET", "/v1/institution/changes/{proposal_id}", "institution:read"),
    Route("POST", "/v1/institution/changes/{proposal_id}/decision", "institution:rates"),
    # ---- complaints
    Route("POST", "/v1/complaints", "complaints:write"),
    Route("GET", "/v1/complaints", "complaints:read"),
    Route("GET", "/v1/complaints/{complaint_id}", "complaints:read"),
    Route("POST", "/v1/complaints/{complaint_id}/reopening", "complaints:write"),
    Route("POST", "/v1/complaints/{complaint_id}/closure", "complaints:write"),
    Route("GET", "/v1/log/checkpoint", None),
    Route("GET", "/v1/log/tile/{level}/{a}", None),
    Route("GET", "/v1/log/tile/{level}/{a}/{b}", None),
    Route("GET", "/v1/log/tile/{level}/{a}/{b}/{c}", None),
    Route("GET", "/v1/log/tile/{level}/{a}/{b}/{c}/{d}", None),
    # ---- the bank
    Route("POST", "/v1/bank/notices", "bank:notify"),
    # ---- supervisors
    Route("GET", "/v1/supervision/events", "supervision:read"),
    Route("GET", "/v1/supervision/discounts/{discount_id}", "supervision:read"),
    Route("GET", "/v1/supervision/discounts/{discount_id}/receipt", "supervision:read"),
    Route("GET", "/v1/supervision/figures", "supervision:read"),
    # ---- operations
    Route("GET", "/v1/operations/reviews", "operations:review"),
    Route("GET", "/v1/operations/reviews/{discount_id}", "operations:review"),
    Route("POST", "/v1/operations/reviews/{discount_id}", "operations:review"),
    Route("GET", "/v1/operations/accesses", "operations:read"),
    Route("GET", "/v1/operations/enterprises/{enterprise_id}/accesses", "operations:read"),
    Route("POST", "/v1/operations/enterprises/{enterprise_id}/disclosures", "operations:disclose"),
    Route("GET", "/v1/operations/incidents", "operations:read"),
    Route("POST", "/v1/operations/incidents/{incident_id}/assignment", "operations:resolve"),
    Route("POST", "/v1/operations/incidents/{incident_id}/notes", "operations:resolve"),
    Route("POST", "/v1/operations/incidents/{incident_id}/resolution", "operations:resolve"),
    Route("GET", "/v1/operations/reconciliations/{day}", "operations:read"),
    Route("GET", "/v1/operations/monthly-reviews/{period}", "operations:read"),
    Route("GET", "/v1/operations/executions", "operations:read"),
    Route("POST", "/v1/operations/executions/{execution_id}/replay", "operations:replay"),
    Route("GET", "/v1/operations/dead-letters", "operations:read"),
    Route("POST", "/v1/operations/dead-letters/{path}/redelivery", "operations:replay"),
    Route("GET", "/v1/operations/jobs", "operations:read"),
    Route("GET", "/v1/operations/jobs/{job}/runs", "operations:read"),
    Route("POST", "/v1/operations/jobs/{job}/runs", "operations:replay"),
    Route("GET", "/v1/operations/jobs/{job}/runs/{period}", "operations:read"),
    Route("GET", "/v1/operations/duties", "operations:read"),
    Route("GET", "/v1/operations/duties/{duty}/records", "operations:read"),
    Route("POST", "/v1/operations/duties/{duty}/records", "operations:duties"),
    Route("POST", "/v1/operations/duties/{duty}/records/{record_id}/findings/{number}/closure", "operations:duties"),
    Route("GET", "/v1/operations/watch", "operations:read"),
    Route("POST", "/v1/operations/audit-packs/{year}", "operations:audit"),
    Route("GET", "/v1/operations/audit-packs/{year}", "operations:audit"),
    Route("GET", "/v1/operations/suspensions", "operations:read"),
    Route("POST", "/v1/operations/suspensions", "operations:suspend"),
    Route("GET", "/v1/operations/complaints", "operations:complaints"),
    Route("GET", "/v1/operations/complaints/{complaint_id}", "operations:complaints"),
    Route("POST", "/v1/operations/complaints/{complaint_id}/taking", "operations:complaints"),
    Route("POST", "/v1/operations/complaints/{complaint_id}/answer", "operations:complaints"),
    Route("GET", "/v1/operations/changes", "operations:read"),
    Route("POST", "/v1/operations/changes", "operations:configure"),
    Route("GET", "/v1/operations/changes/{change_id}", "operations:read"),
    Route("POST", "/v1/operations/changes/{change_id}/decision", "operations:configure"),
)
"""Every route of the partner API. A scope is in domain/access.py; a new route is a line here and in template.yaml."""


@dataclass(frozen=True)
class Owned:
    """What a path parameter names: which record that is, and what is said of one that is not there or not the caller's.

    ``key`` is given all path parameters of the request. The record bears ``partner_id``, or ``institution_id`` for
    what an institution owns (domain/access.py ``owns``).
    """

    key: Callable[[Mapping[str, str]], Key]
    unknown: str


OWNED: Mapping[str, Owned] = {
    "discount_id": Owned(
        lambda named: (discount_pk(named["discount_id"]), STATE),
        "There is no such discount; check the id of the answer to your request.",
    ),
    "enterprise_id": Owned(
        lambda named: (enterprise_pk(named["enterprise_id"]), STATE),
        "There is no such enterprise; check the id that registration answered.",
    ),
    "operator_id": Owned(
        lambda named: (enterprise_pk(named["enterprise_id"]), operator_sk(named["operator_id"])),
        "There is no such operator; list the enterprise's.",
    ),
    "complaint_id": Owned(
        lambda named: (complaint_pk(named["complaint_id"]), STATE),
        "There is no such complaint; check the id that its receipt answered.",
    ),
    "proposal_id": Owned(
        lambda named: (change_pk(named["proposal_id"]), STATE),
        "There is no such change; list the newest ones.",
    ),
    "bill_id": Owned(
        lambda named: (bill_pk(named["bill_id"]), STATE),
        "There is no such bill; list yours.",
    ),
    "bill_import_id": Owned(
        lambda named: (import_pk(named["bill_import_id"]), STATE),
        "There is no such import; list yours.",
    ),
    "quote_id": Owned(
        lambda named: (quote_pk(named["quote_id"]), STATE),
        "There is no such quote; check the id of the answer to your request.",
    ),
    "endpoint_id": Owned(
        lambda named: (webhook_endpoint_pk(named["endpoint_id"]), STATE),
        "There is no such webhook endpoint; list yours.",
    ),
}
"""Path parameters that name a tenant's object: ``serve`` reads it, refuses another tenant's, hands it to the route."""

FREE: frozenset[str] = frozenset(
    {
        # Files of the public log.
        "level",
        "a",
        "b",
        "c",
        "d",
        # One of the console's, the same for everybody.
        "file",
        # Of the operator that the body names: another one's is none.
        "challenge_id",
        # The platform's own, behind scopes that operations alone have.
        "incident_id",
        "day",
        "execution_id",
        "path",
        "job",
        "duty",
        "record_id",
        "number",
        "period",
        "year",
        "change_id",
    }
)
"""Path parameters that name nothing of any tenant: the route is given the text."""


class RouteError(LookupError):
    """A route that is not in the table, or has a path parameter of which nobody said whose it is."""


_TABLE = {(route.method, route.path): route for route in ROUTES}


def scope_of(method: str, path: str) -> str | None:
    """What a route needs; None for one that is public, or is none."""
    route = _TABLE.get((method, path))
    return None if route is None else route.scope


def parameters_of(path: str) -> tuple[str, ...]:
    """The names of a path's parameters, in their order."""
    return tuple(name for _, name, _, _ in Formatter().parse(path) if name)


def serve(app: Chalice, method: str, path: str) -> Callable[[Handler], Handler]:
    """Put over a function: it answers this route, to whom ROUTES says it is open, on what is the caller's.

    The function is given a ``Call`` (entrypoints/door.py: who calls, the request, the collaborators acting for the
    caller), and by its name every path parameter: an ``Item`` as ``discount`` for ``{discount_id}`` where OWNED has
    the parameter, the text itself where it is FREE. Errors leave as problem documents, every answer with its
    ``X-Request-Id``. The function itself stays as it is, so that several routes may be put over one.

    Raises RouteError when the app is imported.
    """
    route = _TABLE.get((method, path))
    if route is None:
        raise RouteError(f"{method} {path} is not in ROUTES.")
    names = parameters_of(path)
    if unsaid := [name for name in names if name not in OWNED and name not in FREE]:
        raise RouteError(f"{path}: nobody says whose {unsaid[0]} is; put it into OWNED or FREE.")
    from rongtong.entrypoints import door  # brings AWS and the rest with it, when the function starts

    def register(handler: Handler) -> Handler:
        def served(**named: str) -> Response:
            return door.answered(app.current_request, lambda request: door.let_in(route, request, named, handler))

        # Whatever type the body is said to have: reading it decides.
        app.route(path, methods=[method], name=handler.__name__, content_types=["*/*"])(served)
        SERVED.add(served)
        return handler

    return register


SERVED: set[Callable[..., Any]] = set()
"""What ``serve`` has registered in this process, for the test that nothing else was."""
