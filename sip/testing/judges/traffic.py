"""Sort what passed one place into transactions and dialogs, and have each judged."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from sip.message.request import Request
from sip.message.response import Response
from sip.testing.judges.astray import check_astray
from sip.testing.judges.dialog import check_dialog
from sip.testing.judges.finding import Finding
from sip.testing.judges.offer_answer import check_offer_answer
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import call_id_of, cseq_of, from_tag, to_tag, top_via
from sip.testing.judges.strayed import check_strayed
from sip.testing.judges.timers import LONGEST
from sip.testing.judges.transaction import check_transaction

#: What an element owes the next one: each is judged by itself.
_OF_HOPS: Final = (
    *("RFC 3261 section 8.1.1.7", "RFC 3261 section 8.2.6", "RFC 3261 section 9", "RFC 3261 section 16"),
    *("RFC 3261 section 17", "RFC 3261 section 18", "RFC 4320"),
)
_MAKES_DIALOGS: Final = frozenset(("INVITE", "SUBSCRIBE", "REFER", "CANCEL"))


def check_traffic(passages: Iterable[Passage], *, until: float | None = None) -> list[Finding]:
    """Judge everything that passed one place, in the order of sending: each transaction, and each dialog at each hop.

    ``until`` is a time until which all elements lived and were watched. Without it, what an element did not do is
    blamed only as long as it was heard of: whoever says nothing any more may be gone. (Whoever was started again in
    between cannot be told from one that forgot.) Raises nothing.
    """
    everything = sorted(passages, key=lambda each: each.at)
    heard: dict[Hashable, list[float]] = {}
    for each in everything:
        heard.setdefault(each.sender, []).append(each.at)

    def alive(messages: Sequence[Passage]) -> float:
        """Until when both ends of a hop were heard of, while it mattered: what comes later may be of a new start."""
        if until is not None:
            return until
        ends = {each.sender for each in messages} | {each.receiver for each in messages}
        last = messages[-1].at + LONGEST
        return min(max((at for at in heard.get(each, ()) if at <= last), default=messages[0].at) for each in ends)

    found: list[Finding] = []
    transactions = transactions_of(everything)
    for messages in transactions:
        found += check_transaction(messages, until=alive(messages))
    found += check_astray(transactions)
    found += check_strayed(everything)
    for messages in dialogs_of(everything):
        found += check_dialog(messages, until=alive(messages))
        found += check_offer_answer(messages)
    return _where_it_began(found, everything)


def _where_it_began(found: Iterable[Finding], passages: Iterable[Passage]) -> list[Finding]:
    """What is wrong with a message is so wherever it is passed on: the first to send it is the one to blame."""
    sent = {id(each.message): each.at for each in passages}
    kept: dict[tuple[object, ...], Finding] = {}
    for each in sorted(found, key=lambda each: sent[id(each.messages[-1])]):
        key = (each.source, each.clause, *_identity(each.messages[-1]))
        if each.source.startswith(_OF_HOPS):
            key = (*key, id(each))
        kept.setdefault(key, each)
    return list(kept.values())


def _identity(message: object) -> tuple[object, ...]:
    """What stays of a message from hop to hop."""
    if not isinstance(message, Request | Response):
        return (id(message),)
    cseq = cseq_of(message)
    if cseq is None:
        return (id(message),)
    start = message.method if isinstance(message, Request) else message.status
    return call_id_of(message), cseq, start, from_tag(message), to_tag(message)


def transactions_of(passages: Iterable[Passage]) -> list[list[Passage]]:
    """The messages of each hop that share the topmost Via, in the order of the first of each."""
    found: dict[tuple[object, ...], list[Passage]] = {}
    for passage in passages:
        found.setdefault(_hop(passage), []).append(passage)
    return list(found.values())


def _hop(passage: Passage) -> tuple[object, ...]:
    via, cseq = top_via(passage.message), cseq_of(passage.message)
    if via is None:
        return (id(passage),)
    branch = via.params.get("branch")
    if branch:
        return via.host.lower(), via.port, branch
    return via.host.lower(), via.port, call_id_of(passage.message), cseq and cseq.number


def dialogs_of(passages: Iterable[Passage]) -> list[list[Passage]]:
    """The messages of each dialog at each hop: a hop is two elements, whoever of them sends.

    With it goes what has one of its tags and no other: the request that makes the dialog, and its challenges.
    """
    calls: dict[tuple[object, ...], list[Passage]] = {}
    for passage in passages:
        call_id = call_id_of(passage.message)
        if call_id is not None:
            calls.setdefault((call_id, frozenset((passage.sender, passage.receiver))), []).append(passage)
    return [dialog for messages in calls.values() for dialog in _of_call(messages)]


def _of_call(messages: list[Passage]) -> Iterable[list[Passage]]:
    known: dict[frozenset[str], None] = {}
    for each in messages:
        here, there = from_tag(each.message), to_tag(each.message)
        made = isinstance(each.message, Request) or 100 < each.message.status < 300
        cseq = cseq_of(each.message)
        if here and there and made and cseq is not None and cseq.method != "REGISTER":
            known.setdefault(frozenset((here, there)))
    for tags in known:
        yield [each for each in messages if _belongs(each, tags, known)]


def _belongs(passage: Passage, tags: frozenset[str], known: Iterable[frozenset[str]]) -> bool:
    here, there = from_tag(passage.message), to_tag(passage.message)
    cseq = cseq_of(passage.message)
    if here not in tags:
        return False
    if there is not None and frozenset((here, there)) in known:
        return there in tags
    return cseq is not None and cseq.method in _MAKES_DIALOGS
