#!/usr/bin/env python3
"""Three Focus nodes, two MCU hosts, two Kamailios and a Redis on this machine, with one command.

    python3 deploy/nodes.py

needs Debian's ``redis-server`` and ``kamailio``, and pyc3p with the extras ``server`` and ``redis``. The files beside
this one are used as they are, but for the addresses: 192.0.2.N becomes 127.0.1.N (``--network``), so that it works on
any Linux without setting anything up. Settings, logs and the state of Redis go into a folder (``--folder``); a second
start with the same one goes on with the records that are there. Ctrl-C or SIGTERM stops everything, the nodes first,
which hand over; on Linux everything ends as well when this program is killed.

All parts prove themselves to each other with one secret: PYC3P_SECRET of the environment, or else one that is made and
printed, so that more parts can be started by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
DOCUMENTED = "192.0.2."
NODES = ("focus-1", "focus-2", "focus-3")
MCUS = ("mcu-1", "mcu-2")
PROXIES = {"kamailio-1": "31", "kamailio-2": "32"}
START_LIMIT = 30.0  #: seconds in which each has to listen
STOP_LIMIT = 20.0  #: seconds in which each has to end
_PR_SET_PDEATHSIG = 1  #: of Linux: the signal that a process gets when its parent is gone
KAMAILIO_MODULES = ("/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules")


class Failed(Exception):
    """It cannot be started: one line that says what to do."""


class Deployment:
    """The processes, in the order in which they were started; each writes to a log of its own in ``folder``."""

    def __init__(self, folder: Path, network: str, told: Callable[[str], object] = lambda line: None) -> None:
        self.folder, self.network = folder, network
        self._told_of_start = told
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._told: set[str] = set()
        self.made_secret = "" if os.environ.get("PYC3P_SECRET") else secrets.token_hex(32)
        self._environment = {**os.environ, "PYC3P_SECRET": os.environ.get("PYC3P_SECRET") or self.made_secret}

    def at(self, number: str, port: int) -> tuple[str, int]:
        """An address of this network."""
        return f"{self.network}.{number}", port

    def start(self) -> None:
        """Start everything, and wait until it listens. Raises Failed."""
        missing = [program for program in ("redis-server", "kamailio") if shutil.which(program) is None]
        if missing:
            raise Failed(f"apt-get install --no-install-recommends {' '.join(missing)}")
        self.folder.mkdir(parents=True, exist_ok=True)
        for source in sorted((*HERE.glob("*.toml"), *HERE.glob("*.list"), *HERE.glob("*.conf"))):
            self._fill(source.name, source.read_text())
        self.run_redis()
        for name, number in PROXIES.items():
            self.run(name, self._kamailio(name, number), self.at(number, 5060))
        for name in NODES:
            self.start_node(name)
        for number, name in enumerate(MCUS, start=65):
            self.run(name, self._pyc3p(name), self.at(str(number), 8445))

    def run_redis(self) -> None:
        """Start the store, also one that was killed. Raises Failed."""
        redis = ["redis-server", str(self.folder / "redis.conf"), "--dir", str(self.folder)]
        self.run("redis", redis, self.at("5", 6379))

    def start_node(self, name: str) -> None:
        """Start a Focus node, also one that was killed. Raises Failed."""
        self.run(name, self._pyc3p(name), self.at(f"1{name[-1]}", 5060))

    def run(self, name: str, command: Sequence[str], address: tuple[str, int]) -> None:
        """Start one program and wait until it listens. Raises Failed."""
        if self._listens(address):
            raise Failed(f"{address[0]}:{address[1]}, where {name} would listen, is in use; try another --network")
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
        end = time.monotonic() + START_LIMIT
        while not self._listens(address):
            if self.running[name].poll() is not None or time.monotonic() > end:
                last = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()[-1:]
                raise Failed(f"{name} does not listen at {address[0]}:{address[1]}: {' '.join(last)}")
            time.sleep(0.1)
        self._told_of_start(f"{name} listens at {address[0]}:{address[1]}")

    def look(self) -> list[str]:
        """The names of those that have ended by themselves since the last call."""
        ended = [name for name, each in self.running.items() if each.poll() is not None and name not in self._told]
        self._told.update(ended)
        return ended

    def kill(self, name: str) -> None:
        """End one without any warning, as a machine does that loses its power."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str) -> None:
        """End one properly; a Focus node hands its conferences over."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_LIMIT)

    def stop(self) -> None:
        """End everything: the nodes and MCUs together, then what they need."""
        for names in ((*NODES, *MCUS), tuple(PROXIES), ("redis",)):
            ending = [self.running.pop(name) for name in names if name in self.running]
            for process in ending:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            for process in ending:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_LIMIT)
                with contextlib.suppress(ProcessLookupError):  # and whatever it has started and left behind
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _fill(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text.replace(DOCUMENTED, f"{self.network}."))
        path.chmod(0o600)

    def _kamailio(self, name: str, number: str) -> list[str]:
        text = (HERE / "kamailio.cfg").read_text()
        if number != "31":  # the other one
            text = text.replace(f"{DOCUMENTED}31", "THIS").replace(f"{DOCUMENTED}{number}", f"{DOCUMENTED}31")
            text = text.replace("THIS", f"{DOCUMENTED}{number}")
        modules = next((path for path in KAMAILIO_MODULES if Path(path).is_dir()), KAMAILIO_MODULES[0])
        self._fill(f"{name}.cfg", f'mpath="{modules}/"\n{text}')
        work = self.folder / name
        work.mkdir(exist_ok=True)
        options = ["-DD", "-E", "-m", "64", "-M", "8", "-w", str(self.folder), "-Y", str(work)]
        return ["kamailio", "-f", str(self.folder / f"{name}.cfg"), *options]

    def _pyc3p(self, name: str) -> list[str]:
        return [sys.executable, "-m", "pyc3p", "serve", "--config", str(self.folder / f"{name}.toml")]

    @staticmethod
    def _listens(address: tuple[str, int]) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(address) == 0


def end_with_parent() -> None:
    """In a child before it becomes another program: be asked to end when this program has gone without asking."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> int:
    """Run until somebody stops it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--folder",
        type=Path,
        help="for settings, logs and the state of Redis (a new one in the place for temporary files)",
    )
    options.add_argument("--network", default="127.0.1", help="the first three numbers of all addresses (127.0.1)")
    given = options.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="pyc3p-nodes-"))
    deployment = Deployment(folder.resolve(), given.network, lambda line: print(line, flush=True))
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        deployment.start()
        front = f"{given.network}.31"
        print(f"all {len(deployment.running)} parts run; settings and logs are in {folder}")
        if deployment.made_secret:
            print(f"the secret of all parts, for others that you start: PYC3P_SECRET={deployment.made_secret}")
        print(f"phones register, and presenters come, at {front} or {given.network}.32:")
        print(f"  pyc3p phone --as sip:bob@example.com --server {front}")
        print(f"  pyc3p invite --as sip:ann@example.com --server {front} sip:bob@example.com", flush=True)
        while not stopping:
            for name in deployment.look():
                print(f"{name} has ended; see {folder}/{name}.log", flush=True)
            time.sleep(0.2)
    except Failed as problem:
        print(f"nodes.py: {problem}", file=sys.stderr)
        return 1
    finally:
        deployment.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
