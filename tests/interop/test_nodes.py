"""`deploy/nodes.py`: three Focus nodes, two MCU hosts, two Kamailios and a Redis; nodes and the store end."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from redis import Redis

from tests.interop.programs import require, running, wait_for_text

SCRIPT = Path(__file__).parents[2] / "deploy" / "nodes.py"
CONFERENCE = re.compile(r"sip:ann@example\.com;gruu;opaque=app:conf:focus:id:[0-9A-F]+")
LIMIT = 30.0  #: seconds for anything; the machine may be busy


def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("deploy_nodes", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.1)


def claims(network: str) -> dict[str, str]:
    """The conferences that are claimed, and by which node."""
    redis = Redis(host=f"{network}.5", socket_timeout=5.0)
    found = {}
    for name in ("focus-1", "focus-2", "focus-3"):
        found |= {key.decode(): name for key in redis.smembers(f"pyc3p:claims:{name}")}  # type: ignore[union-attr]
    return found


@pytest.fixture
def network() -> str:
    return f"127.0.{random.randrange(10, 250)}"


def pyc3p(*words: str) -> list[str]:
    return [sys.executable, "-m", "pyc3p", *words]


@contextlib.contextmanager
def phone(user: str, server: str, folder: Path) -> Iterator[Path]:
    log = folder / f"{user}.log"
    with running(pyc3p("phone", "--as", f"sip:{user}@example.com", "--server", server), log, cwd=folder):
        wait_for_text(log, "registered for", limit=LIMIT)
        yield log


def call_from(user: str, server: str, conference: str, target: str) -> str:
    """Join, have somebody called, leave again."""
    words = pyc3p("invite", "--as", f"sip:{user}@example.com", "--server", server, "--conference", conference, target)
    done = subprocess.run([*words, "--for", "3", "--keep"], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def leftovers(folder: Path) -> list[str]:
    """Command lines of processes that a deployment in this folder has left behind."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (line := path.read_bytes()):
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def answer_to_invite(server: str) -> str:
    """The final answer of a proxy to an INVITE for a conference that nobody has begun."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(LIMIT)
        phone.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{phone.getsockname()[1]}"
        conference = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF0123456789ABCDEF"
        lines = (
            f"INVITE {conference} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: <sip:ann@example.com>;tag={secrets.token_hex(4)}",
            f"To: <{conference}>",
            f"Call-ID: {secrets.token_hex(8)}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:ann@{here}>",
            "Content-Length: 0",
        )
        phone.sendto("\r\n".join((*lines, "", "")).encode(), (server, 5060))
        while True:
            answer = phone.recv(65_536).decode(errors="replace")
            if not answer.startswith("SIP/2.0 1"):
                return answer


@pytest.mark.timeout(300)  # a node, the store and a drain, one after another: each step has its own limit
def test_a_conference_outlasts_its_node_the_store_and_a_drained_node(tmp_path: Path, network: str) -> None:
    require("redis-server", "kamailio")
    deployment = script().Deployment(tmp_path / "deployment", network)
    first, second = f"{network}.31", f"{network}.32"
    try:
        deployment.start()
        with contextlib.ExitStack() as stack:
            phones = {
                name: stack.enter_context(phone(name, first, tmp_path)) for name in ("bob", "carol", "erin", "fred")
            }
            log = tmp_path / "ann.log"
            words = pyc3p("invite", "--as", "sip:ann@example.com", "--server", first, "sip:bob@example.com")
            ann = stack.enter_context(running([*words, "--for", "300"], log, cwd=tmp_path))
            wait_for_text(log, "call bob@example.com: done", limit=LIMIT)
            found = CONFERENCE.search(log.read_text())
            assert found is not None
            conference = found.group()
            ((key, owner),) = claims(network).items()

            deployment.kill(owner)
            wait_until(lambda: claims(network).get(key) not in (None, owner), "a takeover")
            heir = claims(network)[key]
            wait_for_text(tmp_path / "deployment" / f"{heir}.log", "goes on with 1 in it", limit=LIMIT)
            # ann at another device, through the other proxy
            said = call_from("ann", second, conference, "sip:carol@example.com")
            assert "call carol@example.com: done" in said, said
            wait_for_text(log, "carol@example.com is on the phone", limit=LIMIT)
            assert "call over" not in phones["bob"].read_text()

            deployment.start_node(owner)
            deployment.kill("redis")
            wait_for_text(tmp_path / "deployment" / f"{heir}.log", "nothing new is begun", limit=LIMIT)
            for proxy in (first, second):
                refused = answer_to_invite(proxy)
                assert refused.startswith("SIP/2.0 503 "), refused
                assert re.search(r"(?m)^Retry-After: [0-9]+\r$", refused), refused
            deployment.run_redis()
            wait_until(lambda: claims(network).get(key) == heir, "the claim made again")
            said = call_from("ann", second, conference, "sip:erin@example.com")
            assert "call erin@example.com: done" in said, said
            wait_for_text(log, "erin@example.com is on the phone", limit=LIMIT)

            deployment.end(heir)
            assert claims(network)[key] != heir
            said = call_from("ann", second, conference, "sip:fred@example.com")
            assert "call fred@example.com: done" in said, said
            wait_for_text(log, "fred@example.com is on the phone", limit=LIMIT)
            assert "call over" not in phones["bob"].read_text()
            assert ann.poll() is None
            assert deployment.look() == []
    finally:
        deployment.stop()
    assert not leftovers(tmp_path / "deployment")
    logs = "\n".join(path.read_text(errors="replace") for path in (tmp_path / "deployment").glob("focus-*.log"))
    assert "Traceback" not in logs
    assert "internal fault" not in logs


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a killed parent leaves its children")
def test_a_deployment_that_is_killed_leaves_nothing_behind(tmp_path: Path, network: str) -> None:
    require("redis-server", "kamailio")
    folder, log = tmp_path / "deployment", tmp_path / "nodes.log"
    command = [sys.executable, str(SCRIPT), "--folder", str(folder), "--network", network]
    with running(command, log, cwd=tmp_path) as process:
        wait_for_text(log, "all 8 parts run", limit=4 * LIMIT)
        assert "PYC3P_SECRET=" in log.read_text()
        assert len(leftovers(folder)) > 8
        process.kill()
        wait_until(lambda: not leftovers(folder), "the end of all parts")
