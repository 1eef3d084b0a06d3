"""What operators see: health, readiness, metrics, and a log by which one call is found again."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from prometheus_client.parser import text_string_to_metric_families

import focus
import mcu
from c3p import COMMANDS, RegisterMcu, Request
from pyc3p.commands.output import Format, Output, format_of
from pyc3p.elements.server import Server
from pyc3p.elements.system import build_system
from pyc3p.ops.families import Family, counter, merged
from pyc3p.ops.histogram import Histogram
from pyc3p.ops.log import EventLog, LogHandler, log_event
from pyc3p.ops.measures import Measures
from pyc3p.ops.port import OpsPort
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.settings.ops import OpsSettings
from sip import CredentialsRefused
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, phone_at, serve_config, until

CONFERENCE = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:7BA9D7E4"


async def get(port: int, path: str) -> tuple[int, str]:
    """Status and body."""

    def ask() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return await asyncio.to_thread(ask)


def values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample; the same labels twice are a mistake."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def with_ops(scenario: Callable[[Server, OpsPort], Awaitable[None]], **settings: Any) -> Kept:
    """A server with its port for operators."""
    output, measures = Kept(), Measures()
    config = serve_config(**{"workers": 0, "ops": OpsSettings(port=1), **settings})

    async def everything() -> None:
        server = build_system(config, None, output, observers=[measures.observe])
        for node in server.nodes:
            measures.watch(node)
        port = OpsPort(OpsSettings(), server, measures)
        await server.start()
        await port.start()
        try:
            await scenario(server, port)
        finally:
            await port.stop()
            await server.stop()

    asyncio.run(everything())
    return output


@pytest.mark.parametrize("workers", [0, 1])
def test_a_call_is_measured_in_all_parts_wherever_they_run(workers: int) -> None:
    async def scenario(server: Server, port: OpsPort) -> None:
        await until(lambda: bool(server.cores.focus))
        phone = await phone_at(server.config, "bob")
        assert await call_and_end(invite_options(server.config, "sip:bob@127.0.0.1"), Kept(), talk=0.5) == 0
        await phone.stop()
        status, text = await get(port.port, "/metrics")
        assert status == 200
        found = values(text)
        one = {
            ("pyc3p_commands_total", (("command", "addUser"), ("outcome", "done"), ("part", "focus"))),
            ("pyc3p_dial_outs_total", (("part", "mcu-1"), ("result", "answered"))),
            ("pyc3p_dial_out_stage_seconds_count", (("part", "mcu-1"), ("stage", "ringing"))),
            ("pyc3p_sip_requests_total", (("direction", "out"), ("method", "INVITE"), ("part", "mcu-1"))),
            ("pyc3p_ready", ()),
        }
        assert {key: found.get(key) for key in one} == dict.fromkeys(one, 1.0)
        assert found["pyc3p_media_packets_total", (("part", "mcu-1"), ("what", "sent"))] > 0
        assert found["pyc3p_http_exchanges_total", (("direction", "in"), ("outcome", "200"), ("part", "mcu-1"))] >= 2
        assert found["pyc3p_mixer_lateness_seconds_count", (("part", "mcu-1"),)] > 0
        assert (("pyc3p_worker_up", (("part", "mcu-1"),)) in found) == bool(workers)

    with_ops(scenario, workers=workers)


def test_who_drains_is_alive_but_not_ready() -> None:
    async def scenario(server: Server, port: OpsPort) -> None:
        assert await get(port.port, "/ready") == (200, '{"ready": true, "reasons": []}')
        server.begin_drain()
        status, text = await get(port.port, "/ready")
        assert (status, json.loads(text)["reasons"]) == (503, ["draining"])
        assert (await get(port.port, "/health"))[0] == 200
        assert values((await get(port.port, "/metrics"))[1])["pyc3p_draining", ()] == 1.0

    with_ops(scenario)


def test_who_has_too_much_to_do_is_not_ready() -> None:
    async def scenario(server: Server, port: OpsPort) -> None:
        pump = server.nodes[0].element.pump
        assert pump is not None
        stack = pump.endpoint._context
        stack.config = attrs.evolve(stack.config, max_transactions=1)
        pump.endpoint.config = stack.config
        phone = await phone_at(server.config, "bob")
        status, text = await get(port.port, "/ready")
        assert (status, json.loads(text)["reasons"]) == (503, ["overloaded: SIP transactions of focus"])
        await phone.stop()

    with_ops(scenario)


def test_without_an_mcu_in_any_other_process_nobody_is_sent_here() -> None:
    parts = ("registrar", "proxy", "focus-factory", "focus", "mcu-factory")

    async def scenario(server: Server, port: OpsPort) -> None:
        assert server.mcu_factory is not None
        factory, loop = server.mcu_factory, asyncio.get_running_loop()
        status, text = await get(port.port, "/ready")
        assert (status, json.loads(text)["reasons"]) == (503, ["no MCU has announced itself"])
        announced = RegisterMcu(mcu_id="mcu-1", http_url="http://127.0.0.1:1/", mcu_types=("audio-video",), capacity=9)
        request = Request(request_id="1", from_="sip:mcu@127.0.0.1", to="mcu-factory", command=announced)
        assert factory.receive_c3p(request, peer="mcu-1", now=loop.time()).status == 200
        assert (await get(port.port, "/ready"))[0] == 200
        factory.handle_timeout(now=loop.time() + 60.0)  # it fell silent
        assert (await get(port.port, "/ready"))[0] == 503
        assert (await get(port.port, "/health"))[0] == 200

    with_ops(scenario, parts=parts, mcus=("mcu-1",), secret="a secret of this test that nobody guesses")


def test_without_any_mcu_nobody_is_sent_here() -> None:
    async def scenario(server: Server, port: OpsPort) -> None:
        assert server.workers is not None
        (worker,) = server.workers.all
        assert worker._process is not None
        worker._process.kill()
        await until(lambda: not worker.running)
        status, text = await get(port.port, "/ready")
        assert (status, json.loads(text)["reasons"]) == (503, ["no MCU runs"])
        assert (await get(port.port, "/health"))[0] == 200
        await until(lambda: worker.running)
        assert (await get(port.port, "/ready"))[0] == 200

    with_ops(scenario, workers=1)


def test_a_port_that_is_taken_is_named_with_its_option() -> None:
    async def scenario(server: Server, port: OpsPort) -> None:
        other = OpsPort(OpsSettings(port=port.port), server, Measures())
        with pytest.raises(Problem, match=f"port {port.port} on 127.0.0.1 is in use.*--ops-port"):
            await other.start()

    with_ops(scenario)


# Measures ----------------------------------------------------------------------------------------------------------


def finished(command: str, reason: str | None) -> focus.CommandFinished:
    return focus.CommandFinished(
        owner="focus",
        conference_uri=CONFERENCE,
        requester="sip:ann@example.com",
        command=command,
        request_id="1",
        succeeded=reason is None,
        reason=reason,
        correlation="c0ffee",
        took=0.2,
    )


def test_labels_are_few_whatever_peers_call_things() -> None:
    measures = Measures()
    for number in range(1000):
        measures.observe("focus", finished(f"command{number}", f"reason{number}"))
    assert set(measures._commands) == {("focus", "other", "other")}
    for command in COMMANDS:
        measures.observe("focus", finished(command, None))
    assert len(measures._commands) == len(COMMANDS) + 1


def test_stages_of_a_dial_out_are_told_apart() -> None:
    now = [0.0]
    measures = Measures(lambda: now[0])
    about: Any = {"owner": "mcu", "leg": 1, "conference": CONFERENCE, "user": "sip:bob@example.com", "endpoint": "{A}"}
    measures.observe("mcu-1", mcu.LegDialing(**about, target="sip:bob@example.com"))
    now[0] = 0.3
    measures.observe("mcu-1", mcu.LegAlerting(**about))
    now[0] = 8.3
    measures.observe("mcu-1", mcu.LegConnected(**about, codec="PCMU", rang_for=8.3))
    assert {stage: (each.count, round(each.sum, 3)) for (_, stage), each in measures._stages.items()} == {
        "dialling": (1, 0.3),
        "ringing": (1, 8.0),
    }
    measures.observe("mcu-1", mcu.LegEnded(**about, ending=None, method="departed", connected_for=1.0))
    assert dict(measures._dial_outs) == {("mcu-1", "answered"): 1}
    assert measures._dialled == {}


def test_values_with_the_same_labels_are_added_and_a_family_survives_the_way_between_processes() -> None:
    one = counter("a", "text", {("x",): 1}, "what", part="p")
    (both,) = merged([one, Family.unpacked(json.loads(json.dumps(one.packed())))])
    assert both.samples == (("_total", {"part": "p", "what": "x"}, 2),)


def test_buckets_hold_what_is_not_above_their_bound() -> None:
    times = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        times.observe(value)
    assert times.cumulative() == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]


# Log ---------------------------------------------------------------------------------------------------------------

ENDED = mcu.LegEnded(
    owner="mcu",
    leg=1,
    conference=CONFERENCE,
    user="sip:bob@example.com",
    endpoint="{A}",
    call_id="c0ffee.1234",
    correlation="c0ffee",
    ending=mcu.Ending.BUSY,
    method="busy",
    status=486,
    reason="Busy Here",
)


def written(capsys: pytest.CaptureFixture[str], style: Format, event: Any) -> str:
    log_event(Output(style=style, clock=lambda: 1_767_225_600.25), "mcu-1", event)
    return capsys.readouterr().out


def test_a_line_of_a_log_has_time_level_part_and_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, Format.LINE, ENDED) == (
        "2026-01-01T00:00:00.250Z info mcu-1 conference=7BA9D7E4 call=c0ffee.1234 command=c0ffee: "
        "bob@example.com busy, 486 Busy Here\n"
    )


def test_machines_get_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(written(capsys, Format.JSON, ENDED)) == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "info",
        "part": "mcu-1",
        "event": "LegEnded",
        "conference": "7BA9D7E4",
        "call": "c0ffee.1234",
        "command": "c0ffee",
        "text": "bob@example.com busy, 486 Busy Here",
    }


def test_a_person_at_a_terminal_reads_what_happened_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, Format.PLAIN, ENDED) == "bob@example.com busy, 486 Busy Here\n"
    assert written(capsys, Format.PLAIN, finished("addUser", "timeout")) == ""


def test_a_log_has_the_begin_and_end_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    line = written(capsys, Format.LINE, finished("addUser", "timeout"))
    assert line.endswith(
        " warning mcu-1 conference=7BA9D7E4 command=c0ffee: addUser of ann@example.com failed (timeout) after 0.200 s\n"
    )


def test_a_failed_dial_out_says_what_the_far_end_said(capsys: pytest.CaptureFixture[str]) -> None:
    failed = attrs.evolve(
        finished("addUser", "otherFailure"),
        specific_reason="dialOutFailed",
        diagnostics='0;source="mcu-1";reason="Service Unavailable";sip-status="503";retry-safe="true"',
    )
    line = written(capsys, Format.LINE, failed)
    assert " failed (otherFailure dialOutFailed: 503 Service Unavailable) after " in line
    assert " failed (otherFailure dialOutFailed) after " in written(
        capsys, Format.LINE, attrs.evolve(failed, diagnostics="no such thing")
    )


def test_refusals_are_told_for_who_counts_them_and_a_flood_of_them_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    log = EventLog(Output(style=Format.LINE, clock=lambda: 1_767_225_600.25), "proxy", lambda: now[0])

    def refuse(source: str, times: int) -> list[str]:
        for _ in range(times):
            log.tell(CredentialsRefused(owner="", realm="x", username="b source=192.0.2.1", source=source, reason="no"))
        return capsys.readouterr().out.splitlines()

    lines = refuse("192.0.2.7", 30)
    assert len(lines) == 10
    assert lines[0] == (
        '2026-01-01T00:00:00.250Z warning proxy: refused password of "b source=192.0.2.1" from 192.0.2.7: no'
    )
    now[0] = 10.0
    assert refuse("192.0.2.7", 2) == [f"{lines[0]} (20 more were left out)"]
    assert len([line for n in range(100) for line in refuse(f"198.51.100.{n}", 1)]) == 49
    log.tell(ENDED)
    assert "bob@example.com busy" in capsys.readouterr().out


def test_an_event_is_one_line_whatever_a_peer_writes(capsys: pytest.CaptureFixture[str]) -> None:
    line = written(capsys, Format.LINE, attrs.evolve(ENDED, reason="Busy\r\n2026 error serve: forged\x1b[2J"))
    assert line.count("\n") == 1
    assert "\x1b" not in line


def test_what_libraries_log_is_one_line_of_the_same_log(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("sip.aio")
    logger.addHandler(LogHandler(Output(style=Format.LINE)))
    try:
        raise ValueError("of ours")
    except ValueError:
        logger.exception("a core could not do it")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert " error serve: a core could not do it\\nTraceback" in out


def test_the_format_follows_from_the_setting_and_from_who_reads() -> None:
    assert format_of("auto") is Format.LINE  # nobody watches a test
    assert format_of("plain") is Format.PLAIN
    assert format_of("auto", as_json=True) is Format.JSON


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"log.format": "xml"}, "log.format must be one of auto, plain, line, json"),
        ({"ops.port": 70000}, "ops.port must be a port number"),
        ({"ops.host": "a b"}, "ops.host wants the name or address of a host"),
        ({"ops.scrape_timeout": 0.0}, "ops.scrape_timeout must be from 0 to 10 seconds"),
    ],
)
def test_settings_that_cannot_be_are_named(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        load_config(None, options)
