"""Sound of one's own in ``pyc3p invite``: what is said is heard by whoever was called, and the other way round."""

from __future__ import annotations

import array
import asyncio
import math
from pathlib import Path

import pytest

import pyc3p
import rtp.aio
import sip.aio
from pyc3p.commands.invite import Invite
from pyc3p.commands.invite_options import InviteOptions
from pyc3p.commands.output import Output
from pyc3p.commands.own_sound import OwnSound
from pyc3p.phone import listen_for
from pyc3p.problems import UsageProblem
from tests.live import live

TONE = array.array("h", [int(8000 * math.sin(2 * math.pi * 700 * n / 8000)) for n in range(8000)]).tobytes()


@live
async def test_whoever_invites_is_heard_and_hears(tmp_path: Path) -> None:
    told: list[str] = []
    output = Output(forward=lambda text, style, fields: told.append(text))
    sound = OwnSound.read("tone:400", tmp_path / "presenter.wav")
    async with (
        pyc3p.server() as server,
        sip.aio.UserAgent(server.aor("bob"), server=server.address, media=rtp.aio.AudioSession) as bob,
    ):
        await bob.register()
        host, _, port = server.address.partition(":")
        options = InviteOptions(
            targets=(server.aor("bob"),), server=(host, int(port)), aor=server.aor("ann"), sound=sound
        )
        invite = Invite(options, output)
        running = asyncio.ensure_future(invite.run())
        call = await anext(bob.incoming())
        await call.answer()
        with call.media.record(tmp_path / "phone.wav"):
            await call.media.play(TONE)
            await call.media.play(TONE)
        invite.obey("end")
        assert await running == 0
    assert "you are heard" in told
    assert listen_for(rtp.aio.read_wav(tmp_path / "phone.wav"), 400).heard
    assert listen_for(rtp.aio.read_wav(tmp_path / "presenter.wav"), 700).heard


def test_nothing_asked_for_is_no_sound(tmp_path: Path) -> None:
    assert OwnSound.read(None, None) is None
    listening = OwnSound.read(None, tmp_path / "heard.wav")
    assert listening is not None
    assert listening.source.next_frame() == bytes(320)


@pytest.mark.parametrize(
    ("audio", "said"),
    [("tone:9000", "4000 Hz"), ("tone:high", "high"), ("nowhere.wav", "or is it tone")],
)
def test_what_is_no_sound_is_refused(audio: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        OwnSound.read(audio, None)


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"no WAV")
    with pytest.raises(UsageProblem, match="not a WAV file"):
        OwnSound.read(str(tmp_path / "x.wav"), None)
