"""After a disaster: records, buckets and log are back, no fork, and what came after the backup is listed by id."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_fakes import with_backups
from in_memory import Platform, sample_bills
from rongtong import restore as command
from rongtong.domain.jobs import Job
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services import backup, restore, restore_log, restore_losses
from rongtong.services.backup_reading import backup_ids, of_backup, of_pair
from rongtong.services.cosigning import NoQuorumError, log_key, witnessed
from rongtong.services.errors import LogDamagedError
from rongtong.services.evidence_log import append_pending, head_of
from rongtong.services.jobs import step
from rongtong.services.ports import BankUnavailableError
from rongtong.services.receipts import receipt
from rongtong.services.records import STATE
from rongtong.services.restore import TablesNotEmptyError
from rongtong.services.seal import seal
from rongtong.services.sweep import sweep
from rongtong.services.verify_bill import verify

PAID = [bill for bill in sample_bills() if bill.expected == "disbursed" and bill.bill]
BILLS = [bill for bill in PAID if not bill.quote and not bill.at]


def _quiet(_):
    pass


@pytest.fixture
def platform():
    platform = Platform()
    platform.context = with_backups(platform.context)
    platform.before = platform.accept(BILLS[0], "key-1")
    platform.run(platform.before)
    return platform


def _back_up(context):
    period = step(context, Job.BACKUP, backup.STEPS, {"do": "begin"})["period"]
    for stage in backup.STEPS.stages:
        while step(context, Job.BACKUP, backup.STEPS, {"do": stage, "period": period})["more"]:
            pass
    step(context, Job.BACKUP, backup.STEPS, {"do": "finish", "period": period})


def _lose_tables(context):
    context.store.items.clear()
    context.store.counters.clear()


def _restore(context):
    """What the command does, in its order."""
    manifest = restore.choose(context.backups.vault, [log_key(context)], None, _quiet)
    source = of_backup(context.backups.vault, manifest)
    known = restore_losses.read_known(source)
    restore.require_empty(context, source)
    restore.load_records(context, source, _quiet)
    restore.load_objects(context, manifest, _quiet)
    log = restore_log.rebuild_head(context, known.head)
    restore_log.clear_pending(context)
    noted = restore_log.note_logged(context, restore.waiting_items(context, known), log.size_before)
    witnessed(context, log.size)
    executions = [name for name, _ in context.workflows.discounts]
    booked = restore_losses.booked_since(context, manifest.recovery_point, _quiet)
    found = restore_losses.losses(known, executions, context.workflows.registrations, log.subjects, booked)
    restore_losses.ask_bank(context, known, found, _quiet)
    restore_losses.hold_paid(context, found)
    restore.finish(context, source)
    return found, log, noted


def _load_newest(context):
    """Load the records of the newest backup, and no more; what it knows."""
    source = of_backup(context.backups.vault, restore.choose(context.backups.vault, [log_key(context)], None, _quiet))
    restore.require_empty(context, source)
    restore.load_records(context, source, _quiet)
    return restore_losses.read_known(source)


class Silent:
    """A bank that does not answer."""

    def query(self, reference):
        raise BankUnavailableError(reference)


class Functions:
    """A stack whose functions are open or closed."""

    def __init__(self):
        self.bound, self.dies = {"submit": None, "disburse": 5}, False

    def bounds(self):
        return dict(self.bound)

    def close(self, functions):
        self.bound = dict.fromkeys(functions, 0)

    def open(self, before):
        if self.dies:
            raise RuntimeError("killed")
        self.bound = dict(before)

    def executions(self, machine, since):
        return iter(())


def _command(platform, tmp_path, functions, trust):
    """The command as it is once it has found its stack."""
    options = command._parser().parse_args(["--stack", "x", "--settle", "0", "--state", str(tmp_path / "bounds.json")])
    context = platform.context
    settings = {"DISCOUNT_MACHINE_ARN": "d", "REGISTRATION_MACHINE_ARN": "r"}
    return command._Restore(options, trust, functions, context, settings, context.clock.now())


def test_every_record_and_counter_of_the_backup_is_back_as_it_was(platform):
    context = platform.context
    before, counters = dict(context.store.items), dict(context.store.counters)
    _back_up(context)
    _lose_tables(context)
    _restore(context)
    assert {key: context.store.items[key] for key in before if key[0] != "log"} == {
        key: item for key, item in before.items() if key[0] != "log"
    }
    assert context.store.counters == counters


def test_a_discount_that_was_refused_before_the_backup_is_nothing_to_settle(platform):
    refused = [bill for bill in sample_bills() if bill.expected == "refused" and bill.bill and not bill.at]
    platform.outcomes(refused)
    ended = [item for item in platform.context.store.states("discount#") if item.body["status"] == "REFUSED"]
    assert "reference" not in platform.context.store.get(ended[0].pk, "payment#1").body
    _back_up(platform.context)
    _lose_tables(platform.context)
    found, _, _ = _restore(platform.context)
    assert found == []


def test_what_was_acknowledged_after_the_backup_is_listed_by_its_id(platform):
    context = platform.context
    _back_up(context)
    paid, waiting = platform.accept(BILLS[1], "key-2"), platform.accept(BILLS[2], "key-3", confirmed=False)
    platform.run(paid)
    _lose_tables(context)
    found, _, _ = _restore(context)
    lost = {loss.pk: loss for loss in found if not loss.restored_events}
    assert set(lost) == {f"discount#{paid}", f"discount#{waiting}"}
    assert lost[f"discount#{waiting}"].traces == {"execution"}
    assert lost[f"discount#{paid}"].traces == {"execution", "log", "bank"}
    ((reference, fen),) = lost[f"discount#{paid}"].paid
    assert fen == context.bank.orders[-1].amount_fen
    assert reference == context.bank.orders[-1].reference


def test_a_discount_that_was_paid_after_the_backup_is_held_until_a_person_has_settled_it(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    _back_up(context)
    platform.run(going)
    _lose_tables(context)
    found, _, _ = _restore(context)
    (behind,) = [loss for loss in found if loss.restored_events]
    assert (behind.pk, behind.restored_events, behind.held) == (f"discount#{going}", 1, True)
    assert behind.logged_events > 1
    assert [fen for _, fen in behind.paid] == [context.bank.orders[-1].amount_fen]
    assert list(behind.at_bank) == [context.bank.orders[-1].reference]
    # Nothing carries it on: verified again it would be refused, and its range be free although the money is out.
    context.clock.instant += timedelta(days=1)
    sweep(context)
    assert platform.body(going)["status"] == "ACCEPTED"
    assert platform.body(going)["held"] == "RESTORED"


def test_a_payment_that_only_the_bank_knows_of_is_on_the_list_and_its_discount_is_held(platform):
    """The bank has taken it and not booked it yet, and the log has nothing of it."""
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    _back_up(context)
    files = dict(context.files.files)
    platform.run(going)
    context.files.files.clear()
    context.files.files.update(files)
    context.store.items.pop(("log", "cosigned"), None)
    _lose_tables(context)
    known = _load_newest(context)
    found = []
    restore_losses.ask_bank(context, known, found, _quiet)
    assert restore_losses.hold_paid(context, found) == 1
    assert [(loss.pk, loss.traces) for loss in found] == [(f"discount#{going}", {"bank"})]
    assert platform.body(going)["held"] == "RESTORED"


def test_what_came_further_after_the_backup_is_held_while_the_bank_does_not_answer(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    _back_up(context)
    verify(context, going)
    _lose_tables(context)
    known = _load_newest(context)
    (loss,) = found = [restore_losses.Loss(f"discount#{going}", 1, logged_events=2, traces={"log"})]
    said = []
    restore_losses.ask_bank(replace(context, banks=(Silent(),)), known, found, said.append)
    assert restore_losses.hold_paid(context, found) == 1
    assert "does not say" in loss.what_next()
    assert not loss.as_document()["bank_answered"]
    assert going.removeprefix("dsc_").upper() in said[0]


def test_what_the_statement_says_was_paid_is_held_though_the_bank_answers_no_query(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    _back_up(context)
    _lose_tables(context)
    _load_newest(context)
    found = [restore_losses.Loss(f"discount#{going}", 1, paid=[("RT1", 100)], traces={"bank"})]
    assert restore_losses.hold_paid(context, found) == 1
    assert "the bank has its payment" in found[0].what_next()


def test_a_discount_that_was_sealed_in_the_backup_learns_of_its_payment_and_is_not_paid_again(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    verify(context, going)
    seal(context, going)
    _back_up(context)
    platform.pay(going)
    paid_once = context.bank.total_fen()
    _lose_tables(context)
    found, _, _ = _restore(context)
    assert [(loss.pk, loss.held) for loss in found if loss.restored_events] == [(f"discount#{going}", False)]
    platform.pay(going)
    assert platform.body(going)["status"] == "DISBURSED"
    assert context.bank.total_fen() == paid_once


def test_a_discount_that_was_not_paid_after_the_backup_goes_on(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    _back_up(context)
    verify(context, going)
    append_pending(context, platform.discount(going))
    _lose_tables(context)
    found, _, _ = _restore(context)
    assert [(loss.pk, loss.held) for loss in found] == [(f"discount#{going}", False)]
    platform.run(going)
    assert platform.body(going)["status"] == "DISBURSED"


def test_the_restored_log_extends_what_every_witness_has_seen(platform):
    context = platform.context
    _back_up(context)
    platform.run(platform.accept(BILLS[1], "key-2"))
    newest = head_of(context).body
    _lose_tables(context)
    _, log, _ = _restore(context)
    assert log.size == newest["size"] > log.size_before
    assert head_of(context).body["note"] == newest["note"]
    platform.run(platform.accept(BILLS[2], "key-3"))
    assert context.store.states("incident#") == []


def test_a_batch_that_was_staged_and_never_signed_is_finished(platform):
    context = platform.context
    _back_up(context)
    platform.run(platform.accept(BILLS[1], "key-2"))
    staged = dict(context.files.files)
    newest = head_of(context).body["size"]
    _lose_tables(context)
    last = max(name for name in staged if name.startswith("staging/"))
    for name in [name for name in staged if name.startswith("tile/") and name.endswith(f"/{newest}")]:
        del context.files.files[name]
    _, log, _ = _restore(context)
    assert last in context.files.files
    assert log.size == newest


def test_an_event_that_was_logged_but_not_noted_in_the_backup_does_not_stand_in_the_log_twice(platform):
    context = platform.context
    waiting = platform.accept(BILLS[1], "key-2", confirmed=False)
    _back_up(context)
    append_pending(context, platform.discount(waiting))
    size = head_of(context).body["size"]
    _lose_tables(context)
    _, _, noted = _restore(context)
    append_pending(context, platform.discount(waiting))
    assert noted >= 1
    assert platform.body(waiting)["logged"] == [[size - 1, 1]]


def test_leaves_that_lost_events_had_laid_down_are_never_taken_for_those_of_new_ones(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    append_pending(context, platform.discount(going))
    _back_up(context)
    at = f"pending/discount%23{going}/2"
    context.files.put(at, b'{"subject": ["discount#%s", 2, 1], "entries": [], "size": 0}' % going.encode())
    _lose_tables(context)
    _restore(context)
    assert not [name for name in context.files.files if name.startswith("pending/")]
    platform.run(going)
    content = receipt_bytes(receipt(context, platform.discount(going)))
    assert len(verify_receipt(content, platform.trust).events) == platform.body(going)["events"]


def test_lost_objects_are_put_back_and_what_is_there_stays(platform):
    context = platform.context
    _back_up(context)
    files, contracts = dict(context.files.files), dict(context.archive.objects)
    context.archive.objects.clear()
    context.files.files.clear()
    kept = next(name for name in files if name.startswith("tile/0/"))
    context.files.files[kept] = files[kept]
    _lose_tables(context)
    _restore(context)
    assert context.archive.objects == contracts
    assert {
        name: files[name] for name in files if not name.startswith("pending/")
    }.items() <= context.files.files.items()


def test_a_log_whose_own_files_are_behind_a_witness_gets_no_quorum_until_a_mirror_has_the_rest(platform):
    context = platform.context
    _back_up(context)
    platform.run(platform.accept(BILLS[1], "key-2"))
    mirror = dict(context.files.files)
    cosigned = context.store.get("log", "cosigned").body["note"]
    context.files.files.clear()
    _lose_tables(context)
    with pytest.raises(NoQuorumError, match="contradicts"):
        _restore(context)
    size = restore_log.adopt_mirror(context, cosigned.encode(), lambda tile: mirror[tile.path()], platform.trust)
    assert cosigned.startswith(head_of(context).body["note"])
    witnessed(context, size)


def test_a_mirror_of_another_history_is_refused(platform):
    context = platform.context
    platform.run(platform.accept(BILLS[1], "key-2"))
    cosigned = context.store.get("log", "cosigned").body["note"]
    mirror = dict(context.files.files)
    other = Platform()
    other.run(other.accept(BILLS[2], "key-9"))
    with pytest.raises(LogDamagedError):
        restore_log.adopt_mirror(other.context, cosigned.encode(), lambda tile: mirror[tile.path()], platform.trust)


def test_records_that_are_there_are_never_overwritten(platform):
    context = platform.context
    _back_up(context)
    manifest = restore.choose(context.backups.vault, [log_key(context)], None, _quiet)
    with pytest.raises(TablesNotEmptyError):
        restore.require_empty(context, of_backup(context.backups.vault, manifest))


def test_a_restore_that_was_stopped_is_carried_on_and_one_that_is_done_is_not_repeated(platform):
    context = platform.context
    _back_up(context)
    before = dict(context.store.items)
    _lose_tables(context)
    manifest = restore.choose(context.backups.vault, [log_key(context)], None, _quiet)
    load, calls = context.backups.tables.load, []

    def dying(pair, table, rows):
        calls.append(table)
        if len(calls) == 2:
            raise RuntimeError("killed")
        load(pair, table, rows)

    context.backups.tables.load = dying
    restore.require_empty(context, of_backup(context.backups.vault, manifest))
    with pytest.raises(RuntimeError):
        restore.load_records(context, of_backup(context.backups.vault, manifest), _quiet)
    _restore(context)
    assert set(before) - {key for key in before if key[0].startswith(("run#", "job#"))} <= set(context.store.items)
    with pytest.raises(TablesNotEmptyError):
        restore.require_empty(context, of_backup(context.backups.vault, manifest))


def test_a_restore_over_records_is_refused_before_anything_is_stopped(platform, tmp_path):
    _back_up(platform.context)
    functions, trust = Functions(), platform.trust
    with pytest.raises(TablesNotEmptyError):
        command._restore(_command(platform, tmp_path, functions, trust))
    assert functions.bound == {"submit": None, "disburse": 5}
    assert not list(tmp_path.iterdir())


def test_a_dry_run_says_that_tables_with_records_would_be_refused(platform, tmp_path, capsys):
    _back_up(platform.context)
    run, items = _command(platform, tmp_path, Functions(), platform.trust), dict(platform.context.store.items)
    assert command._dry_run(run) == 1
    told = capsys.readouterr()
    assert "TABLES_NOT_EMPTY" in told.err
    assert "Nothing was changed." in told.out
    assert platform.context.store.items == items


def test_a_dry_run_over_tables_that_are_empty_says_that_it_could_be_done(platform, tmp_path):
    _back_up(platform.context)
    run = _command(platform, tmp_path, Functions(), platform.trust)
    _lose_tables(platform.context)
    assert command._dry_run(run) == 0


def test_a_command_that_died_before_the_functions_began_again_only_lets_them_begin(platform, tmp_path, capsys):
    context, trust, functions = platform.context, platform.trust, Functions()
    _back_up(context)
    _lose_tables(context)
    functions.dies = True
    with pytest.raises(RuntimeError):
        command._restore(_command(platform, tmp_path, functions, trust))
    assert functions.bound == {"submit": 0, "disburse": 0}
    functions.dies, restored = False, dict(context.store.items)
    assert command._restore(_command(platform, tmp_path, functions, trust)) == 0
    assert functions.bound == {"submit": None, "disburse": 5}
    assert context.store.items == restored
    assert "restored already" in capsys.readouterr().out
    with pytest.raises(TablesNotEmptyError):
        command._restore(_command(platform, tmp_path, functions, trust))


def test_a_damaged_newest_backup_is_told_and_the_one_before_it_is_restored(platform):
    context = platform.context
    _back_up(context)
    context.clock.instant += timedelta(days=1)
    _back_up(context)
    newest, older = backup_ids(context.backups.vault)
    objects = context.backups.vault.objects
    objects[f"manifests/{newest}"] = objects[f"manifests/{newest}"].replace(b"recovery", b"rec0very")
    said = []
    assert restore.choose(context.backups.vault, [log_key(context)], None, said.append).backup_id == older
    assert f"manifests/{newest}" in said[0]


def test_of_records_that_were_altered_the_earlier_version_is_restored_and_told(platform):
    context = platform.context
    _back_up(context)
    vault = context.backups.vault
    key = next(key for key in vault.objects if key.startswith("tables/"))
    vault.versions[key], vault.objects[key] = [vault.objects[key]], b"another"
    said = []
    restore.choose(vault, [log_key(context)], None, said.append)
    assert key in said[0]


def test_a_contract_that_is_nowhere_any_more_is_named_and_the_rest_restored(platform):
    context = platform.context
    _back_up(context)
    (name,), vault = context.archive.objects, context.backups.vault
    key = next(key for key in vault.objects if vault.objects[key] == context.archive.objects[name])
    vault.objects[key] = b"another"
    context.archive.objects.clear()
    said = []
    manifest = restore.choose(vault, [log_key(context)], None, said.append)
    assert key in said[0]
    assert restore.load_objects(context, manifest, _quiet) == (0, [name])


def test_after_the_restore_the_sweeper_carries_on_whatever_is_due(platform):
    context = platform.context
    going = platform.accept(BILLS[1], "key-2")
    _back_up(context)
    _lose_tables(context)
    _restore(context)
    context.workflows.executions.clear()
    context.clock.instant += timedelta(minutes=10)
    sweep(context)
    assert going in [name for name, _ in context.workflows.discounts[-1:]]


def test_a_dry_run_writes_nothing(platform):
    context = platform.context
    _back_up(context)
    platform.run(platform.accept(BILLS[1], "key-2"))
    _lose_tables(context)
    manifest = restore.choose(context.backups.vault, [log_key(context)], None, _quiet)
    files = dict(context.files.files)
    known = restore_losses.read_known(of_backup(context.backups.vault, manifest))
    restore.load_objects(context, manifest, _quiet, dry_run=True)
    assert restore_log.rebuild_head(context, known.head, dry_run=True).size > known.head.body["size"]
    assert (context.store.items, context.files.files) == ({}, files)
    assert STATE not in context.store.counters


def test_records_may_come_from_tables_that_the_database_has_set_back(platform):
    context = platform.context
    tables = context.backups.tables
    tables.snapshot("pitr", tables.latest().at)
    before, counters = dict(context.store.items), dict(context.store.counters)
    _lose_tables(context)
    source = of_pair(tables, "pitr", "2026-03-03T00:00:00Z")
    known = restore_losses.read_known(source)
    restore.require_empty(context, source)
    assert restore.load_records(context, source, _quiet) == len(before) + len(counters)
    assert known.events[f"discount#{platform.before}"] == platform.body(platform.before)["events"]
    assert before.items() <= context.store.items.items()
    assert context.store.counters == counters
