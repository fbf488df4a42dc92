"""What the platform holds of an enterprise, handed out to it in a form that programs read (PIPL article 45), masked.

The first page has everything that is little; discounts and bills go on page by page, each list behind its own place.
"""

from __future__ import annotations

from rongtong.domain.personal_data import COVERS
from rongtong.services import bills, consents, discounts, operators, quotes, registration
from rongtong.services.access_audit import disclosures_of
from rongtong.services.bill_import_lines import BILLS
from rongtong.services.complaints import of_enterprise
from rongtong.services.context import Context
from rongtong.services.discounts import request_key, request_of
from rongtong.services.lists import cursor_of, place_of, places_of
from rongtong.services.records import STATE, iso, partner_list, quote_pk
from rongtong.services.screening import company_owner
from rongtong.services.storage import Document, Item, Position

_PAGE = 100
_BILLS_LOOKED_AT = 5
"""A partner's bills are looked through for the enterprise's: so many hundreds a page, which may be short."""
FORMAT = "rongtong-export/1"


def export(context: Context, enterprise: Item, cursor: str | None = None) -> Document:
    """A page of the export; ``next_cursor`` is None at the end. Raises InvalidCursorError."""
    name = f"export#{enterprise.body['enterprise_id']}"
    places = [None, None] if cursor is None else places_of(name, cursor, 2)
    own_discounts, discounts_place, more_discounts = _discounts(context, enterprise, places[0])
    own_bills, bills_place, more_bills = _bills(context, enterprise, places[1])
    document: Document = {
        "format": FORMAT,
        "enterprise_id": enterprise.body["enterprise_id"],
        "made_at": iso(context.clock.now()),
        "discounts": [discounts.view(item.body) for item in own_discounts],
        "quotes": _quotes(context, own_discounts),
        "bills": own_bills,
        "next_cursor": cursor_of(name, [discounts_place, bills_place]) if more_discounts or more_bills else None,
    }
    return document if cursor is not None else {**document, **_head(context, enterprise)}


def _head(context: Context, enterprise: Item) -> Document:
    enterprise_id = str(enterprise.body["enterprise_id"])
    disclosures, more = disclosures_of(context, enterprise_id)
    return {
        "enterprise": registration.view(enterprise),
        "account_name": enterprise.body["account_name"],
        **({"profile": enterprise.body["profile"]} if "profile" in enterprise.body else {}),
        "purposes": dict(COVERS),
        "consents": consents.consents(context, enterprise)["consents"],
        "operators": operators.listed(context, enterprise),
        "complaints": of_enterprise(context, str(enterprise.body["partner_id"]), enterprise_id),
        "disclosures": disclosures,
        "more_disclosures": more,
    }


def _discounts(context: Context, enterprise: Item, after: Position | None) -> tuple[list[Item], Position | None, bool]:
    """The company's discounts of one page that came through this partner, the place behind, whether more follow."""
    owner = company_owner(str(enterprise.body["uscc"]))
    listed = context.store.listed(owner, "0", most=_PAGE, after=after)
    keys = [one.key for one in listed if one.key is not None]
    found = context.store.get_many(keys) if keys else []
    own = [
        item for item in found if item is not None and item.body["enterprise_id"] == enterprise.body["enterprise_id"]
    ]
    return own, place_of(listed[-1]) if listed else after, len(listed) == _PAGE


def _quotes(context: Context, own_discounts: list[Item]) -> list[Document]:
    """The quotes that the discounts were asked for on: a quote itself names no enterprise."""
    keys = [request_key(str(item.body["discount_id"])) for item in own_discounts]
    asked = [request_of(item) for item in context.store.get_many(keys)] if keys else []
    ids = list(dict.fromkeys(str(request["quote_id"]) for request in asked if "quote_id" in request))
    found = context.store.get_many([(quote_pk(one), STATE) for one in ids]) if ids else []
    return [quotes.view(item.body) for item in found if item is not None]


def _bills(context: Context, enterprise: Item, after: Position | None) -> tuple[list[Document], Position | None, bool]:
    owner = partner_list(str(enterprise.body["partner_id"]), BILLS)
    own: list[Document] = []
    for _ in range(_BILLS_LOOKED_AT):
        found = context.store.page(owner, after=after, most=_PAGE)
        items = context.store.get_many([(place.pk, STATE) for place in found]) if found else []
        of_it = [item for item in items if item is not None]
        own += [bills.view(item) for item in of_it if item.body["enterprise_id"] == enterprise.body["enterprise_id"]]
        after = found[-1] if found else after
        if len(found) < _PAGE:
            return own, after, False
    return own, after, True
