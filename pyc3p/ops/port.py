"""The HTTP port for operators: ``/health``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aiohttp import web

from pyc3p.ops.exposition import exposition
from pyc3p.ops.families import Family, gauge
from pyc3p.ops.measures import Measures, build_info
from pyc3p.problems import port_problem
from pyc3p.settings.ops import OpsSettings

if TYPE_CHECKING:
    from pyc3p.elements.server import Server
    from pyc3p.workers.workers import Workers

#: Share of the transactions that an element may have, from which it takes no more that matters: new calls of an
#: attack count as well, and what goes on needs the rest.
_FULL: Final = 0.9
#: Seconds that open requests get when the port is closed.
_SHUTDOWN: Final = 0.5


class OpsPort:
    """Answers about one server and its workers. Raises Problem when it cannot listen."""

    def __init__(self, settings: OpsSettings, server: Server, measures: Measures) -> None:
        self._settings, self._server, self._measures = settings, server, measures
        self._runner: web.AppRunner | None = None
        self.port = settings.port  #: once it listens, the one that it has

    async def start(self) -> None:
        """Listen. Raises UsageProblem when the port cannot be had."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/ready", self._ready),
                web.get("/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.host, self._settings.port).start()
        except OSError as error:
            await runner.cleanup()
            raise port_problem(
                "health and metrics (HTTP)", self._settings.host, self._settings.port, "--ops-port", error
            ) from error
        self._runner = runner
        self.port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port; does nothing when it is not open."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    # Answers ---------------------------------------------------------------------------------------------------------

    async def _health(self, request: web.Request) -> web.Response:
        """Whoever can answer is alive. A worker that ended is started again, which is no reason to start us anew."""
        return web.json_response({"alive": True, "workers": _workers(self._server.workers)})

    async def _ready(self, request: web.Request) -> web.Response:
        reasons, warnings = list(unready(self._server)), list(impaired(self._server))
        answer: dict[str, object] = {"ready": not reasons, "reasons": reasons}
        if warnings:
            answer["warnings"] = warnings
        return web.json_response(answer, status=503 if reasons else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        workers = self._server.workers
        if workers is not None:
            await workers.measure(self._settings.scrape_timeout)
        text, content_type = exposition(self._families(workers), request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    def _families(self, workers: Workers | None) -> Iterator[Family]:
        yield build_info()
        yield gauge("pyc3p_ready", "Whether new calls are welcome", {(): float(not list(unready(self._server)))})
        yield gauge("pyc3p_draining", "Whether the server is being stopped", {(): float(self._server.draining)})
        yield from self._measures.families(self._server)
        for worker in workers.all if workers is not None else ():
            yield gauge(
                "pyc3p_worker_up", "Whether the process of an MCU runs", {(): float(worker.running)}, part=worker.id
            )
            yield Family(
                "pyc3p_worker_restarts",
                "counter",
                "How often it was started again",
                (("_total", {"part": worker.id}, worker.restarts),),
            )
            yield from (Family.unpacked(values) for values in worker.measures)


def unready(server: Server) -> Iterator[str]:
    """Why no new calls should be sent here; nothing when they are welcome."""
    if server.draining:
        yield "draining"
    for node in server.nodes:
        pump = node.element.pump
        if pump is None:
            continue
        endpoint = pump.endpoint
        if endpoint.sizes["transactions"] >= _FULL * endpoint.config.max_transactions:
            yield f"overloaded: SIP transactions of {node.name}"
    focus = server.cores.focus
    if focus is not None and len(focus.conferences) >= focus.config.max_conferences:
        yield "overloaded: conferences"
    workers, factory = server.workers, server.mcu_factory
    if workers is not None and not any(worker.running for worker in workers.all):
        yield "no MCU runs"
    elif workers is None and server.mcu is None and factory is not None and not factory.mcus:
        yield "no MCU has announced itself"


def impaired(server: Server) -> Iterator[str]:
    """What an operator should see to although calls are welcome: without a disk a server still does its work."""
    reason = server.unkept if server.state is None else server.state.failing
    if reason is not None:
        yield f"state is not kept: {reason}"


def _workers(workers: Workers | None) -> dict[str, dict[str, object]]:
    found = workers.all if workers is not None else ()
    return {one.id: {"running": one.running, "restarts": one.restarts} for one in found}
