"""The section ``[dial_in]`` and ``--open-rooms``: what is refused, and who gets in by a number alone."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from pyc3p.problems import UsageProblem
from pyc3p.settings.dial_in import DialInSettings, PromptSettings
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.serve import ServeConfig
from rtp.aio import write_wav

OPEN = DialInSettings(open_rooms=True)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"bypass": "maybe"}, "dial_in.bypass"),
        ({"digits": 3}, "dial_in.digits"),
        ({"digits": 16}, "dial_in.digits"),
        ({"prefix": "12a"}, "dial_in.prefix"),
        ({"max_rooms": 0}, "dial_in.max_rooms"),
        ({"max_calls_per_source": 0}, "dial_in.max_calls_per_source"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_setting(settings: dict[str, object], word: str) -> None:
    with pytest.raises(UsageProblem, match=word):
        DialInSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bypass", "host", "asks", "expected"),
    [
        ("auto", "127.0.0.1", False, True),
        ("auto", "127.0.0.1", True, False),
        ("auto", "192.0.2.10", False, False),
        ("yes", "192.0.2.10", True, True),
        ("no", "127.0.0.1", False, False),
    ],
)
def test_the_number_is_enough_on_loopback_and_elsewhere_where_that_is_said(
    bypass: str, host: str, asks: bool, expected: bool
) -> None:
    assert DialInSettings(bypass=bypass).lets_in(host, asks=asks) is expected


def test_rooms_are_for_an_mcu_and_off_loopback_for_who_says_so() -> None:
    assert ServeConfig(parts=("mcu",), dial_in=OPEN).only_rooms
    assert not ServeConfig(dial_in=OPEN).only_rooms
    with pytest.raises(UsageProblem, match="serve the part mcu"):
        ServeConfig(parts=("focus", "focus-factory"), dial_in=OPEN)
    with pytest.raises(UsageProblem, match="one worker"):
        ServeConfig(parts=("mcu",), workers=2, dial_in=OPEN)
    with pytest.raises(UsageProblem, match="--insecure"):
        ServeConfig(parts=("mcu",), host="192.0.2.10", dial_in=OPEN)
    ServeConfig(parts=("mcu",), host="192.0.2.10", dial_in=OPEN, identity=IdentitySettings(insecure=True))


def test_prompts_come_from_files_that_are_sound(tmp_path: Path) -> None:
    write_wav(tmp_path / "ours.wav", b"\x01\x00" * 800)
    settings = PromptSettings(passcode=str(tmp_path / "ours.wav"))
    assert settings.prompts().passcode == b"\x01\x00" * 800
    assert settings.prompts().wrong == PromptSettings().prompts().wrong
    (tmp_path / "text.wav").write_text("no sound")
    for name in ("text.wav", "absent.wav"):
        with pytest.raises(UsageProblem, match=r"dial_in\.prompts\.passcode"):
            attrs.evolve(settings, passcode=str(tmp_path / name)).prompts()
    write_wav(tmp_path / "long.wav", bytes(61 * 16_000))
    with pytest.raises(UsageProblem, match="longer than"):
        attrs.evolve(settings, passcode=str(tmp_path / "long.wav")).prompts()
