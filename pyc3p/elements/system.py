"""A server with its MCUs in processes of their own: who gets which name, which ports and which secrets."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import attrs

from pyc3p.commands.addresses import parse_port_range
from pyc3p.commands.output import Output
from pyc3p.elements.places import mcu_ports
from pyc3p.elements.ports import check_ports
from pyc3p.elements.principals import acquaintances
from pyc3p.elements.server import Build, Observer, Server, add_core, build_server
from pyc3p.elements.state import ServerState
from pyc3p.problems import UsageProblem
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.sinks import Sinks
from pyc3p.workers.launch import Process
from pyc3p.workers.task import Task
from pyc3p.workers.worker import Worker
from pyc3p.workers.workers import Workers


def worker_count(config: ServeConfig) -> int:
    """How many processes are to be started beside this one."""
    return config.workers if "mcu" in config.parts else 0


def build_system(
    config: ServeConfig,
    trace: Sinks | None,
    output: Output,
    *,
    observers: Sequence[Observer] = (),
    launched: Sequence[Process] = (),
    state: ServerState | None = None,
) -> Server:
    """Put the parts together, MCUs as workers where the settings say so; raises UsageProblem.

    ``launched`` are processes that were started already; ``state`` is what outlasts this one.
    """
    check_ports(config)
    count = worker_count(config)
    if not count:
        return build_server(config, trace, output, observers=observers, state=state)
    peers = acquaintances(config)
    if importlib.util.find_spec("numpy") is None:  # said here, and not by each of them
        raise ImportError("numpy is needed to mix", name="numpy")
    made = [worker_config(config, number) for number in range(1, count + 1)]
    build = Build.of(config, peers, trace, output, observers, state)
    server = build.server()
    add_core(server, build)
    early = [*launched, *([None] * (count - len(launched)))]
    server.workers = Workers(
        [
            Worker(
                Task(config=one, peers=peers[config.mcu_id], is_log=output.is_log, traced=trace is not None),
                output,
                trace,
                server.worker_lost,
                launched=process,
            )
            for one, process in zip(made, early, strict=False)
        ]
    )
    return server


def worker_config(config: ServeConfig, number: int) -> ServeConfig:
    """The settings of one worker: a name, ports and a share of the media ports of its own. ``number`` counts from 1.

    No secret of other parts is in them, nor the one that all come from: `Task` has those that it needs.
    """
    ports = mcu_ports(config, number)
    return attrs.evolve(
        config,
        workers=0,
        chat=config.chat and number == 1,  # one of them has room for all messages
        secret="",
        c3p=attrs.evolve(config.c3p, peers=tuple(attrs.evolve(peer, secret="") for peer in config.c3p.peers)),
        mcu_id=worker_id(config, number),
        mcu_sip_port=ports.sip,
        mcu_http_port=ports.http,
        tls=attrs.evolve(config.tls, mcu_port=ports.tls),
        media_ports=_share(config, number),
        capture="",
    )


def worker_id(config: ServeConfig, number: int) -> str:
    """``ID`` of a single one, else ``ID.1`` and so on: over HTTP all are ``ID`` (`c3p.principal_of_worker`)."""
    return config.mcu_id if config.workers == 1 else f"{config.mcu_id}.{number}"


def _share(config: ServeConfig, number: int) -> str:
    """An equal part of the media ports, of whole pairs."""
    first, last = parse_port_range(config.media_ports, option="--media-ports")
    size = (last - first + 1) // config.workers // 2 * 2
    if size < 2:
        raise UsageProblem(f"--media-ports {config.media_ports} are too few for {config.workers} workers")
    begin = first + (number - 1) * size
    return f"{begin}-{begin + size - 1}"
