"""PCM as bytes, and telling datagrams apart."""

from __future__ import annotations

import struct
import sys
from array import array

import pytest
from hypothesis import given

from rtp.codecs.pcm import attenuated, crossfaded, pcm_of, peak_of, samples_of
from rtp.packets.demux import DatagramKind, classify
from rtp.testing import pcm


@given(pcm(20))
def test_round_trip(sound: bytes) -> None:
    assert pcm_of(samples_of(sound)) == sound
    assert tuple(samples_of(sound)) == struct.unpack("<20h", sound)


@pytest.mark.parametrize("order", ["little", "big"])
def test_machines_of_the_other_order_swap(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    swapped = order != sys.byteorder
    monkeypatch.setattr("sys.byteorder", order)
    samples = array("h", [1, -2])
    assert pcm_of(samples) == struct.pack(">2h" if swapped else "<2h", 1, -2)
    assert samples == array("h", [1, -2])
    assert samples_of(pcm_of(samples)) == samples


@pytest.mark.parametrize(("factor", "expected"), [(2.0, 1000), (1.0, 1000), (0.7, 700), (0.0, 0), (-1.0, 0)])
def test_attenuation(factor: float, expected: int) -> None:
    assert attenuated(struct.pack("<2h", 1000, -1000), factor) == struct.pack("<2h", expected, -expected)


def test_quiet() -> None:
    assert peak_of(struct.pack("<2h", 5, -5)) == 5
    assert peak_of(struct.pack("<2h", 5, -6)) == 6
    assert peak_of(struct.pack("<2h", -32768, 32767)) == 32768
    assert peak_of(b"") == 0


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x80\x00" + bytes(10), DatagramKind.RTP),
        (b"\x90\xe5" + bytes(10), DatagramKind.RTP),
        (b"\x80\xc8" + bytes(10), DatagramKind.RTCP),
        (b"\x81\xdf" + bytes(10), DatagramKind.RTCP),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), DatagramKind.STUN),
        (b"\x00\x01" + bytes(4), DatagramKind.GARBAGE),
        (b"\x16\xfe\xfd" + bytes(20), DatagramKind.DTLS),
        (b"\x40" + bytes(20), DatagramKind.GARBAGE),
        (b"\xff" * 20, DatagramKind.GARBAGE),
        (b"\x80\x00", DatagramKind.GARBAGE),
        (b"", DatagramKind.GARBAGE),
    ],
)
def test_kinds_of_datagrams(data: bytes, kind: DatagramKind) -> None:
    assert classify(data) is kind


@given(pcm(160), pcm(160))
def test_a_crossfade_begins_with_the_old_sound_and_ends_with_the_new(before: bytes, after: bytes) -> None:
    mixed = crossfaded(before, after, 80)
    assert mixed[:2] == before[:2]
    assert mixed[160:] == after[160:]
    for old, new, out in zip(samples_of(before), samples_of(after), samples_of(mixed), strict=True):
        assert min(old, new) - 1 <= out <= max(old, new)


def test_a_crossfade_is_no_longer_than_what_there_is() -> None:
    assert crossfaded(b"", b"\x01\x00", 80) == b"\x01\x00"
    assert crossfaded(b"\x05\x00", b"\x01\x00\x02\x00", 80) == b"\x05\x00\x02\x00"
