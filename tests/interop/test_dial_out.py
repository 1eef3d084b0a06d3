"""The main job with real phones: the MCU calls baresip and sipp through Kamailio, and both sides hear each other."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import attrs
import pytest

import focus
import mcu
import sip
from pyc3p import Names, Trace
from pyc3p.elements import FarmPlan, Handset
from pyc3p.elements.loopback import LoopbackFarm
from pyc3p.elements.node import Node
from pyc3p.phone import PhoneRegistered, ToneSource, listen_for
from pyc3p.phone.wav import Recorder
from pyc3p.problems import Problem
from pyc3p.roster import endpoint_states
from tests.interop.programs import (
    HOST,
    baresip,
    free_port,
    heard_by_baresip,
    kamailio,
    malformed,
    require,
    rtp_streams,
    running,
    tshark_capture,
    wait_for_text,
)

SCENARIOS = Path(__file__).parent / "scenarios"
CLIENTS = ("presenter", "watcher")
#: Hertz of what baresip says, and of what our own phone says.
BARESIP_TONE, OUR_TONE = 700.0, 1030.0
MEDIA_PORTS = 14_000  #: below the ports that systems give out, so that a capture holds this conference only
STEP = 8.0  #: seconds that a step may take


@attrs.define(eq=False)
class Conference:
    """A presenter and a watcher in a conference whose MCU calls out through Kamailio."""

    loopback: LoopbackFarm
    rosters: dict[str, list[focus.RosterChanged]] = attrs.Factory(dict)

    def node(self, name: str) -> Node:
        return self.loopback.nodes[name]

    def happened(self, name: str, event: sip.Event) -> None:
        if isinstance(event, focus.RosterChanged):
            self.rosters.setdefault(name, []).append(event)

    async def open(self) -> None:
        """Create, join and subscribe, and register our own phones."""
        for name, phone in self.loopback.farm.phones.items():
            phone.register(now=self.node(name).now)
            self.node(name).kick()
            await self.until(name, lambda name=name: bool(self.node(name).of(PhoneRegistered)), "registration")
        await self.until("mcu-factory", lambda: bool(self.loopback.farm.mcu_factory.mcus), "the MCU's announcement")
        presenter = self.node("presenter")
        self.loopback.farm.clients["presenter"].create_conference(subject="Interop", now=presenter.now)
        presenter.kick()
        await self.until("presenter", lambda: bool(presenter.of(focus.ConferenceCreated)), "the record")
        for name in CLIENTS:
            client = self.loopback.farm.clients[name]
            client.join(presenter.of(focus.ConferenceCreated)[0].conference_uri, now=self.node(name).now)
            self.node(name).kick()
            await self.until(name, lambda name=name: bool(self.node(name).of(focus.Joined)), "the join")
            client.subscribe(now=self.node(name).now)
            self.node(name).kick()
            await self.until(name, lambda name=name: name in self.rosters, "the first roster")

    async def add_user(self, uri: str) -> sip.Event:
        """Dial out; gives the one terminal event."""
        node = self.node("presenter")
        command = self.loopback.farm.clients["presenter"].add_user(uri, now=node.now)
        node.kick()
        return await self.outcome(command)

    async def delete_user(self, uri: str) -> sip.Event:
        node = self.node("presenter")
        command = self.loopback.farm.clients["presenter"].delete_user(uri, now=node.now)
        node.kick()
        return await self.outcome(command)

    async def outcome(self, command: focus.CommandId) -> sip.Event:
        node = self.node("presenter")

        def ended() -> list[sip.Event]:
            kinds = (focus.CommandSucceeded, focus.CommandFailed)
            return [event for event in node.events if isinstance(event, kinds) and event.command == command]

        await self.until("presenter", lambda: bool(ended()), "the result")
        (event,) = ended()
        return event

    async def until(self, name: str, predicate: Callable[[], bool], what: str) -> None:
        await self.node(name).wait_for(predicate, STEP, f"{name}: {what}")

    async def both_see(self, user: str, *states: str) -> None:
        """Both subscribers saw the user's endpoint go through these states, and no others."""
        for name in CLIENTS:
            with contextlib.suppress(Problem):
                await self.until(name, lambda name=name: self.history(name, user) == list(states), states[-1])
            assert tuple(self.history(name, user)) == states

    def history(self, name: str, user: str) -> list[str]:
        """States of a user's endpoints as a subscriber saw them, each once in a row."""
        seen: list[str] = []
        for event in self.rosters.get(name, []):
            states = [state for (entity, _), state in endpoint_states(event.roster).items() if entity == user]
            state = ", ".join(states).removeprefix("audio-video ") or "gone"
            if (seen or state != "gone") and seen[-1:] != [state]:
                seen.append(state)
        return seen


def hold_conference(
    plan: FarmPlan, act: Callable[[Conference], Awaitable[None]], *, media_ports: int = MEDIA_PORTS
) -> None:
    """Run a farm on loopback for the time of `act`."""

    async def run() -> None:
        conferences: list[Conference] = []
        trace = Trace(names=Names(plan.names), readers=[])
        loopback = LoopbackFarm.build(
            plan, trace, lambda name, event: conferences[0].happened(name, event), media_ports=media_ports
        )
        conferences.append(Conference(loopback))
        try:
            await loopback.start()
            await conferences[0].open()
            await act(conferences[0])
        finally:
            await loopback.stop()

    asyncio.run(run())


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[int]:
    """The port of a Kamailio that serves example.com."""
    require("kamailio")
    with kamailio(tmp_path) as port:
        yield port


def plan_through(proxy: int, *, transport: str = "udp", **changes: object) -> FarmPlan:
    plan = FarmPlan(
        outbound_proxy=sip.Uri.parse(f"sip:{HOST}:{proxy};transport={transport}"),
        dial_out_policy=mcu.DialOutRules(domains=frozenset({HOST})),  # sipp is called where it listens
    )
    return attrs.evolve(plan, **changes)


@contextlib.contextmanager
def sipp_phone(scenario: str, folder: Path, *options: str) -> Iterator[str]:
    """sipp waiting for one call; gives its address. It must have played the scenario to its end."""
    require("sipp")
    port, media = free_port(), free_port() & ~1
    log = folder / f"{scenario}.log"
    command = ["sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", HOST, "-p", str(port), "-mi", HOST]
    command += ["-mp", str(media), "-m", "1", "-nostdin", "-timeout", "30", "-timeout_error", "-trace_err"]
    command += ["-error_file", str(folder / f"{scenario}.errors"), *options]
    with running(command, log, cwd=folder) as process:
        yield f"sip:phone@{HOST}:{port}"
        assert process.wait(10) == 0, (folder / f"{scenario}.errors").read_text()


def write_tone(path: Path, frequency: float, seconds: float) -> None:
    source = ToneSource(frequency)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"".join(source.next_frame() for _ in range(round(seconds * 50))))


def audio_of(path: Path) -> bytes:
    with wave.open(str(path), "rb") as recorded:
        assert (recorded.getframerate(), recorded.getsampwidth(), recorded.getnchannels()) == (8000, 2, 1)
        return recorded.readframes(recorded.getnframes())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_baresip_is_called_through_kamailio_and_both_sides_hear_each_other(
    proxy: int, tmp_path: Path, transport: str
) -> None:
    require("baresip", "tshark")
    spoken = tmp_path / "spoken.wav"
    write_tone(spoken, BARESIP_TONE, 20)
    plan = plan_through(
        proxy, transport=transport, handsets=[Handset(name="phone-carol", user="carol", source=ToneSource(OUR_TONE))]
    )

    async def act(conference: Conference) -> None:
        for user in ("sip:bob@example.com", "sip:carol@example.com"):
            assert isinstance(await conference.add_user(user), focus.CommandSucceeded)
        await asyncio.sleep(2.5)
        recorder = conference.loopback.farm.phones["phone-carol"].recorder
        assert isinstance(recorder, Recorder)
        assert listen_for(recorder.audio, BARESIP_TONE).heard
        assert not listen_for(recorder.audio, OUR_TONE).heard
        assert isinstance(await conference.delete_user("sip:bob@example.com"), focus.CommandSucceeded)
        await conference.both_see("sip:carol@example.com", "dialing-out", "alerting", "connected")
        for name in CLIENTS:
            states = conference.history(name, "sip:bob@example.com")
            assert [state for state in states if state != "alerting"] == [
                "dialing-out",
                "connected",
                "disconnecting",
                "disconnected (booted)",
                "gone",
            ]

    ports = f"port {proxy} or portrange {MEDIA_PORTS}-{MEDIA_PORTS + 999}"
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(baresip(tmp_path, user="bob", domain="example.com", proxy=proxy, spoken=spoken))
        capture = stack.enter_context(tshark_capture(tmp_path, ports))
        hold_conference(plan, act)
        wait_for_text(log, "terminated", limit=5)
    heard = audio_of(heard_by_baresip(log))
    assert listen_for(heard, OUR_TONE).heard, listen_for(heard, OUR_TONE)
    assert not listen_for(heard, BARESIP_TONE).heard
    assert malformed(capture) == ""
    streams = rtp_streams(capture)
    assert len(streams) == 4, streams
    assert all(packets > 50 and lost == 0 for packets, lost in streams), streams


def test_sipp_answers_and_is_ejected(proxy: int, tmp_path: Path) -> None:
    async def act(conference: Conference) -> None:
        assert isinstance(await conference.add_user(phone), focus.CommandSucceeded)
        assert isinstance(await conference.delete_user(phone), focus.CommandSucceeded)
        await conference.both_see(
            phone, "dialing-out", "alerting", "connected", "disconnecting", "disconnected (booted)", "gone"
        )

    with sipp_phone("answer", tmp_path, "-rtp_echo") as phone:
        hold_conference(plan_through(proxy), act)


@pytest.mark.parametrize(
    ("scenario", "reason", "states"),
    [
        ("busy", "dialOutBusy", ("dialing-out", "disconnected (busy)", "gone")),
        ("decline", "dialOutDeclined", ("dialing-out", "alerting", "disconnected (failed)", "gone")),
        ("no_answer", "dialOutTimeout", ("dialing-out", "alerting", "disconnecting", "disconnected (failed)", "gone")),
        ("unusable_sdp", "dialOutMedia", ("dialing-out", "alerting", "disconnected (failed)", "gone")),
    ],
)
def test_a_call_to_sipp_that_comes_to_nothing(
    proxy: int, tmp_path: Path, scenario: str, reason: str, states: tuple[str, ...]
) -> None:
    async def act(conference: Conference) -> None:
        failed = await conference.add_user(phone)
        assert isinstance(failed, focus.CommandFailed)
        assert failed.response is not None
        assert failed.response.command_reason == reason
        await conference.both_see(phone, *states)

    with sipp_phone(scenario, tmp_path) as phone:
        hold_conference(plan_through(proxy, ring_timeout=2.0), act)


def test_sipp_hangs_up(proxy: int, tmp_path: Path) -> None:
    async def act(conference: Conference) -> None:
        assert isinstance(await conference.add_user(phone), focus.CommandSucceeded)
        await conference.both_see(phone, "dialing-out", "alerting", "connected", "disconnected (departed)", "gone")

    with sipp_phone("hang_up", tmp_path) as phone:
        hold_conference(plan_through(proxy), act)


def test_sipp_holds_and_resumes(proxy: int, tmp_path: Path) -> None:
    async def act(conference: Conference) -> None:
        assert isinstance(await conference.add_user(phone), focus.CommandSucceeded)
        await conference.both_see(phone, "dialing-out", "alerting", "connected", "on-hold", "connected")
        assert isinstance(await conference.delete_user(phone), focus.CommandSucceeded)

    with sipp_phone("hold", tmp_path, "-rtp_echo") as phone:
        hold_conference(plan_through(proxy), act)


def test_sipp_presses_keys_by_info_and_switches_its_audio_off(proxy: int, tmp_path: Path) -> None:
    async def act(conference: Conference) -> None:
        assert isinstance(await conference.add_user(phone), focus.CommandSucceeded)
        await conference.both_see(phone, "dialing-out", "alerting", "connected", "on-hold", "connected")
        assert [event.digit for event in conference.node("mcu").of(mcu.DtmfReceived)] == ["5", "#"]
        assert isinstance(await conference.delete_user(phone), focus.CommandSucceeded)

    with sipp_phone("switch_off", tmp_path, "-rtp_echo") as phone:
        hold_conference(plan_through(proxy), act)


def test_sipp_redirects_to_another_phone(proxy: int, tmp_path: Path) -> None:
    async def act(conference: Conference) -> None:
        assert isinstance(await conference.add_user(first), focus.CommandSucceeded)
        assert isinstance(await conference.delete_user(first), focus.CommandSucceeded)

    with sipp_phone("answer", tmp_path, "-rtp_echo") as second:
        target = second.rpartition(":")[2]
        with sipp_phone("redirect", tmp_path, "-key", "target", target) as first:
            hold_conference(plan_through(proxy), act)
