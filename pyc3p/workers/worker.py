"""One worker as the server sees it: started, told what to do, listened to, and started again when it ended."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import Callable
from typing import Any, Final

from pyc3p.commands.output import Output
from pyc3p.problems import Problem, UsageProblem
from pyc3p.trace.sinks import ElementSink, Sinks
from pyc3p.workers.back_off import BackOff
from pyc3p.workers.channel import Channel, fields_of
from pyc3p.workers.frames import Kind, frame, message, read_message, read_record
from pyc3p.workers.launch import Process, launch
from pyc3p.workers.task import Task

#: Seconds between two questions whether a worker is still there.
PING: Final = 5.0
#: Seconds of silence after which it is taken for stuck, and ended: its conferences are without sound all that time.
STUCK: Final = 20.0
#: Seconds that a worker gets to be ready; a machine under load takes some to read all modules.
SLOWEST_START: Final = 60.0
#: Seconds that it gets to end after it was told to.
SLOWEST_STOP: Final = 3.0


class Worker:
    """One MCU in a process of its own.

    ``on_lost`` is called with its id when the process ended unasked: what it had is gone, and another will be there
    soon.
    """

    def __init__(
        self,
        task: Task,
        output: Output,
        trace: Sinks | None,
        on_lost: Callable[[str], None],
        *,
        launched: Process | None = None,
    ) -> None:
        """``launched`` is a process that was started early and waits for its settings."""
        self.id = task.config.mcu_id
        self.conferences = 0
        self.restarts = 0
        self.running = False
        self.measures: list[Any] = []  #: what it said last when it was asked
        self._task, self._output, self._on_lost = task, output, on_lost
        self._trace: ElementSink | None = trace.element(self.id) if trace is not None else None
        self._client_trace = self._trace.client_side() if self._trace is not None else None
        self._launched, self._process = launched, launched
        self._channel: Channel | None = None
        self._back_off = BackOff()
        self._stopping = False
        self._draining = False
        self._ready: asyncio.Future[None] | None = None
        self._measured: asyncio.Event = asyncio.Event()
        self._heard = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    # Life ------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the process and give it its settings; ``ready`` says when it serves."""
        loop = asyncio.get_running_loop()
        self._back_off.began(now=loop.time())
        self._heard = loop.time()
        self._process, self._launched = self._launched or launch(), None
        self._ready = loop.create_future()
        self._ready.add_done_callback(_heard_of)
        channel = self._channel = Channel(self._told, lambda why: self._ended(channel, why))
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        await channel.connect(self._process.stdout, self._process.stdin)
        channel.send(frame(Kind.SETTINGS, pickle.dumps(self._task)))

    async def ready(self) -> None:
        """Wait until it serves. Raises the Problem that it has."""
        assert self._ready is not None
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), SLOWEST_START)
        except TimeoutError:
            raise Problem(f"{self.id} did not start within {SLOWEST_START:g} s") from None
        self.running = True
        assert self._channel is not None
        self._spawn(self._watch(self._channel))

    def drain(self) -> None:
        """Let it take nothing new."""
        self._draining = True
        self._say("drain")

    def reload(self) -> None:
        """Let it read certificates again."""
        self._say("reload")

    def end_conferences(self) -> None:
        """Let it end what goes on."""
        self._say("end")

    async def measure(self, timeout: float) -> None:
        """Have ``measures`` renewed; they stay as they are when that takes longer."""
        if not self.running:
            return
        self._measured.clear()
        self._say("measure", number=0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._measured.wait(), timeout)

    async def stop(self) -> None:
        """End it, with patience first."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._say("stop")
        process = self._process
        if process is not None and not await _over(process, SLOWEST_STOP if self._channel is not None else 0.0):
            process.kill()
            await _over(process, SLOWEST_STOP)
        if self._channel is not None:
            self._channel.close()
        elif process is not None:
            _close_pipes(process)

    def _say(self, what: str, **fields: object) -> None:
        if self._channel is not None:
            self._channel.send(message(do=what, **fields))

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The end of the process ------------------------------------------------------------------------------------------

    async def _watch(self, channel: Channel) -> None:
        """Ask whether it is still there; one that says nothing is ended, and so started again."""
        loop = asyncio.get_running_loop()
        while self._channel is channel:
            await asyncio.sleep(PING)
            if self._channel is channel and loop.time() - self._heard > STUCK and self._process is not None:
                self._warn(f"{self.id} says nothing for {STUCK:g} s and is ended")
                self._process.kill()
                return
            self._say("ping")

    def _ended(self, channel: Channel, why: str) -> None:
        if channel is not self._channel:
            return  # of a process before this one
        was_running, self.running, self.conferences = self.running, False, 0
        self._channel = None
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(Problem(f"{self.id} ended before it was ready: {why}"))
        # One that drains ends when it is done, and nobody needs another.
        if was_running and not self._stopping and not self._draining:
            self._spawn(self._again(why))

    async def _again(self, why: str) -> None:
        """Start it anew, until it serves."""
        self._on_lost(self.id)
        while not self._stopping:
            wait = self._back_off.ended(now=asyncio.get_running_loop().time())
            code = await self._code()
            self._warn(f"{self.id} ended unasked ({why if code is None else code}); starting it again in {wait:g} s")
            await asyncio.sleep(wait)
            self.restarts += 1
            try:
                await self.start()
                await self.ready()
            except (Problem, OSError) as problem:
                why = str(problem)
                continue
            self._output.tell(f"{self.id} runs again", part=self.id, restarts=self.restarts)
            if self._draining:
                self.drain()
            return

    async def _code(self) -> str | None:
        process = self._process
        if process is None:
            return None
        if not await _over(process, SLOWEST_STOP):
            process.kill()
            await _over(process, SLOWEST_STOP)
        code = process.poll()
        return None if code is None else f"signal {-code}" if code < 0 else f"exit code {code}"

    def _warn(self, text: str) -> None:
        self._output.tell(text, level="warning", part=self.id)

    # What it says ----------------------------------------------------------------------------------------------------

    def _told(self, kind: Kind, content: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        if kind is Kind.RECORD:
            self._record(*read_record(content))
            return
        told = read_message(content)
        match told.get("do"):
            case "tell":
                text, style, fields = fields_of(told, "text", "style", "fields")
                self._output.tell(text, style, **fields)
            case "speaks" if self._trace is not None:
                (addresses,) = fields_of(told, "addresses")
                self._trace.add_address(*((str(host), int(port)) for host, port in addresses))
            case "load":
                (self.conferences,) = fields_of(told, "conferences")
            case "measured":
                (self.measures,) = fields_of(told, "families")
                self._measured.set()
            case "ready" if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
            case "problem" if self._ready is not None and not self._ready.done():
                text, exit_code = fields_of(told, "text", "exit_code")
                self._ready.set_exception((UsageProblem if exit_code == UsageProblem.exit_code else Problem)(text))

    def _record(self, fields: dict[str, Any], data: bytes) -> None:
        sink = self._client_trace if fields.get("client") else self._trace
        if sink is None:
            return
        names = ("layer", "transport", "source", "destination", "at")
        layer, transport, (host, port), (to_host, to_port), at = fields_of(fields, *names)
        sink.record(
            layer=layer, transport=transport, source=(host, port), destination=(to_host, to_port), data=data, at=at
        )


def _heard_of(ready: asyncio.Future[None]) -> None:
    """Its problem is known, also where that of another part came first and nobody waits for this one any more."""
    if not ready.cancelled():
        ready.exception()


async def _over(process: Process, seconds: float) -> bool:
    """Whether a process ends within some time. There is no event for it that all platforms and loops know."""
    end = asyncio.get_running_loop().time() + seconds
    while process.poll() is None:
        if asyncio.get_running_loop().time() >= end:
            return False
        await asyncio.sleep(0.01)
    return True


def _close_pipes(process: Process) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
