"""``pyc3p fuzz``: what breaks an element is found, cut down, kept and replayed."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p import Record
from pyc3p.commands.command_line import run
from pyc3p.conform import parse_sip_target
from pyc3p.elements.loopback import reserved_ports
from pyc3p.fuzz.fuzzing import Fuzzing
from pyc3p.fuzz.reducing import fewest, fewest_octets
from pyc3p.fuzz.sip_inputs import SipInputs
from pyc3p.settings.dial_in import DialInSettings
from tests.pyc3p.conform.element import Plain, element, own_server

#: Answers OPTIONS, and dies of any message that says "Refer-To".
BRITTLE = """
    import re, socket, sys
    port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        data, source = port.recvfrom(65536)
        if b"Refer-To" in data:
            sys.stderr.write("I cannot refer\\n")
            sys.exit(3)
        if data.startswith(b"OPTIONS"):
            kept = re.findall(rb"(?m)^(?:Via|From|To|Call-ID|CSeq)[ ]*:[^\\r\\n]*", data)
            port.sendto(b"\\r\\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""]), source)
"""


@given(st.lists(st.integers(0, 30), max_size=40), st.sets(st.integers(0, 30), max_size=3))
def test_no_item_that_is_left_can_be_left_out(items: list[int], guilty: set[int]) -> None:
    def breaks(tried: Sequence[int]) -> bool:
        return guilty <= set(tried)

    if breaks(items):
        kept = fewest(items, breaks)
        assert set(kept) == guilty
        assert len(kept) == len(guilty)


def test_octets_are_cut_as_well() -> None:
    inputs = [b"nothing", b"a\r\nGUILTY: yes\r\nb", b"more"]
    assert fewest_octets(inputs, lambda tried: any(b"GUILTY" in each for each in tried)) == [b"GUILTY"]


class Pretended:
    """A target that any input breaks which has a word in it, without a network."""

    def __init__(self) -> None:
        self.broken = False

    def send(self, inputs: Sequence[bytes]) -> None:
        self.broken = self.broken or any(b"boom" in each for each in inputs)

    def complaint(self) -> str:
        return "it is silent" if self.broken else ""

    def revive(self) -> bool:
        self.broken = False
        return True

    def records(self) -> Sequence[Record]:
        return ()


def test_what_breaks_a_target_is_found_by_itself_and_kept() -> None:
    inputs = [b"a harmless one %d" % number for number in range(200)]
    inputs[137] = b"Subject: it goes boom here\r\nTo: x\r\n"
    fuzzing = Fuzzing(attacked=Pretended(), inputs=inputs, target="it", seed=1, seconds=60.0)
    broken = fuzzing.play()
    assert broken is not None
    assert broken.inputs == (b"boom",)
    assert broken.again
    assert broken.complaint == "it is silent"
    assert fuzzing.sent == 150


def test_what_does_not_break_it_again_is_kept_whole() -> None:
    class Once(Pretended):
        def revive(self) -> bool:
            return False

    inputs = [b"x", b"boom", *[b"y"] * 60]
    broken = Fuzzing(attacked=Once(), inputs=inputs, target="it", seed=1, seconds=60.0).play()
    assert broken is not None
    assert not broken.again
    assert len(broken.inputs) == 50


def test_what_kills_a_program_is_cut_down_and_kills_it_again(tmp_path: Path) -> None:
    program, kept = tmp_path / "brittle.py", tmp_path / "broken.json"
    program.write_text(textwrap.dedent(BRITTLE))
    with reserved_ports(1) as ports:
        port = ports[0]
    words = ["fuzz", "sip", f"udp:127.0.0.1:{port}", "--start", f"{sys.executable} {program} {port}"]
    words += ["--patience", "0.5", "--rate", "5000", "--keep", str(kept)]
    assert run([*words, "--for", "60", "--cutting", "3"]) == 1
    found = json.loads(kept.read_text())
    assert found["complaint"] == "the program ended with 3"
    assert found["again"]
    assert len(found["inputs"]) == 1
    assert "Refer-To" in found["shown"][0]
    assert "target" in kept.with_suffix(".txt").read_text()
    assert "I cannot refer" in kept.with_suffix(".txt").read_text()
    assert run([*words, "--replay", str(kept)]) == 1


def test_a_program_that_ends_at_once_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with reserved_ports(1) as ports:
        port = ports[0]
    program = f"{sys.executable} -c 'raise SystemExit(\"no configuration\")'"
    assert run(["fuzz", "sip", f"udp:127.0.0.1:{port}", "--start", program, "--patience", "0.5"]) == 1
    assert "the program ended with 1: no configuration" in capsys.readouterr().err


def test_calls_and_fields_without_colon_are_among_the_inputs() -> None:
    first = [b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\n"] * 19 + [b"INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\n"]
    inputs = [SipInputs(first, 1)[number] for number in range(1000)]
    assert sum(each.startswith(b"INVITE") for each in inputs) > 150
    assert any(b"\r\nTo x\r\n" in each for each in inputs)


def test_an_element_that_lives_has_held(capsys: pytest.CaptureFixture[str]) -> None:
    with element(Plain()) as port:
        assert run(["fuzz", "sip", f"udp:127.0.0.1:{port}", "--for", "0.5", "--rate", "5000", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["broken"] is None
    assert line["sent"] > 0


def test_our_own_server_holds(tmp_path: Path) -> None:
    with own_server() as server:
        address, http = server.address, server.config.http_port
        keep = ["--for", "2", "--rate", "1000", "--keep", str(tmp_path / "broken.json")]
        assert run(["fuzz", "sip", f"udp:{address}", *keep]) == 0
        assert run(["fuzz", "sip", f"tcp:{address}", *keep]) == 0
        assert run(["fuzz", "c3p", f"http://127.0.0.1:{http}/LiveServer/Focus", *keep]) == 0


def test_our_own_mcu_holds_in_a_call(tmp_path: Path) -> None:
    with reserved_ports(4) as ports:
        free = tuple(ports)
    places = dict(zip(("sip_port", "http_port", "mcu_sip_port", "mcu_http_port"), free, strict=True))
    keep = ["--for", "2", "--rate", "1000", "--keep", str(tmp_path / "broken.json"), "--user", "room"]
    with own_server(dial_in=DialInSettings(open_rooms=True), **places):
        assert run(["fuzz", "sip", f"udp:127.0.0.1:{places['mcu_sip_port']}", *keep]) == 0
        assert run(["fuzz", "rtp", f"udp:127.0.0.1:{places['mcu_sip_port']}", *keep]) == 0


@pytest.mark.parametrize("words", [["sip", "udp:1.1.1.1"], ["rtp", "udp:1.1.1.1"], ["c3p", "http://1.1.1.1/"]])
def test_foreign_networks_have_to_be_named_twice(words: list[str]) -> None:
    assert run(["fuzz", *words]) == 2


def test_a_file_that_holds_no_inputs_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with element(Plain()) as port:
        assert run(["fuzz", "sip", f"udp:127.0.0.1:{port}", "--replay", str(tmp_path / "other.json")]) == 2
    assert parse_sip_target("udp:127.0.0.1").port == 5060
