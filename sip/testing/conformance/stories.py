"""Stories: cases in the order in which most elements that are wrong go wrong. The first thing to run, in a second.

Hypothesis finds what nobody thought of; these are what everybody thinks of. A step that is not possible, because the
element cannot be told to call, say, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sip.testing.conformance import call_cases as inside
from sip.testing.conformance import calling_cases as calling
from sip.testing.conformance import registrar_cases as registrar
from sip.testing.conformance import serving_cases as serving
from sip.testing.conformance.called import Habit
from sip.testing.conformance.case import Case

Story = Sequence[tuple[Case, Mapping[str, Any]]]


def _told(*steps: tuple[Case, Mapping[str, Any]] | Case) -> Story:
    return tuple(step if isinstance(step, tuple) else (step, {}) for step in steps)


def _wait(seconds: float) -> tuple[Case, Mapping[str, Any]]:
    return inside.waits, {"seconds": seconds}


def _calls(offers: bool = True, acks: bool = True) -> tuple[Case, Mapping[str, Any]]:
    return serving.calls, {"offers": offers, "acks": acks}


def _is_called(habit: Habit) -> tuple[Case, Mapping[str, Any]]:
    return calling.is_called, {"habit": habit}


def _again(which: int = 0) -> tuple[Case, Mapping[str, Any]]:
    return serving.repeats_a_request, {"which": which}


_SILENT: Final = (calling.stops_answering, {"silent": True})

STORIES: Final[Mapping[str, Story]] = {
    "a call that is taken and ended": _told(_calls(), _wait(1.0), inside.hangs_up, _wait(1.0)),
    "a call without an offer": _told(_calls(offers=False), _wait(1.0), inside.hangs_up),
    "a call whose ACK is lost": _told(_calls(acks=False), _wait(3.0), serving.acknowledges_late, _wait(6.0)),
    "a call whose ACK never comes": _told(_calls(acks=False), _wait(60.0)),
    "a call through a proxy that the element ends": _told(
        (serving.calls_through_a_proxy, {"acks": False}), _wait(60.0)
    ),
    "a call that is refused": _told((serving.calls_somebody_busy, {"acks": True}), _wait(40.0)),
    "a refusal whose ACK is lost": _told(
        (serving.calls_somebody_busy, {"acks": False}), _wait(2.0), _again(), _wait(1.0), serving.acknowledges_late
    ),
    "a refusal whose ACK never comes": _told((serving.calls_somebody_busy, {"acks": False}), _wait(60.0)),
    "a call that rings and is given up": _told(serving.calls_somebody_slow, _wait(1.0), serving.cancels, _wait(1.0)),
    "a call that is given up at once": _told(serving.calls_somebody_slow, _wait(0.3), serving.cancels, _wait(1.0)),
    "a call that is given up too late": _told(_calls(), _wait(1.0), serving.cancels_too_late, _wait(1.0)),
    "a call that comes by two ways": _told(
        serving.calls_somebody_slow, _wait(1.0), serving.reaches_it_by_two_ways, _wait(1.0)
    ),
    "an INVITE that comes again while it rings": _told(serving.calls_somebody_slow, _wait(1.0), _again(), _wait(0.5)),
    "a question that comes again": _told(
        (serving.asks_for_options, {"rport": True, "port": 5060}), _wait(1.0), _again(), _wait(1.0)
    ),
    "a question from another port": _told((serving.asks_for_options, {"rport": True, "port": 7777}), _wait(1.0)),
    "a question without rport": _told((serving.asks_for_options, {"rport": False, "port": 7777}), _wait(1.0)),
    "what nobody knows": _told(
        serving.cancels_nothing,
        serving.asks_something_unheard_of,
        (serving.requires_an_unknown_extension, {"method": "INVITE"}),
        (serving.requires_an_unknown_extension, {"method": "OPTIONS"}),
        serving.calls_with_an_unknown_body,
        _wait(1.0),
    ),
    "messages that belong to nothing": _told(
        (inside.talks_in_no_call, {"method": "BYE"}),
        (inside.talks_in_no_call, {"method": "INVITE"}),
        inside.acknowledges_nothing,
        *((inside.answers_nothing, {"status": status}) for status in (100, 200, 487)),
    ),
    "rubbish, and a call": _told(
        *((inside.sends_rubbish, {"data": data}) for data in inside.BROKEN), _calls(), _wait(1.0), inside.hangs_up
    ),
    "a call with much in it": _told(
        _calls(),
        _wait(1.0),
        inside.asks_in_a_call,
        inside.changes_the_session,
        _wait(1.0),
        inside.asks_out_of_order,
        (inside.hangs_up_with_a_wrong_tag, {"ours": True}),
        (inside.hangs_up_with_a_wrong_tag, {"ours": False}),
        _wait(1.0),
        inside.hangs_up,
        _wait(1.0),
        (inside.goes_on_after_the_end, {"method": "BYE"}),
        (inside.goes_on_after_the_end, {"method": "INVITE"}),
        _wait(1.0),
    ),
    "the element calls": _told(_is_called(Habit.ANSWER), _wait(1.0), calling.is_hung_up, _wait(1.0)),
    "the element calls twice": _told(
        *(_is_called(Habit.ANSWER), _wait(1.0), calling.is_hung_up, _wait(1.0)),
        *(_is_called(Habit.ANSWER), _wait(1.0), calling.is_hung_up, _wait(1.0)),
    ),
    "the element calls, and the ACK is lost": _told(
        _is_called(Habit.ANSWER), _wait(1.0), calling.repeats_its_answer, _wait(1.0), inside.hangs_up, _wait(1.0)
    ),
    "the element calls somebody busy": _told(
        _is_called(Habit.BUSY), _wait(1.0), calling.repeats_its_answer, _wait(1.0)
    ),
    "the element calls and gives up": _told(_is_called(Habit.RING), _wait(1.0), calling.is_hung_up, _wait(40.0)),
    "the element calls and gives up before anything rings": _told(
        _is_called(Habit.SILENT), _wait(0.3), calling.is_hung_up, _wait(40.0)
    ),
    "the element gives up what has begun to ring": _told(
        _is_called(Habit.SILENT), _wait(0.3), calling.is_hung_up, calling.begins_to_ring, _wait(40.0)
    ),
    "the element calls nobody": _told(_is_called(Habit.SILENT), _wait(60.0)),
    "the element calls, and it rings for long": _told(
        _is_called(Habit.RING), _wait(6.0), calling.takes_the_call, _wait(1.0), calling.is_hung_up, _wait(1.0)
    ),
    "the element is refused after a while": _told(
        _is_called(Habit.RING), _wait(6.0), calling.refuses_the_call, _wait(0.2), calling.repeats_its_answer, _wait(1.0)
    ),
    "two phones take the call of the element": _told(
        _is_called(Habit.ANSWER), _wait(0.5), calling.is_answered_twice, _wait(3.0), calling.is_hung_up, _wait(1.0)
    ),
    "the BYE of the element is not heard": _told(
        _is_called(Habit.ANSWER), _wait(1.0), _SILENT, calling.is_hung_up, _wait(60.0)
    ),
}


def _registers(number: int = 1, expires: int = 90) -> tuple[Case, Mapping[str, Any]]:
    return registrar.registers, {"number": number, "expires": expires}


def _passes(seconds: float) -> tuple[Case, Mapping[str, Any]]:
    return registrar.lets_time_pass, {"seconds": seconds}


REGISTRAR_STORIES: Final[Mapping[str, Story]] = {
    "a phone comes and goes": _told(_registers(), registrar.unregisters, registrar.asks_what_is_registered),
    "a phone loses its power": _told(
        _registers(),
        _registers(2, 600),
        _passes(120.0),
        registrar.asks_what_is_registered,
        _passes(700.0),
        _registers(),
    ),
    "a phone with two addresses": _told(
        _registers(),
        _registers(2),
        registrar.asks_what_is_registered,
        registrar.unregisters,
        registrar.asks_what_is_registered,
        registrar.unregisters_everything,
        registrar.asks_what_is_registered,
    ),
    "everything is registered": _told(
        _registers(),
        (registrar.registers_everything, {"expires": None}),
        (registrar.registers_everything, {"expires": 60}),
        registrar.asks_what_is_registered,
    ),
    "a REGISTER is overtaken": _told(
        _registers(1, 600),
        _passes(60.0),  # else it is the same request that came by another way
        (registrar.registers_out_of_order, {"back": 0}),
        (registrar.registers_out_of_order, {"back": 1}),
        registrar.asks_what_is_registered,
    ),
    "somebody else tries": _told(
        registrar.registers_without_credentials,
        _registers(),
        registrar.replays_credentials,
        registrar.registers_with_a_wrong_password,
        registrar.registers_for_somebody_else,
        registrar.registers_without_credentials,
        registrar.asks_what_is_registered,
    ),
}
