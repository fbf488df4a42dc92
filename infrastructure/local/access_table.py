"""Writes docs/access.md from the routes and the roles of the code. Run by `make docs`."""

from __future__ import annotations

from paths import ROOT
from rongtong.domain.access import ROLES, SCOPES, Role
from rongtong.entrypoints.routes import OWNED, ROUTES, Route, parameters_of

PAGE = ROOT / "docs" / "access.md"
_HEAD = """# Who may do what

Every route with the scope that it needs, and the roles whose keys can have that scope. This page is written by
`make docs` from `layers/core/rongtong/entrypoints/routes.py` and `layers/core/rongtong/domain/access.py`; a test sends
every kind of request below to every route.

- A caller has a role. Each of its keys has the scopes that its record names, at most those of the role, and all of them
  where it names none. A key counts from `not_before` until `not_after`, and not once it is revoked.
- *own*: the path names an object, and only its owner gets at it: the partner that it belongs to, and the institution
  that funds it. Another tenant's object is answered with 404, with the same bytes as one that there is not.
- *self*: the path names no object of a tenant; what the route makes or lists is the caller's.
- *all*: everybody; operations and supervisors see what their scopes lead to, of every tenant.
- Callers and keys are changed by two persons ([the change `partner`](operations/changes.md#partner)), and count so from
  the next request on.
"""
_REFUSED = """## How the others are refused

| request | answer |
|---|---|
| without signature, of a key or caller that is not registered | 401 `SIGNATURE_INVALID` |
| signed without date, nonce or a part that must be covered; any of these changed on its way | 401 `SIGNATURE_INVALID` |
| body changed on its way | 401 `CONTENT_DIGEST_MISMATCH` |
| signed more than five minutes ago or over a minute ahead; past its `expires` | 403 `SIGNATURE_REFUSED` |
| sent again (its nonce was used) | 403 `SIGNATURE_REFUSED` |
| of a key that is revoked, expired or not valid yet | 403 `SIGNATURE_REFUSED` |
| from an address that is not on the caller's list, where it has one | 403 `SIGNATURE_REFUSED` |
| of a key without the route's scope, also of another role | 403 `FORBIDDEN`, with the scope |
| for another tenant's object | 404 `NOT_FOUND` |
| above the caller's agreed requests in a second | 429 `TOO_MANY_REQUESTS`, with `Retry-After` |
"""


def page() -> str:
    """The whole page."""
    routes = [
        "## Routes\n",
        f"| route | scope | {' | '.join(Role)} |",
        f"|---|---|{'---|' * len(Role)}",
        *[_row(route) for route in ROUTES],
        "",
    ]
    scopes = ["## Scopes\n", "| scope | allows to | roles |", "|---|---|---|"]
    scopes += [f"| `{scope}` | {meaning} | {', '.join(_having(scope))} |" for scope, meaning in SCOPES.items()]
    return "\n".join([_HEAD, *routes, _REFUSED, *scopes, ""])


def _row(route: Route) -> str:
    if route.scope is None:
        return f"| `{route.method} {route.path}` | public, unsigned | {' | '.join('all' for _ in Role)} |"
    cells = [_reach(route, role) if route.scope in ROLES[role] else "" for role in Role]
    return f"| `{route.method} {route.path}` | `{route.scope}` | {' | '.join(cells)} |"


def _reach(route: Route, role: Role) -> str:
    if role in (Role.OPERATIONS, Role.SUPERVISOR):
        return "all"
    return "own" if any(name in OWNED for name in parameters_of(route.path)) else "self"


def _having(scope: str) -> list[str]:
    return [role.value for role in Role if scope in ROLES[role]]


def main() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{len(ROUTES)} routes in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
