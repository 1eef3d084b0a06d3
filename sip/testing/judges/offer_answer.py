"""Judge in which messages of a dialog offers and answers stand (RFC 3261 section 13.2.1, RFC 3262, RFC 3311).

What is in a description is not looked at here: `exchanged` gives it to whoever reads descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from sip.message.bodies import SDP, body_of
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.judges.conversation import Asked, Conversation, status_of
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage, distinct
from sip.testing.judges.reading import cseq_of, has_option, rack_of, rseq_of, start_line

_RULES: Final = "RFC 3261 section 13.2.1"


@attrs.frozen(kw_only=True)
class Exchanged:
    """An offer, and what became of it."""

    at: float
    offered: Passage
    answered: Passage | None  #: None where nobody answered

    @property
    def offer(self) -> bytes:
        """The description that was offered."""
        return body_of(self.offered.message, SDP)

    @property
    def answer(self) -> bytes | None:
        """The description that answered it."""
        return None if self.answered is None else body_of(self.answered.message, SDP)


def check_offer_answer(passages: Sequence[Passage]) -> list[Finding]:
    """Judge where the offers and answers of one dialog stand, in the order of sending: see `dialogs_of`.

    Every 2xx that owes one has a description, an answer does not change, and nobody offers while an offer is open.
    Raises nothing.
    """
    dialog = Conversation.of(passages)
    found: list[Finding] = []
    for each in dialog.asked:
        match each.request.method:
            case "INVITE":
                found += _invite(dialog, each)
            case "UPDATE":
                found += _answered(each, "RFC 3311 section 5.2")
            case "PRACK":
                found += _answered(each, "RFC 3262 section 5")
    return [*found, *_one_at_a_time(dialog)]


def exchanged(passages: Sequence[Passage]) -> list[Exchanged]:
    """The offers of one dialog in the order of sending, with their answers."""
    dialog = Conversation.of(passages)
    found: list[Exchanged] = []
    for each in dialog.asked:
        if each.request.method == "INVITE":
            found += _of_invite(dialog, each)
        elif each.request.method in ("UPDATE", "PRACK") and _describes(each.copies[0]):
            if each.request.method == "PRACK" and any(one.answered is each.copies[0] for one in found):
                continue
            answer = next((one for one in each.answers(200, 300) if _describes(one)), None)
            found.append(Exchanged(at=each.at, offered=each.copies[0], answered=answer))
    return sorted(found, key=lambda each: each.at)


def _of_invite(dialog: Conversation, invite: Asked) -> Iterator[Exchanged]:
    described = [each for each in invite.answers(101, 300) if _describes(each)]
    if _describes(invite.copies[0]):
        yield Exchanged(at=invite.at, offered=invite.copies[0], answered=next(iter(described), None))
        return
    offer = next((each for each in described if _is_reliable(each)), None)
    if offer is not None:
        yield Exchanged(at=offer.at, offered=offer, answered=_acknowledgement(dialog, invite, offer))


def _acknowledgement(dialog: Conversation, invite: Asked, offer: Passage) -> Passage | None:
    """What answers the offer of a response: the PRACK or the ACK to it, where that describes."""
    for each in dialog.asked:
        if each.tag == invite.tag and _acknowledges(each, invite, offer) and _describes(each.copies[0]):
            return each.copies[0]
    return None


def _acknowledges(each: Asked, invite: Asked, offer: Passage) -> bool:
    if status_of(offer) >= 200:
        return each.request.method == "ACK" and each.number == invite.number
    cseq = cseq_of(offer.message)
    number = rseq_of(offer.message)
    return cseq is not None and rack_of(each.request) == (number, cseq.number, cseq.method)


def _describes(passage: Passage) -> bool:
    return bool(body_of(passage.message, SDP))


def _is_reliable(passage: Passage) -> bool:
    """Whether a response is one that cannot get lost: a 2xx, or one that is acknowledged."""
    return status_of(passage) >= 200 or has_option(passage.message, "Require", "100rel")


def _invite(dialog: Conversation, invite: Asked) -> Iterator[Finding]:
    finals = invite.answers(200, 300)
    before = [each for each in invite.answers(101, 200) if _describes(each)]
    reliable = [each for each in before if _is_reliable(each)]
    if _describes(invite.copies[0]):
        if finals and not _describes(finals[0]) and not reliable:
            clause = "a 2xx to an INVITE with an offer has the answer, unless a reliable response had it"
            yield _finding("RFC 3261 section 13.3.1.4", clause, "no description", invite.request, finals[0])
        yield from _one_answer(dialog, [*before, *finals])
        return
    if invite.request.body:
        return  # a session that is described by something else, as that of a Focus
    first = next((each for each in invite.answers(101, 300) if _is_reliable(each)), None)
    if first is None:
        return
    if not _describes(first):
        provisional = status_of(first) < 200
        source = "RFC 3262 section 5" if provisional else "RFC 3261 section 13.3.1.4"
        clause = "the first reliable response to an INVITE without offer has one"
        yield _finding(source, clause, "no description", invite.request, first)
        return
    acknowledging = [each for each in dialog.asked if each.tag == invite.tag and _acknowledges(each, invite, first)]
    for each in acknowledging[:1]:
        if not _describes(each.copies[0]):
            source = "RFC 3262 section 5" if status_of(first) < 200 else _RULES
            clause = f"the {each.request.method} to an offer has the answer"
            yield _finding(source, clause, "no description", invite.request, first, each.copies[0])


def _one_answer(dialog: Conversation, answers: Sequence[Passage]) -> Iterator[Finding]:
    """The same exact answer in each response of one INVITE."""
    described = [copies[0] for copies in distinct([each for each in answers if _describes(each)])]
    for each in described[1:]:
        reliable = next((one for one in described if _is_reliable(one) and one is not each and one.at < each.at), None)
        if body_of(each.message, SDP) != body_of(described[0].message, SDP):
            clause = "responses to one INVITE have the same exact answer"
            if reliable is not None:
                clause = "once an answer is given, no other description is in a response to the INVITE"
            seen = f"another description in {start_line(each.message)}"
            yield _finding(_RULES, clause, seen, described[0], each)
            return


def _answered(asked: Asked, source: str) -> Iterator[Finding]:
    """An UPDATE or PRACK with an offer is answered in its 2xx."""
    answer = next(iter(asked.answers(200, 300)), None)
    offers = _describes(asked.copies[0]) and (asked.request.method == "UPDATE" or not _answers_something(asked))
    if offers and answer is not None and not _describes(answer):
        clause = f"the 2xx to {asked.request.method} with an offer has the answer"
        yield _finding(source, clause, "no description", asked.request, answer)


def _answers_something(prack: Asked) -> bool:
    """Whether a PRACK may have an answer in it and no offer: its 2xx, which describes nothing, tells."""
    return not any(_describes(each) for each in prack.answers(200, 300))


def _one_at_a_time(dialog: Conversation) -> Iterator[Finding]:
    """Nobody offers while an own offer is open. (That of the other side may not have arrived.)"""
    offers = [
        each
        for each in dialog.asked
        if each.request.method in ("INVITE", "UPDATE") and _describes(each.copies[0]) and not each.challenged
    ]
    for place, each in enumerate(offers):
        for before in offers[:place]:
            if before.tag != each.tag or not each.written_here or _is_settled(before, each.at):
                continue
            clause = "nobody offers while an offer of the same side has no answer"
            source = "RFC 3311 section 5.1" if each.request.method == "UPDATE" else _RULES
            yield _finding(source, clause, start_line(each.request), before.request, each.copies[0])


def _is_settled(offer: Asked, at: float) -> bool:
    """Whether an offer had been answered, or refused, or timed out by then."""
    for each in offer.responses:
        if each.at <= at and (status_of(each) >= 200 or (_describes(each) and _is_reliable(each))):
            return True
    return not offer.responses


def _finding(source: str, clause: str, seen: str, *shown: Passage | Request) -> Finding:
    last = shown[-1]
    messages: tuple[Request | Response, ...] = tuple(
        each.message if isinstance(each, Passage) else each for each in shown
    )
    by = last.sender if isinstance(last, Passage) else None
    return Finding(source=source, force=Force.MUST, clause=clause, seen=seen, by=by, messages=messages)
