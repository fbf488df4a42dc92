"""The institution's side: what it funds and holds, its rates and limit, and their changes by two of its persons."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.entrypoints import institution_models, models, queries
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.errors import ForbiddenError
from rongtong.entrypoints.etags import etag, matching
from rongtong.entrypoints.http import Headers, answer, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.services import changes, institutions, lists, portfolio
from rongtong.services.storage import Document, Item

app = Chalice(app_name="institution")


@serve(app, "GET", "/v1/institution/portfolio")
def read_portfolio(call: Call) -> Response:
    """What the institution holds, when that matures, what it yields, and on whom it is."""
    query = queries.read_query(call.request.query_params, institution_models.PortfolioQuery)
    return answer(portfolio.as_document(portfolio.holdings(call.context, _institution(call), query.as_of)))


@serve(app, "GET", "/v1/institution/discounts")
def list_funded(call: Call) -> Response:
    """A page of the discounts that the institution funds, newest first."""
    query = queries.read_query(call.request.query_params, queries.DiscountsQuery)
    asked = lists.Asked(
        limit=query.limit,
        cursor=query.cursor,
        since=query.since,
        until=query.until,
        fields=tuple(query.fields.split(",")) if query.fields else (),
    )
    status = query.status.value if query.status else None
    found = lists.discounts(
        call.context, asked, institution_id=_institution(call), status=status, enterprise_id=query.enterprise_id
    )
    return answer(found)


@serve(app, "GET", "/v1/institution/rates")
def read_terms(call: Call) -> Response:
    """The institution's rates in every version, its fee, its limit and what is taken of it."""
    return answer(institutions.terms(call.context, _institution(call)))


@serve(app, "POST", "/v1/institution/rates")
def propose_rates(call: Call) -> Response:
    """201 with the change; the rates hold once another person of the institution has approved it."""
    key = idempotency_key(call.request)
    body = read_body(call.request, institution_models.RateTableBody)
    institution_id = _institution(call)
    return _proposed(
        institutions.propose_rates(call.context, institution_id, call.partner_id, key, institution_models.plain(body))
    )


@serve(app, "POST", "/v1/institution/limits")
def propose_limits(call: Call) -> Response:
    """201 with the change; limit and fee hold once another person of the institution has approved it."""
    key = idempotency_key(call.request)
    body = read_body(call.request, institution_models.LimitsBody)
    institution_id = _institution(call)
    return _proposed(
        institutions.propose_terms(call.context, institution_id, call.partner_id, key, institution_models.plain(body))
    )


@serve(app, "GET", "/v1/institution/changes")
def list_proposals(call: Call) -> Response:
    """The newest changes that the institution's persons proposed."""
    return answer({"changes": institutions.proposals(call.context, _institution(call))})


@serve(app, "GET", "/v1/institution/changes/{proposal_id}")
def read_proposal(call: Call, proposal: Item) -> Response:
    """One of them, with what it would set."""
    document = changes.find(call.context, str(proposal.body["change_id"]))
    return answer(document, headers={"ETag": etag(document)})


@serve(app, "POST", "/v1/institution/changes/{proposal_id}/decision")
def decide_proposal(call: Call, proposal: Item) -> Response:
    """The decision of a second person of the institution; an approval takes effect at once."""
    idempotency_key(call.request)
    body = read_body(call.request, models.DecisionBody)
    document = institutions.decide(
        call.context,
        _institution(call),
        call.partner_id,
        proposal,
        approve=body.decision == "approve",
        expect=matching(call.request),
    )
    return answer(document, headers={"ETag": etag(document)})


def _institution(call: Call) -> str:
    """The institution that the caller speaks for. Raises ForbiddenError where it is none's."""
    if call.who.institution_id is None:
        raise ForbiddenError("This is for a key of role institution.")
    return call.who.institution_id


def _proposed(document: Document) -> Response:
    headers: Headers = {"Location": f"/v1/institution/changes/{document['change_id']}"}
    return answer(document, 201, headers)
