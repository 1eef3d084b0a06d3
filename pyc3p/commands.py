"""The commands of the ``pyc3p`` script."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pyc3p.problems import Problem
from pyc3p.trace_command import run_trace

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pyc3p")
def cli() -> None:
    """Centralized conferencing with C3P: servers, clients and phones that really run."""


@cli.command("trace")
@click.argument("file", type=_FILE)
@click.option("--name", "names", multiple=True, metavar="NAME=HOST:PORT", help="Call an address by a name; repeatable.")
@click.option("--svg", type=_FILE, help="Write the ladder as SVG to this file.")
@click.option("--text", type=_FILE, help="Write the ladder as text to this file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def trace_command(file: Path, names: tuple[str, ...], svg: Path | None, text: Path | None, as_json: bool) -> None:
    """Draw the ladder of FILE: a capture (pcap, pcapng) or a trace file."""
    run_trace(file, names=names, svg=svg, text=text, as_json=as_json)


@cli.command("demo")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pyc3p-demo"),
    show_default=True,
    help="Folder for ladder, capture and recordings.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def demo_command(output: Path, as_json: bool) -> int:
    """Run the main job on loopback: a presenter adds legacy phones to a conference, everybody hears, everybody sees."""
    from pyc3p.demo import run_demo

    return run_demo(output, as_json=as_json)


@cli.command("serve")
@click.argument("part", nargs=-1)
@click.option("--config", "config_file", type=_FILE, help="Settings in a TOML file; options go over it.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--advertise", help="Address that peers reach, if it is another one.")
@click.option("--domain", help="SIP domain of phones and conferences.  [default: the address]")
@click.option("--sip-port", type=int, help="SIP (UDP, TCP) of everything but the MCU.  [default: 5060]")
@click.option("--mcu-sip-port", type=int, help="SIP of the MCU.  [default: 5070]")
@click.option("--http-port", type=int, help="C3P of everything but the MCU.  [default: 8444]")
@click.option("--mcu-http-port", type=int, help="C3P of the MCU.  [default: 8445]")
@click.option("--media-ports", help="RTP and RTCP of the MCU.  [default: 30000-31999]")
@click.option("--mcu-factory-url", help="Where an MCU Factory in another process is.")
@click.option("--records-url", help="Where a Focus Factory in another process is.")
@click.option("--outbound-proxy", help="SIP proxy through which the MCU calls.  [default: our own]")
@click.option("--mcu-id", help="Name of the MCU.  [default: mcu-1]")
@click.option("--ring-timeout", type=float, help="Seconds that a phone may ring.  [default: 60]")
@click.option("--drain-timeout", type=float, help="Seconds that conferences get to end.  [default: 10]")
@click.option("--capture", help="Write everything that is sent and received to this pcap file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def serve_command(part: tuple[str, ...], config_file: Path | None, as_json: bool, **options: object) -> int:
    """Serve the PARTs named, or all: registrar, proxy, focus-factory, focus, mcu-factory, mcu.

    Parts in several processes share a secret: PYC3P_SECRET, or secret in the TOML file.
    """
    from pyc3p.config import load_config
    from pyc3p.serve import run_serve

    config = load_config(config_file, {**options, "parts": part or None})
    return run_serve(config, as_json=as_json)


def run(arguments: list[str]) -> int:
    """Run a command line; the exit code."""
    try:
        result = cli.main(args=arguments, prog_name="pyc3p", standalone_mode=False)
    except Problem as problem:
        return _complain(str(problem), problem.exit_code)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "pyc3p"
        return _complain(f"{error.format_message()} See {where} --help.", 2)
    except click.ClickException as error:
        return _complain(error.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    return result if isinstance(result, int) else 0


def _complain(text: str, exit_code: int) -> int:
    sys.stderr.write("pyc3p: " + " ".join(text.split()) + "\n")
    return exit_code
