"""What is measured in one process: counted from events as they come, read from the machines when somebody asks.

Every label has few values, whatever peers send: a method that no standard knows is ``other``, and so is a reason beyond
the words of the protocol. ``part`` is the element: ``focus`` for all but the MCUs, and the id of each MCU.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import c3p
import focus
import mcu
from pyc3p.ops.families import Family, counter, gauge, histogram
from pyc3p.ops.histogram import LATENESS, SECONDS, Histogram
from pyc3p.version import VERSION
from sip import Event

if TYPE_CHECKING:
    from pyc3p.elements.node import Node
    from pyc3p.elements.server import Server

#: General reasons of C3P; whatever else an MCU elsewhere writes there is ``other``.
_REASONS: Final = frozenset(reason.value for reason in c3p.Reason)
_COMMANDS: Final = frozenset(c3p.COMMANDS)
#: What was dropped or refused has this many words at most; those of this program are fewer.
_MOST_WORDS: Final = 200
#: Beginning and end of words that go on with what a peer sent or the system said, and what they count as.
_OPEN: Final = (
    ("dropped: ", " that may not pass", "dropped: request that may not pass"),
    ("flow failed: ", "", "flow failed"),
)
#: Dial-outs whose stages are followed; an MCU has fewer legs.
_MOST_DIALLED: Final = 10_000

_Stage = tuple[str, str]


class Measures:
    """Of one process. ``observe`` is given each event, ``collect`` reads what is to be shown."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._commands: Counter[tuple[str, str, str]] = Counter()
        self._command_times: defaultdict[tuple[str, str], Histogram] = defaultdict(_of_seconds)
        self._dial_outs: Counter[tuple[str, str]] = Counter()
        self._stages: defaultdict[_Stage, Histogram] = defaultdict(_of_seconds)
        self._dialled: dict[tuple[str, int], tuple[str, float]] = {}  #: by part and leg: last stage, and when
        self._lateness: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(LATENESS))
        self._events: Counter[tuple[str, str]] = Counter()

    # While things happen ---------------------------------------------------------------------------------------------

    def watch(self, node: Node) -> None:
        """Measure how late a node mixes."""
        node.on_tick_late = self._lateness[node.name].observe

    def observe(self, part: str, event: Event) -> None:
        """Count one event of an element."""
        match event:
            case focus.CommandFinished():
                name = event.command if event.command in _COMMANDS else "other"
                reason = event.reason if event.reason in _REASONS else "other"
                self._commands[part, name, "done" if event.succeeded else reason or "other"] += 1
                self._command_times[part, name].observe(event.took)
            case mcu.LegDialing() | mcu.LegAlerting() | mcu.LegConnected() | mcu.LegEnded():
                self._leg(part, event)
            case _:
                self._events[part, type(event).__name__] += 1

    def _leg(self, part: str, event: mcu.LegEvent) -> None:
        now, key = self._clock(), (part, event.leg)
        if isinstance(event, mcu.LegDialing):
            # Another address of a redirection: the stage goes on.
            if key not in self._dialled and len(self._dialled) < _MOST_DIALLED:
                self._dialled[key] = ("dialling", now)
            return
        last = self._dialled.pop(key, None)
        if isinstance(event, mcu.LegConnected) and last is not None:  # else it called in
            self._dial_outs[part, "answered"] += 1
        elif isinstance(event, mcu.LegEnded) and event.ending is not None:
            self._dial_outs[part, event.ending.value] += 1
        if last is not None:
            self._stages[part, last[0]].observe(now - last[1])
            if isinstance(event, mcu.LegAlerting):
                self._dialled[key] = ("ringing", now)

    # When somebody asks ----------------------------------------------------------------------------------------------

    def collect(self, server: Server) -> list[list[Any]]:
        """All of this process, packed for another."""
        return [family.packed() for family in self.families(server)]

    def families(self, server: Server) -> Iterator[Family]:
        """All of this process."""
        yield counter(
            "pyc3p_commands", "C3P commands of clients that ended", self._commands, "part", "command", "outcome"
        )
        yield histogram("pyc3p_command_seconds", "From command to result", self._command_times, "part", "command")
        yield counter("pyc3p_dial_outs", "Dial-outs that ended, or were answered", self._dial_outs, "part", "result")
        yield histogram("pyc3p_dial_out_stage_seconds", "How long each stage took", self._stages, "part", "stage")
        late = {(part,): each for part, each in self._lateness.items()}
        yield histogram("pyc3p_mixer_lateness_seconds", "By how much each mix was late", late, "part")
        yield counter("pyc3p_events", "Other events of the elements", self._events, "part", "event")
        for node in server.nodes:
            yield from _of_node(node)
        yield from _of_cores(server)
        yield from _of_state(server)
        if server.mcu is not None:
            yield from _of_mcu(server.nodes[-1].name, server.mcu)
        for each in server.mcus:
            if isinstance(each, mcu.ChatMcu):
                yield from _of_chat(each.config.mcu_id, each)


def _of_node(node: Node) -> Iterator[Family]:
    part = node.name
    sizes: dict[tuple[str, ...], float] = {(what,): count for what, count in node.sizes.items()}
    yield gauge("pyc3p_size", "How much waits or is kept", sizes, "what", part=part)
    yield counter(
        "pyc3p_dropped", "Dropped, refused or mended, by what it was", _words(node.counters), "what", part=part
    )
    text = "C3P over HTTP by status, or by why there was no answer"
    yield counter("pyc3p_http_exchanges", text, dict(node.http), "direction", "outcome", part=part)
    pump = node.element.pump
    if pump is not None:
        traffic = pump.endpoint.traffic
        yield counter("pyc3p_sip_requests", "SIP requests", dict(traffic.requests), "direction", "method", part=part)
        yield counter(
            "pyc3p_sip_responses", "SIP answers", dict(traffic.responses), "direction", "method", "status", part=part
        )


def _of_cores(server: Server) -> Iterator[Family]:
    cores = server.cores
    part = server.nodes[0].name if server.nodes else ""
    refused: Counter[tuple[str, str, str]] = Counter()
    for core in (cores.focus, cores.focus_factory):
        if core is not None:
            for (what, status, reason), count in core.refusals.items():
                refused[what, str(status), reason] += count
    yield counter("pyc3p_refusals", "Requests that were refused", refused, "what", "status", "reason", part=part)
    if cores.focus is not None:
        sizes: dict[tuple[str, ...], float] = {(f"focus {what}",): count for what, count in cores.focus.sizes.items()}
        yield gauge("pyc3p_size", "How much waits or is kept", sizes, "what", part=part)
    if cores.proxy is not None:
        yield counter("pyc3p_dropped", "", _words(cores.proxy.counters), "what", part=part)


def _of_state(server: Server) -> Iterator[Family]:
    failing = server.unkept if server.state is None else server.state.failing
    yield gauge("pyc3p_state_failing", "Whether state is not kept that should be", {(): float(failing is not None)})
    writer = server.state.writer if server.state is not None else None
    if writer is None:
        return
    yield gauge("pyc3p_state_behind", "Pieces of state that the store does not have", {(): writer.behind})
    yield counter("pyc3p_state_pieces", "Pieces of state that were written", {(): writer.pieces})
    yield counter("pyc3p_state_octets", "Octets of them", {(): writer.octets})
    yield counter("pyc3p_state_failures", "Writes of state that failed", {(): writer.failures})
    yield histogram("pyc3p_state_write_seconds", "How long each write of state took", {(): writer.times})


def _of_mcu(part: str, machine: mcu.Mcu) -> Iterator[Family]:
    legs: dict[tuple[str, ...], float] = {(state,): count for state, count in machine.legs_by_state.items()}
    yield gauge("pyc3p_legs", "Legs by state", legs, "state", part=part)
    packets = dict(machine.media_counters)
    lost = packets.pop("lost", 0)
    yield gauge(
        "pyc3p_media_packets_lost", "Packets that did not come; fewer when one comes late", {(): lost}, part=part
    )
    named: dict[tuple[str, ...], float] = {(what,): count for what, count in packets.items()}
    yield counter("pyc3p_media_packets", "Media packets, by what became of them", named, "what", part=part)
    yield counter("pyc3p_dropped", "", _words(Counter(machine.counters)), "what", part=part)
    sizes: dict[tuple[str, ...], float] = {(f"mcu {what}",): count for what, count in machine.sizes.items()}
    yield gauge("pyc3p_size", "How much waits or is kept", sizes, "what", part=part)


def _of_chat(part: str, machine: mcu.ChatMcu) -> Iterator[Family]:
    legs: dict[tuple[str, ...], float] = {(state,): count for state, count in machine.legs_by_state.items()}
    yield gauge("pyc3p_legs", "Legs by state", legs, "state", part=part)
    yield counter("pyc3p_dropped", "", _words(Counter(machine.counters)), "what", part=part)
    sizes: dict[tuple[str, ...], float] = {(f"mcu {what}",): count for what, count in machine.sizes.items()}
    yield gauge("pyc3p_size", "How much waits or is kept", sizes, "what", part=part)


def build_info() -> Family:
    """Which program this is."""
    labels = {"version": VERSION, "python": platform.python_version(), "loop": type(_loop()).__module__.split(".")[0]}
    return Family("pyc3p_build_info", "gauge", "What runs here", (("", labels, 1.0),))


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def _of_seconds() -> Histogram:
    return Histogram(SECONDS)


def _words(counters: Counter[str]) -> dict[tuple[str, ...], float]:
    """Counters by word. Words in which a peer or the system has a say are one each."""
    found: Counter[tuple[str, ...]] = Counter()
    for word, count in counters.items():
        known = next((short for start, end, short in _OPEN if word.startswith(start) and word.endswith(end)), word)
        found[(known if len(found) < _MOST_WORDS or (known,) in found else "other",)] += count
    return dict(found)
