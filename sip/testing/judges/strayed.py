"""Judge what belongs to nothing: responses to what was not asked, and requests in a dialog that nobody has made."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import call_id_of, cseq_of, from_tag, is_of_its_author, line, to_tag, top_via

_RESPONSE = "RFC 3261 section 8.2.6.2"


def check_strayed(everything: Sequence[Passage]) -> Iterator[Finding]:
    """RFC 3261 sections 8.2.6.2 and 12.2.1.1, over all that passed, in the order of sending.

    Only what cannot be told otherwise is blamed: that a request was not seen shows nothing. So a response is held
    against a request that was seen, by its number and Call-ID; and a BYE against all tags that any message of its call
    has. Raises nothing.
    """
    yield from _responses(everything)
    yield from _goodbyes(everything)


def _responses(everything: Sequence[Passage]) -> Iterator[Finding]:
    """A response has the Via and the method of the request whose number, Call-ID and tag it has."""
    asked: dict[tuple[object, ...], list[Passage]] = {}
    blamed: set[tuple[object, ...]] = set()
    for each in everything:
        cseq, via = cseq_of(each.message), top_via(each.message)
        if cseq is None or via is None or cseq.method in ("ACK", "CANCEL"):
            continue  # those share the number of their INVITE
        if each.request is not None:
            asked.setdefault(_place(each, each.sender, each.receiver, cseq.number), []).append(each)
            continue
        place = _place(each, each.receiver, each.sender, cseq.number)
        requests = asked.get(place, [])
        branch = via.params.get("branch")
        if not requests or not branch or (*place, branch, cseq.method) in blamed:
            continue
        same = [one for one in requests if (asks := cseq_of(one.message)) is not None and asks.method == cseq.method]
        clause = seen = ""
        if not same:
            clause, seen = "CSeq of a response equals that of its request", line(each.message, "CSeq")
            shown = requests[-1]
        elif branch not in {_branch(one) for one in requests}:
            clause, seen = "Via of a response equals that of its request", line(each.message, "Via")
            shown = same[-1]
        if clause:
            blamed.add((*place, branch, cseq.method))
            yield Finding(
                source=_RESPONSE,
                force=Force.MUST,
                clause=clause,
                seen=seen,
                by=each.sender,
                messages=(shown.message, each.message),
            )


def _place(passage: Passage, asks: Hashable, answers: Hashable, number: int) -> tuple[object, ...]:
    """What is the same in a request and its responses at a hop."""
    return asks, answers, call_id_of(passage.message), from_tag(passage.message), number


def _branch(passage: Passage) -> str | None:
    via = top_via(passage.message)
    return None if via is None else via.params.get("branch")


def _goodbyes(everything: Sequence[Passage]) -> Iterator[Finding]:
    """BYE goes to a tag that the other side has had: of none that was heard of, it ends a dialog that is not there."""
    tags: dict[object, dict[str, None]] = {}
    made: dict[tuple[object, ...], Passage] = {}  #: 2xx to INVITE, by Call-ID, and by each side of it with its tag
    for each in everything:
        message, call_id, cseq = each.message, call_id_of(each.message), cseq_of(each.message)
        mine, theirs = from_tag(message), to_tag(message)
        known = tags.setdefault(call_id, {})
        request, response = each.request, each.response
        if request is not None and request.method == "BYE":
            answer = made.get((call_id, each.sender, mine))
            if answer is not None and theirs not in (None, *known) and is_of_its_author(request):
                yield Finding(
                    source="RFC 3261 section 12.2.1.1",
                    force=Force.MUST,
                    clause="the tag in To is that of the other side of the dialog",
                    seen=line(message, "To"),
                    by=each.sender,
                    messages=(answer.message, message),
                )
            continue
        if response is not None and cseq is not None and cseq.method == "INVITE" and 200 <= response.status < 300:
            made.setdefault((call_id, each.receiver, mine), each)
            made.setdefault((call_id, each.sender, theirs), each)
        if cseq is None or cseq.method != "BYE":
            known |= dict.fromkeys(tag for tag in (mine, theirs) if tag)
