"""Synthetic histories: in themselves as whole as what the real flow leaves."""

from datetime import UTC, date, datetime

import pytest

from history import ORIGIN, open_history, write
from history_deals import companies_for, usual
from history_shapes import End
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.checkpoint import open_checkpoint
from rongtong.domain.note import VerifierKey
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.tiles import split_bundle, tile_of
from rongtong.services import exposure_ledger
from rongtong.services.evidence_log import leaf_of
from rongtong.services.payments import bill_range
from rongtong.services.records import logged_indices, payments_owner
from rongtong.services.tile_log import edge_at

AFTER = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
DISCOUNTS = 2000


@pytest.fixture(scope="module")
def deals():
    return usual(DISCOUNTS, companies_for(DISCOUNTS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, deals):
    folder = tmp_path_factory.mktemp("history")
    write(folder, deals, companies_for(DISCOUNTS))
    return folder


def test_every_end_is_among_business_as_usual(deals):
    assert {deal.end for deal in deals} == set(End) - {End.REUSED}  # which only benchmarks plant


def test_every_posting_adds_up_to_what_is_taken_of_the_limits(folder):
    report = exposure_ledger.check(open_history(folder, AFTER))
    assert (report["differences"], report["faults"], report["moving"]) == ([], [], [])


def test_every_event_is_the_leaf_that_is_noted_of_it(folder):
    context = open_history(folder, AFTER)
    head = context.store.get("log", "head").body
    tiles = [tile_of(None, at, head["size"]) for at in range(-(-head["size"] // 256))]
    contents = context.files.get_all([tile.path() for tile in tiles])
    leaves = [leaf for tile, content in zip(tiles, contents, strict=True) for leaf in split_bundle(tile, content)]
    noted = {}
    for item in context.store.scan("", "state"):
        for index, event in zip(logged_indices(item.body), context.store.query(item.pk, "event#"), strict=True):
            noted[index] = leaf_of(event.body)
    assert [noted[index] for index in range(len(leaves))] == leaves


def test_the_log_s_head_is_signed_and_is_of_its_tiles(folder):
    context = open_history(folder, AFTER)
    head = context.store.get("log", "head").body
    checkpoint = open_checkpoint(head["note"], VerifierKey(ORIGIN, context.log_signer.public_key()))
    assert (checkpoint.size, checkpoint.root) == (head["size"], edge_at(context.files, head["size"]).root())


def test_bank_books_and_registry_tell_the_same_of_a_day(folder, deals):
    context = open_history(folder, AFTER)
    returned = next(deal for deal in deals if deal.end is End.RETURNED)
    day = returned.at.astimezone(SHANGHAI).date()
    booked = {one.reference: one for one in context.bank.statement(day) if one.status is PaymentStatus.SUCCEEDED}
    listed = [one.key for one in context.store.listed(payments_owner(day.isoformat()), "0", most=1000)]
    payments = [item for item in context.store.get_many(listed) if item.body["status"] != PaymentStatus.FAILED]
    assert {item.body["reference"]: item.body["amount_fen"] for item in payments} == {
        reference: one.amount_fen for reference, one in booked.items()
    }
    for payment in payments:
        discount = context.store.get(payment.pk, "state")
        institution = context.store.get(f"institution#{discount.body['institution_id']}", "state").body
        assert context.bills.find(discount.body["bill_number"], bill_range(discount)).holder.uscc == institution["uscc"]
    assert PaymentStatus.RETURNED in {context.bank.query(item.body["reference"]).status for item in payments}


def test_the_same_arguments_make_the_same_history(folder, tmp_path, deals):
    write(tmp_path, deals, companies_for(DISCOUNTS))
    first, second = (open_history(one, AFTER).store for one in (folder, tmp_path))
    assert list(first.scan("discount#", "state")) == list(second.scan("discount#", "state"))
    assert first.get("log", "head") == second.get("log", "head")


def test_it_ends_before_the_month_that_is_reviewed_next(deals):
    assert max(deal.at for deal in deals).astimezone(SHANGHAI).date() < date(2026, 11, 1)
