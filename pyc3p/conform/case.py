"""A case: one function that does something to an element and says what is wrong.

Its docstring is what is wanted, in one sentence; the decorator says where that is written, how strongly, and to which
elements it applies::

    @case("RFC 3261 section 9.2", Force.SHOULD, applies=(Trait.USER_AGENT,))
    def late_cancel(bench: Bench) -> None:
        \"\"\"CANCEL after the final response changes nothing.\"\"\"

A case calls ``bench.blame`` when it has seen something else, and ``bench.skip`` when it could not see anything.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import attrs

from sip.testing import Force

#: What a case is: a function that is given a `Bench`.
Tried = Callable[[Any], None]


class Trait(enum.Enum):
    """What an element does, as far as it is seen from outside; a case applies to elements that have all of some."""

    ELEMENT = "answers OPTIONS"
    REGISTRAR = "takes registrations"
    CHALLENGES = "asks for passwords"
    PROXY = "passes requests on to a user who is registered"
    USER_AGENT = "takes calls"
    RINGS = "rings for at least a second before it takes a call"
    NOTIFIER = "takes subscriptions"
    SESSION_TIMER = "has session timers"
    FOCUS = "lets the organizer join a conference"
    FACTORY = "makes conferences"
    FOLLOWED = "tells who is in a conference"
    SECOND_USER = "lets a second user join"
    DIALS_OUT = "has phones called"
    MCU = "takes conferences from a Focus"
    CALLS = "calls phones"


class Blame(Exception):
    """The element did something else than the case wants."""

    def __init__(self, seen: str) -> None:
        super().__init__(seen)
        self.seen = seen


class NotApplicable(Exception):
    """The case cannot be tried with this element; the text says why."""


class Silent(Blame):
    """No answer came in time."""


def blame(seen: str) -> NoReturn:
    """Say what was seen in place of what is wanted: raises Blame, which ends the case."""
    raise Blame(seen)


def skip(why: str) -> NoReturn:
    """Say why the case shows nothing here: raises NotApplicable, which ends the case."""
    raise NotApplicable(why)


@attrs.frozen(kw_only=True, eq=False)
class Case:
    """One thing that is tried."""

    id: str  #: family and name, ``transactions.late-cancel``
    suite: str = "sip"  #: what is tried: ``sip``, ``focus``, ``mcu``
    clause: str  #: document and section
    force: Force
    applies: tuple[Trait, ...]
    over: frozenset[str]  #: transports
    wanted: str  #: in one sentence
    why: str  #: more on it, where there is more to say
    slow: bool  #: whether it takes more than some ten seconds
    hard: bool  #: whether messages of it are wrong by intent, so that answers to them are not judged
    needs: tuple[
        str, ...
    ] = ()  #: ids of earlier cases; where nothing came in one of them, this shows nothing of its own
    run: Tried = attrs.field(repr=False)


ANY: Final = ("UDP", "TCP", "TLS")
STREAMS: Final = ("TCP", "TLS")
_CASES: Final[dict[tuple[str, str], Case]] = {}


def case(
    clause: str,
    force: Force,
    *,
    applies: Iterable[Trait] = (Trait.ELEMENT,),
    over: Iterable[str] = ANY,
    slow: bool = False,
    hard: bool = False,
    needs: Iterable[str] = (),
    suite: str = "sip",
) -> Callable[[Tried], Tried]:
    """Make a function a case. Its id is the name of its module and its own, with hyphens.

    Raises ValueError for a function without docstring, or a name that is taken.
    """

    def made(run: Tried) -> Tried:
        text = run.__doc__ or ""
        add_case(
            *(run, run.__name__, text, clause, force),
            applies=applies,
            over=over,
            slow=slow,
            hard=hard,
            needs=needs,
            suite=suite,
        )
        return run

    return made


def add_case(
    run: Tried,
    name: str,
    text: str,
    clause: str,
    force: Force,
    *,
    applies: Iterable[Trait] = (Trait.ELEMENT,),
    over: Iterable[str] = ANY,
    slow: bool = False,
    hard: bool = False,
    needs: Iterable[str] = (),
    suite: str = "sip",
) -> None:
    """Add one of many cases that share a function; ``text`` is what the docstring of a case is.

    Raises ValueError as `case` does.
    """
    wanted, _, why = " ".join(text.split()).partition(". ")
    family = run.__module__.rpartition(".")[2].replace("_", "-")
    identity = f"{family}.{name.replace('_', '-')}"
    if not wanted:
        raise ValueError(f"{identity} does not say what is wanted")
    if (suite, identity) in _CASES:
        raise ValueError(f"there are two cases {identity}")
    _CASES[suite, identity] = Case(
        id=identity,
        suite=suite,
        clause=clause,
        force=force,
        applies=tuple(applies),
        over=frozenset(over),
        wanted=wanted.rstrip("."),
        why=why,
        slow=slow,
        hard=hard,
        needs=tuple(needs),
        run=run,
    )


def known_cases(suite: str = "sip") -> tuple[Case, ...]:
    """All cases of a suite whose modules were imported, in that order."""
    return tuple(case for case in _CASES.values() if case.suite == suite)
