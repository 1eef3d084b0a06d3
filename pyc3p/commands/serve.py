"""``pyc3p serve``: the parts of a conferencing system in one process, or any of them alone."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyc3p.commands.capturing import capturing
from pyc3p.commands.credentials import readable_by_others
from pyc3p.commands.output import Output, format_of
from pyc3p.commands.reloading import Reloading
from pyc3p.elements import event_loop, parts
from pyc3p.elements.cautions import cautions
from pyc3p.elements.server import Server
from pyc3p.elements.state import ServerState, Unkept, open_state
from pyc3p.elements.system import build_system, worker_config, worker_count, worker_id
from pyc3p.ops.log import log_libraries
from pyc3p.ops.measures import Measures
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.trace import text_address
from pyc3p.workers.child import main as be_worker
from pyc3p.workers.launch import Process, can_fork, fork, launched

if TYPE_CHECKING:
    from pyc3p.ops.port import OpsPort


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
            case "mcu" if worker_count(config) > 1:
                for number in range(1, config.workers + 1):
                    yield worker_id(config, number), _mcu_at(worker_config(config, number))
            case "mcu":
                yield part, _mcu_at(config)
            case _:
                yield part, sip_at


def _mcu_at(config: ServeConfig) -> str:
    scheme = "https" if config.c3p.secure else "http"
    own_http = f"{scheme}://{text_address((config.public_host, config.mcu_http_port))}{parts.MCU_PATH}"
    own_sip = _sip_at(config, config.mcu_sip_port, config.tls.mcu_port)
    return f"{own_sip}, {own_http}, RTP {config.media_ports}"


def _sip_at(config: ServeConfig, port: int, tls_port: int) -> str:
    tls = f", port {tls_port} (TLS)" if config.tls.certificate else ""
    return f"sip:{text_address((config.public_host, port))} (UDP, TCP){tls}"


def what_next(config: ServeConfig) -> str:
    """What can be done with the parts that are served."""
    at = text_address((config.public_host, config.sip_port))
    identity = config.identity
    # Without users nobody has a password: whoever comes from elsewhere is not let in.
    only_trusted = bool(identity.trust) and not (identity.users or identity.certificate_domains or identity.insecure)
    where = f" in {', '.join(identity.trust)}" if only_trusted and not identity.user_certificates else ""
    if "registrar" in config.parts:
        other_domain = config.sip_domain != config.public_host
        told = f"Phones{where} register at sip:{at}" + (f" as sip:user@{config.sip_domain}" if other_domain else "")
    elif {"focus", "focus-factory"} <= set(config.parts):
        told = f"Presenters{where} use `pyc3p invite --server {at}`"
    elif config.only_rooms:
        at = text_address((config.public_host, config.mcu_sip_port))
        told = f"Whoever calls sip:ROOM@{at} is in a conference with all others who call that ROOM"
    else:
        told = "Ready"
    return f"{told}; stop with Ctrl-C"


def exposure(config: ServeConfig, file: Path) -> str | None:
    """What there is to say of a settings file that others can read, None when it may be read."""
    secret = config.secret or any(peer.secret for peer in config.c3p.peers)
    if not (secret or any(each.password for each in config.gateways)) or not readable_by_others(file):
        return None
    held = "a secret" if secret else "the password of a gateway"
    return f"{file} holds {held} and can be read by others; do `chmod 600 {file}`"


def run_serve(
    config: ServeConfig,
    *,
    as_json: bool,
    early: Sequence[Process] = (),
    read: Callable[[], ServeConfig] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT.

    ``early`` are processes of workers that were started already; ``read`` reads the settings again.
    """
    output = Output(style=format_of(config.log.format, as_json=as_json))
    # A worker that is a copy of this process need not read all modules again. Now: before there is a loop or a thread.
    copies = worker_count(config) - len(early) if can_fork(holds_secrets=config.holds_secrets) else 0
    with launched(copies, lambda: fork(be_worker)) as forked, log_libraries(output):
        return event_loop.run(_serve(config, output, [*early, *forked], read))


async def _serve(
    written: ServeConfig, output: Output, early: Sequence[Process], read: Callable[[], ServeConfig] | None
) -> int:
    config = written.settled()
    with capturing(config, output, in_order=worker_count(config) > 0) as trace:
        measures = Measures() if config.ops.port else None
        observers = [measures.observe] if measures is not None else []
        opened = await open_state(config, output)
        state = opened if isinstance(opened, ServerState) else None
        try:
            server = build_system(config, trace, output, observers=observers, launched=early, state=state)
        except BaseException:
            if state is not None:
                await state.close()
            raise
        server.unkept = opened.reason if isinstance(opened, Unkept) else None
        ops = _ops_port(config, server, measures) if measures is not None else None
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, Reloading(server, output, written, read))
        watching = asyncio.ensure_future(server.identities.watch(output)) if server.identities is not None else None
        try:
            await server.start()
            if ops is not None:
                await ops.start()
            _calm_collector()
            for part, where in listening(config):
                output.tell(f"{part:14}{where}", "bold", listening=part, at=where)
            if ops is not None:
                where = f"http://{text_address((config.ops.host, ops.port))}"
                output.tell(f"{'ops':14}{where}/metrics, /health, /ready", "bold", listening="ops", at=where)
            for line in cautions(config):
                output.tell(line, "yellow", level="warning", caution=line)
            output.tell(what_next(config), ready=config.sip_domain)
            await stop.wait()
            output.tell("draining", draining=config.drain_timeout)
            await _drain(server, stop)
        finally:
            if watching is not None:
                watching.cancel()
            await server.stop()
            if ops is not None:
                await ops.stop()
    return 0


def _ops_port(config: ServeConfig, server: Server, measures: Measures) -> OpsPort:
    # The library that it needs is needed by nobody else.
    from pyc3p.ops.port import OpsPort

    for node in server.nodes:
        measures.watch(node)
    return OpsPort(config.ops, server, measures)


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
