"""``pyc3p demo``: the main job, for real, on the loopback interface.

Two conferencing clients, all servers and two legacy phones, each an element of its own with its own sockets. Both
phones are called into a conference and hear each other's tone; one is ejected; the conference ends. Whatever is missing
is named, and the exit code says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

import focus
from pyc3p.commands.demo_checks import (
    CALLED,
    EJECTED,
    check_history,
    check_main_job,
    check_tone,
    number_stages,
    stages,
)
from pyc3p.commands.demo_report import Check, JsonReport, Report, TerminalReport
from pyc3p.elements import event_loop
from pyc3p.elements.farm import FarmPlan, Handset
from pyc3p.elements.loopback import LoopbackFarm
from pyc3p.elements.node import Node
from pyc3p.phone import PhoneRegistered, PhoneReleased
from pyc3p.phone.tone import ToneSource, listen_for
from pyc3p.phone.wav import Recorder
from pyc3p.problems import Problem
from pyc3p.roster import changes, endpoint_states, short_uri
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_html import render_html
from pyc3p.trace.ladder_svg import render_svg
from pyc3p.trace.ladder_text import render_text
from pyc3p.trace.pcapng import PcapngWriter
from pyc3p.trace.trace import Names, Recording, Trace
from sip import Event
from sip.aio import wall_clock

#: Seconds that a step may take; on loopback it takes milliseconds.
STEP = 8.0
#: Seconds that the two phones listen to each other.
LISTENING = 1.6
CAPTURE = "demo.pcapng"
CLIENTS = ("presenter", "watcher")
BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
#: Hertz; far apart and no multiples of each other.
TONES = {"phone-bob": 440.0, "phone-carol": 1030.0}


@attrs.define(eq=False)
class Demo:
    """One run."""

    output: Path
    report: Report
    trace: Trace
    recording: Recording
    loopback: LoopbackFarm
    checks: list[Check] = attrs.Factory(list)
    rosters: dict[str, list[focus.RosterChanged]] = attrs.Factory(dict)
    main_job: tuple[float, float] = (0.0, 0.0)  #: when the call of the first phone began and was over
    acts: list[tuple[float, str]] = attrs.Factory(list)  #: when each began, and what it is

    def node(self, name: str) -> Node:
        """The node of an element."""
        return self.loopback.nodes[name]

    async def run(self) -> None:
        """All acts; raises Problem where one does not come to its end."""
        await self._register_phones()
        await self._open_conference()
        await self._dial(BOB, "phone-bob", "The presenter adds Bob's phone")
        await self._dial(CAROL, "phone-carol", "and Carol's")
        await self._listen()
        await self._eject()
        await self._end()

    def happened(self, name: str, event: Event) -> None:
        """Keep what subscribers saw, and show it."""
        if not isinstance(event, focus.RosterChanged):
            return
        seen = self.rosters.setdefault(name, [])
        for change in changes(seen[-1].roster if seen else None, event.roster):
            self.report.roster(name, str(change))
        seen.append(event)

    # Acts ------------------------------------------------------------------------------------------------------------

    async def _register_phones(self) -> None:
        self._act("Two legacy phones register")
        for name, phone in self.loopback.farm.phones.items():
            node = self.node(name)
            phone.register(now=node.now)
            node.kick()
            await self._told(name, PhoneRegistered, "the registration")
        await self._wait("mcu-factory", lambda: bool(self.loopback.farm.mcu_factory.mcus), "the MCU's announcement")

    async def _open_conference(self) -> None:
        self._act("The presenter creates a conference; presenter and watcher join and subscribe")
        presenter, client = self.node("presenter"), self.loopback.farm.clients["presenter"]
        client.create_conference(subject="Demonstration", now=presenter.now)
        presenter.kick()
        await self._told("presenter", focus.ConferenceCreated, "the conference record")
        uri = presenter.of(focus.ConferenceCreated)[0].conference_uri
        for name in CLIENTS:
            await self._join(name, uri)

    async def _join(self, name: str, uri: str) -> None:
        node, client = self.node(name), self.loopback.farm.clients[name]
        client.join(uri, now=node.now)
        node.kick()
        await self._told(name, focus.Joined, "the join")
        client.subscribe(now=node.now)
        node.kick()
        await self._wait(name, lambda: name in self.rosters, "the first roster")

    async def _dial(self, user: str, phone: str, title: str) -> None:
        self._act(f"{title} ({short_uri(user)})")
        start = self.node("presenter").now
        await self._command(lambda client, now: client.add_user(user, now=now), "the call")
        for name in CLIENTS:
            await self._seen(name, user, CALLED[-1])
        if user == BOB:
            # A little longer: the answers to the last notifications belong to the picture.
            await asyncio.sleep(0.3)
            self.main_job = (start, self.node("presenter").now)
            ladder = Ladder.of(self.recording, self.trace.names)
            for check in check_main_job(ladder, short_uri(user), phone, CLIENTS):
                self._check(check)

    async def _listen(self) -> None:
        self._act("Both phones listen to each other")
        await asyncio.sleep(LISTENING)
        for name, phone in self.loopback.farm.phones.items():
            assert isinstance(phone.recorder, Recorder)
            for source, frequency in TONES.items():
                self._check(check_tone(name, listen_for(phone.recorder.audio, frequency), source != name))

    async def _eject(self) -> None:
        self._act("The presenter ejects Bob")
        await self._command(lambda client, now: client.delete_user(BOB, now=now), "the ejection")
        await self._told("phone-bob", PhoneReleased, "the end of the call")
        for name in CLIENTS:
            await self._seen(name, BOB, EJECTED[-1])
            self._check(check_history(name, "Bob", self._history(name, BOB), (*CALLED, *EJECTED)))
            self._check(check_history(name, "Carol", self._history(name, CAROL), CALLED))

    async def _end(self) -> None:
        self._act("The presenter ends the conference")
        presenter, client = self.node("presenter"), self.loopback.farm.clients["presenter"]
        client.end_conference(now=presenter.now)
        presenter.kick()
        for name in CLIENTS:
            await self._told(name, focus.Left, "the end")
        await self._told("phone-carol", PhoneReleased, "the end of the call")
        await asyncio.sleep(0.2)  # the last answers
        self._check(Check("clients and phones were told that it is over", True))

    # Steps -----------------------------------------------------------------------------------------------------------

    async def _command(self, give: Callable[[focus.Client, float], focus.CommandId], what: str) -> None:
        """Give a command of the presenter and wait for its success; raises Problem when it fails."""
        node = self.node("presenter")
        command = give(self.loopback.farm.clients["presenter"], node.now)
        node.kick()
        ended = (focus.CommandSucceeded, focus.CommandFailed)

        def outcome() -> list[Event]:
            return [event for event in node.events if isinstance(event, ended) and event.command == command]

        await self._wait("presenter", lambda: bool(outcome()), f"the result of {what}")
        (event,) = outcome()
        if isinstance(event, focus.CommandFailed):
            raise Problem(f"{what} failed: {event.text}")

    async def _wait(self, name: str, predicate: Callable[[], bool], what: str) -> None:
        await self.node(name).wait_for(predicate, STEP, f"{name}: {what}")

    async def _told(self, name: str, kind: type[Event], what: str) -> None:
        """Wait until an element has told something."""
        node = self.node(name)
        await self._wait(name, lambda: bool(node.of(kind)), what)

    async def _seen(self, name: str, user: str, state: str) -> None:
        """Wait until a subscriber sees a user in this state."""
        await self._wait(name, lambda: self._history(name, user)[-1:] == [state], f"{short_uri(user)} {state}")

    def _check(self, check: Check) -> None:
        self.checks.append(check)
        self.report.check(check)

    def _history(self, name: str, user: str) -> list[str]:
        """States of a user's endpoints as a subscriber saw them, each once in a row."""
        seen: list[str] = []
        for event in self.rosters.get(name, []):
            states = [state for (entity, _), state in endpoint_states(event.roster).items() if entity == user]
            state = ", ".join(states) or "gone"
            if (seen or state != "gone") and seen[-1:] != [state]:
                seen.append(state)
        return seen

    def _act(self, text: str) -> None:
        self.acts.append((self.node("presenter").now, text))
        self.report.act(text)

    # Files -----------------------------------------------------------------------------------------------------------

    def write_files(self) -> list[str]:
        """Ladders and recordings; the capture was written all along."""
        names, when = self.trace.names, time.strftime("%Y-%m-%d %H:%M:%S")
        ladder = Ladder.of(self.recording, names, acts=self.acts)
        subtitle = f"pyc3p demo, {when}: every part on loopback, SIP over UDP and TCP, C3P over HTTP, RTP"
        start, end = self.main_job
        job = Ladder.of((record for record in self.recording if start <= record.at <= end), names)
        number_stages(ladder, short_uri(BOB), "phone-bob", CLIENTS)
        number_stages(job, short_uri(BOB), "phone-bob", CLIENTS)
        self.report.stages(stages(job, short_uri(BOB), "phone-bob", CLIENTS))
        files = {
            "ladder.svg": render_svg(ladder, title="A conference with two legacy phones", subtitle=subtitle),
            "ladder.html": render_html(ladder, title="A conference with two legacy phones", subtitle=subtitle),
            "ladder.txt": render_text(ladder, title=f"A conference with two legacy phones ({when})"),
            "main-job.svg": render_svg(job, title="A presenter adds a legacy phone", subtitle=subtitle),
        }
        for name, content in files.items():
            (self.output / name).write_text(content, encoding="utf-8")
        for name, phone in self.loopback.farm.phones.items():
            assert isinstance(phone.recorder, Recorder)
            phone.recorder.save(self.output / f"heard-by-{name}.wav")
        heard = [f"heard-by-{name}.wav" for name in self.loopback.farm.phones]
        return [str(self.output / name) for name in (*files, CAPTURE, *heard)]


def run_demo(output: Path, *, as_json: bool, farm_plan: FarmPlan | None = None) -> int:
    """Run the demonstration, on another farm if given; 0 when nothing is missing, else 1. Raises Problem."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / CAPTURE).touch()
    except OSError as error:
        raise Problem(f"{output} cannot be written: {error.strerror}; choose another folder with --output") from error
    return event_loop.run(_run(output, as_json, farm_plan or plan()))


def plan() -> FarmPlan:
    """Two people with clients, two with phones."""
    handsets: Sequence[Handset] = [
        Handset(name=name, user=name.removeprefix("phone-"), source=ToneSource(frequency))
        for name, frequency in TONES.items()
    ]
    return FarmPlan(handsets=handsets)


async def _run(output: Path, as_json: bool, what: FarmPlan) -> int:
    names = Names(what.names)
    report: Report = JsonReport(names) if as_json else TerminalReport(what.names, names)
    recording = Recording()
    started, problem = time.monotonic(), ""
    with PcapngWriter(output / CAPTURE, names=names, wall_clock=wall_clock()) as capture:
        trace = Trace(names=names, readers=[recording, capture, report])
        demo: list[Demo] = []
        loopback = LoopbackFarm.build(what, trace, lambda name, event: demo[0].happened(name, event), apart=True)
        demo.append(Demo(output, report, trace, recording, loopback))
        try:
            await loopback.start()
            await demo[0].run()
        except Problem as error:
            problem = str(error)
        finally:
            await loopback.stop()
    if capture.failed is not None and not problem:
        problem = f"{output / CAPTURE} is not complete: {capture.failed.strerror}"
    files = demo[0].write_files()
    passed = not problem and all(check.passed for check in demo[0].checks)
    report.end(passed, files, time.monotonic() - started, problem)
    return 0 if passed else 1
