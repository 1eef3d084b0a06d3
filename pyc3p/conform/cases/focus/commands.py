"""Commands in INFO that a Focus carries out by itself, and who may give them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from c3p import (
    Command,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetConference,
    conference_key,
    focus_uri,
    uri_key,
)
from pyc3p.conform.cases.focus.sources import (
    CONFBAS,
    DELETE_RESPONSE,
    ERROR_IDS,
    FOCUS,
    FOLLOWED,
    OURS,
    TWO,
    TWO_FOLLOWED,
    add_focus_case,
    focus_case,
)
from pyc3p.conform.conference.answers import Answered
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.commands import eject, give_role, lock
from pyc3p.conform.conference.member import Member
from sip.testing import Force


def _get(bench: FocusBench) -> GetConference:
    return GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference))


def _end(bench: FocusBench) -> DeleteConference:
    return DeleteConference(conference_keys=ConferenceKeys(conf_entity=bench.conference))


def _succeeds(bench: FocusBench, answered: Answered) -> Answered:
    if not answered.succeeded:
        bench.blame(answered.told)
    return answered


def _locked(member: Member) -> bool | None:
    """What the roster says of the lock, in the view of the Focus."""
    roster = member.roster
    views = roster.conference_view.views if roster is not None and roster.conference_view is not None else ()
    states = [each.entity_state for each in views if conference_key(each.entity) == conference_key(str(roster.entity))]  # type: ignore[union-attr]
    found = [each.locked for each in states if each is not None and each.locked is not None]
    return any(found) if found else None


@focus_case(CONFBAS, Force.SHOULD, applies=FOCUS)
def get_conference(bench: FocusBench) -> None:
    """getConference is answered with the full state, in which who asks is."""
    member = bench.joined()
    answered = _succeeds(bench, member.command(_get(bench)))
    command = answered.final.command if answered.final is not None else None
    info = command.conference_info if isinstance(command, GetConference) else None
    if info is None or info.state not in (None, "full"):
        bench.blame(f"conference-info is {'missing' if info is None else info.state}")
    if conference_key(info.entity) != conference_key(bench.conference):
        bench.blame(f"entity is {info.entity!r}")
    users = info.users.users if info.users is not None else ()
    if not any(uri_key(each.entity) == uri_key(str(member.aor)) for each in users):
        bench.blame("who asks is not among its users")


@focus_case("MS-CONFBAS section 2.2.1", Force.MUST, applies=FOCUS)
def envelope(bench: FocusBench) -> None:
    """A response has requestId of its request, from and to of it the other way round, and the same command."""
    member = bench.joined()
    request = member.document(_get(bench), request_id="0")
    response = _succeeds(bench, member.command(request)).final
    assert response is not None
    if response.request_id != "0":
        bench.blame(f"requestId is {response.request_id!r}, not '0'")
    if uri_key(response.from_) != uri_key(request.to) or uri_key(response.to) != uri_key(request.from_):
        bench.blame(f"from {response.from_} to {response.to}")
    if response.command is None or response.more or response.command.name != "getConference":
        bench.blame(f"its child is {response.command.name if response.command else 'missing'}")


@focus_case(CONFBAS, Force.SHOULD, applies=FOCUS)
def several_at_once(bench: FocusBench) -> None:
    """Of several commands that are open at once each has its own answer."""
    member = bench.joined()
    call = member.in_conference
    sent = [member.document(_get(bench)) for _ in range(4)]
    requests = [call.request("INFO", body=bytes(each), content_type="application/cccp+xml") for each in sent]
    for request in requests:
        member.peer.send(request)
    for document, request in zip(sent, requests, strict=True):
        response = member.peer.response(request, final=True)
        if response is None:
            bench.blame(f"nothing to request {document.request_id}")
        found = Answered(request=document, sip=response)
        if response.status < 300:
            found = member.ended_by(found, within=1.0) if not response.body else found
            number = document.request_id.encode()
            told = response.body or b"".join(each.data for each in member.results)
            if number not in told:
                bench.blame(f"no answer to request {document.request_id}")


@focus_case(CONFBAS, Force.SHOULD, applies=FOLLOWED)
def locks(bench: FocusBench) -> None:
    """modifyConferenceLock locks and unlocks, and the roster shows it."""
    member = bench.joined(follows=True)
    bench.spoil()
    for locked in (True, False):
        _succeeds(bench, member.command(lock(bench.conference, locked)))
        if not member.until(lambda locked=locked: _locked(member) is locked):  # type: ignore[misc]
            bench.blame(f"the roster says locked: {_locked(member)} after locked: {locked}")


@focus_case(OURS, Force.OURS, applies=FOCUS)
def locks_twice(bench: FocusBench) -> None:
    """What is locked is locked again with success."""
    member = bench.joined()
    bench.spoil()
    for _ in range(2):
        _succeeds(bench, member.command(lock(bench.conference, True)))


@focus_case(CONFBAS, Force.SHOULD, applies=TWO_FOLLOWED)
def locked_out(bench: FocusBench) -> None:
    """While it is locked nobody joins but into the lobby, and who is in stays."""
    organizer = bench.joined(follows=True)
    bench.spoil()
    _succeeds(bench, organizer.command(lock(bench.conference, True)))
    guest = bench.member("attendee")
    if guest.try_to_join().refused:
        return
    shown = organizer.sees(guest.aor)
    if not organizer.until(lambda: (found := organizer.shown(guest.aor)) is not None and found.in_lobby, within=1.0):
        bench.blame(f"the second user is let in: {', '.join(str(each.status) for each in shown.endpoints)}")


@focus_case(CONFBAS, Force.SHOULD, applies=TWO_FOLLOWED)
def roles(bench: FocusBench) -> None:
    """modifyUserRoles gives a role, which the roster shows, and with which its user may do what it lets."""
    organizer = bench.joined(follows=True)
    attendee = bench.joined("attendee")
    organizer.sees(attendee.aor)
    bench.spoil()
    _succeeds(bench, organizer.command(give_role(bench.conference, str(attendee.aor), "presenter")))
    if not organizer.until(
        lambda: (found := organizer.shown(attendee.aor)) is not None and found.roles == ("presenter",)
    ):
        bench.blame(f"the roster shows {organizer.sees(attendee.aor).roles}")
    answered = attendee.command(lock(bench.conference, True))
    if answered.refused:
        bench.blame(f"the new presenter's lock is answered {answered.told}")


@focus_case(CONFBAS, Force.SHOULD, applies=TWO_FOLLOWED)
def ejects(bench: FocusBench) -> None:
    """deleteUser ends the dialog of the user, and the roster shows it no more."""
    organizer = bench.joined(follows=True)
    attendee = bench.joined("attendee")
    organizer.sees(attendee.aor)
    answered = organizer.command(eject(bench.conference, str(attendee.aor)))
    if not attendee.until(lambda: attendee.ended):
        bench.blame(f"deleteUser is answered {answered.told}, and the user hears no BYE")
    organizer.sees_gone(attendee.aor)
    _succeeds(bench, answered)


@focus_case(CONFBAS, Force.SHOULD, applies=TWO)
def ejection_is_accepted(bench: FocusBench) -> None:
    """deleteUser is answered 202, and its result comes by INFO."""
    organizer = bench.joined()
    attendee = bench.joined("attendee")
    first = organizer.send_command(organizer.document(eject(bench.conference, str(attendee.aor))))
    if first.status != 202:
        bench.blame(first.told)
    _succeeds(bench, organizer.ended_by(first))


@focus_case(CONFBAS, Force.SHOULD, applies=TWO_FOLLOWED)
def comes_back(bench: FocusBench) -> None:
    """Who was ejected may join again, and is shown again."""
    organizer = bench.joined(follows=True)
    attendee = bench.joined("attendee")
    organizer.sees(attendee.aor)
    organizer.command(eject(bench.conference, str(attendee.aor)))
    organizer.sees_gone(attendee.aor)
    bench.joined("attendee", device="second")
    organizer.sees(attendee.aor)


@focus_case(CONFBAS, Force.SHOULD, applies=TWO)
def ends(bench: FocusBench) -> None:
    """deleteConference ends the conference: everybody hears BYE."""
    organizer, attendee = bench.joined(), bench.joined("attendee")
    bench.spoil()
    answered = organizer.command(_end(bench))
    if answered.refused:
        bench.blame(answered.told)
    if not attendee.until(lambda: attendee.ended):
        bench.blame("the other one hears no BYE")


@focus_case(DELETE_RESPONSE, Force.MUST, applies=FOCUS)
def end_names_it(bench: FocusBench) -> None:
    """The response to deleteConference, where one comes, has conference-info with the conference as entity."""
    organizer = bench.joined()
    bench.spoil()
    answered = organizer.command(_end(bench))
    if answered.final is None or answered.refused:
        bench.skip("the dialog ends before there is one" if organizer.ended else answered.told)
    info = getattr(answered.final.command, "conference_info", None)
    if not isinstance(info, ConferenceInfo):
        bench.blame("no conference-info")
    if conference_key(info.entity) != conference_key(bench.conference):
        bench.blame(f"entity is {info.entity!r}")


@focus_case(OURS, Force.OURS, applies=FOCUS)
def begins_anew(bench: FocusBench) -> None:
    """A conference that was ended can be joined again: its record is still there."""
    organizer = bench.joined()
    bench.spoil()
    organizer.command(_end(bench))
    if not organizer.until(lambda: organizer.ended):
        bench.blame("no BYE")
    again = bench.member(device="second").try_to_join()
    if not again.succeeded:
        bench.blame(again.told)


#: What an attendee may not do: in words, the command.
FORBIDDEN: dict[str, tuple[str, Callable[[FocusBench], Command]]] = {
    "lock": ("lock the conference", lambda bench: lock(bench.conference, True)),
    "eject": ("eject the organizer", lambda bench: eject(bench.conference, str(bench.focus.organizer))),
    "promote": (
        "make itself a presenter",
        lambda bench: give_role(bench.conference, str(bench.focus.attendee), "presenter"),
    ),
    "end": ("end the conference", _end),
}


def _attendee(bench: FocusBench) -> Member:
    """Somebody who may not do what presenters may; ends the case where the second user is a presenter."""
    bench.joined()
    attendee = bench.member("attendee")
    command = attendee.join().final.command  # type: ignore[union-attr]
    if getattr(getattr(command, "user", None), "roles", ()) != ("attendee",):
        bench.skip("the second user is no attendee")
    return attendee


def _forbidden(make: Callable[[FocusBench], Command]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        attendee = _attendee(bench)
        answered = attendee.command(make(bench))
        if not answered.refused:
            bench.spoil()
            bench.blame(answered.told)
        if answered.error_id not in (None, 3014):
            bench.blame(f"ErrorId {answered.error_id}, not 3014")

    return run


def _forbidden_status(make: Callable[[FocusBench], Command]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        answered = _attendee(bench).command(make(bench))
        if (answered.status, answered.error_id, answered.reason) != (403, 3014, "unauthorized"):
            bench.blame(answered.told)

    return run


for _name, (_what, _make) in FORBIDDEN.items():
    add_focus_case(
        _forbidden(_make),
        f"attendee-{_name}",
        f"An attendee may not {_what}; where an ErrorId is told it is 3014.",
        ERROR_IDS,
        Force.SHOULD,
        applies=TWO,
    )
    add_focus_case(
        _forbidden_status(_make),
        f"attendee-{_name}-reason",
        f"An attendee who would {_what} hears 403, ErrorId 3014 and the reason unauthorized.",
        OURS,
        Force.OURS,
        applies=TWO,
    )


@focus_case(ERROR_IDS, Force.SHOULD, applies=TWO)
def attendee_calls(bench: FocusBench) -> None:
    """An attendee may not have others called, unless the conference lets it; where an ErrorId is told it is 3015."""
    attendee = _attendee(bench)
    answered = attendee.command(bench.dial("sip:nobody@nowhere.invalid"), within=bench.ring_patience)
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3014, 3015):
        bench.blame(f"ErrorId {answered.error_id}, not 3015")


@focus_case(OURS, Force.OURS, applies=FOLLOWED)
def same_request_again(bench: FocusBench) -> None:
    """A requestId that comes again gets the answer that it had, and nothing is done again."""
    organizer = bench.joined(follows=True)
    bench.spoil()
    first = organizer.document(lock(bench.conference, True))
    before = _succeeds(bench, organizer.command(first))
    _succeeds(bench, organizer.command(lock(bench.conference, False)))
    again = organizer.send_command(first)
    if again.final is None or again.final.code is not (before.final.code if before.final else None):
        bench.blame(f"the second time it is answered {again.told}")
    if organizer.until(lambda: _locked(organizer) is True, within=0.5):
        bench.blame("the conference is locked again")


@focus_case(OURS, Force.OURS, applies=TWO)
def silent_client(bench: FocusBench) -> None:
    """A client that answers no INFO stays in the conference, and its commands are carried out."""
    organizer = bench.joined()
    organizer.answers_info = False
    attendee = bench.joined("attendee")
    _succeeds(bench, organizer.command(eject(bench.conference, str(attendee.aor))))
    after = organizer.command(_get(bench))
    if not after.succeeded or organizer.ended:
        bench.blame(f"a command after it is answered {after.told}")


@focus_case("RFC 3261 section 12.2.2", Force.MUST, applies=FOCUS)
def lower_cseq(bench: FocusBench) -> None:
    """A request of the dialog with a lower CSeq than the one before is 500."""
    member = bench.joined()
    call = member.in_conference
    call.cseq += 40
    _succeeds(bench, member.command(_get(bench)))
    body = bytes(member.document(_get(bench)))
    request = call.request("INFO", body=body, content_type="application/cccp+xml", cseq=call.cseq - 30)
    exchange = member.peer.ask(request)
    if exchange.status != 500:
        bench.blame(exchange.told)


@focus_case(OURS, Force.OURS, applies=FOCUS)
def spelling(bench: FocusBench) -> None:
    """Addresses of conferences are compared without regard to case, and to the order of their parameters."""
    member = bench.joined()
    keys = ConferenceKeys(conf_entity=bench.conference.replace("app:conf:focus", "APP:CONF:focus"))
    answered = member.command(GetConference(conference_keys=keys))
    if not answered.succeeded:
        bench.blame(answered.told)


@focus_case(OURS, Force.OURS, applies=FOCUS)
def other_prefixes(bench: FocusBench) -> None:
    """Names are told apart by their namespaces, whatever prefixes they have."""
    member = bench.joined()
    text = bytes(member.document(_get(bench))).replace(b"xmlns=", b"xmlns:q=")
    for name in (b"request", b"getConference", b"conferenceKeys"):
        text = text.replace(b"</" + name, b"</q:" + name).replace(b"<" + name, b"<q:" + name)
    answered = member.send_command(text)
    if answered.refused:
        bench.blame(answered.told)


@focus_case(ERROR_IDS, Force.SHOULD, applies=FOCUS)
def conference_of_another(bench: FocusBench) -> None:
    """A command about another conference is refused; where an ErrorId is told it is 3003 or 3012."""
    member = bench.joined()
    keys = ConferenceKeys(conf_entity=focus_uri(str(bench.focus.organizer), bench.conference_id()))
    answered = member.command(attrs.evolve(_get(bench), conference_keys=keys))
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3003, 3012):
        bench.blame(f"ErrorId {answered.error_id}, not 3003")
