"""A server with its MCUs in processes of their own: who gets which name and which ports."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import attrs

from pyc3p.commands.addresses import parse_port_range
from pyc3p.commands.output import Output
from pyc3p.elements.server import (
    Observer,
    Server,
    build_server,
    check_parts,
    factory_url,
    outbound_proxy,
    shared_secret,
)
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
) -> Server:
    """Put the parts together, MCUs as workers where the settings say so; raises UsageProblem.

    ``launched`` are processes that were started already.
    """
    count = worker_count(config)
    if not count:
        return build_server(config, trace, output, observers=observers)
    check_parts(config)
    if importlib.util.find_spec("numpy") is None:  # said here, and not by each of them
        raise ImportError("numpy is needed to mix", name="numpy")
    config = attrs.evolve(config, secret=shared_secret(config))
    made = [worker_config(config, number) for number in range(1, count + 1)]
    rest = tuple(part for part in config.parts if part != "mcu")
    server = Server(config)
    if rest:
        ids = tuple(one.mcu_id for one in made)
        server = build_server(
            attrs.evolve(config, parts=rest, mcus=(*config.mcus, *ids)), trace, output, observers=observers
        )
    early = [*launched, *([None] * (count - len(launched)))]
    server.workers = Workers(
        [
            Worker(
                Task(config=one, is_log=output.is_log, traced=trace is not None),
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
    """The settings of one worker: a name, ports and a share of the media ports of its own. ``number`` counts from 1."""
    proxy = outbound_proxy(config)
    return attrs.evolve(
        config,
        parts=("mcu",),
        workers=0,
        mcu_id=worker_id(config, number),
        mcu_sip_port=_port(config.mcu_sip_port, number, "mcu_sip_port"),
        mcu_http_port=_port(config.mcu_http_port, number, "mcu_http_port"),
        media_ports=_share(config, number),
        mcu_factory_url=factory_url(config),
        outbound_proxy=str(proxy) if proxy is not None else "",
        mcus=(),
        capture="",
    )


def worker_id(config: ServeConfig, number: int) -> str:
    """``ID`` of a single one, else ``ID.1`` and so on."""
    return config.mcu_id if config.workers == 1 else f"{config.mcu_id}.{number}"


def _port(first: int, number: int, name: str) -> int:
    port = first + number - 1
    if port > 65535:
        raise UsageProblem(f"{name} {first} leaves no port for worker {number}; choose a lower one, or fewer workers")
    return port


def _share(config: ServeConfig, number: int) -> str:
    """An equal part of the media ports, of whole pairs."""
    first, last = parse_port_range(config.media_ports, option="--media-ports")
    size = (last - first + 1) // config.workers // 2 * 2
    if size < 2:
        raise UsageProblem(f"--media-ports {config.media_ports} are too few for {config.workers} workers")
    begin = first + (number - 1) * size
    return f"{begin}-{begin + size - 1}"
