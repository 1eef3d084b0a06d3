"""A ladder as PNG: the SVG, drawn by a program that is installed for that."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyc3p.problems import Problem
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_svg import render_svg, size_of

#: Pixels in height and width: browsers draw no larger surface.
MAX_SIDE: Final = 16_000
#: Seconds for a picture of that size, on a machine that is busy.
PATIENCE: Final = 60.0


def write_png(path: Path, ladder: Ladder, *, title: str, subtitle: str) -> None:
    """Draw to ``path``; raises Problem when nothing is installed that can, and when the ladder is too long."""
    width, height = size_of(ladder)
    if max(width, height) > MAX_SIDE:
        raise Problem(
            f"the ladder is {width} by {height} pixels, more than a PNG is drawn of ({MAX_SIDE}); choose less of it "
            "with --conference, --user, --call-id or --since, or draw it with --svg or --html"
        )
    program, command = _program()
    with tempfile.TemporaryDirectory() as folder:
        svg, png = Path(folder) / "ladder.svg", Path(folder) / "ladder.png"
        svg.write_text(render_svg(ladder, title=title, subtitle=subtitle), encoding="utf-8")
        try:
            done = subprocess.run(
                command(svg, png, width, height), capture_output=True, timeout=PATIENCE, check=False, cwd=folder
            )
        except subprocess.TimeoutExpired as error:
            raise Problem(f"{program} has not drawn {path} after {PATIENCE:.0f} s") from error
        if not png.exists():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Problem(f"{program} cannot draw {path}: {said[-1] if said else f'exit code {done.returncode}'}")
        path.write_bytes(png.read_bytes())


Command = Callable[[Path, Path, int, int], list[str]]


def _program() -> tuple[str, Command]:
    """The first of those that are installed."""
    for name in ("rsvg-convert", "chromium", "chromium-browser", "google-chrome"):
        program = shutil.which(name)
        if program is not None:
            return name, _with_rsvg(program) if name == "rsvg-convert" else _with_browser(program)
    raise Problem(
        "to draw a PNG, rsvg-convert (Debian: librsvg2-bin) or Chromium has to be installed; --svg needs none"
    )


def _with_rsvg(program: str) -> Command:
    return lambda svg, png, width, height: [program, "--output", str(png), str(svg)]


def _with_browser(program: str) -> Command:
    def command(svg: Path, png: Path, width: int, height: int) -> list[str]:
        # A browser does not lock root in. What it draws is ours, and has no script.
        alone = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        return [
            *(program, "--headless", "--disable-gpu", "--hide-scrollbars", *alone),
            f"--user-data-dir={svg.parent / 'profile'}",
            f"--window-size={width},{height}",
            f"--screenshot={png}",
            svg.as_uri(),
        ]

    return command
