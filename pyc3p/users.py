"""The users file of a server: names, and what stands for their passwords.

One line for each user, realm and algorithm, as ``htdigest`` writes them: ``name:realm:H(name:realm:password)``. 32
hexadecimal digits are MD5, 64 SHA-256 (RFC 7616 section 3.4.2). No password is in it, but whoever reads such a line can
pass for that user in that realm, so the file is for its owner alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from pyc3p.problems import Problem, UsageProblem
from sip import SipError, Uri, digest_secret

try:
    import fcntl
except ImportError:  # where there is none, two who write at once are on their own
    fcntl = None  # type: ignore[assignment]

#: Algorithms of which a user gets a line, by the digits of the hash.
ALGORITHMS: Final = {32: "MD5", 64: "SHA-256"}
#: Octets of a file; some 100,000 users. More is another file given by mistake.
MAX_SIZE: Final = 16 * 1024 * 1024
_READABLE_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LINE: Final = re.compile(r"([^:\s][^:]*):(.+):([0-9A-Fa-f]+)")
_HOW: Final = "name:realm:hash, as `pyc3p user add` writes it"


@attrs.frozen
class Entry:
    """One line. Its repr does not show the hash."""

    name: str
    realm: str
    secret: str = attrs.field(repr=False)

    @property
    def algorithm(self) -> str:
        """Which hash it is."""
        return ALGORITHMS[len(self.secret)]

    def __str__(self) -> str:
        return f"{self.name}:{self.realm}:{self.secret}"


def check_name(name: str) -> None:
    """Raise UsageProblem for what no user can be called: it has to stand in a SIP address, and in a line."""
    plain = name.isprintable() and not re.search(r"[\s:\"\\<>]", name)
    if plain and name and not name.startswith("#"):
        user, _, host = name.partition("@")
        with contextlib.suppress(SipError):
            if user and Uri("sip", host or "example.com", user).user == user:
                return
    raise UsageProblem(f"{name!r} is no name for a user; use letters, digits, dots and dashes, or name@domain")


def entries_of(name: str, realm: str, password: str) -> tuple[Entry, ...]:
    """The lines of one user. Raises UsageProblem for a name or realm that no line can hold."""
    check_name(name)
    if not realm or not realm.isprintable() or re.search(r"[\"\\]|^\s|\s$", realm):
        raise UsageProblem(f"{realm!r} is no realm; use the domain of the server")
    return tuple(
        Entry(name, realm, digest_secret(algorithm, name, realm, password)) for algorithm in ALGORITHMS.values()
    )


def read_users(path: Path) -> tuple[Entry, ...]:
    """All lines of a file. Raises UsageProblem, which says what is wrong, in which line, and what to do."""
    return tuple(_entries(path, _text(path)))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if os.name == "posix" and about.st_mode & _READABLE_BY_OTHERS:
                raise UsageProblem(f"{path} can be read by others; do `chmod 600 {path}`")
            data = file.read(MAX_SIZE + 1)
    except FileNotFoundError:
        raise UsageProblem(f"{path} is not there; make it with `pyc3p user add NAME --users {path}`") from None
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_SIZE:
        raise UsageProblem(f"{path} is too large for a users file; each line of one is {_HOW}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageProblem(f"{path}, line {line}: this is no text in UTF-8; write {_HOW}") from None


def _entries(path: Path, text: str) -> Iterator[Entry]:
    seen: set[tuple[str, str, str]] = set()
    names: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        # The line may hold a password that somebody wrote into it: it is not quoted.
        if match is None or len(match[3]) not in ALGORITHMS:
            raise UsageProblem(f"{path}, line {number}: write {_HOW}")
        entry = Entry(match[1], match[2], match[3].lower())
        try:
            check_name(entry.name)
        except UsageProblem as problem:
            raise UsageProblem(f"{path}, line {number}: {problem}") from None
        # Addresses do not tell bob from Bob, so one of them could pass for the other.
        before = names.setdefault(entry.name.lower(), entry.name)
        if before != entry.name:
            raise UsageProblem(f"{path}, line {number}: {entry.name!r} is {before!r} as well; leave one of them out")
        key = (entry.name, entry.realm, entry.algorithm)
        if key in seen:
            raise UsageProblem(f"{path}, line {number}: {entry.name!r} has such a line already; leave one of them out")
        seen.add(key)
        yield entry


def check_spelling(path: Path, present: Iterable[Entry], name: str) -> None:
    """Raise UsageProblem for a name that is that of somebody in the file but for upper case: he would be another."""
    for entry in present:
        if entry.name != name and entry.name.lower() == name.lower():
            raise UsageProblem(
                f"{path}: {name!r} is {entry.name!r} as well; write {entry.name} to give him another password, or "
                "remove him first"
            )


class UsersFile:
    """The users of one realm, as a store for a `sip.Authenticator`. What was read last is what counts."""

    def __init__(self, path: Path, realm: str) -> None:
        """Read the file; raises UsageProblem when that cannot be done, or nobody in it is of the realm."""
        self.path, self.realm = path, realm
        self._secrets: dict[tuple[str, str], str] = {}
        self._seen: tuple[int, ...] | None = None
        self.load()

    def __repr__(self) -> str:
        return f"UsersFile({str(self.path)!r}, {len(self._secrets)} lines)"

    def load(self) -> None:
        """Read it again. Raises UsageProblem, and then everything stays as it was."""
        self._seen = self._stamp()
        entries = read_users(self.path)
        own = {(each.name, each.algorithm): each.secret for each in entries if each.realm == self.realm}
        if not own:
            others = sorted({each.realm for each in entries})
            those = f"; those in it are of {', '.join(map(repr, others[:3]))}" if others else ""
            raise UsageProblem(
                f"{self.path} has no user of the realm {self.realm!r}{those}; "
                f"do `pyc3p user add NAME --realm {self.realm} --users {self.path}`"
            )
        self._secrets = own

    @property
    def changed(self) -> bool:
        """Whether the file is another one since it was read last, or since this was asked."""
        stamp = self._stamp()
        before, self._seen = self._seen, stamp
        return stamp != before

    def secret(self, username: str, realm: str, algorithm: str) -> str | None:
        """What stands for the password of a user, None for an unknown one."""
        return self._secrets.get((username, algorithm.upper())) if realm == self.realm else None

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            about = self.path.stat()
        except OSError:
            return None
        return about.st_ino, about.st_mtime_ns, about.st_size, about.st_mode


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from changing a file of this folder in the same moment."""
    if fcntl is None:
        yield
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def change_users(path: Path, *, remove: str, realm: str | None, add: Iterable[Entry] = ()) -> int:
    """Take out the lines of a user, of one realm or of all, and add some; how many were taken out.

    All of it or nothing: the file is replaced by a new one with mode 0600, and other lines and remarks stay. Raises
    UsageProblem when what is there cannot be read, Problem when it cannot be written.
    """
    path = path.resolve()
    try:
        with _alone(path.parent):
            text = _text(path) if path.exists() else ""
            present = list(_entries(path, text))  # what is wrong there would be wrong afterwards
            added = list(add)
            for each in added:
                check_spelling(path, present, each.name)
            kept, removed = [], 0
            for line in text.splitlines():
                match = _LINE.fullmatch(line.strip())
                if match is not None and match[1].lower() == remove.lower() and realm in (None, match[2]):
                    removed += 1
                else:
                    kept.append(line)
            if removed or added:
                changed = "".join(f"{line}\n" for line in [*kept, *map(str, added)])
                list(_entries(path, changed))  # nobody can use what would not be read again
                _replace(path, changed)
            return removed
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    made, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(made, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
