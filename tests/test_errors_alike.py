"""Errors are called alike in every package: whose mistake it was can be asked without knowing which layer raised."""

from __future__ import annotations

from types import ModuleType

import pytest

import c3p
import focus
import mcu
import rtp
import sip

SIDES = ("LocalProtocolError", "RemoteProtocolError")
BASES = {c3p: c3p.C3PError, sip: sip.SipError, rtp: rtp.RtpError, focus: focus.FocusError, mcu: mcu.McuError}


@pytest.mark.parametrize("package", BASES, ids=lambda package: package.__name__)
def test_a_mistake_of_our_caller_is_a_local_protocol_error(package: ModuleType) -> None:
    assert package.LocalProtocolError.__mro__[1:3] == (BASES[package], ValueError)


@pytest.mark.parametrize("package", [c3p, sip, rtp], ids=lambda package: package.__name__)
def test_a_mistake_of_the_peer_is_a_remote_protocol_error_that_says_what_to_answer(package: ModuleType) -> None:
    assert package.RemoteProtocolError.__mro__[1:3] == (BASES[package], ValueError)
    assert package.RemoteProtocolError.status_hint == 400


@pytest.mark.parametrize("package", BASES, ids=lambda package: package.__name__)
def test_every_error_of_a_package_is_the_caller_s_or_the_peer_s(package: ModuleType) -> None:
    names = [each for each in vars(package).values() if isinstance(each, type) and issubclass(each, BASES[package])]
    sides = tuple(vars(package)[side] for side in SIDES if side in vars(package))
    others = (focus.StoreError,)  # neither's: the store is full, or has the record already
    assert all(each is BASES[package] or issubclass(each, (*sides, *others)) for each in names)


def test_former_names_go_on_working() -> None:
    assert rtp.LocalRtpError is rtp.LocalProtocolError
    assert rtp.RemoteRtpError is rtp.RemoteProtocolError
    assert mcu.LocalError is mcu.LocalProtocolError
    assert issubclass(c3p.MalformedDocument, c3p.RemoteProtocolError)
