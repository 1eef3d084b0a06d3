"""Elements to try the kit on: a right one, which can be made wrong in one thing, and a whole server of ours."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import pyc3p
from pyc3p.conform import BenchSettings, Outcome, Plan, Report, Run, Target, chosen, parse_sip_target, sip_cases
from pyc3p.settings.serve import ServeConfig
from sip import Request, Response, SeededEntropy, SipError, parse_message
from sip.aio import live_entropy

Answer = Callable[[Request, int], Sequence[Response | bytes]]
ALLOW = ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS")
ABILITIES = (
    ALLOW,
    ("Accept", "application/sdp"),
    ("Accept-Encoding", ""),
    ("Accept-Language", "en"),
    ("Supported", ""),
)


class Plain:
    """A user agent server without transactions that takes no calls: it answers each request for itself.

    Its tags are made of Call-ID and From, as RFC 3261 section 8.2.7 wants.
    """

    def __call__(self, request: Request, times: int) -> list[Response | bytes]:
        if request.method == "ACK":
            return []
        try:
            request.check(all=True)
        except SipError as error:
            return [self.response(request, getattr(error, "status_hint", 400) or 400)]
        if request.headers.get("Require"):
            unsupported = ("Unsupported", request.headers.get("Require") or "")
            return [self.response(request, 420, unsupported)]
        if request.uri.scheme != "sip":
            return [self.response(request, 416)]
        if request.method == "OPTIONS":
            lines = [
                ("Accept", "application/sdp"),
                ("Accept-Encoding", ""),
                ("Accept-Language", "en"),
                ("Supported", ""),
            ]
            return [self.response(request, 200, ALLOW, *lines)]
        if request.method == "CANCEL":
            return [self.response(request, 481)]
        return [self.response(request, 404 if request.method == "INVITE" else 405, ALLOW)]

    def response(self, request: Request, status: int, *lines: tuple[str, str]) -> Response:
        seed = SeededEntropy(
            f"{request.headers.get('Call-ID')}{request.headers.get('From')}".encode("utf-8", "replace")
        )
        return request.response(status, to_tag=seed.token(8), headers=lines)


@contextlib.contextmanager
def element(answer: Answer, *, deaf: threading.Event | None = None) -> Iterator[int]:
    """An element on a UDP port of loopback, in a thread; ``answer`` is given a request and how often it came before."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    taken.settimeout(0.05)
    ended = threading.Event()

    def serve() -> None:
        seen: dict[str, int] = {}
        while not ended.is_set():
            try:
                data, source = taken.recvfrom(65_536)
                request = parse_message(data)
            except (TimeoutError, SipError):
                continue
            if not isinstance(request, Request) or (deaf is not None and deaf.is_set()):
                continue
            with contextlib.suppress(SipError, IndexError):
                branch = f"{request.via[0].branch} {request.method}"
                times = seen.get(branch, 0)
                seen[branch] = times + 1
                via = request.via[0]
                port = source[1] if "rport" in via.params else via.port or 5060
                stamped = (
                    via.with_params(received=source[0], rport=str(source[1]))
                    if "rport" in via.params
                    else (via.with_params(received=source[0]))
                )
                rest = [str(each) for each in request.via[1:]]
                for each in answer(request, times):
                    data = each if isinstance(each, bytes) else bytes(each.evolve(set={"Via": [str(stamped), *rest]}))
                    taken.sendto(data, (source[0], port))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield taken.getsockname()[1]
    finally:
        ended.set()
        thread.join()
        taken.close()


@contextlib.contextmanager
def own_server(**settings: object) -> Iterator[pyc3p.RunningServer]:
    """A whole server of ours, on a loop in another thread."""
    config = ServeConfig(**settings) if settings else None  # type: ignore[arg-type]
    made: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event, pyc3p.RunningServer]] = queue.Queue()

    async def serve() -> None:
        ended = asyncio.Event()
        async with pyc3p.server(settings=config) as server:
            made.put((asyncio.get_running_loop(), ended, server))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, ended, server = made.get(timeout=30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


def tried(target: Target | int, *select: str, bench: BenchSettings | None = None, **given: object) -> Report:
    """A run of the cases that ``select`` chooses, in haste."""
    if isinstance(target, int):
        target = parse_sip_target(f"udp:127.0.0.1:{target}")
    settings = bench or BenchSettings(patience=2.0, rate=5000.0)
    plan = Plan(target=target, bench=settings, cases=chosen(sip_cases(), select), **given)  # type: ignore[arg-type]
    return Run(plan, entropy=live_entropy()).play()


def outcome_of(report: Report, case: str) -> Outcome:
    (found,) = [each for each in report.outcomes if each.case.id == case]
    return found


def told(report: Report) -> list[str]:
    """All that is wrong, in words."""
    broken = [each.why for each in report.outcomes if each.verdict.value in ("broken", "not run")]
    return [f"{found.id}: {found.clause}; seen: {found.seen}" for _, found in report.findings()] + broken
