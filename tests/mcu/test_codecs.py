"""Codecs of different clocks in one conference."""

from __future__ import annotations

import attrs
import pytest

from mcu import LegConnected, MixerSettings
from rtp import CODINGS, PCMU, Capabilities, SessionDescription
from tests.mcu.harness import World
from tests.rtp.l16 import L16, L16_CODEC


def test_phones_whose_codecs_have_other_clocks_hear_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODINGS, "L16", L16)
    world = World(capabilities=Capabilities(codecs=(L16_CODEC, PCMU)), mixer=MixerSettings(gate=0, max_contributors=10))
    world.start()
    wide, narrow = world.phone(1, level=1000), world.phone(2, level=-2000)
    wide.capabilities = attrs.evolve(wide.capabilities, codecs=(L16_CODEC,))
    for number in (1, 2):
        world.dial(number)
    assert [event.codec for event in world.events if isinstance(event, LegConnected)] == ["L16", "PCMU"]
    assert [codec.clock_rate for codec in SessionDescription.parse(wide.last.request.body).media[0].codecs][:2] == [
        16_000,
        8000,
    ]
    world.run(1.0)
    law = CODINGS["PCMU"]

    def through_mu_law(sample: int) -> int:
        return int.from_bytes(law.decode(law.encode(sample.to_bytes(2, "little", signed=True))), "little", signed=True)

    assert (wide.last_sample, narrow.last_sample) == (through_mu_law(-2000), through_mu_law(1000))
