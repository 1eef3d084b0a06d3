"""The front door: what the package promises is there, and nothing else."""

from __future__ import annotations

import mcu


def test_every_name_of_the_front_door_exists() -> None:
    assert len(set(mcu.__all__)) == len(mcu.__all__)
    for name in mcu.__all__:
        assert getattr(mcu, name) is not None


def test_names_that_others_rely_on() -> None:
    assert {"Mcu", "McuConfig", "McuFactory", "FactoryConfig", "Mixer", "ActiveSpeaker", "DialOutPolicy"} <= set(
        mcu.__all__
    )
