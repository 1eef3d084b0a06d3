"""Tables and names that others rely on."""

from __future__ import annotations

import c3p
from c3p import MEANINGS, SIP_STATUS, Code, ErrorId, Status


def test_every_error_has_a_status_and_a_meaning() -> None:
    assert set(SIP_STATUS) == set(MEANINGS) == set(ErrorId)
    assert all(400 <= status < 700 for status in SIP_STATUS.values())


def test_words_of_the_wire_are_strings() -> None:
    assert Status.DIALING_OUT == "dialing-out"
    assert Code("success") is Code.SUCCESS


def test_front_door_names_what_it_exports() -> None:
    assert len(set(c3p.__all__)) == len(c3p.__all__)
    assert all(hasattr(c3p, name) for name in c3p.__all__)
    assert {"parse_document", "diff", "Request", "Response", "Notify", "ConferenceInfo", "C3PError"} <= set(c3p.__all__)


def test_every_command_is_known_by_its_name() -> None:
    assert all(name == command.NAME for name, command in c3p.COMMANDS.items())
