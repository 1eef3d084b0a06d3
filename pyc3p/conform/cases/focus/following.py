"""Following a conference: SUBSCRIBE, the first document, the changes, the end."""

from __future__ import annotations

from c3p import ConferenceInfo, ConferenceKeys, DeleteConference, conference_key, focus_uri, mcu_type_of
from pyc3p.conform.cases.focus.sources import (
    CONFBAS,
    FOLLOWED,
    OURS,
    TWO_FOLLOWED,
    focus_case,
)
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.member import Member, Told
from sip.testing import Force


def _info(told: Told) -> ConferenceInfo:
    assert isinstance(told.document, ConferenceInfo)
    return told.document


def _first(bench: FocusBench) -> tuple[Member, ConferenceInfo]:
    """The organizer, who follows, and the first document."""
    member = bench.joined()
    exchange = member.try_to_subscribe()
    if exchange.status >= 300:
        bench.skip(f"SUBSCRIBE is answered {exchange.told}")
    if not member.until(lambda: member.notified):
        bench.blame("no document comes")
    return member, _info(member.notified[0])


@focus_case("RFC 6665 section 4.2.1.2", Force.MUST, applies=FOLLOWED)
def document_at_once(bench: FocusBench) -> None:
    """After SUBSCRIBE the state of the conference is told at once, as application/conference-info+xml."""
    _first(bench)


@focus_case("RFC 4575 section 3.2", Force.SHOULD, applies=FOLLOWED)
def first_is_full(bench: FocusBench) -> None:
    """The first document has the full state."""
    _, info = _first(bench)
    if info.state not in (None, "full"):
        bench.blame(f"its state is {info.state!r}")


@focus_case("RFC 4575 section 4.3", Force.MUST, applies=FOLLOWED)
def version(bench: FocusBench) -> None:
    """A document has a version, and names its conference."""
    _, info = _first(bench)
    if info.version is None:
        bench.blame("no version")
    if conference_key(info.entity) != conference_key(bench.conference):
        bench.blame(f"entity is {info.entity!r}")


@focus_case("RFC 4575 section 3.6", Force.SHOULD, applies=FOLLOWED)
def shows_oneself(bench: FocusBench) -> None:
    """Who has joined is in the roster, with an endpoint that is connected."""
    member, _ = _first(bench)
    user = member.sees(member.aor)
    if not any(each.status == "connected" for each in user.endpoints):
        bench.blame(f"its endpoints are {', '.join(str(each.status) for each in user.endpoints) or 'none'}")


@focus_case(CONFBAS, Force.SHOULD, applies=FOLLOWED)
def addresses_of_mcus(bench: FocusBench) -> None:
    """The description has the MCU-Conference-URI of each MCU, and says which it is."""
    _, info = _first(bench)
    entries = info.description.conf_uris if info.description is not None else ()
    if not any(entry.uri and mcu_type_of(entry.uri) for entry in entries):
        bench.blame(f"conf-uris has {', '.join(str(entry.uri) for entry in entries) or 'nothing'}")


@focus_case("RFC 4575 section 3.6", Force.SHOULD, applies=TWO_FOLLOWED)
def join_is_told(bench: FocusBench) -> None:
    """Who joins is told to those who follow."""
    first = bench.joined(follows=True)
    second = bench.joined("attendee")
    first.sees(second.aor)


@focus_case("RFC 4575 section 3.6", Force.SHOULD, applies=TWO_FOLLOWED)
def leave_is_told(bench: FocusBench) -> None:
    """Who leaves is told to those who follow."""
    first = bench.joined(follows=True)
    second = bench.joined("attendee")
    first.sees(second.aor)
    second.leave()
    first.sees_gone(second.aor)


@focus_case("RFC 4575 section 3.2", Force.SHOULD, applies=TWO_FOLLOWED)
def changes_are_partial(bench: FocusBench) -> None:
    """What changes is told alone, not with all that is as it was."""
    first = bench.joined(follows=True)
    told = len(first.notified)
    bench.joined("attendee")
    first.sees(bench.focus.attendee)
    states = [_info(each).state for each in first.notified[told:]]
    if "partial" not in states:
        bench.blame(f"the documents after it are {', '.join(str(each or 'full') for each in states)}")


@focus_case("RFC 4575 section 5.2", Force.MUST, applies=TWO_FOLLOWED)
def versions_rise(bench: FocusBench) -> None:
    """Each document of a subscription has a higher version, a partial one by exactly one."""
    first = bench.joined(follows=True)
    for number in range(3):
        second = bench.joined("attendee", device=f"{number}")
        first.sees(second.aor)
        second.leave()
        first.sees_gone(second.aor)
    last: int | None = None
    for each in map(_info, first.notified):
        if each.version is None:
            bench.blame("a document without a version")
        if last is not None and (each.version <= last or (each.state == "partial" and each.version != last + 1)):
            bench.blame(f"a {each.state or 'full'} document with version {each.version} after {last}")
        last = each.version


@focus_case("RFC 4575 section 4.5", Force.MUST, applies=TWO_FOLLOWED)
def keys_are_unique(bench: FocusBench) -> None:
    """In a document each user is once, and in a user each endpoint."""
    first = bench.joined(follows=True)
    bench.joined("attendee")
    bench.joined("attendee", device="second")
    first.sees(bench.focus.attendee)
    first.subscribe_again(600)
    for info in map(_info, first.notified):
        users = info.users.users if info.users is not None else ()
        for keys in ([each.entity for each in users], *([each.entity for each in user.endpoints] for user in users)):
            if len(set(keys)) < len(keys):
                bench.blame(f"twice in a document: {', '.join(key for key in set(keys) if keys.count(key) > 1)}")


@focus_case("RFC 4575 section 4.4", Force.MUST, applies=FOLLOWED)
def states_agree(bench: FocusBench) -> None:
    """In what is full, nothing is partial or deleted."""
    _, info = _first(bench)
    if info.state not in (None, "full") or info.users is None:
        bench.skip("the first document is not full")
    states = [info.users.state, *(each.state for each in info.users.users)]
    states += [each.state for user in info.users.users for each in user.endpoints]
    wrong = [each for each in states if each not in (None, "full")]
    if wrong:
        bench.blame(f"state {wrong[0]!r} inside a full document")


@focus_case("RFC 4575 section 3.2", Force.SHOULD, applies=FOLLOWED)
def refresh_is_full(bench: FocusBench) -> None:
    """SUBSCRIBE in the dialog is answered with the full state again."""
    member, _ = _first(bench)
    told = len(member.notified)
    exchange = member.subscribe_again(600)
    if exchange.status not in (200, 202):
        bench.blame(f"the refresh is answered {exchange.told}")
    if not member.until(lambda: any(_info(each).state in (None, "full") for each in member.notified[told:])):
        bench.blame("no full document comes")


@focus_case("RFC 6665 section 4.2.1.1", Force.MUST, applies=FOLLOWED)
def expires(bench: FocusBench) -> None:
    """The 200 to SUBSCRIBE has Expires, and that is not longer than was asked."""
    member = bench.joined()
    exchange = member.try_to_subscribe(expires=120)
    text = exchange.final.headers.get("Expires") or ""
    if not text.strip().isdigit() or int(text) > 120:
        bench.blame(f"Expires: {text}" if text else "no Expires")


@focus_case("RFC 6665 section 4.1.2.3", Force.MUST, applies=FOLLOWED)
def unsubscribes(bench: FocusBench) -> None:
    """After SUBSCRIBE with Expires 0 the last notification says terminated."""
    member, _ = _first(bench)
    exchange = member.subscribe_again(0)
    if exchange.status not in (200, 202):
        bench.blame(f"SUBSCRIBE with Expires 0 is answered {exchange.told}")
    if not member.until(lambda: member.subscription_state.lower().startswith("terminated")):
        bench.blame(f"the last one says {member.subscription_state!r}")


@focus_case("RFC 6665 section 4.2.1.1", Force.SHOULD, applies=FOLLOWED)
def other_package(bench: FocusBench) -> None:
    """An event package that nobody knows is 489."""
    member = bench.joined()
    exchange = member.try_to_subscribe(event="x-nobody-knows")
    if exchange.status != 489:
        bench.blame(exchange.told)


@focus_case("RFC 4575 section 3.5", Force.SHOULD, applies=FOLLOWED)
def nowhere(bench: FocusBench) -> None:
    """A conference that there is not cannot be followed."""
    bench.conference = focus_uri(str(bench.focus.organizer), bench.conference_id())
    exchange = bench.member().try_to_subscribe()
    if exchange.status < 300:
        bench.blame(exchange.told)


@focus_case(OURS, Force.OURS, applies=TWO_FOLLOWED)
def only_who_has_joined(bench: FocusBench) -> None:
    """Who is not in a conference does not follow it: 403."""
    bench.joined()
    exchange = bench.member("attendee").try_to_subscribe()
    if exchange.status != 403:
        bench.blame(exchange.told)


@focus_case("RFC 4575 section 4.6", Force.SHOULD, applies=TWO_FOLLOWED)
def same_for_all(bench: FocusBench) -> None:
    """What the changes have made for one is what another is told at once."""
    first = bench.joined(follows=True)
    second = bench.joined("attendee", follows=True)
    first.sees(second.aor)
    second.sees(first.aor)

    def seen(member: Member) -> set[tuple[str, str, str]]:
        users = member.roster.users.users if member.roster is not None and member.roster.users is not None else ()
        return {
            (user.entity.lower(), each.entity.lower(), each.status or "") for user in users for each in user.endpoints
        }

    if not first.until(lambda: seen(first) == seen(second)):
        bench.blame(f"one sees {sorted(seen(first))}, the other {sorted(seen(second))}")


@focus_case(OURS, Force.OURS, applies=TWO_FOLLOWED)
def one_who_does_not_answer(bench: FocusBench) -> None:
    """A follower who answers no notification keeps the others from nothing."""
    first = bench.joined(follows=True)
    silent = bench.joined("attendee")
    silent.answers_notify = False
    silent.try_to_subscribe()
    third = bench.joined("attendee", device="second")
    wanted = third.endpoint.strip("{}").lower()

    def seen() -> bool:
        user = first.shown(third.aor)
        return user is not None and any(each.entity.strip("{}").lower() == wanted for each in user.endpoints)

    if not first.until(seen):
        bench.blame("who joined then is not told")


@focus_case("RFC 4575 section 3.3", Force.SHOULD, applies=TWO_FOLLOWED)
def end_is_told(bench: FocusBench) -> None:
    """When a conference ends, its subscriptions end, with the reason noresource."""
    first = bench.joined(follows=True)
    second = bench.joined("attendee", follows=True)
    bench.spoil()
    answered = first.command(DeleteConference(conference_keys=ConferenceKeys(conf_entity=bench.conference)))
    if answered.refused:
        bench.skip(f"deleteConference is answered {answered.told}")
    if not second.until(lambda: second.subscription_state.lower().startswith("terminated")):
        bench.blame(f"the last notification says {second.subscription_state!r}")
    if "noresource" not in second.subscription_state.lower():
        bench.blame(f"it says {second.subscription_state!r}")


@focus_case(OURS, Force.OURS, applies=FOLLOWED)
def leaving_ends_it(bench: FocusBench) -> None:
    """Who leaves the conference does not follow it any more."""
    member, _ = _first(bench)
    member.leave()
    if not member.until(lambda: member.subscription_state.lower().startswith("terminated")):
        bench.blame(f"the last notification says {member.subscription_state!r}")


@focus_case(OURS, Force.OURS, applies=FOLLOWED)
def document_in_the_answer(bench: FocusBench) -> None:
    """With ms-piggyback-first-notify the first document is in the 200."""
    member = bench.joined()
    exchange = member.try_to_subscribe(headers=[("Supported", "ms-piggyback-first-notify")])
    if exchange.status != 200 or not exchange.final.body:
        bench.blame(f"{exchange.told}, {'with' if exchange.final.body else 'without'} a body")
