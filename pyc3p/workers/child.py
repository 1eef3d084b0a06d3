"""What runs in the process of a worker: one MCU, told what to do by the server that started it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pickle
import signal
import sys
from typing import Any, Final

import mcu
from pyc3p.commands.output import Format, Output
from pyc3p.elements import event_loop
from pyc3p.elements.server import Build, Server, add_mcu
from pyc3p.ops.log import log_libraries
from pyc3p.problems import Problem, UsageProblem
from pyc3p.trace.sinks import Address
from pyc3p.workers.channel import Channel
from pyc3p.workers.frames import FrameReader, Kind, message, read_message, record
from pyc3p.workers.task import Task
from sip import Event

#: Seconds for what is still to be written: to the server that is told why we end, or to phones when that is gone.
_LAST_WORDS: Final = 0.2


class ForwardingSinks:
    """Hands records to the trace of the server, which covers secrets, joins both views of a hop, and writes."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def element(self, name: str, *addresses: Address) -> ForwardingSink:
        """The sink of an element; there is one here, and the server knows its name."""
        made = ForwardingSink(self._channel)
        made.add_address(*addresses)
        return made


class ForwardingSink:
    """The sink of one element, at the other end of a pipe."""

    def __init__(self, channel: Channel, *, client: bool = False) -> None:
        self._channel, self._client_side = channel, client

    def client_side(self) -> ForwardingSink:
        """The sink of the HTTP client."""
        return ForwardingSink(self._channel, client=True)

    def add_address(self, *addresses: Address) -> None:
        """Tell where it speaks."""
        if addresses:
            self._channel.send(message(do="speaks", addresses=addresses))

    def record(
        self, *, layer: str, transport: str, source: Address, destination: Address, data: bytes, at: float
    ) -> None:
        """Hand one record over, if there is room."""
        fields: dict[str, object] = {
            "client": self._client_side,
            "layer": layer,
            "transport": transport,
            "source": source,
            "destination": destination,
            "at": at,
        }
        self._channel.send(record(fields, bytes(data)), droppable=True)


class Child:
    """The worker itself."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._channel = Channel(self._told, self._abandoned)
        self._stopped = asyncio.Event()
        self._server: Server | None = None
        self._sampler: Any = None
        self._leaving: asyncio.Future[None] | None = None

    async def run(self, already: bytes) -> int:
        """Serve until the server that started us says stop, or is gone."""
        loop = asyncio.get_running_loop()
        # Ctrl-C is for the server, which tells us what to do. SIGTERM for this process alone makes room for another.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_signal_handler(signal.SIGTERM, self._replace)
        await self._channel.connect(
            os.fdopen(0, "rb", buffering=0, closefd=False), os.fdopen(_frames_out, "wb", buffering=0), already=already
        )
        style = Format.LINE if self._task.is_log else Format.PLAIN
        output = Output(style=style, forward=self._tell)
        with log_libraries(output, self._task.config.mcu_id):
            return await self._serve(output)

    async def _serve(self, output: Output) -> int:
        trace = ForwardingSinks(self._channel) if self._task.traced else None
        try:
            self._server = self._built(trace, output)
            for node in self._server.nodes if self._sampler is not None else ():
                self._sampler.watch(node)
            await self._server.start()
        except (Problem, ImportError) as problem:  # the latter: an extra is missing
            code = problem.exit_code if isinstance(problem, Problem) else Problem.exit_code
            self._channel.send(message(do="problem", text=str(problem), exit_code=code))
            await asyncio.sleep(_LAST_WORDS)
            return code
        gc.collect()
        gc.freeze()
        gc.set_threshold(10 * gc.get_threshold()[0], *gc.get_threshold()[1:])
        self._channel.send(message(do="ready"))
        await self._stopped.wait()
        await self._server.stop()
        self._channel.close()
        return 0

    def _built(self, trace: ForwardingSinks | None, output: Output) -> Server:
        config = self._task.config
        build = Build.of(config, {config.mcu_id: self._task.peers}, trace, output, self._observers())
        server = build.server()
        add_mcu(server, build)
        return server

    def _tell(self, text: str, style: str, fields: dict[str, object]) -> None:
        """Have it told by the server, so that there is one log."""
        self._channel.send(message(do="tell", text=text, style=style, fields=fields))

    def _observers(self) -> list[Any]:
        observers: list[Any] = [self._observe]
        if self._task.config.ops.port:
            from pyc3p.ops.measures import Measures

            self._sampler = Measures()
            observers.append(self._sampler.observe)
        return observers

    def _observe(self, part: str, event: Event) -> None:
        if isinstance(event, mcu.ConferenceStarted | mcu.ConferenceEnded):
            self._say_load()

    def _say_load(self) -> None:
        assert self._server is not None
        conferences = sum(len(each.conferences) for each in self._server.mcus)
        self._channel.send(message(do="load", conferences=conferences))

    # What the server says --------------------------------------------------------------------------------------------

    def _told(self, kind: Kind, content: bytes) -> None:
        told = read_message(content) if kind is Kind.MESSAGE else {}
        match told.get("do"):
            case "drain":
                self._drain()
            case "end":
                if self._server is not None:
                    self._server.end_conferences()
            case "stop":
                self._stopped.set()
            case "reload":
                self._reload()
            case "measure":
                families = self._sampler.collect(self._server) if self._sampler and self._server else []
                self._channel.send(message(do="measured", number=told.get("number"), families=families))
            case "ping":
                self._channel.send(message(do="pong"))

    def _drain(self) -> None:
        if self._server is not None and not self._server.draining:
            self._server.begin_drain()

    def _reload(self) -> None:
        """Read certificates again; the server has found them good."""
        try:
            if self._server is not None:
                self._server.reload()
        except UsageProblem as problem:
            text = f"certificates of {self._task.config.mcu_id} stay as they were: {problem}"
            self._tell(text, "", {"level": "warning", "reloaded": False})

    def _replace(self) -> None:
        """Drain and end: the server starts another, unless it drains too."""
        if self._server is not None and self._leaving is None:
            self._leaving = asyncio.ensure_future(self._server.drain())
            self._leaving.add_done_callback(lambda done: self._stopped.set())

    def _abandoned(self, why: str) -> None:
        """The server is gone: nobody would give this MCU anything to do any more, nor tell it to end."""
        if self._server is not None:
            with contextlib.suppress(Exception):
                self._server.end_conferences()
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._stopped.set)


_frames_out = -1  #: descriptor of the pipe to the server


def main() -> None:
    """Be a worker."""
    global _frames_out
    # What a library prints must not get between the frames.
    _frames_out = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The server reads certificates again and says so; the end of a terminal is the end of the server first.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.environ.pop("PYC3P_SECRET", None)  # of all parts; ours come with the settings
    frames = FrameReader()
    while True:
        data = os.read(0, 65536)
        if not data:  # whoever started us found out that there is nothing to do
            return
        for kind, content in frames.receive(data):
            if kind is Kind.SETTINGS:
                task = pickle.loads(content)
                sys.exit(event_loop.run(_serve(task, frames.rest())))


async def _serve(task: Task, already: bytes) -> int:
    return await Child(task).run(already)
