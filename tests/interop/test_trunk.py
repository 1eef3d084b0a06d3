"""A trunk that asks for a password: sipp, called by ``pyc3p serve`` for a number that a presenter types."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from pyc3p.elements.server import Server
from pyc3p.settings.calls import CallSettings
from pyc3p.settings.gateways import GatewaySettings
from pyc3p.settings.serve import ServeConfig
from tests.interop.programs import HOST, free_port, require
from tests.interop.sipp_peer import taken
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, serve_config, with_server

SCENARIOS = Path(__file__).parent / "scenarios" / "trunk"
LIMIT = 20.0  #: seconds for all that sipp does


@contextlib.asynccontextmanager
async def trunk(scenario: str, port: int, folder: Path) -> AsyncIterator[None]:
    """sipp as a trunk; its scenario must have been played to its end when the block is left."""
    errors = folder / "errors"
    command = ["sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", HOST, "-p", str(port), "-t", "u1", "-m", "1"]
    command += ["-nostdin", "-timeout", "18", "-timeout_error", "-trace_err", "-error_file", str(errors)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await taken(HOST, port, "UDP")
        yield
        status = await asyncio.wait_for(process.wait(), LIMIT)
        assert status == 0, errors.read_text() if errors.exists() else f"sipp ended with {status}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def served(port: int, **more: object) -> ServeConfig:
    gateway = {"prefix": "+1555", "trunk": f"{HOST}:{port}", "prepend": "00", "plus": False, "strip": 1}
    gateway |= {"caller": "sip:15550199@trunk.example.com", **more}
    return serve_config(gateways=(GatewaySettings(**gateway),))  # type: ignore[arg-type]


def called(config: ServeConfig, scenario: str, port: int, folder: Path, *targets: str) -> tuple[int, Kept, Kept]:
    """Have numbers called; the exit code, what the server said, and what the presenter was told."""
    require("sipp")
    told, codes = Kept(), list[int]()

    async def play(server: Server, output: Kept) -> None:
        async with trunk(scenario, port, folder):
            codes.append(await call_and_end(invite_options(config, *targets), told))

    output = with_server(config, play)
    return codes[0], output, told


def test_a_number_is_called_through_a_trunk_with_its_number_format_identity_and_password(tmp_path: Path) -> None:
    port = free_port()
    config = served(port, realm="trunk.example.com", username="conference", password="zanzibar")
    code, output, told = called(config, "takes_calls", port, tmp_path, "tel:+1-555-0100")
    assert code == 0, (output.texts, told.texts)


def test_a_trunk_that_asks_in_vain_ends_in_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    code, output, told = called(served(port), "asks", port, tmp_path, "tel:+1-555-0100")
    assert code == 1
    (line,) = [text for text in output.texts if "trunk.example.com" in text]
    assert "give its gateway realm, username and password" in line
    assert any("401" in text for text in told.texts)


def test_a_number_that_no_gateway_takes_is_refused_in_a_line(tmp_path: Path) -> None:
    config = served(free_port())
    told = Kept()

    async def play(server: Server, output: Kept) -> None:
        assert await call_and_end(invite_options(config, "tel:+19005550100"), told) == 1

    with_server(config, play)
    assert any("number may not be called" in text for text in told.texts), told.texts


def test_numbers_that_are_denied_stay_denied(tmp_path: Path) -> None:
    config = serve_config(
        gateways=(GatewaySettings(prefix="+", trunk=f"{HOST}:{free_port()}"),),
        calls=CallSettings(numbers=("*",), denied=("+1900",)),
    )
    told = Kept()

    async def play(server: Server, output: Kept) -> None:
        for target in ("tel:+1-900-555-0100", "sip:+19005550100@127.0.0.1"):
            assert await call_and_end(invite_options(config, target), told) == 1

    with_server(config, play)
