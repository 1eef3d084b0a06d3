"""`deploy/nodes.py`: three Focus nodes, two MCU hosts, two Kamailios and a Redis; nodes and the store end."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import re
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
            ann = stack.enter_context(running([*words, "--for", "150"], log, cwd=tmp_path))
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
            wait_for_text(log, "carol@example.com: audio-video connected", limit=LIMIT)
            assert "call over" not in phones["bob"].read_text()

            deployment.start_node(owner)
            deployment.kill("redis")
            wait_for_text(tmp_path / "deployment" / f"{heir}.log", "nothing new is begun", limit=LIMIT)
            deployment.run_redis()
            wait_until(lambda: claims(network).get(key) == heir, "the claim made again")
            said = call_from("ann", second, conference, "sip:erin@example.com")
            assert "call erin@example.com: done" in said, said
            wait_for_text(log, "erin@example.com: audio-video connected", limit=LIMIT)

            deployment.end(heir)
            assert claims(network)[key] != heir
            said = call_from("ann", second, conference, "sip:fred@example.com")
            assert "call fred@example.com: done" in said, said
            wait_for_text(log, "fred@example.com: audio-video connected", limit=LIMIT)
            assert "call over" not in phones["bob"].read_text()
            assert ann.poll() is None
            assert deployment.look() == []
    finally:
        deployment.stop()
    logs = "\n".join(path.read_text(errors="replace") for path in (tmp_path / "deployment").glob("focus-*.log"))
    assert "Traceback" not in logs
    assert "internal fault" not in logs
