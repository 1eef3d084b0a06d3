"""Our own Focus and MCU over real sockets, as what mutants of them have to fall to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pyc3p.conform import Report
from tests.pyc3p.conform.meeting import focus_tried, mcu_tried, own_focus, own_mcu


def _focus(select: Sequence[str]) -> Report:
    with own_focus() as target:
        return focus_tried(target, *select)


def _mcu(select: Sequence[str]) -> Report:
    with own_mcu() as target:
        return mcu_tried(target, *select)


#: What runs the cases of a suite that are chosen.
LIVE: Final[Mapping[str, Callable[[Sequence[str]], Report]]] = {"live focus": _focus, "live mcu": _mcu}


def found_live(suite: str, select: Sequence[str]) -> tuple[str, str] | None:
    """The first case that finds something, and what; None for none."""
    for outcome, found in LIVE[suite](select).findings():
        return outcome.case.id, f"{found.source}: {found.force.value}: {found.clause}; seen: {found.seen}"
    return None
