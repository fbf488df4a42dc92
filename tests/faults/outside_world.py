"""A world for one discount: the platform's use cases behind the seam, a bank and a registry that keep their word,
persons, and a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from asl import Machines, Run, run
from effects import CrashError, Fault, Seam

from fakes import (
    LocalSigner,
    MemoryArchive,
    MemoryBillRegistry,
    MemoryFiles,
    MemoryInvoices,
    MemorySms,
    MemoryStore,
    MemoryUploads,
    PlainVault,
)
from in_memory import PARTNER, Platform, notaries, sample_bills
from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.payment import PaymentStatus
from rongtong.services import bank_notices, changes, verify_bill, waiting
from rongtong.services.context import Context, Running
from rongtong.services.cosigning import WITNESSES_KEY, witnessed_size
from rongtong.services.discounts import load
from rongtong.services.ports import BankUnavailableError, PaymentAnswer, PaymentOrder, StatementEntry
from rongtong.services.records import derived_id, discount_pk, logged_until
from rongtong.services.repayment import next_payment
from rongtong.services.replay import replay
from rongtong.services.request_discount import accept
from rongtong.services.storage import Document, Item
from rongtong.services.suspension import SuspensionScope, suspend
from rongtong.services.sweep import sweep
from witness_fakes import MemoryDoor

BEGIN = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
KEY = "key-1"
_OPERATIONS = ("operations", "operations-2")
_BILLS = sample_bills()
_CALENDAR = legal_calendar()
_SIGNER = LocalSigner()
_NOTARY = ("w1",)


@dataclass(frozen=True)
class Scenario:
    """What is discounted, and how those outside behave when nothing goes wrong."""

    name: str
    bill: int = 2
    settlement: str = "SM01"
    bank_refuses: bool = False
    open_answers: int = 0
    comes_back: bool = False
    repaid: bool = False
    repayment_refused: bool = False
    deaf_channel: bool = False
    unreachable: bool = False
    """The only channel takes no orders: what was to be paid is given up after the bank's cut-off."""
    booked_late: bool = False
    """The bank books an order after its cut-off although it should not."""
    registry_refuses: bool = False
    confirmed: bool = True
    reviewed_after_s: float = 0
    """So long the reviewer takes."""
    suspended: bool = False
    pairs: bool = True
    """Whether all its pairs are run: where a bank is asked again and again they are too many to tell anything new."""


SCENARIOS = (
    Scenario("paid"),
    Scenario("paid online", settlement="SM00"),
    Scenario("rejected", bill=next(at for at, bill in enumerate(_BILLS) if bill.reason == "BILL_RISK")),
    Scenario("refused by the bank", bank_refuses=True),
    Scenario("refused by the bank online", bank_refuses=True, settlement="SM00"),
    Scenario("in process for a while", open_answers=3),
    Scenario("comes back", comes_back=True),
    Scenario("comes back and is paid again", comes_back=True, repaid=True),
    Scenario(
        "comes back, is refused and then paid again", comes_back=True, repaid=True, repayment_refused=True, pairs=False
    ),
    Scenario("first channel takes no orders", deaf_channel=True),
    Scenario("never reaches the bank", unreachable=True, pairs=False),
    Scenario("booked after it was given up", unreachable=True, booked_late=True, pairs=False),
    Scenario("registry refuses the endorsement", registry_refuses=True),
    Scenario("in review", bill=next(at for at, bill in enumerate(_BILLS) if bill.expected == "in_review")),
    Scenario(
        "held for a while",
        bill=next(at for at, bill in enumerate(_BILLS) if bill.expected == "in_review"),
        reviewed_after_s=900,
    ),
    Scenario("confirmed later", confirmed=False),
    Scenario("suspended and released", suspended=True),
)


class VirtualClock:
    """Time passes when somebody sleeps."""

    def __init__(self, switch: Callable[[], None], alarm: Callable[[float], None]) -> None:
        self.passed_s, self._switch, self._alarm = 0.0, switch, alarm

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds
        self._alarm(self.passed_s)
        self._switch()


class Bank:
    """Books a reference at most once, none after its ``not_after``; a second order is a duplicate, as at real banks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.booked: dict[str, tuple[PaymentOrder, PaymentAnswer]] = {}
        self.back: dict[str, PaymentAnswer] = {}
        self.open_answers = world.scenario.open_answers
        self.notices: list[PaymentAnswer] = []

    def take(self, order: PaymentOrder) -> PaymentAnswer:
        """The bank's own answer to an order."""
        if order.reference in self.booked:
            return PaymentAnswer(order.reference, PaymentStatus.FAILED, reason="DUPLICATE")
        late = self._world.clock.now() > datetime.fromisoformat(order.not_after)
        scenario = self._world.scenario
        refused = scenario.bank_refuses or (scenario.repayment_refused and order.reference.endswith("02"))
        reason = "PAST_CUT_OFF" if late else "PAYEE_REFUSED" if refused else None
        status = PaymentStatus.SUCCEEDED if reason is None else PaymentStatus.FAILED
        answer = PaymentAnswer(order.reference, status, f"SB{len(self.booked)}", reason)
        self.booked[order.reference] = (order, answer)
        if reason is None:
            self._world.unsealed += self._world.what_is_unsealed()
            self._world.paid_while_suspended |= self._world.intent_after_the_stop(order.reference)
        self.notices.append(answer)
        if self._world.scenario.comes_back and reason is None and len(self.kept_or_back()) == 1:
            self.back[order.reference] = replace(answer, status=PaymentStatus.RETURNED, reason="ACCOUNT_CLOSED")
            self.notices.append(self.back[order.reference])
        return self._told(order.reference)

    def book_late(self, order: PaymentOrder) -> None:
        """Pay an order that nobody waits for any more, and say so."""
        if order.reference not in self.booked:
            answer = PaymentAnswer(order.reference, PaymentStatus.SUCCEEDED, "SB9")
            self.booked[order.reference] = (order, answer)
            self.notices.append(answer)

    def ask(self, reference: str) -> PaymentAnswer | None:
        """What the bank says when it is asked."""
        return None if reference not in self.booked else self._told(reference)

    def kept(self) -> dict[str, PaymentOrder]:
        """Payments whose money the payee has."""
        return {ref: order for ref, (order, answer) in self.kept_or_back().items() if ref not in self.back}

    def kept_or_back(self) -> dict[str, tuple[PaymentOrder, PaymentAnswer]]:
        """Payments that were booked with success at some time."""
        return {ref: pair for ref, pair in self.booked.items() if pair[1].status is PaymentStatus.SUCCEEDED}

    def _told(self, reference: str) -> PaymentAnswer:
        answer = self.back.get(reference, self.booked[reference][1])
        if self.open_answers > 0:
            self.open_answers -= 1
            return replace(answer, status=PaymentStatus.PROCESSING)
        return answer


class Door:
    """One channel to the bank, as its adapter promises: a repeat answers what became of the first."""

    def __init__(self, bank: Bank, *, deaf: bool) -> None:
        self.raw, self._deaf = bank, deaf
        self.lost: list[PaymentOrder] = []

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        if self._deaf:
            self.lost.append(order)
            raise BankUnavailableError("This channel takes no orders.")
        answer = self.raw.take(order)
        return answer if answer.reason != "DUPLICATE" else self.raw.ask(order.reference) or answer

    def pay_unasked(self, order: PaymentOrder) -> PaymentAnswer:
        """The bank's raw answer to an order; only the controls send one without asking."""
        return self.raw.take(order)

    def query(self, reference: str) -> PaymentAnswer | None:
        return None if self._deaf else self.raw.ask(reference)

    def statement(self, day: date) -> list[StatementEntry]:
        raise BankUnavailableError("Nobody asks for statements here.")

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        return True


class Registry(MemoryBillRegistry):
    """The registry of the fakes; it may refuse endorsements, and it settles online through the bank's book."""

    refuses = False

    def endorse(self, number: str, rng: Any, owner: str, endorsee: Any) -> None:
        if self.refuses:
            from rongtong.services.ports import BillLockedError

            raise BillLockedError("The range is frozen.")
        super().endorse(number, rng, owner, endorsee)


@cache
def _base(scenario: Scenario) -> tuple[dict[tuple[str, str], Item], dict[tuple[str, str], int], Platform]:
    """The store of a platform that has just what the scenario needs, all of it at rest."""
    platform = Platform()
    bill = _BILLS[scenario.bill]
    own = platform.ids[PARTNER, bill.holder_uscc]
    platform.hold(bill)
    store: Any = platform.context.store
    funding = ("institution#" + bill.request["institution_id"], "state")
    body = {**store.items[funding].body, "settlement": scenario.settlement}
    if scenario.unreachable:
        body["payment_cut_off"] = "10:03"
    store.items[funding] = replace(store.items[funding], body=body)
    # One witness: how a quorum comes together of several is told elsewhere.
    policy = notaries(platform.context, _NOTARY, quorum=1)[1]
    store.items[WITNESSES_KEY] = replace(store.items[WITNESSES_KEY], body={"policy": policy})
    items = {key: item for key, item in store.items.items() if not key[0].startswith("enterprise#")}
    for key, item in store.items.items():
        if key[0] == f"enterprise#{own}":
            items[key] = replace(item, due=None)
    return items, dict(store.counters), platform


@dataclass
class World:
    """Everything there is for one discount of a scenario."""

    scenario: Scenario
    seam: Seam = field(default_factory=Seam)

    def __post_init__(self) -> None:
        items, counters, platform = _base(self.scenario)
        self.platform = platform
        self.sample = _BILLS[self.scenario.bill]
        self.clock = VirtualClock(lambda: self.seam.switch(), self._release)
        self.store = MemoryStore()
        self.store.items, self.store.counters = dict(items), dict(counters)
        self.machines = Machines(now=self.clock.now)
        self.bank, self.bills, self.invoices, self.sms = Bank(self), Registry(), MemoryInvoices(), MemorySms()
        held: Any = platform.context.bills
        self.bills.holdings = {number: list(bills) for number, bills in held.holdings.items()}
        self.bills.clearing = Door(self.bank, deaf=False)  # type: ignore[assignment]
        self.bills.refuses = self.scenario.registry_refuses
        found: Any = platform.context.invoices
        self.invoices.invoices = dict(found.invoices)
        self.signer = _SIGNER
        self.files = MemoryFiles()
        self.acknowledged: set[str] = set()
        self.suspended = False
        self.stopped_at: datetime | None = None
        self.paid_while_suspended = False
        self.unsealed: list[str] = []
        """What was missing when the bank booked; a payment has nobody to complain to."""
        doors = [Door(self.bank, deaf=self.scenario.deaf_channel or self.scenario.unreachable)]
        self.doors = doors
        doors += [Door(self.bank, deaf=False)] if self.scenario.deaf_channel else []
        wrap = self.seam.wrap
        self.context = Context(
            store=wrap("store", self.store),
            clock=self.clock,
            vault=wrap("vault", PlainVault()),
            log_signer=wrap("log_signer", self.signer),
            log_origin="rongtong.example/log",
            files=wrap("files", self.files),
            witness_door=wrap("witness_door", MemoryDoor(notaries(platform.context, _NOTARY, quorum=1)[0])),
            archive=wrap("archive", MemoryArchive()),
            workflows=wrap("workflows", self.machines),
            banks=tuple(wrap("bank", door) for door in doors),
            bills=wrap("bills", self.bills),
            invoices=wrap("invoices", self.invoices),
            sms=wrap("sms", self.sms),
            calendar=_CALENDAR,
            uploads=wrap("uploads", MemoryUploads()),
        )
        self.discount_id = derived_id("dsc", PARTNER, KEY)

    # ---- who acts ---------------------------------------------------------------------------------------------------

    def request(self) -> bool:
        """The partner sends its request once; whether it was acknowledged."""
        command = self.platform.command(self.sample, KEY, confirmed=self.scenario.confirmed)
        try:
            accepted = accept(self.context, command)[0]
        except (CrashError, Exception):
            return False
        self.acknowledged.add(str(accepted["discount_id"]))
        if self.scenario.suspended and not self.suspended and self.clock.passed_s < 600:
            self.suspended, self.stopped_at = True, self.clock.now()
            suspend(self.quiet(), "operations", "stop", SuspensionScope.PLATFORM, None, "DRILL")
        return True

    def carry_on(self, name: str) -> None:
        """A worker of the state machine runs an execution as far as it goes."""
        run(self.context, self.machines, name)

    def run_again(self) -> None:
        """Somebody starts a second execution beside the first."""
        name = f"{self.discount_id}-x"
        payload = {"discount_id": self.discount_id, "subject": discount_pk(self.discount_id)}
        self.machines.runs.setdefault(name, Run(name, payload))
        run(self.context, self.machines, name)

    def answer_persons(self) -> None:
        """Whoever is waited for answers: the reviewer, the operator, two persons of operations."""
        item = self.state()
        if item is None:
            return
        status = item.body["status"]
        try:
            if status == DiscountStatus.IN_REVIEW and "review" not in item.body:
                if self.reviewer_takes_time():
                    return
                asked = load(self.context, self.discount_id)
                waiting.decide_review(self.context, "operations", asked, approve=True, note="FILES_SEEN")
            elif status == DiscountStatus.AWAITING_CONFIRMATION:
                asked = load(self.context, self.discount_id)
                waiting.confirm(self.context, asked, "operator-1", ("password", "otp"))
        except (CrashError, Exception):
            return

    def reviewer_takes_time(self) -> bool:
        """Whether the discount is in review, and its reviewer not ready yet."""
        item = self.state()
        in_review = item is not None and item.body["status"] == DiscountStatus.IN_REVIEW
        return in_review and self.clock.passed_s < self.scenario.reviewed_after_s

    def deliver_notice(self, at: int, *, keep: bool) -> None:
        """The bank sends one of its notices; it is sent again until it was taken."""
        notice = self.bank.notices[at]
        try:
            bank_notices.take(self.context, notice)
        except (CrashError, Exception):
            return
        if not keep and notice in self.bank.notices:
            self.bank.notices.remove(notice)

    def sweep(self) -> None:
        """The schedule lets the sweeper look."""
        try:
            sweep(self.context)
        except (CrashError, Exception):
            return

    def press_replay(self) -> None:
        """Operations replay the discount."""
        if self.state() is not None:
            try:
                replay(self.context, "operations", self.discount_id, "DRILL")
            except (CrashError, Exception):
                return

    def repay(self) -> bool:
        """Two persons approve that what came back is paid again, and replay it; whether there was something to pay."""
        state = self.state()
        if not self.scenario.repaid or state is None or state.body["status"] != DiscountStatus.RETURNED:
            return False
        series, payment = next_payment(self.quiet(), state)
        if payment is None:
            content = {"discount_id": self.discount_id, "series": series, "reason": "ACCOUNT_MENDED"}
            self._approve("repayment", content, f"repayment-{series}")
        self.press_replay()
        return True

    # ---- to the end -------------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: what was delayed arrives, time passes, sweeper and operations do their part."""
        self.seam.calm = True
        self.seam.switch = lambda: None
        self.seam.let_all_delayed_happen()
        if self.discount_id in self.acknowledged or self.state() is not None:
            self._rest()
        for _ in range(4):
            if not self.repay():
                break
            self._rest()
        if self.scenario.booked_late and self.doors[0].lost:
            self.bank.book_late(self.doors[0].lost[0])
            self._rest()
        # The log's newest head is cosigned within a minute, whether anybody waits for it or not.
        self.sweep()

    def _rest(self) -> None:
        for turn in range(60):
            for name in [*self.machines.began]:
                self.machines.began.remove(name)
                self.carry_on(name)
            self.answer_persons()
            while self.bank.notices:
                before = len(self.bank.notices)
                self.deliver_notice(0, keep=False)
                if len(self.bank.notices) == before:
                    break
            if not self.machines.began and not self.due():
                return
            self.clock.sleep(60 if turn < 8 else 1200)
            self.sweep()
            if turn % 4 == 3:
                self.press_replay()

    def _release(self, passed_s: float) -> None:
        """Two persons end the suspension after ten minutes."""
        if self.suspended and passed_s > 600:
            self.suspended = False
            self._approve("release", {"scope": "platform", "reason": "DRILL"})

    def _approve(self, kind: str, content: Document, key: str = "once") -> None:
        self.clock.passed_s += 60
        change = changes.propose(self.quiet(), _OPERATIONS[0], key, kind, content)
        changes.decide(self.quiet(), _OPERATIONS[1], change["change_id"], approve=True)

    # ---- what there is ----------------------------------------------------------------------------------------------

    def state(self) -> Item | None:
        """The discount's state, if there is a discount."""
        return self.store.get(discount_pk(self.discount_id), "state")

    def due(self) -> list[Item]:
        """What somebody must still look after."""
        return [item for item in self.store.items.values() if item.due is not None]

    def what_is_unsealed(self) -> list[str]:
        """What keeps money from moving now: a contract that is not sealed, or not in the evidence log."""
        body = load(self.quiet(), self.discount_id).body
        if "contract_sha256" not in body:
            return ["the contract was not sealed"]
        logged = sum(count for _, count in body.get("logged", ()))
        events = [item.body["event"] for item in self.store.query(discount_pk(self.discount_id), "event#")]
        sealed = next(event["n"] for event in events if event["type"] == "ContractSealed")
        if logged < sealed:
            return ["the sealed contract was not in the evidence log"]
        cosigned = witnessed_size(self.quiet()) >= logged_until(body)
        return [] if cosigned else ["no witness had cosigned the log"]

    def intent_after_the_stop(self, reference: str) -> bool:
        """Whether a payment was begun while business was suspended."""
        if not self.suspended or self.stopped_at is None:
            return False
        payment = self.store.get(discount_pk(self.discount_id), "payment#1")
        assert payment is not None, "the bank books what has an intent"
        return datetime.fromisoformat(payment.body["submitted_at"]) > self.stopped_at

    def quiet(self) -> Context:
        """The same collaborators without the seam, for looking."""
        return replace(self.context, store=self.store, log_signer=self.signer, files=self.files)

    def failed_runs(self) -> list[str]:
        """Executions that failed and whose discount is not at rest."""
        return [name for name, one in self.machines.runs.items() if one.ended is Running.FAILED]


class Inline:
    """An executor that does what it is given at once: workers of one verification are no workers of a schedule."""

    def __init__(self, workers: int) -> None:
        self._answers: list[Any] = []

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return _Done(call, arguments)


class _Done:
    def __init__(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._error: Exception | None = None
        try:
            self._answer = call(*arguments)
        except Exception as error:
            self._error = error

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._answer


verify_bill.ThreadPoolExecutor = Inline  # type: ignore[misc,assignment]

__all__ = ["SCENARIOS", "Fault", "Scenario", "World"]
