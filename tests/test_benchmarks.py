"""Every program of benchmarks/ runs, however little it measures here: nobody would see otherwise that one is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

BENCHMARKS: Final = Path(__file__).resolve().parent.parent / "benchmarks"

#: Arguments that make it short. No figure is judged here, and no limit of a program may depend on a busy machine.
SHORT: Final = {
    "c3p_documents": ("--rounds=1", "--seconds=0"),
    "conference_load": ("--conferences=2", "--lanes=1", "--talk=0.2", "--rest=0"),
    "dial_out": ("--rounds=1", "--repeats=1", "--top=3"),
    "fan_out": ("--subscribers=3", "--joins=1"),
    "mcu_mixer": ("--legs", "3", "--seconds=0.1"),
    "media_plane": ("--legs", "2", "--seconds=0.2", "--only=plane"),
    "roster_change": ("--users", "3", "--documents=1", "--rounds=1"),
    "rtp_packets": ("--seconds=0.001",),
    "sip_call": ("--calls=20", "--rounds=1"),
    "sip_load": ("--rate=50", "--calls=20", "--rest=0"),
    "sip_parse": ("--rounds=1", "--count=2"),
    "sip_scaling": ("--start=256", "--limit=1000000"),
    "snapshots": ("--sizes", "2"),
    "soak": ("--minutes=0.02", "--legs=2", "--rooms=1", "--stay=0.3"),
    "under_attack": ("--turns", "--seconds=0.2", "--parallel=1"),
}
#: Programs without which one measures nothing.
NEEDS: Final = {"sip_load": "sipp"}


def test_every_program_is_listed() -> None:
    programs = {path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text()}
    assert programs == set(SHORT)


@pytest.mark.parametrize("name", SHORT)
def test_it_runs_and_prints_figures(name: str) -> None:
    if name in NEEDS and shutil.which(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *SHORT[name]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BENCHMARKS.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert any(character.isdigit() for character in done.stdout)
