"""Judge the subscriptions of a dialog (RFC 6665)."""

from __future__ import annotations

from collections.abc import Iterator

from sip.testing.judges.conversation import Asked, Conversation
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.reading import line, read, start_line
from sip.testing.judges.timers import LONGEST

_Event = tuple[str, str | None]


def check_subscription(dialog: Conversation) -> Iterator[Finding]:
    """Notifications are of what was subscribed, come at once, and not after the end."""
    subscribes = [each for each in dialog.asked if each.request.method == "SUBSCRIBE"]
    notifies = [each for each in dialog.asked if each.request.method in ("NOTIFY", "BENOTIFY")]
    yield from _of_event(dialog, subscribes, notifies)
    yield from _after_the_end(subscribes, notifies)
    for subscribe in subscribes:
        yield from _at_once(dialog, subscribe, notifies)


def _of_event(dialog: Conversation, subscribes: list[Asked], notifies: list[Asked]) -> Iterator[Finding]:
    """RFC 6665 section 3.2.1: the package of a NOTIFY is that of the SUBSCRIBE."""
    first = dialog.first
    if first is None or first.request.method != "SUBSCRIBE":
        return  # REFER makes a subscription of its own, and there may be others in the dialog of a session
    asked = {event[0] for each in subscribes if (event := _event(each)) is not None}
    referred = any(each.request.method == "REFER" for each in dialog.asked)
    for each in notifies:
        event = _event(each)
        if event is not None and asked and event[0] not in asked and not (referred and event[0] == "refer"):
            clause, seen = "Event of a NOTIFY is that of the SUBSCRIBE", line(each.request, "Event")
            yield _finding("RFC 6665 section 3.2.1", Force.MUST, clause, seen, first, each)


def _after_the_end(subscribes: list[Asked], notifies: list[Asked]) -> Iterator[Finding]:
    """RFC 6665 section 4.2.2: a subscription that is terminated is over."""
    over: dict[_Event, Asked] = {}
    for each in sorted([*subscribes, *notifies], key=lambda each: each.at):
        event = _event(each)
        if event is None:
            continue
        if each.request.method == "SUBSCRIBE":
            over.pop(event, None)
        elif event in over and each.written_here and not over[event].challenged:
            clause = "no NOTIFY follows the one that terminates the subscription"
            seen = start_line(each.request)
            yield _finding("RFC 6665 section 4.2.2", Force.SHOULD, clause, seen, over[event], each)
        elif _is_terminated(each):
            over[event] = each


def _at_once(dialog: Conversation, subscribe: Asked, notifies: list[Asked]) -> Iterator[Finding]:
    """RFC 6665 section 4.2.1.2: a NOTIFY follows each 2xx to SUBSCRIBE."""
    accepted = next(iter(subscribe.answers(200, 300)), None)
    if accepted is None or not (dialog.recorded() or notifies) or dialog.until < accepted.at + LONGEST:
        return
    if accepted.message.body:
        return  # which brings the state with it, as Microsoft's ``ms-piggyback-first-notify`` does
    if not any(subscribe.at <= each.at <= accepted.at + LONGEST for each in notifies):
        yield Finding(
            source="RFC 6665 section 4.2.1.2",
            force=Force.MUST,
            clause="a NOTIFY is sent at once when a subscription is accepted or refreshed",
            seen="none in 64*T1",
            by=accepted.sender,
            messages=(subscribe.request, accepted.message),
        )


def _event(asked: Asked) -> _Event | None:
    event = read(lambda: asked.request.event)
    return None if event is None else (event.package, event.id)


def _is_terminated(asked: Asked) -> bool:
    state = read(lambda: asked.request.subscription_state)
    return state is not None and str(state).lower().startswith("terminated")


def _finding(source: str, force: Force, clause: str, seen: str, before: Asked, each: Asked) -> Finding:
    messages = (before.request, each.request)
    return Finding(source=source, force=force, clause=clause, seen=seen, by=each.by, messages=messages)
