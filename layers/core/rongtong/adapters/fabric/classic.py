"""The classic flow (Fabric 1.4 and later, Amazon Managed Blockchain): the client asks endorsers and orderers itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from rongtong.adapters.fabric.commits import BlockWatch
from rongtong.adapters.fabric.connections import names
from rongtong.adapters.fabric.flow import Watch
from rongtong.adapters.fabric.ledger import Ledger
from rongtong.adapters.fabric.ordering import Orderers
from rongtong.adapters.fabric.outcomes import ContractRefusedError, NotEndorsedError, contract_code
from rongtong.adapters.fabric.peers import Answer, Peers, Said, endorsement_fault
from rongtong.adapters.fabric.proposal import Call, transaction
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError


class ClassicFlow:
    """``endorsements``: of how many organisations, as the channel's policy asks."""

    def __init__(self, peers: Peers, ledger: Ledger, endorsements: int, pause: Callable[[float], object]) -> None:
        self._peers = peers
        self._ledger = ledger
        self._needed = endorsements
        profile = peers.profile
        self._orderers = Orderers(profile.orderers, peers.connections, profile.timeouts.order_s, pause)

    def endorse(self, call: Call) -> Any:
        """The signed transaction, endorsed by enough organisations with one and the same result.

        A peer that refuses, answers another result or signs wrongly stops the transaction: a node whose state was
        altered is found by it. A peer that does not answer is missed only when too few are left.
        Raises NotEndorsedError, ChainUnavailableError.
        """
        answers = self._peers.ask_organisations(call)
        faults = {answer.peer.name: str(answer) for answer in answers if answer.said is Said.NO}
        for answer in answers:
            fault = endorsement_fault(call, answer) if answer.said is Said.YES else None
            if fault:
                faults[answer.peer.name] = f"{answer.peer.name}: {fault}"
        endorsed = [answer for answer in answers if answer.said is Said.YES and answer.peer.name not in faults]
        if faults:
            text = f"The transaction is not endorsed. {'; '.join(faults.values())}"
            raise NotEndorsedError(text, disagreement=bool(endorsed))
        _check_equal(endorsed)
        if len(endorsed) < self._needed:
            raise ChainUnavailableError(self._too_few(answers))
        return transaction(call, endorsed[0].response.payload, [one.response.endorsement for one in endorsed])

    def order(self, call: Call, envelope: Any, arrived: Callable[[], bool]) -> None:
        """See Orderers.order."""
        del call
        self._orderers.order(envelope, arrived)

    def watch(self) -> Watch:
        """Commits from when it is entered."""
        return BlockWatch(self._peers, self._ledger)

    def query(self, chaincode: str, arguments: Sequence[str]) -> bytes:
        """What as many organisations answer alike as endorse a transaction.

        Raises ChainRefusedError when the contract or the peers refuse or disagree, ChainUnavailableError.
        """
        answers = self._peers.ask_organisations(self._peers.call(chaincode, arguments))
        alike: dict[tuple[Said, bytes], list[Answer]] = {}
        for answer in answers:
            alike.setdefault(_kind(answer), []).append(answer)
        said, agreed = max(alike.items(), key=lambda item: (item[0][0] is not Said.NOTHING, len(item[1])))
        if said[0] is Said.YES and len(agreed) >= self._needed:
            return agreed[0].result
        refused = [answer for answer in answers if answer.said is Said.NO]
        if len(refused) >= self._needed:
            code = said[1].decode() if said[0] is Said.NO and len(agreed) >= self._needed else ""
            raise ContractRefusedError("; ".join(map(str, refused)), code)
        silent = [answer for answer in answers if answer.said is Said.NOTHING]
        if len(answers) - len(silent) < self._needed:
            raise ChainUnavailableError(self._too_few(answers))
        told = names([answer.peer for answer in answers if answer.said is not Said.NOTHING])
        text = f"The peers answer differently, no {self._needed} of them alike: {told}."
        raise ChainUnavailableError(text) if silent else ChainRefusedError(text)

    def _too_few(self, answers: Sequence[Answer]) -> str:
        silent = "; ".join(str(answer) for answer in answers if answer.said is Said.NOTHING)
        answered = len([answer for answer in answers if answer.said is not Said.NOTHING])
        return f"{answered} of {len(answers)} organisations answer, {self._needed} must. {silent}"


def _kind(answer: Answer) -> tuple[Said, bytes]:
    """Equal for answers that say the same."""
    if answer.said is Said.YES:
        return answer.said, answer.result
    return answer.said, contract_code(answer.text).encode()


def _check_equal(endorsed: Sequence[Answer]) -> None:
    """Raises NotEndorsedError, naming the peers whose result is not that of the most."""
    payloads = Counter(bytes(answer.response.payload) for answer in endorsed)
    if len(payloads) < 2:
        return
    (usual, count), (_, next_count) = payloads.most_common(2)
    if count == next_count:
        text = f"The endorsements differ: {names([one.peer for one in endorsed])} disagree."
        raise NotEndorsedError(text, disagreement=True)
    others = [one.peer for one in endorsed if bytes(one.response.payload) != usual]
    text = f"The endorsements differ: {names(others)} answers otherwise than the others."
    raise NotEndorsedError(text, disagreement=True)
