"""``pyc3p serve``: the parts of a conferencing system in one process, or any of them alone."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Iterator
from pathlib import Path

from pyc3p.commands.output import Output
from pyc3p.elements import event_loop, parts
from pyc3p.elements.server import Server, build_server
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.pcap import PcapWriter
from pyc3p.trace.trace import Names, Trace, text_address
from sip.aio import wall_clock


def listening(config: ServeConfig) -> Iterator[tuple[str, str]]:
    """Each part and where it listens."""
    host = config.public_host
    sip_at = _sip_at(config, config.sip_port, config.tls.port)
    scheme = "https" if config.c3p.secure else "http"
    http_at = f"{scheme}://{text_address((host, config.http_port))}"
    for part in config.parts:
        match part:
            case "mcu-factory":
                yield part, f"{http_at}{parts.MCU_FACTORY_PATH}"
            case "focus":
                yield part, f"{sip_at}, {http_at}{parts.FOCUS_PATH}"
            case "focus-factory":
                yield part, f"{sip_at}, {http_at}{parts.FACTORY_PATH}"
            case "mcu":
                own_http = f"{scheme}://{text_address((host, config.mcu_http_port))}{parts.MCU_PATH}"
                own_sip = _sip_at(config, config.mcu_sip_port, config.tls.mcu_port)
                yield part, f"{own_sip}, {own_http}, RTP {config.media_ports}"
            case _:
                yield part, sip_at


def _sip_at(config: ServeConfig, port: int, tls_port: int) -> str:
    tls = f", port {tls_port} (TLS)" if config.tls.certificate else ""
    return f"sip:{text_address((config.public_host, port))} (UDP, TCP){tls}"


def what_next(config: ServeConfig) -> str:
    """What can be done with the parts that are served."""
    at = text_address((config.public_host, config.sip_port))
    if "registrar" in config.parts:
        other_domain = config.sip_domain != config.public_host
        told = f"Phones register at sip:{at}" + (f" as sip:user@{config.sip_domain}" if other_domain else "")
    elif {"focus", "focus-factory"} <= set(config.parts):
        told = f"Presenters use `pyc3p invite --server {at}`"
    else:
        told = "Ready"
    return f"{told}; stop with Ctrl-C"


def run_serve(config: ServeConfig, *, as_json: bool) -> int:
    """Serve until SIGTERM or SIGINT."""
    return event_loop.run(_serve(config.settled(), Output(as_json=as_json)))


async def _serve(config: ServeConfig, output: Output) -> int:
    with _capture(config) as trace:
        server = build_server(config, trace, output)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, _reload, server, output)
        watching = asyncio.ensure_future(server.identities.watch(output)) if server.identities is not None else None
        try:
            await server.start()
            _calm_collector()
            for part, where in listening(config):
                output.tell(f"{part:14}{where}", "bold", listening=part, at=where)
            output.tell(what_next(config), ready=config.sip_domain)
            await stop.wait()
            output.tell("draining", draining=config.drain_timeout)
            await _drain(server, stop)
        finally:
            if watching is not None:
                watching.cancel()
            await server.stop()
    return 0


def _reload(server: Server, output: Output) -> None:
    """Read users and certificates again; with a mistake in them the old ones stay."""
    if server.identities is not None:
        server.identities.reload(output)
    try:
        found = server.reload()
    except UsageProblem as problem:
        output.tell(f"certificates stay as they were: {problem}", reloaded=False)
    else:
        if found or server.identities is None or server.identities.users is None:
            told = "certificates were read again" if found else "there are no certificates to read"
            output.tell(told, reloaded=found)


def _calm_collector() -> None:
    """Keep the pauses of the garbage collector far below the 20 ms of a packet.

    What was imported and built until now stays for good, so it need not be looked through again and again; and most
    objects of a call go with their last reference, so it is enough to look for circles a tenth as often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10 * gc.get_threshold()[0], *gc.get_threshold()[1:])


async def _drain(server: Server, stop: asyncio.Event) -> None:
    """Until conferences are over, or somebody asks again."""
    stop.clear()
    draining = asyncio.ensure_future(server.drain())
    again = asyncio.ensure_future(stop.wait())
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, again):
        task.cancel()
    await asyncio.gather(draining, again, return_exceptions=True)


@contextlib.contextmanager
def _names_beside(path: Path, names: Names) -> Iterator[None]:
    """Write names as they become known, so that who is killed leaves them; tidied up in the end."""
    try:
        with path.open("w", encoding="utf-8", buffering=1) as file:
            file.write(names.dump())

            def add(line: str) -> None:
                with contextlib.suppress(OSError):  # what is written in the end says so
                    file.write(f"{line}\n")

            names.on_added = add
            try:
                yield
            finally:
                names.on_added = None
        path.write_text(names.dump(), encoding="utf-8")
    except OSError as error:
        if error.filename != str(path):
            raise
        raise Problem(f"{path} cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def _capture(config: ServeConfig) -> Iterator[Trace | None]:
    """A trace into a capture file, when one is wanted."""
    if not config.capture:
        yield None
        return
    try:
        writer = PcapWriter(Path(config.capture), wall_clock=wall_clock())
    except OSError as error:
        raise Problem(f"{config.capture} cannot be written: {error.strerror}") from error
    with writer:
        trace = Trace(readers=[writer], unsafe=config.unsafe_capture)
        with _names_beside(Path(config.capture + ".names"), trace.names):
            yield trace
    if writer.failed is not None:
        raise Problem(f"{config.capture} is not complete: {writer.failed.strerror}")
