"""``pyc3p serve`` as it is, with one thing more: on SIGUSR1 it writes down how much it keeps.

``python fuzz/serving.py FILE serve ...`` appends a line of JSON to FILE for each signal.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pyc3p.cli import main
from pyc3p.commands import serve
from pyc3p.commands.output import Output
from pyc3p.elements.server import Server
from pyc3p.elements.system import build_system
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.sinks import Sinks


def sizes(server: Server) -> dict[str, int]:
    """Gauges by name."""
    found: dict[str, int] = {}
    for node in server.nodes:
        pump = node.element.pump
        for what, number in pump.endpoint.sizes.items() if pump is not None else ():
            found[f"{what} of {node.name}"] = number
    if server.mcu is not None:
        found |= {"legs": server.mcu.legs, "conferences of the MCU": len(server.mcu.conferences)}
    if server.cores.focus is not None:
        found["conferences of the Focus"] = len(server.cores.focus.conferences)
    found["open files"] = len(os.listdir("/proc/self/fd"))
    found["kilobytes"] = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    return found


def run(kept: Path, arguments: list[str]) -> None:
    """Serve until a signal ends it."""

    def build(config: ServeConfig, trace: Sinks | None, output: Output, **more: Any) -> Server:
        server = build_system(config, trace, output, **more)

        def write() -> None:
            with kept.open("a") as file:
                file.write(json.dumps(sizes(server)) + "\n")

        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, write)
        return server

    serve.build_system = build
    main(arguments)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
