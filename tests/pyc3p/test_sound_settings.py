"""The section ``[sound]``, and what is said of numbers that no conference gets."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

import mcu
import sip
from pyc3p.elements.cautions import cautions
from pyc3p.problems import UsageProblem
from pyc3p.settings.dial_in import DialInSettings
from pyc3p.settings.nodes import NodesSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.sound import SoundSettings
from rtp.aio import write_wav

PLAIN = mcu.McuConfig(mcu_id="mcu-1", http_url="http://127.0.0.1:8445/", sip_contact=sip.Uri("sip", "127.0.0.1", "mcu"))


def test_without_a_word_an_mcu_is_as_it_was() -> None:
    assert SoundSettings().of(PLAIN, PLAIN.prompts) == PLAIN


def test_what_is_heard_is_what_the_file_says(tmp_path: Path) -> None:
    write_wav(tmp_path / "music.wav", b"\x01\x00" * 800)
    said = SoundSettings(
        hold_music=str(tmp_path / "music.wav"),
        announcements=True,
        announcements_modifiable=False,
        speaker_in_roster=True,
    )
    made = said.of(PLAIN, mcu.Prompts(passcode=b"\x02\x00"))
    assert made.hold_music == b"\x01\x00" * 800
    assert made.prompts.passcode == b"\x02\x00"
    assert (made.announcements_enabled, made.announcements_modifiable, made.speaker_in_roster) == (True, False, True)


def test_music_that_is_none_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    write_wav(tmp_path / "long.wav", bytes(601 * 16_000))
    for name in ("text.wav", "absent.wav", "long.wav"):
        with pytest.raises(UsageProblem, match=r"sound\.hold_music: [^\n]*$"):
            SoundSettings(hold_music=str(tmp_path / name)).of(PLAIN, PLAIN.prompts)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"parts": ("focus",)}, "with the Focus alone"),
        ({"parts": ("focus-factory",)}, "with the Focus Factory alone"),
    ],
)
def test_numbers_that_no_conference_gets_are_said_with_the_reason(changed: dict[str, object], why: str) -> None:
    config = attrs.evolve(ServeConfig(), **changed)  # type: ignore[arg-type]
    (line,) = cautions(config)
    assert line.startswith("dial_in.numbers gives no numbers")
    assert why in line
    assert "\n" not in line
    assert list(cautions(attrs.evolve(config, dial_in=DialInSettings(numbers=False)))) == []


@pytest.mark.parametrize("parts", [("mcu",), ("registrar", "proxy"), ("focus", "focus-factory", "mcu-factory")])
def test_nothing_is_said_of_numbers_where_they_work_or_nobody_expects_them(parts: tuple[str, ...]) -> None:
    assert list(cautions(attrs.evolve(ServeConfig(), parts=parts))) == []
    shared = NodesSettings(store="redis://127.0.0.1:6379/0")
    assert list(cautions(attrs.evolve(ServeConfig(), parts=parts, nodes=shared))) == []
