"""Names and passwords of a command for the servers that ask for them: by realm, from a file, the environment, a prompt.

Never from the command line, which other users of a machine can read.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import attrs

from pyc3p.problems import Problem, UsageProblem
from sip import Credentials, Uri

USERNAME: Final = "PYC3P_USERNAME"
PASSWORD: Final = "PYC3P_PASSWORD"
REALM: Final = "PYC3P_REALM"
PASSCODE: Final = "PYC3P_PASSCODE"
#: In place of a realm: for every server that asks.
ANY_REALM: Final = "*"
#: Statuses with which a server asks (RFC 3261 sections 22.2 and 22.3).
CHALLENGES: Final = frozenset({401, 407})
#: Realms that are told or remembered; servers choose them.
MAX_REALMS: Final = 64
_READABLE_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class PasswordWanted(Problem):
    """A server asks for a password that was not given; a terminal can be asked for it."""

    def __init__(self, realm: str, server: str) -> None:
        self.realm = realm
        super().__init__(
            f"{server} wants a password for the realm {realm!r}: name it in a file with --credentials, or set "
            f"{USERNAME} and {PASSWORD}"
        )


@attrs.define(eq=False)
class Wallet:
    """Credentials by realm; what an endpoint is given as ``credentials`` is :meth:`find`.

    ``on_unknown`` is called once for each realm that asked in vain.
    """

    known: dict[str, Credentials] = attrs.Factory(dict)
    default_username: str | None = None  #: for prompts, and for a password without a name
    on_unknown: Callable[[str], None] | None = None
    unknown: dict[str, None] = attrs.Factory(dict)  #: realms that asked in vain, in their order
    used: dict[str, None] = attrs.Factory(dict)  #: realms that were answered

    def find(self, realm: str) -> Credentials | None:
        """The credentials for a realm, if any are for it."""
        found = self.known.get(realm) or self.known.get(ANY_REALM)
        seen = self.unknown if found is None else self.used
        if realm not in seen and len(seen) < MAX_REALMS:
            seen[realm] = None
            if found is None and self.on_unknown is not None:
                self.on_unknown(realm)
        return found

    def name_at(self, host: str) -> str | None:
        """The name that somebody has at a server, as far as it is known before the server asks; None when it is not.

        It is that of its realm, which is often the host, of any realm, or the only one there is.
        """
        names = {each.username for each in self.known.values()}
        found = self.known.get(host) or self.known.get(ANY_REALM)
        name = found.username if found is not None else names.pop() if len(names) == 1 else self.default_username
        return None if name is None or "@" in name else name

    def refused(self, status: int | None, server: str, *, aor: Uri) -> Problem | None:
        """What to tell ``aor`` when a server ended with ``status``; None when that was not about credentials."""
        if self.used and status in (403, *CHALLENGES) and not (self.unknown and status in CHALLENGES):
            realm = next(reversed(self.used))
            name = (self.known.get(realm) or self.known[ANY_REALM]).username
            if status in CHALLENGES:
                return Problem(f"{server} does not take the password of {name!r} for the realm {realm!r}")
            if name != aor.user:
                own = Uri("sip", aor.host, name)
                return Problem(f"{server} does not take {name!r}, whose password it has, for {aor}; say --as {own}")
        if status not in CHALLENGES:
            return None
        if self.unknown:
            return PasswordWanted(next(reversed(self.unknown)), server)
        return Problem(f"{server} asks for credentials in a way that is not supported ({status}); Digest is")

    def prompt(self, wanted: PasswordWanted) -> None:
        """Ask who sits at the terminal; raises ``wanted`` when nobody does, or nothing is typed."""
        if sys.stdin is None or not sys.stdin.isatty():
            raise wanted
        try:
            username = self.default_username or input(f"User name for {wanted.realm}: ").strip()
            password = getpass.getpass(f"Password of {username} for {wanted.realm}: ")
        except EOFError:
            raise wanted from None
        if not username or not password:
            raise wanted
        self.known[wanted.realm] = Credentials(username, password)
        self.unknown.pop(wanted.realm, None)


def open_wallet(
    file: Path | None,
    *,
    default_username: str | None = None,
    any_realm: bool = True,
    environment: Mapping[str, str] = os.environ,
) -> Wallet:
    """What file and environment hold; the file goes over the environment. Raises UsageProblem.

    Without ``any_realm`` the environment must name its realm: an element that calls whom others name would hand the
    hash of its password to each of them.
    """
    known: dict[str, Credentials] = {}
    username, password = environment.get(USERNAME) or default_username, environment.get(PASSWORD)
    if password:
        realm = environment.get(REALM) or (ANY_REALM if any_realm else "")
        if not realm:
            raise UsageProblem(f"{PASSWORD} is set: say with {REALM} which realm it is for")
        if not username:
            raise UsageProblem(f"{PASSWORD} is set: say with {USERNAME} whose it is")
        known[realm] = Credentials(username, password)
    if file is not None:
        known.update(read_credentials(file))
    return Wallet(known, default_username=username)


def read_passcode(environment: Mapping[str, str] = os.environ) -> str:
    """The passcode of a guest, from the environment or whoever sits at the terminal; raises UsageProblem for none."""
    found = environment.get(PASSCODE, "")
    if not found and sys.stdin is not None and sys.stdin.isatty():
        with contextlib.suppress(EOFError):
            found = getpass.getpass("Passcode of the conference: ")
    if not found:
        raise UsageProblem(f"--passcode asks at a terminal, or takes {PASSCODE}; there is neither")
    return found


def readable_by_others(file: Path) -> bool:
    """Whether somebody but its owner may read a file; False where files have no such modes, or there is none."""
    try:
        return os.name == "posix" and bool(file.stat().st_mode & _READABLE_BY_OTHERS)
    except OSError:
        return False


def read_credentials(file: Path) -> dict[str, Credentials]:
    """Credentials by realm from a TOML file that nobody else can read; raises UsageProblem.

    One table for each realm, ``["*"]`` for all others, with ``username`` and ``password``.
    """
    try:
        with file.open("rb") as opened:
            if os.name == "posix" and os.fstat(opened.fileno()).st_mode & _READABLE_BY_OTHERS:
                raise UsageProblem(f"{file} can be read by others; do `chmod 600 {file}`")
            tables = tomllib.load(opened)
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # What the parser says would quote the line, and so perhaps the password.
        raise UsageProblem(
            f'{file} is not TOML; for each realm write ["realm"], username = "..", password = ".."'
        ) from None
    return {realm: _credentials(file, realm, table) for realm, table in tables.items()}


def _credentials(file: Path, realm: str, table: object) -> Credentials:
    if isinstance(table, dict) and set(table) == {"username", "password"}:
        username, password = table["username"], table["password"]
        if isinstance(username, str) and isinstance(password, str) and username and password:
            return Credentials(username, password)
    raise UsageProblem(f'{file}: ["{realm}"] needs username = ".." and password = "..", and nothing else')
