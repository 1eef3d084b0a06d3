"""``pyc3p pair-secrets``, and the settings that take what it prints."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from c3p import pair_secret
from pyc3p.commands.command_line import run
from pyc3p.problems import UsageProblem
from pyc3p.settings.c3p import C3pPeerSettings, C3pSettings
from pyc3p.settings.loading import load_config

ROOT = "a root secret that nobody guesses"


def ask(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["pair-secrets", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_printed_is_a_settings_file_with_the_pairs_and_not_the_root(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYC3P_SECRET", ROOT)
    code, printed, _ = ask("mcu-2", "--with", "focus", "--with", "focus-2", capsys=capsys)
    assert code == 0
    assert ROOT not in printed
    assert [peer["name"] for peer in tomllib.loads(printed)["c3p"]["peers"]] == ["focus", "focus-2"]
    path = tmp_path / "mcu-2.toml"
    path.write_text('parts = ["mcu"]\n' + printed)
    (first, _) = load_config(path, {}).c3p.peers
    assert first.secret == pair_secret(ROOT, "mcu-2", "focus")
    assert first.secret not in repr(first)


def test_the_root_may_stand_in_a_settings_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYC3P_SECRET", raising=False)
    path = tmp_path / "focus.toml"
    path.write_text(f'secret = "{ROOT}"\n')
    assert pair_secret(ROOT, "mcu-2", "focus") in ask("mcu-2", "--config", str(path), capsys=capsys)[1]


@pytest.mark.parametrize(
    ("root", "arguments", "complaint"),
    [
        ("", ["mcu-2"], "must have 16 characters or more; set PYC3P_SECRET"),
        ("short", ["mcu-2"], "must have 16 characters or more"),
        (ROOT, ["focus"], "needs no secret with itself"),
        (ROOT, ["mcu 2"], "must be letters, digits"),
        (ROOT, ["mcu-2", "--with", "mcu-2.1"], "is what a worker of mcu-2 is called"),
    ],
)
def test_what_makes_no_secret_is_said_in_one_line(
    root: str,
    arguments: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYC3P_SECRET", root)
    code, printed, said = ask(*arguments, capsys=capsys)
    assert (code, printed) == (2, "")
    assert complaint in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"certificate": "c.pem"}, "certificate and ca, or neither"),
        ({"ca": "ca.pem"}, "certificate and ca, or neither"),
        ({"key": "k.pem"}, "has a key and no certificate"),
        ({"foci": ()}, "foci names nobody"),
        ({"name": "a b"}, "must be letters"),
        ({"peers": (C3pPeerSettings(name="a"), C3pPeerSettings(name="a"))}, "names one part twice"),
        ({"peers": (C3pPeerSettings(name="a"), C3pPeerSettings(name="a.1"))}, "a.1 is what a worker of a is called"),
        (
            {
                "certificate": "c.pem",
                "ca": "ca.pem",
                "peers": (C3pPeerSettings(name="a", certificate_name="B"), C3pPeerSettings(name="b")),
            },
            "one name in their certificates",
        ),
    ],
)
def test_settings_that_leave_open_who_is_who_are_refused(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        C3pSettings(**settings)  # type: ignore[arg-type]
