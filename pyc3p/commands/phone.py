"""``pyc3p phone``: a legacy phone that registers, rings, plays and records."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import attrs

import mcu
import rtp
import sip
from pyc3p.commands.addresses import local_host_towards, proxy_at, server_address
from pyc3p.commands.credentials import PasswordWanted, Wallet
from pyc3p.commands.narration import narrate
from pyc3p.commands.output import Output
from pyc3p.elements import event_loop, parts
from pyc3p.elements.node import Node
from pyc3p.elements.parts import Place
from pyc3p.elements.tls import SipTls
from pyc3p.phone import PhoneConfig, PhoneNotRegistered, PhoneRegistered, Reaction
from pyc3p.phone.tone import SilenceSource, ToneSource
from pyc3p.phone.wav import Recorder, WavSource
from pyc3p.problems import Problem, UsageProblem
from pyc3p.trace.trace import text_address
from rtp.aio import MediaPortsConfig
from sip import Event
from sip.aio import TlsFault, live_entropy, wall_clock

#: Seconds for the registrar's first answer.
ANSWER = 5.0


@attrs.frozen(kw_only=True)
class PhoneOptions:
    """What was asked for at the command line."""

    aor: sip.Uri
    server: tuple[str, int]
    sip_port: int = 0  #: 0: any free one
    tone: float | None = None  #: Hz to play
    play: Path | None = None  #: WAV to play
    record: Path | None = None  #: WAV to write
    reaction: Reaction = Reaction.ANSWER
    ring_time: float = 1.0
    hang_up_after: float | None = None
    srtp: mcu.Srtp = mcu.Srtp.OFF
    stay: float | None = None  #: seconds; None: until Ctrl-C
    wallet: Wallet = attrs.field(factory=Wallet, repr=False)  #: for servers that ask who we are
    tls: SipTls | None = None  #: the server is asked over TLS, and has to prove its name


def audio_source(options: PhoneOptions) -> rtp.AudioSource:
    """What the phone plays; raises UsageProblem."""
    try:
        if options.play is not None:
            return WavSource.open(options.play)
        return ToneSource(options.tone) if options.tone is not None else SilenceSource()
    except ValueError as error:
        raise UsageProblem(str(error)) from error
    except OSError as error:
        raise UsageProblem(f"{options.play} cannot be read: {error.strerror}") from error


def run_phone(options: PhoneOptions, *, as_json: bool) -> int:
    """Be a phone until Ctrl-C; 0 when the registrar knew it to the end. Raises Problem."""
    if options.record is not None:
        _check_writable(options.record)
    while True:
        try:
            return event_loop.run(_phone(options, audio_source(options), Output(as_json=as_json)))
        except PasswordWanted as wanted:
            options.wallet.prompt(wanted)


async def _phone(options: PhoneOptions, source: rtp.AudioSource, output: Output) -> int:
    host, port = server_address(*options.server)
    local = local_host_towards(host, port)
    place = Place(name="phone", host=local, sip_port=options.sip_port, wall_clock=wall_clock())
    with_port = attrs.evolve(place, sip_port=options.sip_port or _free_port(local))
    config = PhoneConfig(
        aor=str(options.aor),
        contact=_contact(options, with_port),
        registrar=sip.Uri(options.aor.scheme, options.aor.host),
        outbound_proxy=sip.Uri("sip", host, port=port) if options.tls is None else proxy_at((host, port), "tls"),
        reaction=options.reaction,
        ring_time=options.ring_time,
        hang_up_after=options.hang_up_after,
    ).with_srtp(options.srtp)
    element, phone = parts.phone(
        with_port, config, entropy=live_entropy(), source=source, credentials=options.wallet.find
    )

    def on_event(event: Event) -> None:
        if isinstance(event, PhoneNotRegistered | TlsFault) and not node.of(PhoneRegistered):
            return  # the command ends with this, and says so once
        text = narrate(event)
        if text is not None:
            output.tell(text, event=type(event).__name__)

    node = Node(element, media=MediaPortsConfig(host=local), on_event=on_event, tls=options.tls)
    await node.start()
    try:
        phone.register(now=node.now)
        node.kick()
        await _first_answer(node, text_address((host, port)), options)
        await _until_stopped(options.stay)
        lost = _last_word(node)
        phone.hang_up(now=node.now)
        phone.unregister(now=node.now)
        node.kick()
        await asyncio.sleep(0.2)  # BYE and REGISTER leave, their answers come
    finally:
        await node.stop()
        if options.record is not None and isinstance(phone.recorder, Recorder):
            _save(phone.recorder, options.record)
    if isinstance(lost, PhoneNotRegistered):
        raise Problem(f"the registrar at {text_address((host, port))} {_refusal(lost)} in the end")
    return 0


def _contact(options: PhoneOptions, place: Place) -> sip.Uri:
    """Where the phone is called: over TLS down its own connection, whatever stands here, but with the right words."""
    if options.aor.scheme == "sips":
        return sip.Uri("sips", place.reachable, options.aor.user, port=place.sip_port)
    return place.sip_uri(options.aor.user, "tls" if options.tls is not None else None)


def _last_word(node: Node) -> Event | None:
    """What became of the last registration."""
    told = (event for event in reversed(node.events) if isinstance(event, PhoneRegistered | PhoneNotRegistered))
    return next(told, None)


def _refusal(event: PhoneNotRegistered) -> str:
    return f"refused with {event.status}" if event.status else "did not answer"


def _check_writable(path: Path) -> None:
    """Now, rather than after the call that should have been recorded."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error


def _save(recorder: Recorder, path: Path) -> None:
    try:
        recorder.save(path)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error


def _free_port(host: str) -> int:
    from pyc3p.elements.loopback import reserved_ports

    with reserved_ports(1, host) as ports:
        return ports[0]


async def _first_answer(node: Node, where: str, options: PhoneOptions) -> None:
    """Go on when the registrar has answered; raises Problem when it refuses or is not there."""

    def answered() -> bool:
        return any(node.of(kind) for kind in (PhoneRegistered, PhoneNotRegistered, TlsFault))

    await node.wait_for(answered, ANSWER, f"an answer of the registrar at {where} (is `pyc3p serve` running there?)")
    refused, faults = node.of(PhoneNotRegistered), node.of(TlsFault)
    if faults and not node.of(PhoneRegistered):
        raise Problem(narrate(faults[0]) or faults[0].reason)
    if refused and not node.of(PhoneRegistered):
        problem = options.wallet.refused(refused[0].status, where, aor=options.aor)
        if problem is not None:
            raise problem
        raise Problem(f"the registrar at {where} {_refusal(refused[0])}; {_mend(options, refused[0])}")


def _mend(options: PhoneOptions, refused: PhoneNotRegistered) -> str:
    aor, host = options.aor, options.server[0]
    if refused.status and aor.host != host:
        return f"it may not serve the domain {aor.host}; its own phones are --as {sip.Uri('sip', host, aor.user)}"
    return "is `pyc3p serve` running there?"


async def _until_stopped(seconds: float | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()
