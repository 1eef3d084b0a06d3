"""Commands that are wrong: refused, with the reasons that the protocol has for it, and the dialog goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from c3p import (
    ConferenceKeys,
    GetConference,
    McuType,
    Request,
    Unknown,
    UnknownCommand,
    focus_uri,
    mcu_uri,
)
from pyc3p.conform.case import STREAMS
from pyc3p.conform.cases.focus.sources import CONFBAS, ERROR_IDS, FOCUS, OURS, add_focus_case, focus_case
from pyc3p.conform.conference.answers import Answered
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.broken import BROKEN, HUGE
from pyc3p.conform.conference.commands import dial_out, eject, give_role, mute
from pyc3p.conform.conference.member import Member
from sip.testing import Force

_NOBODY = "sip:nobody@nowhere.invalid"
Make = Callable[[FocusBench, Member], Request]


def _get(bench: FocusBench, member: Member) -> Request:
    return member.document(GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference)))


def _unknown(bench: FocusBench, member: Member) -> Request:
    return member.document(UnknownCommand(element=Unknown("{urn:ietf:params:xml:ns:cccp}playPrompt", (), ())))


def _dial(bench: FocusBench, member: Member, **changes: str) -> Request:
    return member.document(dial_out(bench.conference, _NOBODY, endpoint=bench.guid(), **changes))  # type: ignore[arg-type]


def _evolved(make: Make, **changes: Any) -> Make:
    def evolved(bench: FocusBench, member: Member) -> Request:
        document = make(bench, member)
        return attrs.evolve(document, command=attrs.evolve(document.command, **changes))

    return evolved


def _other_mcu(bench: FocusBench, member: Member) -> Request:
    other = focus_uri(str(bench.focus.organizer), bench.conference_id())
    document = _dial(bench, member)
    return attrs.evolve(document, command=attrs.evolve(document.command, mcu_uri=mcu_uri(other, McuType.AUDIO_VIDEO)))


def _data_mcu(bench: FocusBench, member: Member) -> Request:
    document = _dial(bench, member)
    uri = mcu_uri(bench.conference, McuType.DATA_CONF)
    return attrs.evolve(document, command=attrs.evolve(document.command, mcu_uri=uri))


#: Wrong commands: in words, the ErrorIds that name it, how it is made, and of ours SIP status and both reasons.
WRONG: dict[str, tuple[str, tuple[int, ...], Make, tuple[int, str, str | None]]] = {
    "unknown-command": (
        "that nobody knows",
        (3004,),
        _unknown,
        (501, "notSupported", None),
    ),
    "other-from": (
        "whose from is not the sender",
        (3000,),
        lambda bench, member: attrs.evolve(_get(bench, member), from_=_NOBODY),
        (403, "unauthorized", None),
    ),
    "other-to": (
        "whose to is not the URI in To",
        (3001,),
        lambda bench, member: attrs.evolve(_get(bench, member), to=_NOBODY),
        (400, "requestMalformed", None),
    ),
    "no-conference": (
        "about what is no conference",
        (3012, 3003),
        _evolved(_get, conference_keys=ConferenceKeys(conf_entity=_NOBODY)),
        (404, "otherFailure", "conferenceDoesntExist"),
    ),
    "eject-nobody": (
        "that ejects somebody who is not there",
        (3002,),
        lambda bench, member: member.document(eject(bench.conference, _NOBODY)),
        (404, "otherFailure", "userDoesntExist"),
    ),
    "role-of-nobody": (
        "that gives a role to somebody who is not there",
        (3002,),
        lambda bench, member: member.document(give_role(bench.conference, _NOBODY, "presenter")),
        (404, "otherFailure", "userDoesntExist"),
    ),
    "mute-nobody": (
        "that mutes somebody who is not there",
        (3002,),
        lambda bench, member: member.document(mute(bench.conference, _NOBODY, endpoint=bench.guid(), muted=True)),
        (404, "otherFailure", "userDoesntExist"),
    ),
    "mcu-of-another": (
        "for the MCU of another conference",
        (3013,),
        _other_mcu,
        (404, "otherFailure", "invalidMcuUri"),
    ),
    "unknown-role": (
        "that gives a role that there is not",
        (3016,),
        lambda bench, member: member.document(give_role(bench.conference, str(member.aor), "king")),
        (400, "requestMalformed", "invalidRole"),
    ),
    "not-for-an-mcu": (
        "for the Focus that names an MCU",
        (3005,),
        lambda bench, member: _evolved(_get, mcu_uri=bench.audio)(bench, member),
        (400, "otherFailure", "invalidMcuUri"),
    ),
    "no-such-call": (
        "that has an address called that is none",
        (3002, 3007),
        lambda bench, member: member.document(dial_out(bench.conference, "urn:example:nobody", endpoint=bench.guid())),
        (404, "otherFailure", "userDoesntExist"),
    ),
}


def _still_there(bench: FocusBench, member: Member) -> None:
    after = member.command(_get(bench, member))
    if not after.succeeded:
        bench.blame(f"a right command after it is answered {after.told}")


def _refused(make: Make, ids: tuple[int, ...]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.joined()
        answered = member.command(make(bench, member))
        if not answered.refused:
            bench.blame(answered.told)
        if answered.error_id is not None and answered.error_id not in ids:
            bench.blame(f"ErrorId {answered.error_id}, not {ids[0]}")
        _still_there(bench, member)

    return run


def _reasons(make: Make, ids: tuple[int, ...], ours: tuple[int, str, str | None]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.joined()
        answered = member.command(make(bench, member))
        seen = (answered.status, answered.reason, answered.specific)
        if seen != ours or answered.error_id not in ids:
            bench.blame(answered.told)

    return run


for _name, (_what, _ids, _make, _ours) in WRONG.items():
    add_focus_case(
        _refused(_make, _ids),
        _name,
        f"A command {_what} is refused; where an ErrorId is told it is {' or '.join(map(str, _ids))}.",
        ERROR_IDS,
        Force.SHOULD,
        applies=FOCUS,
    )
    add_focus_case(
        _reasons(_make, _ids, _ours),
        f"{_name}-reason",
        f"A command {_what} is {_ours[0]}, with the reasons {' and '.join(filter(None, _ours[1:]))}.",
        OURS,
        Force.OURS,
        applies=FOCUS,
    )


@focus_case(CONFBAS, Force.SHOULD, applies=FOCUS)
def type_not_enabled(bench: FocusBench) -> None:
    """A command for an MCU of a type that the conference does not have is refused, by SIP with 603."""
    member = bench.joined()
    answered = member.command(_data_mcu(bench, member))
    if not answered.refused:
        bench.blame(answered.told)
    if answered.status not in (200, 202, 603):
        bench.blame(answered.told)


def _broken(change: Callable[[bytes], bytes]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.joined()
        answered = member.send_command(change(bytes(_get(bench, member))))
        if not answered.refused:
            bench.blame(answered.told)
        _still_there(bench, member)

    return run


def _huge(change: Callable[[bytes], bytes]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        member = bench.joined()
        body = change(bytes(_get(bench, member)))
        member.peer.send(member.in_conference.request("INFO", body=body, content_type="application/cccp+xml"))
        bench.quiet(0.3)
        bench.spoil()
        after = bench.member(device="second").try_to_join()
        if not after.succeeded:
            bench.blame(f"a join after it is answered {after.told}")

    return run


for _name, (_what, _change) in BROKEN.items():
    add_focus_case(
        _broken(_change),
        f"document-{_name}",
        f"{_what.capitalize()} is refused, and the dialog goes on.",
        ERROR_IDS,
        Force.SHOULD,
        applies=FOCUS,
        hard=True,
    )
for _name, (_what, _change) in HUGE.items():
    add_focus_case(
        _huge(_change),
        f"document-{_name}",
        f"After {_what} the conference goes on.",
        ERROR_IDS,
        Force.SHOULD,
        applies=FOCUS,
        over=STREAMS,
        hard=True,
    )


@focus_case("RFC 3261 section 8.2.3", Force.MUST, applies=FOCUS, hard=True)
def other_type(bench: FocusBench) -> None:
    """INFO with a body of a type that is not understood is 415."""
    member = bench.joined()
    call = member.in_conference
    exchange = member.peer.ask(call.request("INFO", body=b"please", content_type="application/x-nobody-knows"))
    if exchange.status != 415:
        bench.blame(exchange.told)
    _still_there(bench, member)


@focus_case(OURS, Force.OURS, applies=FOCUS)
def unknown_elements(bench: FocusBench) -> None:
    """Elements and attributes that nobody knows are no reason to refuse a command."""
    member = bench.joined()
    text = bytes(_get(bench, member))
    strange = text.replace(b"</getConference>", b'<x:later xmlns:x="urn:example:later">1</x:later></getConference>')
    answered: Answered = member.send_command(strange.replace(b"<getConference", b'<getConference x-later="1"', 1))
    if answered.refused:
        bench.blame(answered.told)
