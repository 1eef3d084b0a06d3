"""``serve --state``: where it is kept, what becomes of it, and what is said when it cannot be kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import focus
from pyc3p.elements.server import Server
from pyc3p.elements.state import ServerState, Unkept, open_state
from pyc3p.elements.system import build_system
from pyc3p.ops.measures import Measures
from pyc3p.ops.port import OpsPort
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.settings.ops import OpsSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.state import StateSettings, state_file
from pyc3p.state import StoreUnavailable
from tests.pyc3p.test_ops import get, values
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, phone_at, serve_config


def test_each_server_has_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = StateSettings()
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/of-systemd:{tmp_path}/other")
    assert state_file(settings, "127.0.0.1", 5060) == tmp_path / "of-systemd" / "127.0.0.1-5060.sqlite"
    assert state_file(settings, "[2001:db8::1]", 5062) == tmp_path / "of-systemd" / "2001_db8__1-5062.sqlite"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr("pyc3p.settings.state._OF_SERVICES", tmp_path)
    assert state_file(settings, "127.0.0.1", 5060) == tmp_path / "127.0.0.1-5060.sqlite"
    monkeypatch.setattr("pyc3p.settings.state._OF_SERVICES", tmp_path / "missing")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of-user"))
    assert state_file(settings, "127.0.0.1", 5060) == tmp_path / "of-user" / "pyc3p" / "127.0.0.1-5060.sqlite"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # the XDG specification: to be ignored
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_file(settings, "a", 1) == tmp_path / ".local" / "state" / "pyc3p" / "a-1.sqlite"


def test_a_file_may_be_named_or_nothing_be_kept(tmp_path: Path) -> None:
    assert state_file(StateSettings(file=str(tmp_path / "x")), "a", 1) == tmp_path / "x"
    assert state_file(StateSettings(file="none"), "a", 1) is None
    (tmp_path / "serve.toml").write_text('[state]\nfile = "none"\nsynchronous = "normal"\n')
    assert load_config(tmp_path / "serve.toml", {}).state == StateSettings(file="none", synchronous="normal")
    assert load_config(tmp_path / "serve.toml", {"state.file": "y"}).state.file == "y"
    with pytest.raises(UsageProblem, match=r"state\.synchronous must be full or normal, not 'off'"):
        StateSettings(synchronous="off")


async def opened(config: ServeConfig) -> ServerState:
    state = await open_state(config, Kept())
    assert isinstance(state, ServerState)
    return state


def test_two_servers_on_one_file_are_one_too_many(tmp_path: Path) -> None:
    async def scene() -> None:
        config = serve_config(state=StateSettings(file=str(tmp_path / "state")))
        state = await opened(config)
        with pytest.raises(Problem, match="state: another server uses it; give each server a file of its own"):
            await open_state(config, Kept())
        await state.close()
        await (await opened(config)).close()

    asyncio.run(scene())


def test_what_cannot_be_kept_is_told_and_the_server_does_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = serve_config(state=StateSettings(file=str(tmp_path / "file" / "state")))

    async def scene() -> None:
        output = Kept()
        state = await open_state(config, output)
        assert isinstance(state, Unkept)
        ((text, fields),) = output.lines
        assert text.startswith(f"state is not kept: {tmp_path}/file/state: ")
        assert text.count("\n") == 0
        assert fields["level"] == "error"

    asyncio.run(scene())


def test_an_mcu_alone_keeps_nothing(tmp_path: Path) -> None:
    config = serve_config(parts=("mcu",), state=StateSettings(file=str(tmp_path / "state")))
    assert asyncio.run(open_state(config, Kept())) is None
    assert not (tmp_path / "state").exists()


def serving(config: ServeConfig, scene: Callable[[Server], Awaitable[None]]) -> None:
    """A server from its start to its end."""

    async def everything() -> None:
        state = await opened(config)
        server = build_system(config, None, Kept(), state=state)
        await server.start()
        try:
            await scene(server)
        finally:
            await server.stop()

    asyncio.run(everything())


def test_a_later_process_knows_records_phones_and_the_secret_of_the_one_before(tmp_path: Path) -> None:
    config = serve_config(state=StateSettings(file=str(tmp_path / "state")))
    secrets: list[str] = []

    async def first(server: Server) -> None:
        assert server.state is not None
        secrets.append(server.state.secret)
        phone = await phone_at(config, "bob")
        assert await call_and_end(invite_options(config, "sip:bob@127.0.0.1", keep=True), Kept()) == 0
        server.nodes[0]._running = False  # as if it had died here: what the phone takes back is not heard
        await phone.stop()

    async def later(server: Server) -> None:
        assert server.state is not None
        secrets.append(server.state.secret)
        assert server.cores.registrar is not None
        (binding,) = server.cores.registrar.lookup("sip:bob@127.0.0.1")
        assert binding.uri.user == "bob"
        assert server.cores.focus_factory is not None
        (record,) = server.nodes[0].element.stores[0].snapshot()
        assert record.key.startswith("record/")

    serving(config, first)
    serving(config, later)
    assert secrets[0] == secrets[1]
    assert len(bytes.fromhex(secrets[0])) == 32


def test_a_store_that_fails_is_seen_by_operators_and_calls_go_on(tmp_path: Path) -> None:
    config = serve_config(state=StateSettings(file=str(tmp_path / "state")), ops=OpsSettings(port=1))

    async def scene(server: Server) -> None:
        measures = Measures()
        port = OpsPort(OpsSettings(), server, measures)
        await port.start()
        try:
            assert json.loads((await get(port.port, "/ready"))[1]) == {"ready": True, "reasons": []}
            phone = await phone_at(config, "bob")
            seen = values((await get(port.port, "/metrics"))[1])
            assert seen["pyc3p_state_failing", ()] == 0
            assert seen["pyc3p_state_pieces_total", ()] >= 1
            assert server.state is not None

            async def full(pieces: object) -> None:
                raise StoreUnavailable("the disk is full")

            server.state.store.write = full  # type: ignore[method-assign, assignment]
            assert await call_and_end(invite_options(config, "sip:bob@127.0.0.1"), Kept()) == 0
            status, text = await get(port.port, "/ready")
            assert status == 200
            assert json.loads(text)["warnings"] == ["state is not kept: the disk is full"]
            seen = values((await get(port.port, "/metrics"))[1])
            assert seen["pyc3p_state_failing", ()] == 1
            assert isinstance(server.output, Kept)
            told = [text for text in server.output.texts if text.startswith("state is not kept")]
            assert told == ["state is not kept: the disk is full; a restart would lose what changes now"]
            await phone.stop()
        finally:
            await port.stop()

    serving(config, scene)


def test_without_a_file_nothing_waits() -> None:
    config = serve_config(state=StateSettings(file="none"))

    async def scene() -> None:
        assert await open_state(config, Kept()) is None
        server = build_system(config, None, Kept())
        assert server.nodes[0].element.gate is None
        assert isinstance(server.nodes[0].element.stores[0], focus.KeptRecords)

    asyncio.run(scene())
