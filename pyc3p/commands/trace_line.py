"""The ``trace`` command of the ``pyc3p`` script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pyc3p.commands.parameters import FILE
from pyc3p.commands.trace import Pictures, run_trace
from pyc3p.trace.moment import Moment
from pyc3p.trace.selection import Selection


def _moment(context: click.Context, option: click.Parameter, value: str | None) -> Moment | None:
    try:
        return None if value is None else Moment.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


@click.command("trace")
@click.argument("file", type=FILE)
@click.option("--name", "names", multiple=True, metavar="NAME=HOST:PORT", help="Call an address by a name; repeatable.")
@click.option("--conference", default="", metavar="URI", help="Only this conference: its URI, link or identifier.")
@click.option("--user", default="", metavar="USER", help="Only what is about this user: sip:bob@example.com, or bob.")
@click.option("--call-id", default="", metavar="ID", help="Only the dialog with this Call-ID, and its media.")
@click.option(
    "--since",
    callback=_moment,
    metavar="WHEN",
    help="Only from here on: seconds (below 0 from the end), a time of day (14:05:30), or 2026-03-31T14:05.",
)
@click.option("--heartbeats", is_flag=True, help="Show also what elements say over and over to be known alive.")
@click.option("--svg", type=FILE, help="Write the ladder as SVG to this file.")
@click.option("--html", type=FILE, help="Write it as a page in which messages open on click.")
@click.option("--png", type=FILE, help="Write it as PNG; rsvg-convert or Chromium draws it.")
@click.option("--text", type=FILE, help="Write it as text to this file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def trace_command(
    file: Path,
    names: tuple[str, ...],
    svg: Path | None,
    html: Path | None,
    png: Path | None,
    text: Path | None,
    since: Moment | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Draw the ladder of FILE: a capture (pcap, pcapng) or a trace file."""
    pictures = Pictures(svg=svg, html=html, png=png, text=text)
    selection = Selection(**chosen)
    run_trace(file, names=names, selection=selection, since=since, pictures=pictures, as_json=as_json)
