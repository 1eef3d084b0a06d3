"""``pyc3p trace FILE``: a ladder from a capture or a trace file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from pyc3p.commands.addresses import parse_address
from pyc3p.commands.terminal import Terminal
from pyc3p.problems import Problem, UsageProblem
from pyc3p.trace.capture import read_records
from pyc3p.trace.ladder import Band, Ladder, Step
from pyc3p.trace.ladder_svg import render_svg
from pyc3p.trace.ladder_text import TextLadder, render_text
from pyc3p.trace.pcap import CaptureError
from pyc3p.trace.trace import Names, Record


def parse_names(texts: Iterable[str], names: Names) -> Names:
    """Add ``name=host:port`` to names; raises UsageProblem."""
    for text in texts:
        name, equals, address = text.partition("=")
        if not equals or not name:
            raise UsageProblem(f"--name wants name=host:port, not {text!r}")
        names.add(name, parse_address(address, default_port=5060, option="--name"))
    return names


def names_beside(path: Path) -> Names:
    """The names that demo and serve leave beside their captures (``FILE.names``); none when there are none."""
    try:
        return Names.load(path.with_name(path.name + ".names").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Names()


def read_trace(path: Path) -> list[Record]:
    """The records of a file; raises Problem."""
    try:
        records = read_records(path)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
    except CaptureError as error:
        raise UsageProblem(f"{path}: {error}") from error
    if not records:
        raise Problem(f"{path} holds no SIP, HTTP or RTP")
    return records


def read_ladder(path: Path, names: Names) -> Ladder:
    """The ladder of a file; raises Problem."""
    return Ladder.of(read_trace(path), names)


def run_trace(path: Path, *, names: Iterable[str], svg: Path | None, text: Path | None, as_json: bool) -> None:
    """Draw the ladder of ``path`` to the terminal, or to files."""
    ladder = read_ladder(path, parse_names(names, names_beside(path)))
    if svg is not None:
        _write(svg, render_svg(ladder, title=path.name, subtitle=f"{len(ladder.items)} lines"))
    if text is not None:
        _write(text, render_text(ladder, title=path.name))
    if as_json:
        for item in ladder.items:
            sys.stdout.write(json.dumps(as_dict(item)) + "\n")
    elif svg is None and text is None:
        terminal = Terminal()
        drawing = TextLadder(ladder.columns, width=terminal.width)
        terminal.line(drawing.header())
        for item in ladder.items:
            terminal.line(drawing.line(item))


def as_dict(item: Step | Band) -> dict[str, object]:
    """One line of a ladder for machines."""
    if isinstance(item, Band):
        return {
            "at": round(item.at, 6),
            "until": round(item.last, 6),
            "media": item.label,
            "between": [item.left, item.right],
            "packets": [item.forth, item.back],
            "rtcp": item.reports,
        }
    return {
        "at": round(item.at, 6),
        "from": item.source,
        "to": item.target,
        "label": item.label,
        "detail": item.detail,
        "kind": item.kind.value,
        "transport": item.transport,
    }


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error
