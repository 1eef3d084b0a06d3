"""The example without asyncio runs as it is printed, and the front door is what it was."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import focus

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "embed_focus.py"


def test_the_example_shows_both_clients_the_same_roster(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("created sip:alice@example.com;gruu;opaque=app:conf:focus:id:")
    seen = "sees sip:alice@example.com, sip:bob@example.com, sip:phone@example.org"
    assert lines[1:3] == [f"sip:alice@example.com {seen}", f"sip:bob@example.com {seen}"]
    assert lines[3] == "alice's command: ['CommandAccepted', 'CommandSucceeded']"


def test_the_front_door() -> None:
    assert sorted(focus.__all__) == sorted(set(focus.__all__))
    for name in ("Client", "ClientConfig", "Focus", "FocusConfig", "FocusFactory", "FactoryConfig", "MemoryStore"):
        assert name in focus.__all__
    assert all(getattr(focus, name, None) is not None for name in focus.__all__)
