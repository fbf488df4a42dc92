"""What can become of an entry, and what stops one before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rongtong.domain.errors import InvalidInputError, RongTongError
from rongtong.services.ports import ChainEntry, ChainReceipt, ChainRefusedError

_CONTRACT_CODE = re.compile(r"(?:^|[:;] |^\d{3} )([A-Z]+(?:_[A-Z]+)+): ")
KEY_NOT_FOUND = "KEY_NOT_FOUND"
"""The contract's code for a key without a value."""
VALID = "VALID"
DUPLICATE_TXID = "DUPLICATE_TXID"
MVCC_READ_CONFLICT = "MVCC_READ_CONFLICT"
ENDORSEMENT_POLICY_FAILURE = "ENDORSEMENT_POLICY_FAILURE"


class ChainProfileError(InvalidInputError):
    """The connection profile, or the identity that it names, cannot be used; nothing was sent."""

    code = "CHAIN_PROFILE"


class ChainKeyError(InvalidInputError):
    """A key that is not 64 hexadecimal digits; nothing was sent."""

    code = "CHAIN_KEY"


class NotEndorsedError(ChainRefusedError):
    """A peer refused the proposal, or the peers disagree about it; nothing was sent to an orderer.

    ``disagreement``: some endorsed it.
    """

    def __init__(self, message: str, *, disagreement: bool = False) -> None:
        super().__init__(message)
        self.disagreement = disagreement


class ContractRefusedError(ChainRefusedError):
    """The contract, or the peers before it, refused to answer. ``contract_code`` is the contract's own, or empty."""

    def __init__(self, message: str, contract_code: str = "") -> None:
        super().__init__(message)
        self.contract_code = contract_code


def contract_code(text: str) -> str:
    """The stable code with which a contract's refusal begins (``CODE: what is wrong; what to do next``).

    Peers put words of their own before it. Empty where there is none, as with contracts that have no codes.
    """
    found = _CONTRACT_CODE.search(text)
    return found.group(1) if found else ""


@dataclass(frozen=True)
class Committed:
    """A transaction in a block, with its validation code by name."""

    transaction_id: str
    block: int
    code: str

    @property
    def valid(self) -> bool:
        """Whether it counts; any other code leaves it in the block without effect."""
        return self.code == VALID


@dataclass(frozen=True)
class Outcome:
    """``already``: it was on the chain before. ``error`` is set where there is no receipt."""

    entry: ChainEntry
    receipt: ChainReceipt | None = None
    already: bool = False
    error: RongTongError | None = None
