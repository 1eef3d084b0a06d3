"""The state of a machine changes by its table alone, in the same way in every package that keeps machines of its own.

Packages that import none of ours have the class each for itself; that they are one and the same is held here.
"""

from __future__ import annotations

import ast
import enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import c3p.errors
import c3p.life
import rtp.errors
import rtp.life

ROOT = Path(__file__).parent.parent
LIVES = [(c3p.life.Life, c3p.errors.LocalProtocolError), (rtp.life.Life, rtp.errors.LocalProtocolError)]


class State(enum.Enum):
    IDLE = "idle"
    BUSY = "busy"


class Given(enum.Enum):
    START = "start"
    STOP = "stop"


TABLE = {(State.IDLE, Given.START): State.BUSY, (State.BUSY, Given.STOP): State.IDLE}


def test_it_is_the_same_class_in_every_package() -> None:
    sources = [ROOT / package / "life.py" for package in ("c3p", "rtp", "sip")]
    lives = {ast.dump(_life(path)) for path in sources if path.exists()}
    assert len(lives) == 1


def _life(path: Path) -> ast.ClassDef:
    (found,) = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef))
    assert found.name == "Life"
    return found


@pytest.mark.parametrize(("life_of", "error"), LIVES, ids=["c3p", "rtp"])
@given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from(Given))))
def test_what_has_no_row_changes_nothing(life_of: Any, error: type[Exception], steps: list[tuple[bool, Given]]) -> None:
    life, expected, ignored = life_of(TABLE, State.IDLE, of="a job"), State.IDLE, 0
    for command, what in steps:
        after = TABLE.get((expected, what))
        assert life.allows(what) is (after is not None)
        if not command:
            assert life.follow(what) is (after is not None)
            ignored += after is None
        elif after is not None:
            life.command(what)
        else:
            with pytest.raises(error, match=f"cannot {what.value} a job that is {expected.value}"):
                life.command(what)
        expected = after or expected
        assert (life.state, life.ignored) == (expected, ignored)
