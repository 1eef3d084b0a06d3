"""The ``trace`` command of the ``pyc3p`` script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pyc3p.commands.parameters import FILE
from pyc3p.commands.trace import Pictures, run_trace
from pyc3p.trace.selection import Selection


@click.command("trace")
@click.argument("file", type=FILE)
@click.option("--name", "names", multiple=True, metavar="NAME=HOST:PORT", help="Call an address by a name; repeatable.")
@click.option("--conference", default="", metavar="URI", help="Only this conference: its URI, link or identifier.")
@click.option("--user", default="", metavar="USER", help="Only what is about this user: sip:bob@example.com, or bob.")
@click.option("--call-id", default="", metavar="ID", help="Only the dialog with this Call-ID, and its media.")
@click.option("--since", type=float, metavar="SECONDS", help="Only from here on; below 0 is counted from the end.")
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
    as_json: bool,
    **chosen: Any,
) -> None:
    """Draw the ladder of FILE: a capture (pcap, pcapng) or a trace file."""
    pictures = Pictures(svg=svg, html=html, png=png, text=text)
    run_trace(file, names=names, selection=Selection(**chosen), pictures=pictures, as_json=as_json)
