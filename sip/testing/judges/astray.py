"""Judge an ACK or a CANCEL whose branch is that of no request, though it is told by the rest which one was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sip.message.response import Response
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import call_id_of, cseq_of, from_tag, is_of_its_author, line, to_tag, top_via


def check_astray(transactions: Sequence[Sequence[Passage]]) -> Iterator[Finding]:
    """RFC 3261 sections 9.1 and 17.1.1.3, over all transactions as `transactions_of` gives them.

    An ACK is of an INVITE with its Call-ID, tag and number that was refused with the tag which the ACK has, where no
    2xx had that tag. A CANCEL is of such an INVITE with its To. Only who has written both is blamed, and only where the
    INVITE has no ACK or CANCEL of its own. Raises nothing.
    """
    invites: dict[tuple[object, ...], list[Sequence[Passage]]] = {}
    for messages in transactions:
        first = next((each for each in messages if _is(each, "INVITE")), None)
        if first is not None:
            invites.setdefault(_place(first), []).append(messages)
    for messages in transactions:
        requests = [each for each in messages if each.request is not None]
        for method in ("ACK", "CANCEL"):
            if not requests or not all(_is(each, method) for each in requests):
                continue
            stray = requests[0]
            for whole in invites.get(_place(stray), ()):
                yield from _astray(method, stray, whole)


def _is(passage: Passage, method: str) -> bool:
    return passage.request is not None and passage.request.method == method and is_of_its_author(passage.request)


def _place(passage: Passage) -> tuple[object, ...]:
    """What is the same in an INVITE and its ACK or CANCEL at a hop."""
    message = passage.message
    cseq = cseq_of(message)
    number = None if cseq is None else cseq.number
    return passage.sender, passage.receiver, call_id_of(message), from_tag(message), number


def _astray(method: str, stray: Passage, whole: Sequence[Passage]) -> Iterator[Finding]:
    invite = next(each for each in whole if _is(each, "INVITE"))
    via = top_via(stray.message)
    answered = [each for each in whole if isinstance(each.message, Response) and each.at <= stray.at]
    own = any(each.request is not None and each.request.method == method for each in whole)
    if own or via is None or not via.params.get("branch") or invite.at > stray.at or cseq_of(stray.message) is None:
        return
    if method == "ACK":
        refusal = next((each for each in answered if _final(each) >= 300 and _meant(each, stray)), None)
        taken = any(200 <= _final(each) < 300 for each in whole)
        if refusal is None or taken:
            return
        source, clause = "RFC 3261 section 17.1.1.3", "the single Via of ACK equals the topmost Via of the INVITE"
        shown: tuple[object, ...] = (invite.message, refusal.message, stray.message)
    else:
        if to_tag(stray.message) != to_tag(invite.message) or any(_final(each) >= 200 for each in answered):
            return
        source, clause = "RFC 3261 section 9.1", "the single Via of CANCEL equals the topmost Via of its request"
        shown = (invite.message, stray.message)
    seen, expected = line(stray.message, "Via"), line(invite.message, "Via")
    yield Finding(
        source=source,
        force=Force.MUST,
        clause=clause,
        expected=expected,
        seen=seen,
        by=stray.sender,
        messages=shown,
    )


def _final(passage: Passage) -> int:
    message, cseq = passage.message, cseq_of(passage.message)
    of_invite = isinstance(message, Response) and cseq is not None and cseq.method == "INVITE"
    return message.status if of_invite and isinstance(message, Response) else 0


def _meant(refusal: Passage, ack: Passage) -> bool:
    return to_tag(refusal.message) is not None and to_tag(refusal.message) == to_tag(ack.message)
