"""The section [media] of the settings, and what the MCU makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu import MediaTarget, MediaTerms, Srtp
from pyc3p.problems import UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.settings.media import MediaSettings


def read(folder: Path, text: str) -> MediaSettings:
    path = folder / "pyc3p.toml"
    path.write_text(text)
    return load_config(path, {}).media


def called(domain: str, *, outgoing: bool = True, gateway: bool = False) -> MediaTarget:
    return MediaTarget(outgoing=outgoing, scheme="sip", domain=domain, user="bob", gateway=gateway)


def test_without_a_word_srtp_is_taken_and_not_offered_and_own_users_and_gateways_are_known() -> None:
    rules = MediaSettings().rules(["Example.com"])
    assert rules.terms(called("example.com")) == MediaTerms(srtp=Srtp.OFF, known=True)
    assert rules.terms(called("example.net")) == MediaTerms(srtp=Srtp.OFF, known=False)
    assert rules.terms(called("example.net", gateway=True)).known
    # Whoever calls can write any name into From.
    assert rules.terms(called("example.com", outgoing=False)) == MediaTerms(srtp=Srtp.OPTIONAL, known=False)


def test_a_file_can_say_it_for_all_and_for_single_targets(tmp_path: Path) -> None:
    media = read(
        tmp_path,
        """
        [media]
        srtp = "optional"
        srtp_incoming = "required"
        suites = ["AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"]
        known = ["sbc.example.net"]

        [[media.targets]]
        domain = "PBX.example.com"
        srtp = "required"
        over_plain = true
        known = true
        """,
    )
    rules = media.rules(["example.com"])
    assert rules.terms(called("example.com")) == MediaTerms(srtp=Srtp.OPTIONAL, known=True)
    assert rules.terms(called("example.com", outgoing=False)).srtp is Srtp.REQUIRED
    assert rules.terms(called("sbc.example.net")).known
    assert rules.terms(called("pbx.example.com")) == MediaTerms(srtp=Srtp.REQUIRED, over_plain=True, known=True)
    assert [line.suite for line in media.capabilities.crypto] == ["AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[media]\nsrtp = "yes"', "media.srtp must be one of off, optional, required, not 'yes'"),
        ('[media]\nsrtp_incoming = "must"', "media.srtp_incoming must be one of"),
        ('[media]\nsuites = ["ROT13"]', "media.suites: crypto suite ROT13 is unknown"),
        ("[media]\nsuites = []", "media.suites must name a suite"),
        ('[media]\nsrpt = "off"', "did you mean srtp"),
        ('[[media.targets]]\nsrtp = "off"', "needs domain"),
        ('[[media.targets]]\ndomain = "a"\nsrtp = "on"', "media.targets.srtp must be one of"),
        ('[[media.targets]]\ndomain = "a b"', "media.targets.domain wants the name or address of a host, not 'a b'"),
        ('[media]\nknown = ["foo bar"]', "media.known wants the name or address of a host, not 'foo bar'"),
        (
            '[[c3p.peers]]\nname = "mcu-2"\nhosts = ["http://a"]',
            r"hosts of \[\[c3p.peers\]\] mcu-2 wants the name or address of a host, not 'http://a'",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=told):
        read(tmp_path, text)
