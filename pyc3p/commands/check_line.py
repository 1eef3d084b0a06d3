"""The command line of ``pyc3p check``."""

from __future__ import annotations

from pathlib import Path

import click

from pyc3p.commands.parameters import FILE


@click.command("check")
@click.argument("file", type=FILE)
@click.option(
    "--severity",
    type=click.Choice(["must", "should", "ours"]),
    default="should",
    show_default=True,
    help="The least that is shown.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["must", "should", "never"]),
    default="must",
    show_default=True,
    help="The least that makes the exit code 1.",
)
@click.option("--select", multiple=True, metavar="CLAUSE", help="Only these: 'RFC 3261 section 17'; repeatable.")
@click.option("--by", multiple=True, metavar="ELEMENT", help="Only what these did: a name or HOST:PORT; repeatable.")
@click.option("--every", is_flag=True, help="Show it each time that it happened, not only the first.")
@click.option("--name", "names", multiple=True, metavar="NAME=HOST:PORT", help="Call an address by a name; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def check_command(
    file: Path,
    severity: str,
    fail_on: str,
    select: tuple[str, ...],
    by: tuple[str, ...],
    every: bool,
    names: tuple[str, ...],
    as_json: bool,
) -> int:
    """Judge FILE by the standards: a capture (pcap, pcapng) or a trace file of anybody's programs.

    Each finding names the section of the source, whether that says MUST or SHOULD, what it asks for, and what was seen,
    with the messages as a ladder. Nothing is sent. The exit code is 1 where something is as bad as --fail-on.
    """
    from pyc3p.check.verdict import Severity
    from pyc3p.commands.check import CheckOptions, run_check

    options = CheckOptions(
        severity=Severity(severity),
        fail_on=None if fail_on == "never" else Severity(fail_on),
        select=select,
        by=by,
        every=every,
    )
    return run_check(file, options, names=names, as_json=as_json)
