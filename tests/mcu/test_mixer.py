"""Everybody hears the sum of the others, exactly."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu import Mix, Mixer, MixerSettings

EVERYBODY = MixerSettings(gate=0, max_contributors=100)
SIZE = 160


def frame(*values: int) -> bytes:
    """Twenty milliseconds that repeat the values."""
    return np.resize(np.array(values, dtype="<i2"), SIZE).tobytes()


def samples(data: bytes) -> list[int]:
    return list(map(int, np.frombuffer(data, dtype="<i2")))


def heard(mix: Mix[str], leg: str) -> list[int]:
    return samples(mix.frame(leg))


def mixer(*legs: str, using: MixerSettings = EVERYBODY) -> Mixer[str]:
    made: Mixer[str] = Mixer(using)
    for leg in legs:
        made.add(leg)
    return made


loud = st.lists(st.integers(-32768, 32767), min_size=1, max_size=8)


@settings(max_examples=60)
@given(st.lists(loud, min_size=2, max_size=8))
def test_each_leg_hears_the_clipped_sum_of_the_others(voices: list[list[int]]) -> None:
    names = [f"leg{number}" for number in range(len(voices))]
    bridge = mixer(*names, "listener")
    frames = {name: frame(*voice) for name, voice in zip(names, voices, strict=True)}
    mix = bridge.mix(frames)
    wide = {name: np.array(samples(data)) for name, data in frames.items()}
    total = sum(wide.values())
    for name in names:
        assert heard(mix, name) == np.clip(total - wide[name], -32768, 32767).tolist()
    assert heard(mix, "listener") == np.clip(total, -32768, 32767).tolist()


def test_own_voice_is_subtracted_before_anything_is_clipped() -> None:
    mix = mixer("a", "b", "c").mix({"a": frame(30000), "b": frame(30000), "c": frame(-30000)})
    assert set(heard(mix, "a")) == {0}
    assert set(heard(mix, "c")) == {32767}


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_any_number_of_legs(count: int) -> None:
    names = [f"leg{number}" for number in range(count)]
    mix = mixer(*names).mix({name: frame(100 + number) for number, name in enumerate(names)})
    total = sum(100 + number for number in range(count))
    for number, name in enumerate(names):
        assert set(heard(mix, name)) == {total - 100 - number}


def test_nobody_speaks_gives_silence_and_no_contributors() -> None:
    mix = mixer("a", "b").mix({"a": None})
    assert mix.silent
    assert set(heard(mix, "a")) == {0}
    assert mix.contributors_to("a") == ()


def test_frames_of_unknown_legs_and_of_wrong_length_are_silence() -> None:
    mix = mixer("a", "b").mix({"stranger": frame(5000), "a": frame(5000)[:-2]})
    assert mix.silent
    assert set(heard(mix, "b")) == {0}


def test_only_the_loudest_voices_are_mixed() -> None:
    bridge = mixer("a", "b", "c", "d", using=MixerSettings(max_contributors=2))
    voices = {"a": frame(1000), "b": frame(4000), "c": frame(3000), "d": frame(2000)}
    mix = bridge.mix(voices)
    assert mix.contributors == ("b", "c")
    assert set(heard(mix, "a")) == {7000}
    assert set(heard(mix, "b")) == {3000}
    assert mix.contributors_to("b") == ("c",)


def test_a_contributor_keeps_its_place_against_a_voice_that_is_only_a_little_louder() -> None:
    bridge = mixer("a", "b", using=MixerSettings(max_contributors=1))
    for _ in range(50):
        bridge.mix({"a": frame(2000)})
    for _ in range(200):
        mix = bridge.mix({"a": frame(2000), "b": frame(2600)})
    assert mix.contributors == ("a",)
    for _ in range(200):
        mix = bridge.mix({"a": frame(2000), "b": frame(4000)})
    assert mix.contributors == ("b",)


def test_noise_below_the_gate_is_not_mixed_and_short_pauses_stay() -> None:
    bridge = mixer("a", "b", using=MixerSettings())
    assert bridge.mix({"a": frame(50)}).silent
    assert bridge.mix({"a": frame(3000)}).contributors == ("a",)
    for _ in range(39):
        assert bridge.mix({"a": frame(50)}).contributors == ("a",)
    assert bridge.mix({"a": frame(50)}).silent


def test_a_quiet_voice_needs_two_frames() -> None:
    bridge = mixer("a", "b", using=MixerSettings())
    assert bridge.mix({"a": frame(200)}).silent
    assert bridge.mix({"a": frame(200)}).contributors == ("a",)


def steps(data: list[int]) -> int:
    return max(abs(after - before) for before, after in pairwise(data))


def test_mute_and_unmute_fade_within_one_frame_and_do_not_click() -> None:
    bridge = mixer("a", "b")
    voice = {"a": frame(10000)}
    line = heard(bridge.mix(voice), "b")
    bridge.set_muted("a", True)
    fading = bridge.mix(voice)
    line += heard(fading, "b")
    quiet = heard(bridge.mix(voice), "b")
    assert set(quiet) == {0}
    line += quiet
    bridge.set_muted("a", False)
    line += heard(bridge.mix(voice), "b")
    back = heard(bridge.mix(voice), "b")
    assert set(back) == {10000}
    line += back
    assert steps(line) <= 10000 / SIZE + 1


def test_a_muted_leg_is_no_contributor_and_hears_the_others() -> None:
    bridge = mixer("a", "b")
    bridge.set_muted("a", True)
    mix = bridge.mix({"a": frame(9000), "b": frame(700)})
    assert mix.contributors == ("b",)
    assert set(heard(mix, "a")) == {700}


def test_a_deaf_leg_hears_silence_after_one_frame_and_is_still_heard() -> None:
    bridge = mixer("a", "b")
    voices = {"a": frame(1000), "b": frame(500)}
    bridge.mix(voices)
    bridge.set_deaf("a", True)
    fading = heard(bridge.mix(voices), "a")
    assert fading[-1] == 0
    assert steps([500, *fading]) <= 500 / SIZE + 1
    mix = bridge.mix(voices)
    assert set(heard(mix, "a")) == {0}
    assert set(heard(mix, "b")) == {1000}


def test_a_leg_that_is_deaf_from_the_start_hears_nothing() -> None:
    bridge = mixer("a", "b")
    bridge.set_deaf("b", True)
    assert set(heard(bridge.mix({"a": frame(1000)}), "b")) == {0}


def test_gains_scale_what_is_said_and_what_is_heard() -> None:
    bridge = mixer("a", "b", "c")
    bridge.set_gains("a", input_gain=0.5)
    bridge.set_gains("c", output_gain=2.0)
    for _ in range(2):
        mix = bridge.mix({"a": frame(1000), "b": frame(100)})
    assert set(heard(mix, "b")) == {500}
    assert set(heard(mix, "a")) == {100}
    assert set(heard(mix, "c")) == {1200}


def test_a_leg_that_left_is_neither_heard_nor_counted() -> None:
    bridge = mixer("a", "b")
    voices = {"a": frame(1000), "b": frame(2000)}
    bridge.mix(voices)
    bridge.remove("b")
    mix = bridge.mix(voices)
    assert "b" not in bridge
    assert len(bridge) == 1
    assert mix.contributors == ("a",)
    assert set(heard(mix, "a")) == {0}


def test_listeners_share_one_encoded_frame_a_codec_and_contributors_have_their_own() -> None:
    bridge = mixer("a", "b", "c", "d")
    mix = bridge.mix({"a": frame(1000)})
    encoded: list[bytes] = []

    def first_sample(pcm: bytes) -> bytes:
        encoded.append(pcm)
        return pcm[:2]

    for leg in ("b", "c", "d"):
        assert mix.encoded(leg, "PCMU", first_sample) == frame(1000)[:2]
    assert mix.encoded("b", "PCMA", first_sample) == frame(1000)[:2]
    assert mix.encoded("a", "PCMU", first_sample) == b"\0\0"
    assert encoded == [frame(1000), frame(1000), frame(0)]


def test_energies_name_the_legs_that_talk() -> None:
    bridge = mixer("a", "b", "c", using=MixerSettings())
    bridge.set_muted("c", True)
    bridge.mix({"a": frame(1000), "b": frame(10), "c": frame(20000)})
    assert bridge.energies == {"a": 1_000_000.0}


def test_csrc_list_has_at_most_fifteen_entries() -> None:
    names = [f"leg{number:02}" for number in range(20)]
    mix = mixer(*names).mix({name: frame(1000 - number) for number, name in enumerate(names)})
    assert mix.contributors_to("listener") == tuple(names[:15])
    assert mix.contributors_to("leg00") == tuple(names[1:16])


def test_without_numpy_the_package_imports_and_the_mixer_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "import mcu\n"
        "try: mcu.Mixer\n"
        "except mcu.MissingExtra as error: print(error, error.extra)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "mixing needs numpy: pip install '.[mcu]' in a checkout mcu"


def test_unknown_names_of_the_package_are_attribute_errors() -> None:
    import mcu

    with pytest.raises(AttributeError, match="no attribute 'Blender'"):
        _ = mcu.Blender
