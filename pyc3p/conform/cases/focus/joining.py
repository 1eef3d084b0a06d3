"""Joining a conference by INVITE, and leaving it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from c3p import (
    AddUser,
    ConferenceKeys,
    Endpoint,
    GetConference,
    Request,
    conference_key,
    focus_uri,
    uri_key,
)
from pyc3p.conform.call import Call
from pyc3p.conform.cases.focus.sources import (
    ERROR_IDS,
    FOCUS,
    FOLLOWED,
    JOIN_RESPONSE,
    OURS,
    TWO,
    add_focus_case,
    focus_case,
)
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.broken import BROKEN
from pyc3p.conform.conference.member import Member
from sip import SipError
from sip.testing import Force


@focus_case(JOIN_RESPONSE, Force.MUST, applies=FOCUS)
def welcomed(bench: FocusBench) -> None:
    """The 200 to a join has the addUser with the keys, the one user and the one role that was granted."""
    member = bench.member()
    answered = member.try_to_join()
    command = answered.final.command if answered.final is not None else None
    if not answered.succeeded or not isinstance(command, AddUser):
        bench.blame(answered.told)
    if conference_key(command.conference_keys.conf_entity) != conference_key(bench.conference):
        bench.blame(f"conferenceKeys are of {command.conference_keys.conf_entity!r}")
    if uri_key(command.user.entity) != uri_key(str(member.aor)):
        bench.blame(f"the user is {command.user.entity!r}, not {member.aor}")
    if len(command.user.roles) != 1:
        bench.blame(f"the roles are {command.user.roles}")


@focus_case("RFC 4579 section 5.1", Force.SHOULD, applies=FOCUS)
def isfocus(bench: FocusBench) -> None:
    """The Contact of the 200 to a join has the parameter isfocus. A Focus may hide it (RFC 4579 section 4.2)."""
    answered = bench.member().try_to_join()
    if answered.status >= 300:
        bench.skip(f"the join is answered {answered.told}")
    if not any("isfocus" in line.lower() for line in answered.sip.headers.get_all("Contact")):
        bench.blame(f"Contact: {answered.sip.headers.get('Contact')}")


@focus_case(OURS, Force.OURS, applies=FOCUS)
def organizer_presents(bench: FocusBench) -> None:
    """The organizer is a presenter, whatever was asked for."""
    command = bench.member().join().final.command  # type: ignore[union-attr]
    if not isinstance(command, AddUser) or command.user.roles != ("presenter",):
        bench.blame(f"the role is {command.user.roles if isinstance(command, AddUser) else None}")


@focus_case(ERROR_IDS, Force.SHOULD, applies=FOCUS)
def unknown_conference(bench: FocusBench) -> None:
    """A conference that there is not cannot be joined; where an ErrorId is told it is 3012 or 3003."""
    bench.conference = focus_uri(str(bench.focus.organizer), bench.conference_id())
    answered = bench.member().try_to_join()
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3003, 3012):
        bench.blame(f"ErrorId {answered.error_id}, not 3012")


@focus_case(OURS, Force.OURS, applies=FOCUS)
def unknown_conference_status(bench: FocusBench) -> None:
    """A conference that there is not is 404."""
    bench.conference = focus_uri(str(bench.focus.organizer), bench.conference_id())
    answered = bench.member().try_to_join()
    if answered.status != 404:
        bench.blame(answered.told)


Change = Callable[[FocusBench, Member, Request], Request]


def _user(**changes: Any) -> Change:
    def change(bench: FocusBench, member: Member, document: Request) -> Request:
        command = document.command
        assert isinstance(command, AddUser)
        return attrs.evolve(document, command=attrs.evolve(command, user=attrs.evolve(command.user, **changes)))

    return change


def _endpoint(**changes: Any) -> Change:
    def change(bench: FocusBench, member: Member, document: Request) -> Request:
        command = document.command
        assert isinstance(command, AddUser)
        endpoint = attrs.evolve(command.user.endpoints[0], **changes)
        return attrs.evolve(
            document, command=attrs.evolve(command, user=attrs.evolve(command.user, endpoints=(endpoint,)))
        )

    return change


def _command(**changes: Any) -> Change:
    return lambda bench, member, document: attrs.evolve(document, command=attrs.evolve(document.command, **changes))


def _other_conference(bench: FocusBench, member: Member, document: Request) -> Request:
    keys = ConferenceKeys(conf_entity=focus_uri(str(bench.focus.organizer), bench.conference_id()))
    assert isinstance(document.command, AddUser)
    return attrs.evolve(document, command=attrs.evolve(document.command, conference_keys=keys))


def _two_devices(bench: FocusBench, member: Member, document: Request) -> Request:
    endpoints = (Endpoint(entity=bench.guid()), Endpoint(entity=bench.guid()))
    return _user(endpoints=endpoints)(bench, member, document)


#: What is wrong with the addUser of a join: in words, the ErrorIds that name it, how it is made, our SIP status.
WRONG: dict[str, tuple[str, tuple[int, ...], Change, int]] = {
    "other-from": (
        "whose from is not the sender",
        (3000,),
        lambda bench, member, document: attrs.evolve(document, from_=str(bench.focus.attendee)),
        403,
    ),
    "other-to": (
        "whose to is not the URI in To",
        (3001,),
        lambda bench, member, document: attrs.evolve(document, to="sip:nobody@nowhere.invalid"),
        400,
    ),
    "other-conference": ("for another conference than it is sent to", (3003, 3012), _other_conference, 404),
    "other-user": ("for another user than the sender", (3007,), _user(entity="sip:nobody@nowhere.invalid"), 400),
    "no-endpoint": ("without an endpoint", (3007,), _user(endpoints=()), 400),
    "two-endpoints": ("with two endpoints", (3007,), _two_devices, 400),
    "no-guid": ("with an endpoint whose name is no GUID", (3009,), _endpoint(entity="my phone"), 400),
    "auth-method": ("that says itself how the user is known", (3008,), _endpoint(auth_method="enterprise"), 400),
    "unknown-role": ("with a role that there is not", (3016,), _user(roles=("king",)), 400),
    "names-an-mcu": (
        "that names an MCU",
        (3005,),
        lambda bench, member, document: _command(mcu_uri=bench.audio)(bench, member, document),
        400,
    ),
    "another-command": (
        "that asks for the conference in place of joining it",
        (3004,),
        lambda bench, member, document: attrs.evolve(
            document, command=GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference))
        ),
        501,
    ),
}


def _refused(change: Change, ids: tuple[int, ...]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.member()
        answered = member.try_to_join(change(bench, member, member.document(member.add_user())))
        if not answered.refused:
            bench.blame(answered.told)
        if answered.error_id is not None and answered.error_id not in ids:
            bench.blame(f"ErrorId {answered.error_id}, not {ids[0]}")

    return run


def _with_status(change: Change, ids: tuple[int, ...], status: int) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.member()
        answered = member.try_to_join(change(bench, member, member.document(member.add_user())))
        if answered.status != status or answered.error_id not in ids:
            bench.blame(answered.told)

    return run


#: Of these the published pages leave open whether they are refused.
_LENIENT = ("no-guid", "no-endpoint", "auth-method", "names-an-mcu", "two-endpoints", "another-command")
for _name, (_what, _ids, _change, _status) in WRONG.items():
    add_focus_case(
        _refused(_change, _ids),
        _name,
        f"A join {_what} is refused; where an ErrorId is told it is {' or '.join(map(str, _ids))}.",
        OURS if _name in _LENIENT else ERROR_IDS,
        Force.OURS if _name in _LENIENT else Force.SHOULD,
        applies=FOCUS,
    )
    add_focus_case(
        _with_status(_change, _ids, _status),
        f"{_name}-status",
        f"A join {_what} is {_status}, and the ErrorId is told.",
        OURS,
        Force.OURS,
        applies=FOCUS,
    )


def _broken(change: Callable[[bytes], bytes]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.member()
        answered = member.try_to_join(change(bytes(member.document(member.add_user()))))
        if not answered.refused:
            bench.blame(answered.told)

    return run


for _name, (_what, _how) in BROKEN.items():
    add_focus_case(
        _broken(_how),
        f"document-{_name}",
        f"A join with {_what} is refused.",
        ERROR_IDS,
        Force.SHOULD,
        applies=FOCUS,
        hard=True,
    )


@focus_case("RFC 3261 section 15.1.2", Force.MUST, applies=FOCUS)
def leaves(bench: FocusBench) -> None:
    """BYE leaves the conference: it is answered 200, and the dialog is over."""
    member = bench.joined()
    answer = member.leave()
    if answer.status != 200:
        bench.blame(f"BYE is answered {answer.told}")
    after = member.send_command(
        member.document(GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference)))
    )
    if after.status != 481:
        bench.blame(f"INFO after BYE is answered {after.told}")


@focus_case("RFC 3261 section 13.3.1.4", Force.MUST, applies=FOCUS)
def lost_ack(bench: FocusBench) -> None:
    """A 200 whose ACK does not come is sent again, and the dialog works when the ACK comes then."""
    member = bench.member()
    answered = member.try_to_join(ack=False)
    if answered.status >= 300:
        bench.skip(f"the join is answered {answered.told}")
    invite = member.in_conference.invite
    if member.peer.response(invite, final=True, within=3.0) is None:
        bench.blame("the 200 does not come again in 3 s")
    member.in_conference.acknowledge()
    after = member.command(GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference)))
    if after.refused:
        bench.blame(f"a command after the late ACK is answered {after.told}")


@focus_case("RFC 3261 section 13.3.1.4", Force.SHOULD, applies=FOCUS, slow=True)
def no_ack(bench: FocusBench) -> None:
    """A dialog whose ACK never comes is ended with BYE, after 64*T1."""
    member = bench.member()
    answered = member.try_to_join(ack=False)
    if answered.status >= 300:
        bench.skip(f"the join is answered {answered.told}")
    if not member.until(lambda: member.ended, within=40.0):
        bench.blame("no BYE in 40 s")


@focus_case(OURS, Force.OURS, applies=FOCUS)
def phone_calls(bench: FocusBench) -> None:
    """A phone that calls a Conference-URI, with SDP in place of C3P, does not join."""
    bench.stand()
    peer = bench.peer("phone")
    exchange = peer.ask(peer.request("INVITE", bench.conference, body=bench.offer(peer)))
    if exchange.status < 300:
        Call.of_caller(peer, exchange.request, exchange.final).acknowledge()
        bench.blame(exchange.told)


@focus_case("RFC 3261 section 12.2.2", Force.MUST, applies=FOCUS)
def info_of_no_dialog(bench: FocusBench) -> None:
    """INFO with a tag in To of a dialog that there is not is 481."""
    member = bench.joined()
    body = bytes(member.document(GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference))))
    request = member.peer.request(
        "INFO",
        bench.conference,
        from_uri=member.aor,
        to_tag=bench.token(),
        body=body,
        content_type="application/cccp+xml",
    )
    exchange = member.peer.ask(request)
    if exchange.status != 481:
        bench.blame(exchange.told)


@focus_case("RFC 3311 section 5.2", Force.SHOULD, applies=FOCUS)
def update(bench: FocusBench) -> None:
    """UPDATE without a body, which refreshes, is 200 where Allow names UPDATE."""
    member = bench.joined()
    allowed = ",".join(member.in_conference.response.headers.get_all("Allow"))
    if "UPDATE" not in allowed:
        bench.skip("Allow does not name UPDATE")
    exchange = member.in_conference.ask("UPDATE", headers=[("Supported", "timer")])
    if exchange.status != 200:
        bench.blame(exchange.told)


@focus_case("RFC 4028 section 9", Force.MUST, applies=FOCUS)
def session_timer(bench: FocusBench) -> None:
    """A session timer that is granted to a caller who offered one names its refresher, and is in Require then."""
    member = bench.member()
    member.try_to_join(headers=[("Supported", "timer"), ("Session-Expires", "1200"), ("Min-SE", "90")])
    if member.call is None:
        bench.skip("the join is not taken")
    response = member.call.response
    try:
        granted = response.session_expires
    except SipError as error:
        bench.blame(str(error))
    if granted is None:
        bench.skip("no session timer is granted")
    if granted.refresher is None:
        bench.blame(f"Session-Expires: {response.headers.get('Session-Expires')}")
    if granted.refresher == "uac" and "timer" not in ",".join(response.headers.get_all("Require")):
        bench.blame("the caller is to refresh, and Require does not have timer")


@focus_case(OURS, Force.OURS, applies=FOLLOWED)
def second_device(bench: FocusBench) -> None:
    """A second device of the same user joins as well, and is another endpoint of it."""
    first = bench.joined(follows=True)
    second = bench.joined(device="second")

    def both() -> bool:
        shown = first.shown(first.aor)
        names = {each.entity.strip("{}").lower() for each in shown.endpoints} if shown is not None else set()
        return {first.endpoint.strip("{}").lower(), second.endpoint.strip("{}").lower()} <= names

    if not first.until(both):
        bench.blame("the roster does not show both endpoints")


@focus_case(OURS, Force.OURS, applies=TWO)
def join_of_another(bench: FocusBench) -> None:
    """Somebody does not join in the name of somebody else."""
    bench.joined()
    stranger = bench.member("attendee")
    document = stranger.document(stranger.add_user())
    command = document.command
    assert isinstance(command, AddUser)
    forged = attrs.evolve(command, user=attrs.evolve(command.user, entity=str(bench.focus.organizer)))
    answered = stranger.try_to_join(attrs.evolve(document, command=forged))
    if not answered.refused:
        bench.blame(answered.told)
