"""MCUs in processes of their own: started, told, listened to, and started again."""

import asyncio
import gc
import os
import pickle
import signal
import ssl
import time
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import pair_secret
from pyc3p.commands.invite import Invite
from pyc3p.commands.serve import run_serve
from pyc3p.commands.trace import read_ladder
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.places import factory_url, outbound_proxy
from pyc3p.elements.server import Server
from pyc3p.elements.system import build_system, worker_config
from pyc3p.phone import PhoneReleased
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.c3p import C3pPeerSettings, C3pSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.tls import TlsSettings
from pyc3p.trace.ladder import Band, Step
from pyc3p.workers.back_off import FIRST, LONGEST, WELL, BackOff
from pyc3p.workers.channel import Channel
from pyc3p.workers.frames import MAX_FRAME, BrokenPipeProtocol, FrameReader, Kind, frame, read_message
from pyc3p.workers.launch import can_fork
from tests.certificates import Authority
from tests.pyc3p.test_serve import (
    Kept,
    call_and_end,
    command,
    invite_options,
    phone_at,
    read_until,
    serve_config,
    until,
)

# Frames ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=200))), st.data())
def test_frames_come_out_as_they_went_in_however_they_were_cut(
    sent: list[tuple[Kind, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(frame(kind, content) for kind, content in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    reader, got = FrameReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += list(reader.receive(stream[begin:end]))
    assert got == sent
    assert reader.rest() == b""


@given(st.binary(max_size=64))
def test_what_is_no_frame_is_said_and_not_waited_for(data: bytes) -> None:
    reader = FrameReader()
    try:
        for kind, content in reader.receive(data):
            assert len(content) <= MAX_FRAME
            if kind is Kind.MESSAGE:
                read_message(content)
    except BrokenPipeProtocol:
        return
    assert len(reader.rest()) <= 64


def test_a_frame_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        frame(Kind.MESSAGE, bytes(MAX_FRAME + 1))


# Starting again ----------------------------------------------------------------------------------------------------


def test_a_worker_that_ends_soon_again_and_again_is_waited_for_longer_and_longer() -> None:
    back_off = BackOff()
    waits = []
    for n in range(10):
        back_off.began(now=100.0 * n)
        waits.append(back_off.ended(now=100.0 * n + 1.0))
    assert waits[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert waits[-1] == LONGEST


def test_a_worker_that_had_been_well_is_started_again_at_once() -> None:
    back_off = BackOff()
    for n in range(10):
        back_off.began(now=float(n))
        back_off.ended(now=float(n))
    back_off.began(now=100.0)
    assert back_off.ended(now=100.0 + WELL) == FIRST


# Names and ports ---------------------------------------------------------------------------------------------------


def test_one_worker_has_the_name_and_the_ports_of_the_mcu() -> None:
    config = ServeConfig(secret="s")
    one = worker_config(config, 1)
    assert (one.mcu_id, one.mcu_sip_port, one.mcu_http_port) == ("mcu-1", 5070, 8445)
    assert one.media_ports == config.media_ports
    assert str(outbound_proxy(one)) == "sip:127.0.0.1:5060"
    assert factory_url(one) == "http://127.0.0.1:8444/LiveServer/MCUFactory"


def test_several_workers_share_nothing() -> None:
    config = ServeConfig(secret="s", workers=3, mcu_id="mcu-7", media_ports="30000-31000")
    all_three = [worker_config(config, number) for number in (1, 2, 3)]
    assert [one.mcu_id for one in all_three] == ["mcu-7.1", "mcu-7.2", "mcu-7.3"]
    assert [one.mcu_sip_port for one in all_three] == [5070, 5071, 5072]
    assert [one.mcu_http_port for one in all_three] == [8445, 8446, 8447]
    assert [one.media_ports for one in all_three] == ["30000-30331", "30332-30663", "30664-30995"]


def test_with_tls_no_port_of_a_worker_is_that_of_another() -> None:
    config = ServeConfig(workers=3, tls=TlsSettings(certificate="server.pem"))
    ports = [(one.mcu_sip_port, one.tls.mcu_port) for one in (worker_config(config, number) for number in (1, 2, 3))]
    assert ports == [(5070, 5071), (5072, 5073), (5074, 5075)]


def test_a_worker_knows_the_secrets_of_the_mcu_and_no_others() -> None:
    peers = (C3pPeerSettings(name="far", secret="farsecret"), C3pPeerSettings(name="mcu-9", secret="ninesecret"))
    config = serve_config(secret="rootsecret", workers=2, c3p=C3pSettings(peers=peers))
    server = build_system(config, None, Kept())
    assert server.workers is not None
    for worker in server.workers.all:
        given = pickle.dumps(worker._task)
        assert b"rootsecret" not in given
        # What it shares with each of them it has: with nobody else.
        task = worker._task
        assert task.peers.principal == "mcu-1"
        assert [peer.secret for peer in task.config.c3p.peers] == ["", ""]
        assert pair_secret("rootsecret", "focus", "far") not in task.peers.known
        assert task.peers.secret_for("focus") in server.nodes[0]._http.peers.known  # type: ignore[union-attr]


def test_a_process_that_knows_secrets_of_others_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYC3P_SECRET", raising=False)
    assert not ServeConfig().holds_secrets
    assert ServeConfig(secret="rootsecret").holds_secrets
    assert ServeConfig(c3p=C3pSettings(peers=(C3pPeerSettings(name="far", secret="s"),))).holds_secrets
    assert not can_fork(holds_secrets=True)
    monkeypatch.setenv("PYC3P_SECRET", "rootsecret")
    assert ServeConfig().holds_secrets
    copied: list[object] = []
    monkeypatch.setattr("pyc3p.commands.serve.fork", copied.append)
    monkeypatch.setattr("pyc3p.commands.serve.event_loop.run", lambda running: (running.close(), 0)[1])
    assert run_serve(serve_config(workers=1), as_json=True) == 0
    assert copied == []


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"workers": 2, "mcu_sip_port": 5071, "tls": TlsSettings(certificate="x.pem", mcu_port=5073)},
            "meet at 5073 with 2 workers",
        ),
        ({"workers": 4, "media_ports": "30000-30005"}, "too few for 4 workers"),
        ({"workers": 3, "mcu_http_port": 65534}, "no port for worker 3"),
        ({"workers": 65}, "workers must be from 0 to 64"),
        ({"parts": ("mcu",), "mcu_factory_url": "http://192.0.2.1/"}, "set PYC3P_SECRET"),
    ],
)
def test_what_does_not_fit_is_named_before_anything_is_started(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        build_system(attrs.evolve(ServeConfig(), **settings), None, Kept())


# Processes ---------------------------------------------------------------------------------------------------------


def with_workers(config: ServeConfig, scenario: object) -> Kept:
    output = Kept()

    async def everything() -> None:
        server = build_system(config, None, output)
        try:
            await server.start()
            await scenario(server, output)  # type: ignore[operator]
        finally:
            await server.stop()
            assert server.workers is not None
            assert all(one._process is None or one._process.poll() is not None for one in server.workers.all)

    asyncio.run(everything())
    return output


def test_a_worker_that_dies_is_started_again_and_the_focus_recovers() -> None:
    config, told = serve_config(workers=1, drain_timeout=5.0), Kept()

    async def scenario(server, output: Kept) -> None:
        (worker,) = server.workers.all
        phone = await phone_at(config, "bob")
        first = Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        running = asyncio.ensure_future(first.run())
        await first.node.wait_for(lambda: bool(first.reached), 10.0, "the call")
        assert server.busy
        assert worker.conferences == 1
        os.kill(worker._process.pid, signal.SIGKILL)
        await until(lambda: any("mcu-1 lost" in text for text in output.texts))
        await until(lambda: "bob@127.0.0.1: audio-video gone" in [text.strip() for text, _ in first._output.lines])
        await until(lambda: "mcu-1 runs again" in output.texts)
        first.obey("end")
        await running
        await phone.stop()
        other = await phone_at(config, "carol")
        assert await call_and_end(invite_options(config, "sip:carol@127.0.0.1"), told) == 0
        await other.stop()

    output = with_workers(config, scenario)
    assert "call carol@127.0.0.1: done" in told.texts
    assert any("mcu-1 ended unasked (signal 9); starting it again in 0.5 s" in text for text in output.texts)


def test_draining_ends_the_conferences_of_workers_and_tells_everybody() -> None:
    config = serve_config(workers=2)

    async def scenario(server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        running = asyncio.ensure_future(invite.run())
        await invite.node.wait_for(lambda: bool(invite.reached), 10.0, "the call")
        await server.drain()
        assert not server.busy
        await phone.wait_for(lambda: bool(phone.of(PhoneReleased)), 5.0, "the end")
        assert await running == 0
        await phone.stop()

    output = with_workers(config, scenario)
    assert {"MCU mcu-1.1 announced itself", "MCU mcu-1.2 announced itself"} <= set(output.texts)


def test_the_problem_of_a_worker_is_the_problem_of_the_server() -> None:
    with reserved_ports(1) as (port,):
        config = serve_config(workers=1, mcu_http_port=port)

        async def scenario(server, output: Kept) -> None:
            raise AssertionError("it must not start")

        with pytest.raises(Problem, match=f"port {port} on 127.0.0.1 is in use.*--mcu-http-port"):
            with_workers(config, scenario)


def test_of_two_parts_that_cannot_start_one_is_told_of() -> None:
    strays: list[dict[str, object]] = []
    with reserved_ports(2) as (port, mcu_port):
        config = serve_config(workers=1, http_port=port, mcu_http_port=mcu_port)

        async def everything() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: strays.append(context))
            server = build_system(config, None, Kept())
            assert server.workers is not None
            (worker,) = server.workers.all
            try:
                await server.workers.start()
                await until(lambda: worker._ready is not None and worker._ready.done())
                with pytest.raises(Problem, match=f"port {port} on 127.0.0.1 is in use.*--http-port"):
                    await server.nodes[0].start()
            finally:
                await server.stop()

        asyncio.run(everything())
    gc.collect()  # a future whose exception nobody looked at says so when it goes
    assert strays == []


def test_a_capture_has_both_processes_and_each_hop_once(tmp_path: Path) -> None:
    config, capture = serve_config(), tmp_path / "serve.pcapng"
    names = ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port", "media_ports")
    options = [f"--{name.replace('_', '-')}={getattr(config, name)}" for name in names]
    with command("serve", "--json", "--workers=1", "--capture", str(capture), *options) as server:
        read_until(server, "announced")
        with command("phone", "--json", f"--as=sip:bob@127.0.0.1:{config.sip_port}", "--ring-time=0.1") as phone:
            read_until(phone, "PhoneRegistered")
            with command("invite", "--json", "--for=4", f"sip:bob@127.0.0.1:{config.sip_port}") as presenter:
                presenter.communicate(timeout=60)
                assert presenter.returncode == 0
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
        assert server.returncode == 0
    ladder = read_ladder(capture)
    assert {"focus", "mcu-1"} <= set(ladder.columns)
    steps = [item for item in ladder.items if isinstance(item, Step)]
    between = [item for item in steps if {item.source, item.target} == {"focus", "mcu-1"}]
    assert sum(item.label == "INVITE" for item in between) == 1
    assert sum("addUser" in item.detail and item.source == "focus" for item in between) == 1
    assert any(isinstance(item, Band) for item in ladder.items)
    assert [item.at for item in between] == sorted(item.at for item in between)


def test_a_machine_of_mcus_alone_serves_several() -> None:
    common = {"secret": "shared", "workers": 2}
    front = serve_config(parts=("focus-factory", "focus", "mcu-factory"), mcus=("far",), **{**common, "workers": 0})
    back = serve_config(
        parts=("mcu",),
        mcu_id="far",
        mcu_factory_url=f"http://127.0.0.1:{front.http_port}/LiveServer/MCUFactory",
        **common,
    )
    output = Kept()

    async def everything() -> None:
        server, far = build_system(front, None, output), build_system(back, None, Kept())
        await server.start()
        try:
            await far.start()
            await until(lambda: sum("announced itself" in text for text in output.texts) == 3)
        finally:
            await far.stop()
            await server.stop()

    asyncio.run(everything())
    told = {"MCU far.1 announced itself", "MCU far.2 announced itself", "MCU far.chat announced itself"}
    assert told <= set(output.texts)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="who started whom is read from /proc")
def test_no_worker_outlives_its_server_however_that_ended() -> None:
    config = serve_config()
    names = ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port", "media_ports")
    options = [f"--{name.replace('_', '-')}={getattr(config, name)}" for name in names]
    with command("serve", "--json", *options) as server:
        read_until(server, "announced")
        (worker,) = children_of(server.pid)
        server.kill()
        server.wait()
        for _ in range(200):
            if not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split()[2]:
                return
            time.sleep(0.05)
        raise AssertionError("it is still there")


def children_of(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_a_worker_cannot_say_in_time_is_dropped_and_keeps_nobody_waiting() -> None:
    async def everything() -> None:
        reads, writes = os.pipe()
        unread, end = os.pipe()
        channel = Channel(lambda kind, content: None, lambda why: None)
        await channel.connect(os.fdopen(unread, "rb", buffering=0), os.fdopen(writes, "wb", buffering=0))
        big = frame(Kind.RECORD, bytes(1024 * 1024))
        for _ in range(20):
            channel.send(big, droppable=True)
        assert channel.dropped > 0
        dropped = channel.dropped
        channel.send(frame(Kind.MESSAGE, b"{}"))  # there is room for the few that matter
        assert channel.dropped == dropped
        os.close(reads)
        os.close(end)
        channel.close()

    asyncio.run(everything())


def test_a_worker_can_be_replaced_by_another_without_its_server() -> None:
    config = serve_config(workers=1)

    async def scenario(server, output: Kept) -> None:
        (worker,) = server.workers.all
        before = worker._process.pid
        os.kill(before, signal.SIGTERM)
        await until(lambda: "mcu-1 runs again" in output.texts)
        assert worker._process.pid != before
        assert worker.restarts == 1

    output = with_workers(config, scenario)
    assert any("mcu-1 ended unasked (exit code 0)" in text for text in output.texts)


def test_a_worker_that_says_nothing_is_ended_and_another_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyc3p.workers.worker.PING", 0.1)
    monkeypatch.setattr("pyc3p.workers.worker.STUCK", 0.5)
    config = serve_config(workers=1)

    async def scenario(server, output: Kept) -> None:
        (worker,) = server.workers.all
        os.kill(worker._process.pid, signal.SIGSTOP)
        await until(lambda: worker.restarts == 1)
        monkeypatch.setattr("pyc3p.workers.worker.STUCK", 60.0)
        await until(lambda: worker.running)

    output = with_workers(config, scenario)
    assert any("says nothing" in text for text in output.texts)


# TLS ---------------------------------------------------------------------------------------------------------------


def test_workers_speak_https_and_tls_and_read_their_certificates_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    made, new = authority.certify("127.0.0.1"), authority.certify("127.0.0.1")
    with reserved_ports(2) as (port, mcu_port):
        tls = TlsSettings(certificate=made.certificate, key=made.key, ca=authority.ca, port=port, mcu_port=mcu_port)
    c3p = C3pSettings(certificate=made.certificate, key=made.key, ca=authority.ca)
    config = serve_config(tls=tls, c3p=c3p, workers=1)
    context = ssl.create_default_context(cafile=authority.ca)

    async def scenario(server: Server, output: Kept) -> None:
        await until(lambda: "MCU mcu-1 announced itself" in output.texts)
        phone = await phone_at(config, "bob")
        assert await call_and_end(invite_options(config, "sip:bob@127.0.0.1"), Kept()) == 0
        await phone.stop()
        before = await certificate_at(tls.mcu_port, context)
        for old, fresh in ((made.certificate, new.certificate), (made.key, new.key)):
            Path(old).write_bytes(Path(fresh).read_bytes())
        assert server.reload()
        async with asyncio.timeout(15.0):
            while await certificate_at(tls.mcu_port, context) == before:
                await asyncio.sleep(0.05)

    with_workers(config, scenario)


async def certificate_at(port: int, context: ssl.SSLContext) -> object:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.close()
    return writer.get_extra_info("peercert")["serialNumber"]
