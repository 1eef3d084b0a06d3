"""The users file and ``pyc3p user``."""

from __future__ import annotations

import getpass
import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyc3p.cli import main
from pyc3p.commands.user import add_user
from pyc3p.problems import Problem, UsageProblem
from pyc3p.users import Entry, UsersFile, change_users, check_name, entries_of, read_users
from sip import digest_secret

REALM = "example.com"
MD5, SHA256 = digest_secret("MD5", "bob", REALM, "zanzibar"), digest_secret("SHA-256", "bob", REALM, "zanzibar")


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    """A command whose standard input is no terminal."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(SystemExit) as ended:
        main(["user", *arguments])
    return int(ended.value.code or 0)


# The file


def test_a_file_has_a_hash_for_each_user_realm_and_algorithm(tmp_path: Path) -> None:
    path = private(
        tmp_path / "users", f"# ours\n\nbob:{REALM}:{MD5}\nbob:{REALM}:{SHA256.upper()}\nann:x.example:{MD5}\n"
    )
    users = UsersFile(path, REALM)
    assert users.secret("bob", REALM, "MD5") == MD5
    assert users.secret("bob", REALM, "sha-256") == SHA256
    for unknown in (
        ("ann", REALM, "MD5"),
        ("ann", "x.example", "MD5"),
        ("Bob", REALM, "MD5"),
        ("bob", REALM, "SHA-512"),
    ):
        assert users.secret(*unknown) is None
    assert MD5 not in repr(users) + repr(read_users(path))


def test_what_an_htdigest_wrote_is_taken(tmp_path: Path) -> None:
    path = private(tmp_path / "users", "Mufasa:testrealm@host.com:939e7578ed9e3c518a452acee763bce9\r\n")
    (entry,) = read_users(path)
    assert (entry.name, entry.realm, entry.algorithm) == ("Mufasa", "testrealm@host.com", "MD5")
    assert entry.secret == digest_secret("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")


def test_the_domain_may_be_an_ipv6_address(tmp_path: Path) -> None:
    path = tmp_path / "users"
    change_users(path, remove="bob", realm="2001:db8::1", add=entries_of("bob", "2001:db8::1", "zanzibar"))
    assert UsersFile(path, "2001:db8::1").secret("bob", "2001:db8::1", "MD5")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("bob:zanzibar", 1),
        ("\n# x\nbob:example.com:zanzibar", 3),
        (f"bob:example.com:{MD5}\nbob:example.com:{MD5[1:]}", 2),
        (f"bob:example.com:{MD5}\nbob:example.com:{MD5}", 2),
        (f"bob:example.com:{MD5}\nBob:example.com:{SHA256}", 2),
        (f"bob the builder:example.com:{MD5}", 1),
        (f":example.com:{MD5}", 1),
        (f"bob::{MD5}", 1),
        ('["bob"]\npassword = "zanzibar"', 1),
    ],
)
def test_a_wrong_line_is_named_and_not_shown(text: str, line: int, tmp_path: Path) -> None:
    path = private(tmp_path / "users", text)
    with pytest.raises(UsageProblem) as problem:
        read_users(path)
    assert str(problem.value).startswith(f"{path}, line {line}: ")
    assert "zanzibar" not in str(problem.value)
    assert MD5 not in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = private(tmp_path / "users", f"bob:{REALM}:{MD5}\n")
    path.chmod(mode)
    with pytest.raises(UsageProblem, match="do `chmod 600"):
        UsersFile(path, REALM)


def test_what_is_no_users_file_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="is not there; make it with `pyc3p user add"):
        read_users(tmp_path / "users")
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_users(tmp_path)
    (tmp_path / "binary").write_bytes(b"a:b\n\xff\xfe")
    (tmp_path / "binary").chmod(0o600)
    with pytest.raises(UsageProblem, match="line 2: this is no text"):
        read_users(tmp_path / "binary")
    large = private(tmp_path / "large", "#" * (16 * 1024 * 1024 + 1))
    with pytest.raises(UsageProblem, match="too large"):
        read_users(large)


def test_a_file_without_users_of_the_server_says_whose_they_are(tmp_path: Path) -> None:
    path = private(tmp_path / "users", f"bob:other.example:{MD5}\n")
    with pytest.raises(UsageProblem, match=r"no user of the realm 'example.com'; those in it are of 'other.example'"):
        UsersFile(path, REALM)
    with pytest.raises(UsageProblem, match=r"pyc3p user add NAME --realm example\.com"):
        UsersFile(private(path, ""), REALM)


def test_a_file_that_can_no_longer_be_read_changes_nothing(tmp_path: Path) -> None:
    path = private(tmp_path / "users", f"bob:{REALM}:{MD5}\n")
    users = UsersFile(path, REALM)
    assert not users.changed
    for wrong in ("nonsense", ""):
        private(path, wrong)
        assert users.changed
        with pytest.raises(UsageProblem):
            users.load()
        assert users.secret("bob", REALM, "MD5") == MD5
        assert not users.changed
    path.unlink()
    assert users.changed
    change_users(path, remove="ann", realm=REALM, add=entries_of("ann", REALM, "geheim"))
    assert users.changed
    users.load()
    assert users.secret("bob", REALM, "MD5") is None
    assert users.secret("ann", REALM, "MD5") is not None


def test_a_change_replaces_the_file_as_a_whole_and_keeps_the_rest(tmp_path: Path) -> None:
    path = private(tmp_path / "users", f"# ours\nbob:{REALM}:{MD5}\nbob:x.example:{MD5}\n")
    before = path.stat().st_ino
    assert change_users(path, remove="BOB", realm=REALM, add=entries_of("bob", REALM, "new")) == 1
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# ours", f"bob:x.example:{MD5}"]
    assert [line.partition(":")[0] for line in lines[2:]] == ["bob", "bob"]
    assert path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["users"]


def test_a_change_that_cannot_be_written_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = private(tmp_path / "users", f"bob:{REALM}:{MD5}\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="cannot be written: No space left"):
        change_users(path, remove="bob", realm=REALM)
    assert path.read_text() == f"bob:{REALM}:{MD5}\n"
    assert os.listdir(tmp_path) == ["users"]


def test_a_user_who_differs_from_another_by_case_alone_is_not_added(tmp_path: Path) -> None:
    path = private(tmp_path / "users", f"bob:other.example:{MD5}\n")
    with pytest.raises(UsageProblem, match="'Bob' is 'bob' as well"):
        change_users(path, remove="Bob", realm=REALM, add=entries_of("Bob", REALM, "x"))
    assert len(read_users(path)) == 1


def test_a_user_is_not_replaced_by_one_who_differs_by_case_alone(tmp_path: Path) -> None:
    line = f"bob:{REALM}:{MD5}\n"
    path = private(tmp_path / "users", line)
    with pytest.raises(UsageProblem, match="'Bob' is 'bob' as well; write bob to give him another password"):
        change_users(path, remove="Bob", realm=REALM, add=entries_of("Bob", REALM, "x"))
    with pytest.raises(UsageProblem, match="'BOB' is 'bob' as well"):
        add_user(path, "BOB", REALM)  # and nobody has to type a password for that
    assert path.read_text() == line
    assert change_users(path, remove="Bob", realm=REALM) == 1


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:b", 'a"b', "#a", "a\nb", "<a>", "@", "@b", "a@b c", "\x7f", "a\\b"]
)
def test_what_no_address_can_hold_is_no_name(name: str) -> None:
    with pytest.raises(UsageProblem, match="no name for a user"):
        check_name(name)


@given(
    names=st.lists(st.text(st.sampled_from("abcXYZ019.-_+é "), min_size=1, max_size=8), max_size=8),
    realm=st.text(st.sampled_from("abc.-19 é:"), min_size=1, max_size=8),
    password=st.text(max_size=20),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again(names: list[str], realm: str, password: str, tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.unlink(missing_ok=True)
    expected: dict[str, tuple[Entry, ...]] = {}
    for name in names:
        try:
            made = entries_of(name, realm, password)
            change_users(path, remove=name, realm=realm, add=made)
        except UsageProblem:
            continue
        expected = {each: kept for each, kept in expected.items() if each.lower() != name.lower()} | {name: made}
    if expected:
        assert set(read_users(path)) == {entry for made in expected.values() for entry in made}
        users = UsersFile(path, realm)
        assert all(users.secret(each.name, realm, each.algorithm) == each.secret for each in read_users(path))


# The commands


def test_a_user_is_added_changed_listed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "users"
    file = ("--users", str(path))
    assert run(monkeypatch, "add", "bob@example.com", *file, typed="zanzibar\n") == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert UsersFile(path, REALM).secret("bob", REALM, "MD5") == MD5
    assert run(monkeypatch, "add", "ann", *file, typed="geheim") == 0  # of the realm that the file has
    assert run(monkeypatch, "add", "bob", "--realm", REALM, *file, typed="new\n") == 0
    assert UsersFile(path, REALM).secret("bob", REALM, "MD5") == digest_secret("MD5", "bob", REALM, "new")
    assert run(monkeypatch, "list", *file, "--json") == 0
    *told, first, second = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["added", "added", "changed"]
    assert [json.loads(line)["user"] for line in (first, second)] == ["ann", "bob"]
    assert run(monkeypatch, "remove", "bob@example.com", *file) == 0
    assert run(monkeypatch, "list", *file) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "ann@example.com  MD5, SHA-256"
    assert "geheim" not in shown.out + shown.err + path.read_text()


def test_mistakes_are_one_line_and_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = private(tmp_path / "users", f"bob:{REALM}:{MD5}\nann:x.example:{MD5}\n")
    before = path.read_text()
    file = ("--users", str(path))
    for arguments, typed, code, told in (
        (("add", "kim"), "x", 2, "of which server is kim? Do `pyc3p user add kim@DOMAIN`"),
        (("add", "a:b@example.com"), "x", 2, "no name for a user"),
        (("add", "kim", "--realm", 'a"b'), "x", 2, "no realm"),
        (("add", "kim@example.com"), "", 1, "no password was given"),
        (("add", "kim@example.com"), "\n", 1, "no password was given"),
        (("add", "kim@example.com"), "a\tb\n", 1, "no control characters"),
        (("add", "kim@example.com"), "x" * 257, 1, "256 characters"),
        (("add", "BOB@example.com2"), "x", 2, "'BOB' is 'bob' as well"),
        (("remove", "kim"), "", 1, "has no user kim"),
        (("remove", "bob@x.example"), "", 1, "has no user bob@x.example"),
    ):
        assert run(monkeypatch, *arguments, *file, typed=typed) == code, arguments
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
    assert path.read_text() == before
    assert run(monkeypatch, "list", "--users", str(tmp_path / "none")) == 2
    assert run(monkeypatch, "add", "kim@example.com", "--users", str(tmp_path / "no" / "users"), typed="x") == 1
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SystemExit):
        main(["user", "add", "kim@example.com", *file])


def test_at_a_terminal_the_password_is_typed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    path = tmp_path / "users"
    for typed, code in ((["zanzibar", "zanzibra"], 1), ([], 1), (["zanzibar", "zanzibar"], 0)):
        waiting = list(typed)

        def type_password(prompt: str, waiting: list[str] = waiting) -> str:
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr(sys, "stdin", Typed())
        monkeypatch.setattr(getpass, "getpass", type_password)
        with pytest.raises(SystemExit) as ended:
            main(["user", "add", "bob@example.com", "--users", str(path)])
        assert ended.value.code == code
        assert path.exists() is (code == 0)
    assert "zanzibar" not in "".join(capsys.readouterr())


def test_a_link_to_the_file_stays_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "users", tmp_path / "link"
    link.symlink_to(path)
    assert run(monkeypatch, "add", "bob@example.com", "--users", str(link), typed="zanzibar") == 0
    assert link.is_symlink()
    assert UsersFile(path, REALM).secret("bob", REALM, "MD5") == MD5
