"""``pyc3p trace FILE``: a ladder from a capture or a trace file."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from pyc3p.commands.addresses import parse_address
from pyc3p.commands.terminal import Terminal
from pyc3p.problems import Problem, UsageProblem
from pyc3p.trace.capture import began, read_records
from pyc3p.trace.ladder import Act, Band, Item, Ladder, Remark
from pyc3p.trace.ladder_html import render_html
from pyc3p.trace.ladder_png import write_png
from pyc3p.trace.ladder_svg import render_svg
from pyc3p.trace.ladder_text import TextLadder, render_text
from pyc3p.trace.moment import Moment, clock_time
from pyc3p.trace.naming import Naming
from pyc3p.trace.pcap import CaptureError
from pyc3p.trace.selection import Selection
from pyc3p.trace.trace import Names, Record


def parse_names(texts: Iterable[str], names: Names) -> Names:
    """Add ``name=host:port`` to names; raises UsageProblem."""
    for text in texts:
        name, equals, address = text.partition("=")
        if not equals or not name:
            raise UsageProblem(f"--name wants name=host:port, not {text!r}")
        names.add(name, parse_address(address, default_port=5060, option="--name"))
    return names


@attrs.frozen(kw_only=True)
class Pictures:
    """Files to which a ladder is drawn."""

    svg: Path | None = None
    text: Path | None = None
    html: Path | None = None
    png: Path | None = None

    def draw(self, ladder: Ladder, title: str) -> bool:
        """Draw those that are wanted; whether any is. Raises Problem."""
        subtitle = f"{len(ladder.items)} lines"
        if self.svg is not None:
            _write(self.svg, render_svg(ladder, title=title, subtitle=subtitle))
        if self.html is not None:
            _write(self.html, render_html(ladder, title=title, subtitle=subtitle))
        if self.text is not None:
            _write(self.text, render_text(ladder, title=title))
        if self.png is not None:
            with _writing(self.png):
                write_png(self.png, ladder, title=title, subtitle=subtitle)
        return any((self.svg, self.html, self.text, self.png))


def read_trace(path: Path, names: Iterable[str] = ()) -> tuple[list[Record], Names]:
    """The records of a file, and who speaks where; raises Problem.

    ``names`` are ``name=host:port``, over those that the file tells.
    """
    known = Names()
    try:
        records = read_records(path, known)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
    except CaptureError as error:
        raise UsageProblem(f"{path}: {error}") from error
    parse_names(names, known)
    if not records:
        raise Problem(f"{path} holds no SIP, HTTP or RTP")
    return records, known


def learned(records: Iterable[Record], names: Names) -> Names:
    """The names with what all the records tell of who speaks where."""
    naming = Naming(names)
    for record in records:
        naming.learn(record)
    naming.settle()
    return names


def read_ladder(
    path: Path, names: Iterable[str] = (), selection: Selection | None = None, since: Moment | None = None
) -> Ladder:
    """The ladder of a file; ``names`` are as for `read_trace`, the selection begins at ``since``. Raises Problem."""
    records, known = read_trace(path, names)
    learned(records, known)  # what is left out may tell who somebody is
    selection = selection or Selection(heartbeats=True)
    span = ""
    if since is not None:
        begin, end = _span(path, records, since)
        selection = attrs.evolve(selection, since=since.since(begin, end))
        span = f"; they are of {clock_time(begin)} to {clock_time(end)}" if since.needs_a_clock else ""
    chosen = selection.of(records, known)
    if not chosen:
        raise Problem(f"of {len(records)} messages and packets in {path} none is what was asked for{span}")
    return Ladder.of(chosen, known, start=records[0].at)


def _span(path: Path, records: list[Record], since: Moment) -> tuple[float, float]:
    """When the first and the last of the records were: POSIX times, if anybody asks for them. Raises UsageProblem."""
    clock = began(path) if since.needs_a_clock else 0.0
    if clock is None:
        raise UsageProblem(f"{path} does not say at what time of day it begins: give --since in seconds")
    return clock + records[0].at, clock + records[-1].at


def run_trace(
    path: Path,
    *,
    names: Iterable[str],
    selection: Selection,
    since: Moment | None,
    pictures: Pictures,
    as_json: bool,
) -> None:
    """Draw the ladder of ``path`` to the terminal, or to files."""
    parse_names(names := list(names), Names())  # what is wrong there is said first
    ladder = read_ladder(path, names, selection, since)
    drawn = pictures.draw(ladder, path.name)
    if as_json:
        for item in ladder.items:
            sys.stdout.write(json.dumps(as_dict(item)) + "\n")
    elif not drawn:
        terminal = Terminal()
        drawing = TextLadder(ladder.columns, width=terminal.width)
        terminal.line(drawing.header())
        for item in ladder.items:
            terminal.line(drawing.line(item))


def as_dict(item: Item) -> dict[str, object]:
    """One line of a ladder for machines."""
    if isinstance(item, Act):
        return {"at": round(item.at, 6), "act": item.text}
    if isinstance(item, Remark):
        return {"at": round(item.at, 6), "note": item.text, "failed": item.failed}
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


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error


def _write(path: Path, content: str) -> None:
    with _writing(path):
        path.write_text(content, encoding="utf-8")
