"""The front door of the package."""

from __future__ import annotations

import doctest

import rtp


def test_everything_exported_exists_and_nothing_else_is_public() -> None:
    assert len(set(rtp.__all__)) == len(rtp.__all__)
    assert all(hasattr(rtp, name) for name in rtp.__all__)


def test_names_that_others_rely_on_are_there() -> None:
    expected = {"SessionDescription", "RtpError", "answer", "negotiate", "offer", "RtpPacket", "parse_rtcp"}
    assert expected | {"TelephoneEvent", "SrtpContext", "MediaStream", "JitterBuffer"} <= set(rtp.__all__)


def test_every_error_is_a_value_error() -> None:
    assert issubclass(rtp.RtpError, ValueError)
    assert issubclass(rtp.RemoteRtpError, rtp.RtpError)
    assert issubclass(rtp.LocalRtpError, rtp.RtpError)


def test_the_examples_in_the_docstring_run() -> None:
    assert doctest.testmod(rtp).failed == 0
