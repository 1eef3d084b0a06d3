"""``pyc3p user``: the users file of a server, changed without an editor."""

from __future__ import annotations

import getpass
import shlex
import sys
from pathlib import Path
from typing import Final

from pyc3p.commands.output import Output
from pyc3p.problems import Problem, UsageProblem
from pyc3p.users import change_users, check_name, check_spelling, entries_of, read_users

#: Characters of a password; some phones take no more, and nobody types them.
MAX_PASSWORD: Final = 256


def add_user(users: Path, name: str, realm: str | None) -> int:
    """Add a user, or change its password; raises Problem."""
    name, realm = _meant(users, name, realm)
    entries_of(name, realm, "")  # before anybody types a password for nothing
    if users.exists():
        check_spelling(users, read_users(users), name)
    password = read_password(f"{name} at {realm}")
    replaced = change_users(users, remove=name, realm=realm, add=entries_of(name, realm, password))
    Output(as_json=False).tell(f"{'changed' if replaced else 'added'} {name}@{realm} in {users}")
    return 0


def remove_user(users: Path, name: str, realm: str | None) -> int:
    """Remove a user; raises Problem when there is no such."""
    name, at, host = name.partition("@")
    check_name(name)
    read_users(users)
    if not change_users(users, remove=name, realm=realm or (host if at else None)):
        raise Problem(
            f"{users} has no user {name}{at}{host}; `pyc3p user list --users {shlex.quote(str(users))}` lists them"
        )
    Output(as_json=False).tell(f"removed {name}{at}{host} from {users}")
    return 0


def list_users(users: Path, *, as_json: bool) -> int:
    """Show who is in the file, each once; raises Problem."""
    output = Output(as_json=as_json)
    algorithms: dict[tuple[str, str], list[str]] = {}
    for entry in read_users(users):
        algorithms.setdefault((entry.name, entry.realm), []).append(entry.algorithm)
    for (name, realm), known in algorithms.items():
        output.tell(f"{name}@{realm}  {', '.join(known)}", user=name, realm=realm, algorithms=known)
    return 0


def _meant(users: Path, name: str, realm: str | None) -> tuple[str, str]:
    """Name and realm of a user that is to be added."""
    user, at, host = name.partition("@")
    if at and realm is None:
        return user, host
    if realm is not None:
        return name, realm
    realms = {entry.realm for entry in read_users(users)} if users.exists() else set()
    if len(realms) != 1:
        raise UsageProblem(
            f"of which server is {name}? Do `pyc3p user add {name}@DOMAIN`: the domain of the server, or its address"
        )
    return name, realms.pop()


def read_password(whose: str) -> str:
    """A new password: typed twice at a terminal, else one line of standard input. Raises Problem."""
    if sys.stdin is None:
        raise Problem("there is nowhere to read the password from; give it as one line of standard input")
    if sys.stdin.isatty():
        try:
            password = getpass.getpass(f"Password of {whose}: ")
            again = getpass.getpass("The same again: ")
        except EOFError:
            raise Problem("no password was given; nothing was changed") from None
        if password != again:
            raise Problem("the passwords are not the same; nothing was changed")
    else:
        try:
            password = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise Problem("the password is no text in UTF-8; nothing was changed") from None
    if not password:
        raise Problem("no password was given; nothing was changed")
    if len(password) > MAX_PASSWORD or not password.isprintable():
        raise Problem(
            f"a password has {MAX_PASSWORD} characters at most, and no control characters; nothing was changed"
        )
    return password
