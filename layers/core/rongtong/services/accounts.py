"""The account that an enterprise is paid to: another one counts once the bank says that the same company holds it."""

from __future__ import annotations

from dataclasses import dataclass

from rongtong.domain.bill import Party
from rongtong.domain.identity import check_bank_code
from rongtong.domain.lifecycle import EnterpriseStatus
from rongtong.domain.lists import outcome as outcome_of_hits
from rongtong.domain.privacy import mask_account
from rongtong.services.context import Context
from rongtong.services.errors import AccountNotVerifiedError, EnterpriseNotActiveError, WrongStateError
from rongtong.services.records import POLICY_KEY, STATE, change_writes
from rongtong.services.registration import view
from rongtong.services.screening import screened_party
from rongtong.services.settings import policy_of
from rongtong.services.storage import Document, Item, WriteConflictError


@dataclass(frozen=True)
class ChangeAccount:
    """A partner's word that one of its enterprises is to be paid to another account from now on."""

    bank_code: str
    account_number: str
    account_name: str


def change_account(context: Context, item: Item, command: ChangeAccount) -> Document:
    """Let an enterprise be paid to another account of its own. The same account again is no change.

    A closed one too: money that comes back after its closing is owed to it still.

    Raises EnterpriseNotActiveError, IdentityError, AccountNotVerifiedError, BankUnavailableError, WrongStateError.
    """
    if item.body["status"] not in (EnterpriseStatus.ACTIVE, EnterpriseStatus.CLOSED):
        raise EnterpriseNotActiveError("Only an active enterprise changes its account.", field="enterprise_id")
    check_bank_code(command.bank_code, directory=policy_of(context.store.get(*POLICY_KEY)).bank_directory)
    owner, key = str(item.body["enterprise_id"]), str(item.body["data_key"])
    known = context.vault.decrypt(owner, key, str(item.body["account_number"]))
    named = (command.account_number, command.bank_code, command.account_name)
    if named == (known, item.body["bank_code"], item.body["account_name"]):
        return view(item)
    uscc = str(item.body["uscc"])
    party = Party(name=str(item.body["name"]), uscc=uscc, account=command.account_number)
    now = context.clock.now()
    hits = screened_party(context, party, context.calendar.shanghai_date(now))
    held = context.bank.verify_account(command.account_number, command.account_name, uscc)
    if not held or outcome_of_hits(hits) == "reject":
        raise AccountNotVerifiedError(
            "The bank does not confirm that this enterprise holds the account; correct it.", field="account"
        )
    changes: Document = {
        "bank_code": command.bank_code,
        "account_name": command.account_name,
        "account_number": context.vault.encrypt(owner, key, command.account_number),
        "masked": {**item.body["masked"], "account_number": mask_account(command.account_number)},
    }
    try:
        context.store.transact(
            change_writes(item, "enterprise_id", changes, "AccountChanged", now, {}, by=context.initiator)
        )
    except WriteConflictError as conflict:
        raise WrongStateError("The enterprise changed meanwhile; read it and send it again.") from conflict
    found = context.store.get(item.pk, STATE)
    assert found is not None, "an enterprise is never deleted"
    return view(found)
