"""Judge the requests of a dialog: what each has from the dialog's state, and what must not follow what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.testing.judges.conversation import Asked, Conversation, status_of
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.passage import Passage
from sip.testing.judges.reading import (
    from_tag,
    from_uri,
    has_option,
    line,
    recorded,
    request_uri,
    routes,
    start_line,
    to_tag,
    to_uri,
)
from sip.testing.judges.reliable import check_reliable
from sip.testing.judges.subscription import check_subscription
from sip.testing.judges.timers import LONGEST, T1

_STATE: Final = "RFC 3261 section 12.2.1.1"
#: Copies of a 2xx after which it has come without an ACK: the callee repeats it as long as it hears none.
_WITHOUT_ACK: Final = 4
#: What is of a session, and ends with it. A subscription may outlive it (RFC 5057).
_OF_SESSION: Final = frozenset(("INVITE", "UPDATE", "INFO", "PRACK", "BYE"))


def check_dialog(passages: Sequence[Passage], *, until: float | None = None) -> list[Finding]:
    """Judge the messages of one dialog at one hop, in the order of sending: see `dialogs_of`.

    That is the request that makes it, with those that were challenged before, whatever has both tags, and the
    responses. Each message by itself, and the timers, are for `check_transaction`; here it is what a request has from
    the dialog (RFC 3261 section 12.2.1.1), ACK, BYE and crossing INVITEs (sections 13.2.2.4, 14.1, 15), reliable
    provisional responses (RFC 3262) and subscriptions (RFC 6665). ``until`` is when watching ended. Raises nothing.
    """
    dialog = Conversation.of(passages, until)
    rules = (_numbers, _targets, _routes, _addresses, _acknowledged, _ends, _crossing, check_reliable)
    return [finding for rule in (*rules, check_subscription) for finding in rule(dialog)]


def _finding(
    source: str,
    clause: str,
    seen: str,
    by: object,
    *messages: Request | Response,
    expected: str = "",
    force: Force = Force.MUST,
) -> Finding:
    return Finding(source=source, force=force, clause=clause, expected=expected, seen=seen, by=by, messages=messages)


def _numbers(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 section 12.2.1.1: CSeq increases by one, for each side by itself."""
    for tag in dialog.tags:
        before: Asked | None = None
        for each in dialog.asked:
            if each.tag != tag or each.request.method in ("ACK", "CANCEL") or not each.written_here:
                continue
            if before is None or before.number is None or each.number is None:
                before = before if each.number is None else each
                continue
            if each.number == before.number and each.request.method == before.request.method:
                continue  # to another server, as a failure asks for
            if each.number <= before.number:
                clause = "CSeq increases with each request of a side"
                seen = f"{each.number} after {before.number}"
                yield _finding(_STATE, clause, seen, each.by, before.request, each.request)
                continue
            if each.number > before.number + 1:
                clause, seen = "CSeq increases by one", f"{each.number} after {before.number}"
                yield _finding(_STATE, clause, seen, each.by, before.request, each.request)
            before = each
    invites = {(each.tag, each.number): each for each in dialog.asked if each.request.method == "INVITE"}
    for each in dialog.within():
        if each.request.method == "ACK" and (each.tag, each.number) not in invites:
            own = [invite for (tag, _), invite in invites.items() if tag == each.tag]
            if own and dialog.first is not None:
                clause, seen = "CSeq of an ACK has the number of its INVITE", line(each.request, "CSeq")
                yield _finding("RFC 3261 section 13.2.2.4", clause, seen, each.by, own[-1].request, each.request)


def _loose(dialog: Conversation) -> bool:
    """Whether all proxies route loosely, so that the Request-URI stays that of the other side."""
    return all("lr" in uri.params for each in dialog.passages for uri in recorded(each.message) or ())


def _targets(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 section 12.2.1.1: the Request-URI is where the other side said that it is reached."""
    if not _loose(dialog):
        return
    for each in dialog.within():
        request = each.request
        known = dialog.targets_of(to_tag(request), each.at)
        uri = request_uri(request)
        if known and uri is not None and uri not in known:
            clause = "the Request-URI is the remote target, the Contact of the other side"
            expected = " or ".join(dict.fromkeys(map(str, known)))
            shown = _last_contact(dialog, to_tag(request), each.at)
            yield _finding(_STATE, clause, str(uri), each.by, *shown, request, expected=expected)


def _last_contact(dialog: Conversation, tag: str | None, at: float) -> list[Request | Response]:
    found = [
        each.message
        for each in dialog.passages
        if each.at <= at
        and "Contact" in each.message.headers
        and tag == (from_tag(each.message) if each.request is not None else to_tag(each.message))
    ]
    return found[-1:]


def _routes(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 sections 12.1.1, 12.1.2 and 12.2.1.1: Route is what Record-Route was, seen from the side that asks."""
    first = dialog.first
    if first is None or not dialog.established() or not _loose(dialog):
        return
    requested = recorded(first.request)
    if requested is None:
        return
    for each in dialog.within():
        if not each.written_here:
            continue
        wanted: list[list[Uri]] = []
        if each.tag != first.tag:
            wanted.append(requested)
        else:
            for answer in dialog.established():
                answered = recorded(answer.message)
                if answered is not None and answer.at <= each.at:
                    wanted.append(answered[::-1])
        route = routes(each.request)
        if wanted and route is not None and route not in wanted:
            expected = ", ".join(f"<{uri}>" for uri in wanted[-1]) or "no Route"
            clause = "Route is the route set of the dialog"
            shown = first.request if each.tag != first.tag else dialog.established()[-1].message
            yield _finding(_STATE, clause, line(each.request, "Route"), each.by, shown, each.request, expected=expected)


def _addresses(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 section 12.2.1.1: the URIs of From and To stay, where nobody agreed to change them (RFC 4916)."""
    first = dialog.first
    if first is None or any(has_option(each.message, "Supported", "from-change") for each in dialog.passages):
        return
    caller, callee = from_uri(first.request), to_uri(first.request)
    for each in dialog.within():
        local, remote = (caller, callee) if each.tag == first.tag else (callee, caller)
        for name, wanted, seen in (
            ("From", local, from_uri(each.request)),
            ("To", remote, to_uri(each.request)),
        ):
            if wanted is not None and seen is not None and wanted != seen:
                clause = f"the URI in {name} is that of the dialog"
                messages = first.request, each.request
                yield _finding(_STATE, clause, str(seen), each.by, *messages, expected=str(wanted))


def _acknowledged(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 section 13.2.2.4: a 2xx to INVITE is acknowledged."""
    acks = [each for each in dialog.within() if each.request.method == "ACK"]
    for invite in dialog.asked:
        answers = invite.answers(200, 300) if invite.request.method == "INVITE" else []
        own = [each for each in acks if each.tag == invite.tag and each.number == invite.number]
        for ack in own:
            for name in ("Authorization", "Proxy-Authorization"):
                if name in invite.request.headers and name not in ack.request.headers:
                    clause = f"the ACK to a 2xx has the credentials of the INVITE, {name}"
                    source = "RFC 3261 section 13.2.2.4"
                    yield _finding(source, clause, f"no {name}", ack.by, invite.request, ack.request)
        if not answers or own or not dialog.comes_by(invite.tag):
            continue
        known = [each for each in answers if each.arrived]
        doubtful = [each for each in answers if each.arrived is None]
        got = known[0] if known else doubtful[_WITHOUT_ACK - 1] if len(doubtful) >= _WITHOUT_ACK else None
        if got is not None and dialog.until > got.at + T1:
            clause = "each 2xx to INVITE is acknowledged"
            seen = f"{len(answers)} copies of {start_line(got.message)} and no ACK"
            yield _finding("RFC 3261 section 13.2.2.4", clause, seen, invite.by, invite.request, got.message)


def _ends(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 sections 15 and 15.1: when BYE may be sent, and that nothing of the session follows it."""
    byes = [each for each in dialog.within() if each.request.method == "BYE"]
    first = dialog.first
    if first is not None and first.request.method == "INVITE":
        for bye in byes:
            if bye.tag != first.tag:
                yield from _bye_of_callee(dialog, first, bye)
    for bye in byes:
        answer = next(iter(bye.answers(200, 300)), None)
        for each in dialog.within():
            if each is bye or each.request.method not in _OF_SESSION or bye.challenged:
                continue
            sent = each.tag == bye.tag and each.at > bye.at
            agreed = each.tag != bye.tag and answer is not None and each.at > answer.at
            if (sent or agreed) and each.written_here:
                source = "RFC 3261 section 15.1.1" if sent else "RFC 3261 section 15.1.2"
                clause = "a session is over with BYE, and nothing of it is sent after it"
                shown = () if sent or answer is None else (answer.message,)
                messages = (bye.request, *shown, each.request)
                yield _finding(source, clause, start_line(each.request), each.by, *messages, force=Force.SHOULD)


def _bye_of_callee(dialog: Conversation, first: Asked, bye: Asked) -> Iterator[Finding]:
    source = "RFC 3261 section 15"
    answers = [each for each in first.answers(200, 300) if each.at <= bye.at]
    if not answers:
        if first.responses and not first.answers(300, 700):
            clause = "the callee sends no BYE on an early dialog"
            yield _finding(source, clause, "a BYE before the 2xx", bye.by, first.request, bye.request)
        return
    acknowledged = any(
        each.request.method == "ACK" and each.tag == first.tag and each.at <= bye.at for each in dialog.within()
    )
    if not acknowledged and bye.at < answers[0].at + LONGEST * 0.9:
        clause = "the callee sends no BYE before the ACK to its 2xx, or 64*T1 later"
        seen = f"a BYE {bye.at - answers[0].at:.3f} s after the 2xx, and no ACK before"
        yield _finding(source, clause, seen, bye.by, answers[0].message, bye.request)


def _crossing(dialog: Conversation) -> Iterator[Finding]:
    """RFC 3261 section 14.1: one INVITE at a time. Of one that nothing was seen of, nobody knows whether it is over."""
    invites = [each for each in dialog.asked if each.request.method == "INVITE"]
    for before, each in pairwise(invites):
        if each.tag != before.tag or not each.written_here or to_tag(each.request) is None:
            continue
        if before.responses and not any(
            status_of(answer) >= 200 and answer.at <= each.at for answer in before.responses
        ):
            clause = "no INVITE is sent while one is in progress"
            seen = f"a second INVITE {each.at - before.at:.3f} s after one without final response"
            yield _finding("RFC 3261 section 14.1", clause, seen, each.by, before.request, each.request)
