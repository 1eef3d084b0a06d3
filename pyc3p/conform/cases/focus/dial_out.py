"""addUser that has a phone called: what its phone sees, what the requester is told, what everybody is shown."""

from __future__ import annotations

from collections.abc import Callable

from c3p import AddUser, ConferenceInfo, ConferenceKeys, DeleteConference, Endpoint, guid_key, uri_key
from pyc3p.conform.case import Trait
from pyc3p.conform.cases.focus.sources import CONFBAS, DIAL_OUT, DIALS, OURS, TWO_FOLLOWED, add_focus_case, focus_case
from pyc3p.conform.conference.answers import Answered
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.commands import REFUSALS, eject, mute
from pyc3p.conform.conference.member import Member
from pyc3p.conform.phone import Manner, Phone, Ringing
from sip.testing import Force

TWO_DIALS = (*TWO_FOLLOWED, Trait.DIALS_OUT)
_OVER = ("disconnecting", "disconnected")
#: RFC 4575 section 5.7.3: in which order an endpoint that is called goes through its states.
_ORDER = ("pending", "dialing-out", "alerting", "connected", *_OVER)


def _rings(bench: FocusBench, phone: Phone) -> Ringing:
    call = phone.rung()
    if call is None:
        bench.blame("no INVITE comes to the phone")
    return call


def _dialled(bench: FocusBench, *, manner: Manner = Manner.TAKES) -> tuple[Member, Phone, Answered]:
    """The organizer has a phone called, and hears the end of it."""
    organizer = bench.joined(follows=True)
    phone = bench.phone("phone", manner=manner)
    return organizer, phone, organizer.command(bench.dial(phone), within=bench.ring_patience)


def _in_call(bench: FocusBench) -> tuple[Member, Phone, Ringing, Endpoint]:
    """The same, and the phone is in the conference."""
    organizer, phone, answered = _dialled(bench)
    if not answered.succeeded:
        bench.skip(f"addUser is answered {answered.told}")
    organizer.until(lambda: _endpoint(organizer, phone) is not None)
    endpoint = _endpoint(organizer, phone)
    if endpoint is None:
        bench.blame("the roster does not show the phone as connected")
    return organizer, phone, _rings(bench, phone), endpoint


def _endpoint(member: Member, phone: Phone, *, status: str = "connected") -> Endpoint | None:
    user = member.shown(phone.address)
    return next((each for each in user.endpoints if each.status == status), None) if user is not None else None


def _statuses(member: Member, phone: Phone) -> list[str]:
    """What the documents said of the endpoint of a phone, in their order."""
    found: list[str] = []
    for told in member.notified:
        assert isinstance(told.document, ConferenceInfo)
        users = told.document.users.users if told.document.users is not None else ()
        for user in users:
            if uri_key(user.entity) == uri_key(str(phone.address)):
                found += [each.status for each in user.endpoints if each.status and found[-1:] != [each.status]]
    return found


@focus_case(DIAL_OUT, Force.SHOULD, applies=DIALS)
def answered(bench: FocusBench) -> None:
    """A phone that is called and takes the call makes a success, and is shown as connected and dialed-out."""
    organizer, phone, answered = _dialled(bench)
    if not answered.succeeded:
        bench.blame(answered.told)
    if not organizer.until(lambda: _endpoint(organizer, phone) is not None):
        bench.blame(f"the roster shows {', '.join(_statuses(organizer, phone)) or 'nobody'}")
    endpoint = _endpoint(organizer, phone)
    assert endpoint is not None
    if endpoint.joining_method not in (None, "dialed-out"):
        bench.blame(f"joining-method is {endpoint.joining_method!r}")


@focus_case("RFC 3261 section 13.2.2.4", Force.MUST, applies=DIALS)
def acknowledged(bench: FocusBench) -> None:
    """The 200 of the phone gets an ACK."""
    _, phone, call, _ = _in_call(bench)
    if not phone.until(lambda: call.acknowledged is not None):
        bench.blame("no ACK")


@focus_case(DIAL_OUT, Force.SHOULD, applies=DIALS)
def same_endpoint(bench: FocusBench) -> None:
    """The endpoint that the command names is that of the roster and of the response."""
    organizer = bench.joined(follows=True)
    phone, name = bench.phone("phone"), bench.guid()
    answered = organizer.command(bench.dial(phone, endpoint=name), within=bench.ring_patience)
    command = answered.final.command if answered.final is not None else None
    if not answered.succeeded or not isinstance(command, AddUser):
        bench.skip(f"addUser is answered {answered.told}")
    organizer.until(lambda: _endpoint(organizer, phone) is not None)
    shown = _endpoint(organizer, phone)
    if shown is None or guid_key(shown.entity) != guid_key(name):
        bench.blame(f"the roster shows {shown.entity if shown is not None else 'no endpoint'}, not {name}")
    if any(guid_key(each.entity) != guid_key(name) for each in command.user.endpoints):
        bench.blame(f"the response has {command.user.endpoints[0].entity}, not {name}")


@focus_case(CONFBAS, Force.SHOULD, applies=DIALS)
def accepted_at_once(bench: FocusBench) -> None:
    """The INFO is answered before the phone is."""
    organizer = bench.joined()
    phone = bench.phone("phone", manner=Manner.RINGS)
    first = organizer.send_command(organizer.document(bench.dial(phone)))
    if first.refused or first.succeeded:
        bench.blame(first.told)
    phone.take(_rings(bench, phone))
    done = organizer.ended_by(first, within=bench.ring_patience)
    if not done.succeeded:
        bench.blame(done.told)


@focus_case(OURS, Force.OURS, applies=DIALS)
def accepted_with_202(bench: FocusBench) -> None:
    """The INFO is answered 202."""
    organizer = bench.joined()
    phone = bench.phone("phone")
    first = organizer.send_command(organizer.document(bench.dial(phone)))
    if first.status != 202:
        bench.blame(first.told)
    organizer.ended_by(first, within=bench.ring_patience)


@focus_case("RFC 4575 section 5.7.3", Force.SHOULD, applies=DIALS)
def in_order(bench: FocusBench) -> None:
    """The states of an endpoint go one way: called, ringing, connected, and never back."""
    organizer = bench.joined(follows=True)
    phone = bench.phone("phone", manner=Manner.RINGS)
    first = organizer.send_command(organizer.document(bench.dial(phone)))
    call = _rings(bench, phone)
    bench.quiet(0.3)
    phone.take(call)
    organizer.ended_by(first, within=bench.ring_patience)
    organizer.until(lambda: _endpoint(organizer, phone) is not None)
    phone.hang_up(call)
    organizer.sees_gone(phone.address)
    seen = [each for each in _statuses(organizer, phone) if each in _ORDER]
    if [_ORDER.index(each) for each in seen] != sorted(_ORDER.index(each) for each in seen):
        bench.blame(", ".join(seen))


@focus_case(OURS, Force.OURS, applies=DIALS)
def shown_ringing(bench: FocusBench) -> None:
    """A phone that rings is shown as alerting."""
    organizer = bench.joined(follows=True)
    phone = bench.phone("phone", manner=Manner.RINGS)
    organizer.send_command(organizer.document(bench.dial(phone)))
    _rings(bench, phone)
    if not organizer.until(lambda: "alerting" in _statuses(organizer, phone)):
        bench.blame(f"the roster shows {', '.join(_statuses(organizer, phone)) or 'nobody'}")


def _refused(status: int) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        organizer = bench.joined(follows=True)
        phone = bench.phone("phone", manner=Manner.REFUSES, status=status)
        answered = organizer.command(bench.dial(phone), within=bench.ring_patience)
        if not answered.refused:
            bench.blame(answered.told)
        organizer.sees_gone(phone.address)

    return run


def _reasons(status: int, reasons: tuple[str, str]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        organizer = bench.joined()
        phone = bench.phone("phone", manner=Manner.REFUSES, status=status)
        answered = organizer.command(bench.dial(phone), within=bench.ring_patience)
        if (answered.reason, answered.specific) != reasons:
            bench.blame(answered.told)

    return run


for _name, (_what, _status, _reasons_of_ours) in REFUSALS.items():
    add_focus_case(
        _refused(_status),
        _name,
        f"A phone that {_what} ({_status}) makes a failure, and nobody is left in the roster.",
        DIAL_OUT,
        Force.SHOULD,
        applies=DIALS,
    )
    add_focus_case(
        _reasons(_status, _reasons_of_ours),
        f"{_name}-reason",
        f"The reasons of a phone that {_what} are {' and '.join(_reasons_of_ours)}.",
        OURS,
        Force.OURS,
        applies=DIALS,
    )


@focus_case("RFC 4575 section 3.6", Force.SHOULD, applies=DIALS)
def hangs_up(bench: FocusBench) -> None:
    """A phone that hangs up is out of the conference, and its BYE is answered."""
    organizer, phone, call, _ = _in_call(bench)
    answer = phone.hang_up(call)
    if answer is None or answer.status != 200:
        bench.blame(f"BYE is answered {'nothing' if answer is None else answer.status}")
    organizer.sees_gone(phone.address)


@focus_case(CONFBAS, Force.SHOULD, applies=DIALS)
def ejected(bench: FocusBench) -> None:
    """deleteUser hangs up the phone, is a success, and the roster shows it no more."""
    organizer, phone, call, _ = _in_call(bench)
    answered = organizer.command(eject(bench.conference, str(phone.address)))
    if not phone.until(lambda: call.ended):
        bench.blame(f"deleteUser is answered {answered.told}, and the phone hears no BYE")
    if not answered.succeeded:
        bench.blame(answered.told)
    organizer.sees_gone(phone.address)


@focus_case(CONFBAS, Force.SHOULD, applies=DIALS)
def ejected_while_ringing(bench: FocusBench) -> None:
    """deleteUser while the phone rings cancels the call, and the addUser fails."""
    organizer = bench.joined(follows=True)
    phone = bench.phone("phone", manner=Manner.RINGS)
    first = organizer.send_command(organizer.document(bench.dial(phone)))
    call = _rings(bench, phone)
    organizer.command(eject(bench.conference, str(phone.address)))
    if not phone.until(lambda: call.cancelled):
        bench.blame("the phone hears no CANCEL")
    done = organizer.ended_by(first)
    if not done.refused:
        bench.blame(f"addUser is answered {done.told}")
    organizer.sees_gone(phone.address)


@focus_case("RFC 3261 section 13.2.2.4", Force.MUST, applies=DIALS)
def answer_after_cancel(bench: FocusBench) -> None:
    """A 200 that crosses the CANCEL gets an ACK, and the call is ended with BYE."""
    organizer = bench.joined()
    phone = bench.phone("phone", manner=Manner.TAKES_LATE)
    organizer.send_command(organizer.document(bench.dial(phone)))
    call = _rings(bench, phone)
    organizer.command(eject(bench.conference, str(phone.address)), within=1.0)
    if not phone.until(lambda: call.cancelled):
        bench.skip("the phone hears no CANCEL")
    if not phone.until(lambda: call.acknowledged is not None and call.ended):
        bench.blame(f"ACK: {call.acknowledged is not None}, BYE: {call.ended}")


@focus_case(OURS, Force.OURS, applies=DIALS)
def no_description(bench: FocusBench) -> None:
    """A 200 whose session description nobody can use gets ACK and BYE, and the addUser fails."""
    organizer = bench.joined(follows=True)
    phone = bench.phone("phone", sdp=b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
    answered = organizer.command(bench.dial(phone), within=bench.ring_patience)
    if not answered.refused:
        bench.blame(answered.told)
    call = _rings(bench, phone)
    if not phone.until(lambda: call.acknowledged is not None and call.ended):
        bench.blame(f"ACK: {call.acknowledged is not None}, BYE: {call.ended}")


def _muted(member: Member, phone: Phone) -> bool | None:
    endpoint = _endpoint(member, phone)
    if endpoint is None or not endpoint.media:
        return None
    return any(each.status in ("recvonly", "inactive") or each.ingress_filter == "block" for each in endpoint.media)


@focus_case(CONFBAS, Force.SHOULD, applies=DIALS)
def mutes(bench: FocusBench) -> None:
    """modifyEndpointMedia mutes and unmutes a phone, and the roster shows it."""
    organizer, phone, _, endpoint = _in_call(bench)
    if not endpoint.media:
        bench.skip("the roster shows no media of the phone")
    media = endpoint.media[0].id
    for muted in (True, False):
        command = mute(bench.conference, str(phone.address), endpoint=endpoint.entity, muted=muted, media_id=media)
        answered = organizer.command(command)
        if not answered.succeeded:
            bench.blame(f"modifyEndpointMedia, muted: {muted}, is answered {answered.told}")
        if not organizer.until(lambda muted=muted: _muted(organizer, phone) is muted):  # type: ignore[misc]
            bench.blame(f"the roster says muted: {_muted(organizer, phone)} after muted: {muted}")


@focus_case(OURS, Force.OURS, applies=DIALS)
def mutes_with_no_word(bench: FocusBench) -> None:
    """A filter that is no word of the protocol is refused, and changes nothing."""
    organizer, phone, _, endpoint = _in_call(bench)
    command = mute(
        bench.conference,
        str(phone.address),
        endpoint=endpoint.entity,
        muted=True,
        media_id=endpoint.media[0].id if endpoint.media else "1",
        ingress="Block",
    )
    answered = organizer.command(command)
    if not answered.refused or _muted(organizer, phone):
        bench.blame(f"{answered.told}; muted: {_muted(organizer, phone)}")


@focus_case(CONFBAS, Force.SHOULD, applies=DIALS)
def conference_ends(bench: FocusBench) -> None:
    """When the conference ends the phone hears BYE."""
    organizer, phone, call, _ = _in_call(bench)
    bench.spoil()
    organizer.command(DeleteConference(conference_keys=ConferenceKeys(conf_entity=bench.conference)))
    if not phone.until(lambda: call.ended):
        bench.blame("the phone hears no BYE")


@focus_case(CONFBAS, Force.SHOULD, applies=TWO_DIALS)
def shown_to_all(bench: FocusBench) -> None:
    """Who is called is shown to everybody who follows."""
    attendee = bench.joined("attendee", follows=True)
    _, phone, _, _ = _in_call(bench)
    if not attendee.until(lambda: _endpoint(attendee, phone) is not None):
        bench.blame("the second user does not see it")


@focus_case(CONFBAS, Force.SHOULD, applies=DIALS)
def two_at_once(bench: FocusBench) -> None:
    """Two phones may be called at once, and each command has its own end."""
    organizer = bench.joined(follows=True)
    phones = [bench.phone(f"phone-{number}", manner=Manner.RINGS) for number in range(2)]
    asked = [organizer.send_command(organizer.document(bench.dial(phone))) for phone in phones]
    for phone in phones:
        _rings(bench, phone)
    for phone in reversed(phones):
        phone.take(phone.calls[0])
    for first, phone in zip(asked, phones, strict=True):
        done = organizer.ended_by(first, within=bench.ring_patience)
        if not done.succeeded:
            bench.blame(f"{phone.name}: {done.told}")


@focus_case(OURS, Force.OURS, applies=DIALS)
def same_request_again(bench: FocusBench) -> None:
    """A requestId that comes again has nobody called again, and gets the same answer."""
    organizer = bench.joined()
    phone = bench.phone("phone")
    document = organizer.document(bench.dial(phone))
    first = organizer.command(document, within=bench.ring_patience)
    again = organizer.command(document)
    bench.quiet(0.5)
    if len(phone.calls) != 1:
        bench.blame(f"the phone was called {len(phone.calls)} times")
    if not (first.succeeded and again.succeeded):
        bench.blame(f"{first.told}; the second time {again.told}")


@focus_case(OURS, Force.OURS, applies=TWO_DIALS)
def requester_leaves(bench: FocusBench) -> None:
    """A call that was begun goes on when its requester leaves."""
    attendee = bench.joined("attendee", follows=True)
    organizer = bench.joined()
    phone = bench.phone("phone", manner=Manner.RINGS)
    organizer.send_command(organizer.document(bench.dial(phone)))
    call = _rings(bench, phone)
    organizer.leave()
    phone.take(call)
    if not attendee.until(lambda: _endpoint(attendee, phone) is not None):
        bench.blame("the phone does not come into the conference")
