"""Encrypted sound with phones of others: each way of asking for it gets through, and both sides hear each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import focus
import mcu
from pyc3p.elements import Handset
from pyc3p.phone import ToneSource, listen_for
from pyc3p.phone.wav import Recorder
from tests.interop.programs import baresip, heard_by_baresip, kamailio, linphone, require, wait_for_text
from tests.interop.test_dial_out import (
    BARESIP_TONE,
    OUR_TONE,
    Conference,
    audio_of,
    hold_conference,
    plan_through,
    write_tone,
)

MEDIA_PORTS = 16_000  #: others than those of the tests that capture theirs
BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[int]:
    """The port of a Kamailio that serves example.com."""
    require("kamailio")
    with kamailio(tmp_path) as port:
        yield port


async def talk(conference: Conference, theirs: float, bob: str = BOB) -> mcu.LegConnected:
    """Both are called, hear each other for a while, and the other phone leaves; gives how it was connected."""
    for user in (bob, CAROL):
        assert isinstance(await conference.add_user(user), focus.CommandSucceeded)
    await asyncio.sleep(2.5)
    recorder = conference.loopback.farm.phones["phone-carol"].recorder
    assert isinstance(recorder, Recorder)
    assert listen_for(recorder.audio, theirs).heard
    assert isinstance(await conference.delete_user(bob), focus.CommandSucceeded)
    (connected,) = [event for event in conference.node("mcu").of(mcu.LegConnected) if event.user == bob]
    return connected


@pytest.mark.parametrize(
    ("offer", "wants", "encrypted"),
    [
        (mcu.Srtp.OPTIONAL, "", False),
        (mcu.Srtp.OPTIONAL, ";mediaenc=srtp", True),
        (mcu.Srtp.OPTIONAL, ";mediaenc=srtp-mand", True),
        (mcu.Srtp.REQUIRED, ";mediaenc=srtp-mand", True),
    ],
)
def test_baresip_is_called_with_srtp(proxy: int, tmp_path: Path, offer: mcu.Srtp, wants: str, encrypted: bool) -> None:
    require("baresip")
    spoken = tmp_path / "spoken.wav"
    write_tone(spoken, BARESIP_TONE, 20)
    plan = plan_through(
        proxy,
        handsets=[Handset(name="phone-carol", user="carol", source=ToneSource(OUR_TONE), srtp=offer)],
        media_policy=mcu.MediaRules(offer=offer, over_plain=True, known_domains=frozenset({"example.com"})),
    )
    connected: list[mcu.LegConnected] = []

    async def act(conference: Conference) -> None:
        connected.append(await talk(conference, BARESIP_TONE))

    with contextlib.ExitStack() as stack:
        log = stack.enter_context(
            baresip(tmp_path, user="bob", domain="example.com", proxy=proxy, spoken=spoken, account_more=wants)
        )
        hold_conference(plan, act, media_ports=MEDIA_PORTS)
        wait_for_text(log, "terminated", limit=5)
    heard = audio_of(heard_by_baresip(log))
    assert listen_for(heard, OUR_TONE).heard, listen_for(heard, OUR_TONE)
    assert connected[0].encrypted is encrypted


@pytest.mark.parametrize(
    ("offer", "encryption", "mandatory", "encrypted"),
    [
        (mcu.Srtp.OPTIONAL, "none", False, False),
        # It takes keys beside RTP/AVP for nothing unless it must encrypt; the call is plain, and it is heard.
        (mcu.Srtp.OPTIONAL, "srtp", False, False),
        (mcu.Srtp.OPTIONAL, "srtp", True, True),
        (mcu.Srtp.REQUIRED, "srtp", False, True),
    ],
)
def test_linphone_is_called_with_srtp(
    proxy: int, tmp_path: Path, offer: mcu.Srtp, encryption: str, mandatory: bool, encrypted: bool
) -> None:
    require("linphonec")
    spoken, recording = tmp_path / "spoken.wav", tmp_path / "heard.wav"
    write_tone(spoken, BARESIP_TONE, 20)
    plan = plan_through(
        proxy,
        handsets=[Handset(name="phone-carol", user="carol", source=ToneSource(OUR_TONE), srtp=offer)],
        media_policy=mcu.MediaRules(offer=offer, over_plain=True),
    )
    connected: list[mcu.LegConnected] = []
    with linphone(tmp_path, spoken=spoken, recording=recording, encryption=encryption, mandatory=mandatory) as address:

        async def act(conference: Conference) -> None:
            connected.append(await talk(conference, BARESIP_TONE, address))

        hold_conference(plan, act, media_ports=MEDIA_PORTS)
    heard = audio_of(recording)
    assert listen_for(heard, OUR_TONE).heard, listen_for(heard, OUR_TONE)
    assert connected[0].encrypted is encrypted
