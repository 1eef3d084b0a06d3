"""Who calls a machine owes it something afterwards, and the docstring of the call says so."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

import pytest

import focus
import mcu
import sip

#: What lives on an endpoint; its pump calls these and does what is owed.
CORES: Final = (focus.Focus, focus.FocusFactory, focus.Client, mcu.Mcu)
CALLED_BY_THE_PUMP: Final = ("handle_event", "handle_timeout")
MACHINES: Final = (sip.Endpoint, sip.Pump, mcu.McuFactory, *CORES)


def calls(machine: type) -> Iterator[tuple[str, str]]:
    """Methods that tell a machine what came from outside, and their docstrings: time goes in, events come out."""
    for name, method in inspect.getmembers(machine, inspect.isfunction):
        signature = inspect.signature(method)
        given = str(signature.return_annotation)
        told = "now" in signature.parameters and ("Event" in given or "Reply" in given)
        if told and not name.startswith("_") and not (machine in CORES and name in CALLED_BY_THE_PUMP):
            yield name, inspect.getdoc(method) or ""


@pytest.mark.parametrize("machine", MACHINES)
def test_a_call_says_what_is_owed_after_it(machine: type) -> None:
    assert [name for name, text in calls(machine) if "drain" not in text or "``next_timeout``" not in text] == []


def test_there_are_such_calls() -> None:
    assert {"receive_data", "handle_timeout", "flow_opened", "resolved"} <= {name for name, _ in calls(sip.Endpoint)}
    assert {"receive_c3p", "receive_reply", "exchange_failed"} <= {name for name, _ in calls(focus.Focus)}


def test_a_call_that_does_not_say_it_is_found() -> None:
    class Machine:
        def receive_data(self, data: bytes, *, now: float) -> list[sip.Event]:
            """Take bytes."""
            return []

        def next_timeout(self) -> float | None:
            """When."""

    assert list(calls(Machine)) == [("receive_data", "Take bytes.")]
