"""``[recording]``: what is written of the conferences of an MCU, and what people hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import mcu
from pyc3p.commands.output import Output
from pyc3p.elements import recorder as module
from pyc3p.elements.recorder import Recorder
from pyc3p.problems import UsageProblem
from pyc3p.settings.recording import Recordings, RecordingSettings
from rtp.aio import read_wav, write_wav

CONFERENCE = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
FRAME = b"\x10\x00" * 160


class Control:
    """What a `Recorder` uses of `mcu.MediaControl`."""

    def __init__(self) -> None:
        self.taps: dict[mcu.LegId | None, mcu.Tap] = {}
        self.played: list[tuple[mcu.LegId, bytes]] = []
        self.closed: list[mcu.Tap] = []

    def tap(self, conference: str, leg: mcu.LegId | None = None) -> mcu.Tap:
        self.taps[leg] = mcu.Tap(conference)
        return self.taps[leg]

    def close_tap(self, tap: mcu.Tap) -> None:
        self.closed.append(tap)

    def play(self, leg: mcu.LegId, sound: bytes) -> None:
        if leg == 9:
            raise mcu.LocalProtocolError("that leg is on hold")
        self.played.append((leg, sound))


class Said(Output):
    """What is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def tell(self, text: str, style: str = "", *, level: str = "info", **fields: object) -> None:  # type: ignore[override]
        self.lines.append((level, text))


def connected(leg: int, user: str = "sip:bob@example.com") -> mcu.LegConnected:
    return mcu.LegConnected(
        owner="mcu", leg=mcu.LegId(leg), conference=CONFERENCE, user=user, endpoint="{1}", codec="PCMU", rang_for=1.0
    )


def recorded(folder: Path, happens: Callable[[Recorder, Control], None], **wanted: bool) -> tuple[Control, Said]:
    """What a recorder does of what happens, until it is closed."""
    control, said = Control(), Said()

    async def scenario() -> None:
        settings = Recordings(folder, mix=wanted.get("mix", True), legs=wanted.get("legs", True), notice=b"\x01\x00")
        made = Recorder(control, settings, output=said, wall_clock=lambda: datetime(2026, 12, 1, tzinfo=UTC))  # type: ignore[arg-type]
        happens(made, control)
        await asyncio.sleep(0.05)
        await made.close()

    asyncio.run(scenario())
    return control, said


def files(folder: Path) -> dict[str, bytes]:
    """What was written, by the last part of its name."""
    return {path.stem.split("Z-", 1)[1]: read_wav(path) for path in folder.iterdir()}


def test_the_mix_and_each_call_are_written_and_everybody_is_told(tmp_path: Path) -> None:
    def happens(made: Recorder, control: Control) -> None:
        made.observe(connected(1))
        made.observe(connected(2, "sip:../../etc/x y@example.com"))
        control.taps[None].write(FRAME)
        control.taps[mcu.LegId(2)].write(None)

    control, _ = recorded(tmp_path, happens)
    assert files(tmp_path) == {"mix": FRAME, "1-bob": b"", "2-sip_.._.._etc_x_y_example.com": bytes(320)}
    assert control.played == [(1, b"\x01\x00"), (2, b"\x01\x00")]
    assert len(control.closed) == 3
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_only_what_is_wanted_is_written(tmp_path: Path) -> None:
    for kind, wanted in (("mix", {"legs": False}), ("1-bob", {"mix": False})):
        folder = tmp_path / kind
        folder.mkdir()
        recorded(folder, lambda made, control: made.observe(connected(1)), **wanted)
        assert set(files(folder)) == {kind}


def test_who_is_on_hold_hears_no_notice_and_is_recorded(tmp_path: Path) -> None:
    control, _ = recorded(tmp_path, lambda made, control: made.observe(connected(9)))
    assert control.played == []
    assert set(files(tmp_path)) == {"mix", "9-bob"}


def test_a_file_is_whole_after_each_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after kill -9."""
    monkeypatch.setattr(module, "EVERY", 0.01)
    seen = list[dict[str, bytes]]()

    async def scenario() -> None:
        control, wanted = Control(), Recordings(tmp_path, mix=True, legs=False, notice=b"")
        made = Recorder(control, wanted, output=Said())  # type: ignore[arg-type]
        made.observe(connected(1))
        for frames in (1, 2):
            control.taps[None].write(FRAME)
            while len(next(iter(files(tmp_path).values()), b"") if list(tmp_path.iterdir()) else b"") < frames * 320:
                await asyncio.sleep(0.01)
            seen.append(files(tmp_path))
        await made.close()

    asyncio.run(asyncio.wait_for(scenario(), 30.0))
    assert [len(each["mix"]) for each in seen] == [320, 640]


def test_a_leg_that_is_gone_ends_its_file_and_a_conference_that_begins_again_another(tmp_path: Path) -> None:
    def happens(made: Recorder, control: Control) -> None:
        made.observe(connected(1))
        first = control.taps[None]
        first.write(FRAME)
        first.ended = True
        made.observe(mcu.ConferenceEnded(owner="mcu", conference=CONFERENCE, cause=mcu.ConferenceEndCause.DELETED))
        made._wall_clock = lambda: datetime(2026, 12, 2, tzinfo=UTC)
        made.observe(connected(1))
        assert control.taps[None] is not first

    recorded(tmp_path, happens, legs=False)
    assert sorted(len(read_wav(path)) for path in tmp_path.iterdir()) == [0, 320]


def test_what_cannot_be_written_is_said_once_and_nothing_else_ends(tmp_path: Path) -> None:
    def happens(made: Recorder, control: Control) -> None:
        (tmp_path / "0123456789ABCDEF-20261201T000000.000000Z-mix.wav").write_text("there already")
        made.observe(connected(1))

    control, said = recorded(tmp_path, happens)
    assert [level for level, _ in said.lines].count("error") == 1
    assert (tmp_path / "0123456789ABCDEF-20261201T000000.000000Z-mix.wav").read_text() == "there already"
    assert len(control.closed) == 2
    assert len(list(tmp_path.glob("*-1-bob.wav"))) == 1


# Settings ------------------------------------------------------------------------------------------------------------


def test_without_a_folder_nothing_is_recorded() -> None:
    assert RecordingSettings().wanted(mcu.Prompts()) is None


def test_a_notice_of_ones_own_is_heard(tmp_path: Path) -> None:
    write_wav(tmp_path / "notice.wav", b"\x02\x00")
    made = RecordingSettings(folder=str(tmp_path), notice=str(tmp_path / "notice.wav")).wanted(mcu.Prompts())
    assert made is not None
    assert (made.notice, made.mix, made.legs) == (b"\x02\x00", True, False)
    tone = RecordingSettings(folder=str(tmp_path)).wanted(mcu.Prompts(recorded=b"\x03\x00"))
    assert tone is not None
    assert tone.notice == b"\x03\x00"


def test_mistakes_are_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"^recording\.folder [^\n]*$"):
        RecordingSettings(folder=str(tmp_path), mix=False)
    with pytest.raises(UsageProblem, match=r"^recording\.notice [^\n]*$"):
        RecordingSettings(notice="x.wav")
    with pytest.raises(UsageProblem, match=r"^recording\.folder: [^\n]*$"):
        RecordingSettings(folder=str(tmp_path / "absent")).wanted(mcu.Prompts())
    with pytest.raises(UsageProblem, match=r"^recording\.notice: [^\n]*$"):
        RecordingSettings(folder=str(tmp_path), notice=str(tmp_path / "absent.wav")).wanted(mcu.Prompts())
