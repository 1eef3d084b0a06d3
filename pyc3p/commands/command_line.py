"""The commands of the ``pyc3p`` script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import sip
from pyc3p.commands.addresses import parse_address, parse_target, server_of
from pyc3p.commands.check_line import check_command
from pyc3p.commands.conference_line import conference_command
from pyc3p.commands.conform_line import conform_command
from pyc3p.commands.fuzz_line import fuzz_command
from pyc3p.commands.parameters import (
    FILE,
    PORT,
    SECONDS,
    SERVER_PORT,
    ca_option,
    credentials_option,
    secured,
    tls_option,
)
from pyc3p.commands.trace_line import trace_command
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.log import FORMATS
from pyc3p.settings.serve import MOST_WORKERS
from pyc3p.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version=VERSION)
def cli() -> None:
    """Centralized conferencing with C3P: servers, clients and phones that really run."""


cli.add_command(trace_command)


cli.add_command(check_command)


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
    from pyc3p.commands.demo import run_demo

    return run_demo(output, as_json=as_json)


@cli.command("serve")
@click.argument("part", nargs=-1)
@click.option("--config", "config_file", type=FILE, help="Settings in a TOML file; options go over it.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--advertise", help="Address that peers reach, if it is another one.")
@click.option("--domain", help="SIP domain of phones and conferences.  [default: the address]")
@click.option("--sip-port", type=SERVER_PORT, help="SIP (UDP, TCP) of everything but the MCU.  [default: 5060]")
@click.option("--mcu-sip-port", type=SERVER_PORT, help="SIP of the MCU.  [default: 5070]")
@click.option("--http-port", type=SERVER_PORT, help="C3P of everything but the MCU.  [default: 8444]")
@click.option("--mcu-http-port", type=SERVER_PORT, help="C3P of the MCU.  [default: 8445]")
@click.option("--media-ports", help="RTP and RTCP of the MCU.  [default: 30000-31999]")
@click.option("--mcu-factory-url", help="Where an MCU Factory in another process is.")
@click.option("--records-url", help="Where a Focus Factory in another process is.")
@click.option("--outbound-proxy", help="SIP proxy through which the MCU calls.  [default: our own]")
@click.option("--users", type=FILE, help="File of users and hashes; `pyc3p user add` makes it.")
@click.option("--trust", multiple=True, metavar="NETWORK", help="Believe whoever calls from there; repeatable.")
@click.option("--insecure", is_flag=True, help="Let everybody in, on a network too.")
@click.option("--open-rooms", is_flag=True, help="Let whoever calls sip:ROOM@host at the MCU make a conference.")
@click.option("--mcu-id", help="Name of the MCU.  [default: mcu-1]")
@click.option("--credentials", help="TOML file with name and password by realm, for proxies that ask the MCU.")
@click.option(
    "--mcu",
    "mcus",
    multiple=True,
    metavar="ID",
    help="An MCU in another process, with @HOST if on another host; repeatable.",
)
@click.option("--chat/--no-chat", default=None, help="Whether conferences have chat.  [default: they have]")
@click.option("--ring-timeout", type=SECONDS, help="Seconds that a phone may ring.  [default: 60]")
@click.option(
    "--dead-media",
    type=SECONDS,
    help="Seconds without media after which a phone is asked whether it is there; 0: never.  [default: 60]",
)
@click.option("--drain-timeout", type=SECONDS, help="Seconds that conferences get to end.  [default: 10]")
@click.option(
    "--workers", type=click.IntRange(0, MOST_WORKERS), help="Processes of the MCU; 0: none of its own.  [default: 1]"
)
@click.option("--ops-port", type=SERVER_PORT, help="Health and metrics over HTTP on this port.  [default: none]")
@click.option("--ops-host", help="Address of that port.  [default: 127.0.0.1]")
@click.option(
    "--state",
    "state_file",
    metavar="FILE",
    help="SQLite file for what outlasts a restart; none: nothing does.  [default: one with the user]",
)
@click.option("--log-format", type=click.Choice(FORMATS), help="How events are written.  [default: auto]")
@click.option("--capture", help="Write everything that is sent and received to this pcapng file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def serve_command(
    part: tuple[str, ...],
    config_file: Path | None,
    as_json: bool,
    users: Path | None,
    trust: tuple[str, ...],
    insecure: bool,
    open_rooms: bool,
    **options: object,
) -> int:
    """Serve the PARTs named, or all: registrar, proxy, focus-factory, focus, mcu-factory, mcu.

    On loopback everybody is let in. On any other address say who may use the server, with --users or --trust.

    Parts in several processes on one machine share a secret: PYC3P_SECRET, or secret in the TOML file. On several, it
    stays with the Focus, and each other part is given what `pyc3p pair-secrets` prints for it, or all have
    certificates. Proxies, PBXs and trunks that ask the MCU for a password get it from --credentials, or PYC3P_REALM,
    PYC3P_USERNAME and PYC3P_PASSWORD. SIGHUP reads users and certificates again,
    and says which other settings have changed and need a restart.

    Conferences, calls, records and registrations outlast the process: they are kept in a file of their own, with the
    user or in /var/lib/pyc3p, or in that of --state.
    """
    from pyc3p.settings.loading import load_config
    from pyc3p.workers.launch import can_fork, launched

    sections = {name: options.pop(name.replace(".", "_")) for name in ("ops.port", "ops.host", "log.format")}
    sections |= {"identity.users": str(users) if users else None, "identity.trust": trust or None}
    sections |= {"identity.insecure": insecure or None, "dial_in.open_rooms": open_rooms or None}
    sections["state.file"] = options.pop("state_file")
    given = {**options, **sections, "parts": part or None, "mcus": options["mcus"] or None}
    config = load_config(config_file, given)
    # Where workers are no copies of this process, they read their modules while it does.
    copied = can_fork(holds_secrets=config.holds_secrets)
    with launched(config.workers if "mcu" in config.parts and not copied else 0) as early:
        from pyc3p.commands.serve import exposure, run_serve

        if config_file is not None and (warning := exposure(config, config_file)):
            click.echo(f"pyc3p: {warning}", err=True)
        return run_serve(config, as_json=as_json, early=early, read=lambda: load_config(config_file, given))


@cli.command("pair-secrets")
@click.argument("name")
@click.option("--with", "others", multiple=True, metavar="NAME", help="The other part; repeatable.  [default: focus]")
@click.option("--config", "config_file", type=FILE, help="Settings with the root secret, in place of PYC3P_SECRET.")
def pair_secrets_command(name: str, others: tuple[str, ...], config_file: Path | None) -> int:
    """Print what the part called NAME needs to know in place of the root secret.

    An MCU is called by its id (mcu-1), other parts focus, mcu-factory or focus-factory: the first of these that the
    process serves. Of what is printed for NAME no part can make the secret of another.
    """
    from pyc3p.commands.pair_secrets import run_pair_secrets

    return run_pair_secrets(name, others or ("focus",), config_file)


@cli.command("invite")
@click.argument("target", nargs=-1)
@click.option(
    "--server",
    help="Focus, as host or host:port.  [default: the host of the first TARGET, else of the conference, port 5060]",
)
@click.option(
    "--as", "identity", help="Who you are.  [default: your user name, or presenter, at the host of the server]"
)
@click.option("--name", "display_name", help="The name that others see.")
@click.option("--conference", help="Join this conference (URI or link) in place of creating one.")
@click.option(
    "--passcode", is_flag=True, help="Join as a guest, with the passcode from PYC3P_PASSCODE or the terminal."
)
@click.option("--subject", default="", help="Subject of a new conference.")
@tls_option
@ca_option
@credentials_option
@click.option("--pace", type=SECONDS, default=0.0, help="Seconds from one call to the next.  [default: all at once]")
@click.option("--for", "stay", type=SECONDS, help="End, or leave, after so many seconds.  [default: with Ctrl-C]")
@click.option("--chat", is_flag=True, help="Show from the start what is said in the chat.")
@click.option("--keep", is_flag=True, help="Leave the conference in place of ending it.")
@click.option("--audio", help="Be heard: a WAV file over and over, tone, tone:HERTZ, or silence to listen.")
@click.option("--record", type=FILE, help="Write what is heard to this WAV file.")
@click.option(
    "--rejoin-for",
    type=SECONDS,
    default=300.0,
    show_default=True,
    help="Seconds for which a server that is lost is tried again.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def invite_command(ca: str | None, as_json: bool, **given: Any) -> int:
    """Call TARGETs (sip:user@host) into a conference, and look after it.

    With --conference, or the --server of a new one, there may be no TARGET. What plain phones call to get into it is
    said as soon as it is known.

    While it goes on, type commands: add, ask, say, mute, hold, keys, gain, eject, presenter, attendee, admit, deny,
    mute-all, lock, announcements, roster, end, leave; help tells all.

    A password that is asked for comes from --credentials, PYC3P_USERNAME and PYC3P_PASSWORD, or the terminal.
    """
    from pyc3p.commands.invite import run_invite
    from pyc3p.commands.invite_line import read_line

    options = read_line(**given, secured=lambda tls: secured(tls=tls, ca=ca))
    return run_invite(options, as_json=as_json)


cli.add_command(conference_command)
cli.add_command(conform_command)
cli.add_command(fuzz_command)


@cli.command("phone")
@click.option("--as", "identity", required=True, help="Its address, such as sip:bob@127.0.0.1.")
@click.option(
    "--server", help="Registrar and proxy, as host or host:port.  [default: the host of the address, port 5060]"
)
@click.option("--sip-port", type=PORT, default=0, help="SIP (UDP, TCP) of the phone.  [default: any free port]")
@click.option("--tone", type=float, help="Play a tone of so many hertz.")
@click.option("--play", type=FILE, help="Play a WAV file (8 kHz, mono, 16-bit), over and over.")
@click.option("--record", type=FILE, help="Write what is heard to this WAV file.")
@click.option(
    "--reaction",
    type=click.Choice(["answer", "busy", "decline", "ignore"]),
    default="answer",
    show_default=True,
    help="What to do with calls.",
)
@click.option("--ring-time", type=SECONDS, default=1.0, show_default=True, help="Seconds until a call is answered.")
@click.option("--hang-up-after", type=SECONDS, help="Seconds after which the phone hangs up.")
@click.option(
    "--srtp",
    type=click.Choice(["off", "optional", "required"]),
    default="off",
    show_default=True,
    help="Encrypted sound, with keys in the session description.",
)
@tls_option
@ca_option
@credentials_option
@click.option("--for", "stay", type=SECONDS, help="Be there for so many seconds.  [default: until Ctrl-C]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def phone_command(
    identity: str,
    server: str | None,
    sip_port: int,
    tone: float | None,
    play: Path | None,
    record: Path | None,
    reaction: str,
    ring_time: float,
    hang_up_after: float | None,
    srtp: str,
    tls: bool,
    ca: str | None,
    credentials: Path | None,
    stay: float | None,
    as_json: bool,
) -> int:
    """Be a legacy phone: register, ring, answer, play, record.

    A password that is asked for comes from --credentials, PYC3P_USERNAME and PYC3P_PASSWORD, or the terminal.
    """
    from mcu import Srtp
    from pyc3p.commands.credentials import open_wallet
    from pyc3p.commands.phone import PhoneOptions, run_phone
    from pyc3p.phone import Reaction

    aor = parse_target(identity)
    if aor.scheme == "tel":
        raise UsageProblem(f"--as {identity!r} is a number; write it as sip:number@host")
    tls = tls or aor.scheme == "sips"
    port = 5061 if tls else 5060
    options = PhoneOptions(
        aor=sip.Uri(aor.scheme, aor.host, aor.user),
        server=parse_address(server, default_port=port, option="--server")
        if server
        else server_of(aor, default_port=port),
        sip_port=sip_port,
        tone=tone,
        play=play,
        record=record,
        reaction=Reaction(reaction),
        ring_time=ring_time,
        hang_up_after=hang_up_after,
        srtp=Srtp(srtp),
        stay=stay,
        wallet=open_wallet(credentials, default_username=aor.user),
        tls=secured(tls=tls, ca=ca),
    )
    return run_phone(options, as_json=as_json)


@cli.command("simulate")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="What all chance is made of.")
@click.option("--scenario", default="everything", show_default=True, help="What may go wrong; --list names them.")
@click.option("--minutes", type=SECONDS, default=3.0, show_default=True, help="Virtual minutes in which things happen.")
@click.option("--ladder", type=FILE, help="Write the ladder to this file, in place of showing that of a failure.")
@click.option("--list", "listed", is_flag=True, help="List the scenarios.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def simulate_command(listed: bool, as_json: bool, **given: Any) -> int:
    """Let a conference go through everything that may go wrong, in virtual time, and check what must hold.

    Clients give commands, phones answer, decline, hang up or die, links are cut, MCUs and the Focus are killed: all of
    it follows from the seed. Then nothing goes wrong any more, and everything has to come right. When something does
    not hold, the ladder shows what was sent, and the exit code is 1.
    """
    from pyc3p.commands.simulate import list_scenarios, run_simulate

    return list_scenarios(as_json=as_json) if listed else run_simulate(**given, as_json=as_json)


@cli.group("user")
def user_group() -> None:
    """Look after the users of a server: a file of names and hashes, without a password in it."""


_users_option = click.option(
    "--users", type=FILE, default=Path("pyc3p-users"), show_default=True, help="The file, as for `pyc3p serve`."
)
_realm_option = click.option("--realm", help="The domain of the server.  [default: as in NAME@DOMAIN, or in the file]")


@user_group.command("add")
@click.argument("name")
@_users_option
@_realm_option
def user_add_command(name: str, users: Path, realm: str | None) -> int:
    """Add the user NAME, or NAME@DOMAIN, or give it another password.

    The password is asked for at a terminal, twice; otherwise it is one line of standard input.
    """
    from pyc3p.commands.user import add_user

    return add_user(users, name, realm)


@user_group.command("remove")
@click.argument("name")
@_users_option
@_realm_option
def user_remove_command(name: str, users: Path, realm: str | None) -> int:
    """Remove the user NAME, or NAME@DOMAIN."""
    from pyc3p.commands.user import remove_user

    return remove_user(users, name, realm)


@user_group.command("list")
@_users_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def user_list_command(users: Path, as_json: bool) -> int:
    """List the users, each with the domain that it is of."""
    from pyc3p.commands.user import list_users

    return list_users(users, as_json=as_json)


def run(arguments: list[str]) -> int:
    """Run a command line; the exit code."""
    try:
        result = cli.main(args=arguments or ["--help"], prog_name="pyc3p", standalone_mode=False)
    except Problem as problem:
        return _complain(str(problem), problem.exit_code)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "pyc3p"
        return _complain(f"{error.format_message()} See {where} --help.", 2)
    except click.ClickException as error:
        return _complain(error.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:  # the network or the disk failed in a place of its own
        return _complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    return result if isinstance(result, int) else 0


def _complain(text: str, exit_code: int) -> int:
    sys.stderr.write("pyc3p: " + " ".join(text.split()) + "\n")
    return exit_code
