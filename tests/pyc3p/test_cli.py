import builtins
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pyc3p import Record
from pyc3p.cli import main
from pyc3p.commands.invite import InviteOptions, as_user
from pyc3p.problems import UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.trace.pcapng import write_pcapng
from pyc3p.trace.trace import dump_record

OPTIONS = (
    b"OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
    b"From: <sip:ann@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)
RECORD = Record(
    at=0.0, layer="sip", transport="UDP", source=("192.0.2.1", 5060), destination=("192.0.2.2", 5060), data=OPTIONS
)


def pyc3p(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


@pytest.mark.parametrize("arguments", [[], ["trace"], ["demo"], ["serve"], ["invite"], ["phone"]])
def test_everything_has_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert pyc3p(*arguments, "--help") == 0
    assert "Usage: pyc3p" in capsys.readouterr().out


def test_without_a_command_the_commands_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert pyc3p() == 0
    assert "\n  serve " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["trce"], 2, "No such command 'trce'"),
        (["trace"], 2, "Missing argument 'FILE'"),
        (["trace", "/nowhere/a.pcapng"], 2, "cannot be read"),
        (["trace", "/nowhere/a.pcapng", "--name", "x"], 2, "--name wants name=host:port"),
        (["serve", "pbx"], 2, "no part pbx"),
        (["serve", "--sip-port", "x"], 2, "is not a valid integer"),
        (["serve", "--config", "/nowhere/a.toml"], 2, "cannot be read"),
        (["serve", "--host", "0.0.0.0"], 2, "needs --advertise"),
        (["serve", "--ring-timeout", "nan"], 2, "no number of seconds"),
        (["serve", "--drain-timeout", "-1"], 2, "not in the range"),
        (["serve", "--mcu-factory-url", "here"], 2, "must begin with http://"),
        (["serve", "--host", "host.invalid", "--insecure"], 1, "there is no host host.invalid"),
        (["serve", "--domain", "a b"], 2, "domain wants the name or address of a host"),
        (["serve", "--advertise", "a b"], 2, "advertise wants the name or address of a host"),
        (["serve", "--host", "sip:a"], 2, "host wants the name or address of a host"),
        (["serve", "--sip-port", "0"], 2, "'--sip-port': 0 is not in the range"),
        (["serve", "--outbound-proxy", "a b"], 2, "write it as sip:host"),
        (["serve", "--outbound-proxy", "sip:ann:geheim@192.0.2.1"], 2, "must not hold a password"),
        (["serve", "--mcu-id", ""], 2, "an MCU needs a name of its own"),
        (["serve", "--mcu-id", "focus"], 2, "an MCU needs a name of its own"),
        (["serve", "--mcu", "mcu-2"], 2, "set PYC3P_SECRET"),
        (["serve", "--credentials", "/nowhere/a.toml"], 2, "cannot be read"),
        (["serve", "--capture", "/nowhere/a.pcapng"], 1, "cannot be written"),
        (["demo", "--output", "/proc/nowhere"], 1, "choose another folder"),
        (["trace", "/etc/passwd"], 2, "/etc/passwd: it is neither a capture"),
        (["invite", "bob@example.com", "--for", "-1"], 2, "not in the range"),
        (["invite", "bob@example.com", "--for", "nan"], 2, "no number of seconds"),
        (["invite", "bob@host.invalid"], 1, "is the name right?"),
        (["invite", "bob@a..b"], 1, "is the name right?"),
        (["invite", "bob@example.com", "--credentials", "/nowhere/a.toml"], 2, "cannot be read"),
        (["phone", "--as", "tel:1"], 2, "write it as sip:number@host"),
        (["phone", "--as", "bob@127.0.0.1", "--sip-port", "99999"], 2, "not in the range"),
        (["phone", "--as", "bob@127.0.0.1", "--record", "/nowhere/a.wav"], 1, "cannot be written"),
        (["phone", "--as", "bob@127.0.0.1", "--ring-time", "inf"], 2, "no number of seconds"),
        (["invite", "bob"], 2, "'bob' is no SIP address"),
        (["invite"], 2, "who is to be called?"),
        (["invite", "--server", "a b", "sip:x@y"], 2, "--server wants the name or address of a host, not 'a b'"),
        (["phone", "--as", "nobody"], 2, "'nobody' is no SIP address"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    arguments: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pyc3p(*arguments) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("pyc3p: ")
    assert captured.err.count("\n") == 1
    assert line in captured.err


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_settings_file_with_the_secret_that_others_can_read_is_warned_of(
    mode: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.toml"
    path.write_text('secret = "geheim"\nparts = ["mcu"]\n')
    path.chmod(mode)
    assert pyc3p("serve", "--config", path) == 2  # there is no MCU Factory
    error = capsys.readouterr().err
    assert ("chmod 600" in error) == (mode == 0o644)
    assert "geheim" not in error


def test_a_ladder_of_a_capture_is_drawn_with_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pcapng(tmp_path / "a.pcapng", [RECORD])
    assert pyc3p("trace", tmp_path / "a.pcapng", "--name", "ann=192.0.2.1", "--name", "bob=192.0.2.2:5060") == 0
    out = capsys.readouterr().out
    assert "ann" in out.splitlines()[0]
    assert "OPTIONS" in out


def test_a_trace_file_gives_json_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.trace").write_text(dump_record(RECORD) + "\n")
    svg, text = tmp_path / "a.svg", tmp_path / "a.txt"
    assert pyc3p("trace", tmp_path / "a.trace", "--json", "--svg", svg, "--text", text) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["label"] == "OPTIONS"
    assert svg.read_text().startswith("<svg")
    assert "OPTIONS" in text.read_text()


def test_an_empty_capture_and_an_unwritable_file_are_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pcapng(tmp_path / "a.pcapng", [])
    assert pyc3p("trace", tmp_path / "a.pcapng") == 1
    assert "holds no SIP" in capsys.readouterr().err
    write_pcapng(tmp_path / "b.pcapng", [RECORD])
    assert pyc3p("trace", tmp_path / "b.pcapng", "--svg", tmp_path / "no" / "a.svg") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_without_the_extra_one_line_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real_import = builtins.__import__

    def no_click(name: str, *rest: object) -> object:
        if name == "click":
            raise ModuleNotFoundError("No module named 'click'", name="click")
        return real_import(name, *rest)  # type: ignore[arg-type]

    monkeypatch.delitem(sys.modules, "pyc3p.commands.command_line", raising=False)
    monkeypatch.setattr(builtins, "__import__", no_click)
    assert pyc3p("--help") == 1
    error = capsys.readouterr().err
    assert error == "pyc3p: click is not installed; pip install '.[server]' in a checkout brings it\n"


def test_a_presenter_is_of_the_server_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[InviteOptions] = []

    def take(options: InviteOptions, *, as_json: bool) -> int:
        given.append(options)
        return 0

    monkeypatch.setattr("pyc3p.commands.invite.run_invite", take)
    assert pyc3p("invite", "bob@phones.example.net", "--server", "192.0.2.10:5062") == 0
    assert pyc3p("invite", "bob@192.0.2.10") == 0
    assert [options.aor for options in given] == ["sip:presenter@192.0.2.10"] * 2


@pytest.mark.parametrize(
    ("environment", "file", "arguments", "expected"),
    [
        ({}, "", [], ("sip:presenter@192.0.2.10", False)),
        ({"PYC3P_USERNAME": "ann"}, "", [], ("sip:ann@192.0.2.10", False)),
        ({"PYC3P_USERNAME": "ann"}, "", ["--as", "kim@192.0.2.10"], ("sip:kim@192.0.2.10", True)),
        ({}, '["192.0.2.10"]\nusername = "ann"\npassword = "x"\n', [], ("sip:ann@192.0.2.10", False)),
        (
            {},
            '["192.0.2.10"]\nusername = "ann"\npassword = "x"\n["pbx"]\nusername = "kim"\npassword = "x"\n',
            [],
            ("sip:ann@192.0.2.10", False),
        ),
        ({}, '["a"]\nusername = "ann"\npassword = "x"\n["b"]\nusername = "kim"\npassword = "x"\n', [], None),
    ],
)
def test_a_presenter_is_who_the_password_is_of(
    environment: dict[str, str],
    file: str,
    arguments: list[str],
    expected: tuple[str, bool] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[InviteOptions] = []

    def take(options: InviteOptions, *, as_json: bool) -> int:
        given.append(options)
        return 0

    monkeypatch.setattr("pyc3p.commands.invite.run_invite", take)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "credentials.toml"
    path.write_text(file)
    path.chmod(0o600)
    assert pyc3p("invite", "bob@192.0.2.10", "--credentials", path, *arguments) == 0
    (options,) = given
    assert (options.aor, options.named) == (expected or ("sip:presenter@192.0.2.10", False))
    as_typed = as_user(options, "zoe")
    assert as_typed.aor == "sip:zoe@192.0.2.10"


def test_an_example_without_arguments_says_how_it_is_used() -> None:
    example = Path(__file__).parents[2] / "examples" / "register_phone.py"
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: ")
    assert "Traceback" not in done.stderr


def test_seconds_of_silence_are_a_setting_of_serve() -> None:
    assert load_config(None, {"dead_media": 10}).dead_media == 10.0
    with pytest.raises(UsageProblem, match="dead_media"):
        load_config(None, {"dead_media": -1.0})
