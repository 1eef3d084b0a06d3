"""A run full of secrets: none of them is in any trace, log, repr or snapshot."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import c3p
import sip
from pyc3p import Recording, Trace
from pyc3p.commands.output import Format, Output
from pyc3p.elements import FarmPlan, Handset
from pyc3p.elements.server import build_server
from pyc3p.ops.log import log_event
from pyc3p.simnet import Meeting
from pyc3p.trace.trace import dump_record
from rtp import Capabilities, Crypto, InlineKey, MediaStreamConfig
from sip import DigestConfig, DigestServer, PasswordStore, SeededEntropy
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, phone_at, serve_config

SECRET = "Geheim"  #: part of every secret here, whatever else they have
OURS = frozenset(("sip", "c3p", "rtp", "focus", "mcu", "pyc3p"))
BOB = f"sip:bob:{SECRET}1@example.com"


def below(root: object) -> Iterator[object]:
    """Every object of ours that something holds, in whatever it holds it."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        each = waiting.pop()
        package = type(each).__module__.partition(".")[0]
        if package in OURS:
            yield each
        for held in gc.get_referents(each):
            home = type(held).__module__.partition(".")[0]
            ours = home in OURS or isinstance(held, (dict, list, tuple, set, frozenset)) or home == "collections"
            bound = type(held).__name__ in ("method", "cell", "partial", "function")
            if (ours or (bound and home != "builtins")) and not isinstance(held, type) and id(held) not in seen:
                seen.add(id(held))
                waiting.append(held)


def shown_by(root: object) -> list[str]:
    """Types of those whose ``repr`` holds a secret."""
    return sorted({type(each).__name__ for each in below(root) if SECRET in repr(each)})


@pytest.fixture(scope="module")
def meeting() -> Meeting:
    made = Meeting(FarmPlan(handsets=(Handset(name="phone-bob", user="bob"),)), seed=1)
    made.register_phones()
    made.open()
    assert made.outcome("presenter", made.dial("presenter", BOB)).succeeded
    made.network.run_for(1.0)
    made.eject("presenter", BOB)
    made.dial("presenter", f"sip:nobody:{SECRET}2@example.com")
    made.network.run_for(5.0)
    return made


def test_the_password_of_an_address_is_in_no_trace(meeting: Meeting) -> None:
    assert not [record for record in meeting.network.recording if SECRET.encode() in record.data]
    assert not [record for record in meeting.network.recording if SECRET in repr(record) + dump_record(record)]


def test_nor_in_the_repr_of_any_machine_or_event(meeting: Meeting) -> None:
    for name, element in meeting.sim.farm.elements.items():
        assert shown_by(element) == [], name
    for name, host in meeting.sim.hosts.items():
        assert shown_by(host.events) == [], name


def test_nor_in_the_roster_that_everybody_sees(meeting: Meeting) -> None:
    statuses = [status for event in meeting.host("watcher").events for status in [str(getattr(event, "roster", ""))]]
    assert any("bob@example.com" in status for status in statuses)
    assert not any(SECRET in status for status in statuses)


@pytest.mark.parametrize("style", list(Format))
def test_nor_in_any_log(meeting: Meeting, style: Format, capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(style=style)
    for name, host in meeting.sim.hosts.items():
        for event in host.events:
            log_event(output, name, event)
    output.tell(f"{BOB} is {BOB}", conference=BOB, call=BOB, command=BOB, peer=BOB)
    text = capsys.readouterr().out
    assert "bob" in text
    assert SECRET not in text


def test_nor_in_the_log_of_a_fault() -> None:
    via = (
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS"
    )
    request = (
        f"OPTIONS {BOB} SIP/2.0\r\n{via}\r\nTo: <{BOB}>\r\nAuthorization: Digest response={SECRET}\r\n\r\n".encode()
    )
    message = sip.parse_message(request)
    assert (
        SECRET.encode() not in sip.internal_fault(ValueError("of ours"), "read", owner="focus", message=message).message
    )


def test_keys_passwords_and_passcodes_are_in_no_repr() -> None:
    key = SECRET.encode().ljust(30, b".")
    crypto = Crypto(1, "AES_CM_128_HMAC_SHA1_80", (InlineKey(key),))
    digest = DigestServer(
        DigestConfig(realm="example.com"),
        PasswordStore({"ann": SECRET}),
        key=SECRET.encode(),
        entropy=SeededEntropy(SECRET.encode()),
    )
    document = c3p.parse_document(
        f'<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="1" from="sip:a@example.com" to="sip:b@example.com">'
        f"<addConference><passcode>{SECRET}</passcode></addConference></request>".encode()
    )
    held = [
        crypto,
        Capabilities(crypto=(crypto,)),
        MediaStreamConfig(),
        digest,
        document,
        sip.Credentials("ann", SECRET),
        sip.EndpointConfig(listen=(), credentials={"example.com": sip.Credentials("ann", SECRET)}),
        serve_config(secret=SECRET),
    ]
    for each in held:
        assert shown_by(each) == [], each
    assert repr(document) != ""


def test_a_server_and_its_capture_hold_their_secrets_to_themselves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wallet = tmp_path / "credentials.toml"
    wallet.write_text(f'["pbx.example.com"]\nusername = "conference"\npassword = "{SECRET}3"\n')
    wallet.chmod(0o600)
    config = serve_config(secret=f"{SECRET}4", credentials=str(wallet))
    output, recording = Kept(), Recording()
    caplog.set_level(logging.DEBUG)

    async def everything() -> None:
        trace = Trace(readers=[recording])
        server = build_server(config, trace, output)
        await server.start()
        phone = await phone_at(config, "bob")
        assert await call_and_end(invite_options(config, f"sip:bob:{SECRET}5@127.0.0.1"), Kept()) == 0
        for node in server.nodes:
            assert shown_by(node.element) == []
            assert SECRET not in repr(node._http) + repr(server.config)
        registrar = server.cores.registrar
        assert registrar is not None
        assert SECRET not in repr(registrar.snapshot())
        bearers = [each for node in server.nodes for each in (node._http.known if node._http else ())]
        await phone.stop()
        await server.stop()
        kept = b"".join(record.data for record in recording)
        assert kept
        assert SECRET.encode() not in kept
        assert not [bearer for bearer in bearers if bearer.encode() in kept]

    asyncio.run(everything())
    assert not [text for text in output.texts if SECRET in text]
    assert SECRET not in caplog.text
