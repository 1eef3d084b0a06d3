"""What is posted is wrong: refused, and the MCU goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from c3p import (
    ConferenceInfo,
    ConferenceKeys,
    GetConference,
    Notify,
    Unknown,
    UnknownCommand,
)
from pyc3p.conform.case import Silent
from pyc3p.conform.cases.mcu.sources import CONFBAS, MCU, OURS, WIRE, add_mcu_case, mcu_case
from pyc3p.conform.conference.broken import BROKEN, HUGE
from pyc3p.conform.mcu.bench import McuBench
from sip.testing import Force


def _right(bench: McuBench) -> bytes:
    return bytes(bench.document(GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference))))


def _still_there(bench: McuBench) -> None:
    after = bench.get()
    if not after.succeeded:
        bench.blame(f"a right document after it is answered {after.told}")


def _broken(change: Callable[[bytes], bytes]) -> Callable[[McuBench], None]:
    def run(bench: McuBench) -> None:
        bench.stand()
        replied = bench.ask(change(_right(bench)))
        if not replied.refused:
            bench.blame(replied.told)
        _still_there(bench)

    return run


def _huge(change: Callable[[bytes], bytes]) -> Callable[[McuBench], None]:
    def run(bench: McuBench) -> None:
        bench.stand()
        with contextlib.suppress(Silent):  # a server may end the connection before it has read all
            bench.ask(change(_right(bench)))
        _still_there(bench)

    return run


for _name, (_what, _change) in BROKEN.items():
    add_mcu_case(
        _broken(_change),
        _name,
        f"{_what.capitalize()} is refused, and the conference goes on.",
        CONFBAS,
        Force.SHOULD,
        applies=MCU,
        hard=True,
    )
for _name, (_what, _change) in HUGE.items():
    add_mcu_case(
        _huge(_change), _name, f"After {_what} the conference goes on.", CONFBAS, Force.SHOULD, applies=MCU, hard=True
    )


@mcu_case(WIRE, Force.OURS, applies=MCU, hard=True)
def no_xml_status(bench: McuBench) -> None:
    """What is no XML is HTTP 400."""
    bench.stand()
    replied = bench.ask(b"please")
    if replied.status != 400:
        bench.blame(replied.told)


@mcu_case("RFC 9110 section 15.5.6", Force.MUST, applies=MCU, hard=True)
def other_method(bench: McuBench) -> None:
    """A 405 to another method has Allow."""
    bench.stand()
    head = bench.head(0).replace(b"POST ", b"GET ", 1)
    answer = bench.post(b"", head=head)
    if answer.status != 405:
        bench.skip(f"GET is answered {answer.status}")
    if not answer.field("Allow"):
        bench.blame("no Allow")


@mcu_case(WIRE, Force.OURS, applies=MCU, hard=True)
def get(bench: McuBench) -> None:
    """GET is 405."""
    answer = bench.post(b"", head=bench.head(0).replace(b"POST ", b"GET ", 1))
    if answer.status != 405:
        bench.blame(f"HTTP {answer.status}")


@mcu_case(WIRE, Force.OURS, applies=MCU, hard=True)
def other_type(bench: McuBench) -> None:
    """A body of another type is 415."""
    bench.stand()
    body = _right(bench)
    answer = bench.post(body, head=bench.head(len(body), content_type="text/plain"))
    if answer.status != 415:
        bench.blame(f"HTTP {answer.status}")


@mcu_case("RFC 9110 section 15.5.5", Force.SHOULD, applies=MCU, hard=True)
def other_path(bench: McuBench) -> None:
    """A path at which nothing is, is 404."""
    bench.stand()
    body = _right(bench)
    head = bench.head(len(body)).replace(bench.mcu.path.encode(), b"/nowhere/at/all", 1)
    answer = bench.post(body, head=head)
    if answer.status != 404:
        bench.blame(f"HTTP {answer.status}")


@mcu_case("RFC 9112 section 7.1", Force.MUST, applies=MCU)
def chunked(bench: McuBench) -> None:
    """A body in chunks is taken as one with a length is."""
    bench.stand()
    body = _right(bench)
    head = bench.head(0).replace(b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n")
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:half], body[half:]))
    answer = bench.post(chunks + b"0\r\n\r\n", head=head)
    if answer.status != 200:
        bench.blame(f"HTTP {answer.status}")


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def unknown_command(bench: McuBench) -> None:
    """A command that nobody knows is refused."""
    bench.stand()
    replied = bench.ask(UnknownCommand(element=Unknown("{urn:ietf:params:xml:ns:cccp}playPrompt", (), ())))
    if not replied.refused:
        bench.blame(replied.told)
    _still_there(bench)


@mcu_case(OURS, Force.OURS, applies=MCU)
def unknown_command_reason(bench: McuBench) -> None:
    """Its reason is notSupported."""
    bench.stand()
    replied = bench.ask(UnknownCommand(element=Unknown("{urn:ietf:params:xml:ns:cccp}playPrompt", (), ())))
    if replied.reason != "notSupported":
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def unknown_elements(bench: McuBench) -> None:
    """Elements and attributes that nobody knows are no reason to refuse a command."""
    bench.stand()
    strange = _right(bench).replace(
        b"</getConference>", b'<x:later xmlns:x="urn:example:later">1</x:later></getConference>'
    )
    replied = bench.ask(strange.replace(b"<getConference", b'<getConference x-later="1"', 1))
    if replied.refused:
        bench.blame(replied.told)


@mcu_case(WIRE, Force.OURS, applies=MCU, hard=True)
def no_request(bench: McuBench) -> None:
    """A notification is none of the documents that an MCU takes: 400."""
    bench.stand()
    info = ConferenceInfo(entity=bench.conference, state="full", version=1)
    told = Notify(notification_id=1, from_=bench.own_uri, to=bench.conference, conference_info=info)
    replied = bench.ask(bytes(told))
    if replied.status != 400:
        bench.blame(replied.told)
