"""URIs of conferences and MCUs (MS-CONFBAS)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import (
    C3PError,
    conf_id_of,
    focus_factory_uri,
    focus_uri,
    focus_uri_of,
    is_focus_uri,
    mcu_type_of,
    mcu_uri,
    parse_join_link,
)

FOCUS = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:4F2C"
AV = "sip:alice@example.com;gruu;opaque=app:conf:audio-video:id:4F2C"


@pytest.mark.parametrize(
    "aor", ["sip:alice@example.com", "alice@example.com", "SIPS:alice@example.com", " sip:alice@example.com "]
)
def test_focus_uri(aor: str) -> None:
    assert focus_uri(aor, "4F2C") == FOCUS
    assert focus_factory_uri(aor) == "sip:alice@example.com;gruu;opaque=app:conf:focusfactory"


@pytest.mark.parametrize(
    "aor", ["", "alice", "sip:@example.com", "sip:a@b;x", 'sip:a"@b', "sip:a@b\r\nX: y", "a" * 3000]
)
def test_address_that_is_none_is_refused(aor: str) -> None:
    with pytest.raises(C3PError):
        focus_uri(aor, "4F2C")


@pytest.mark.parametrize("conf_id", ["", "a" * 33, "a-b", "é", "4F2C\n"])
def test_conference_id_that_is_none_is_refused(conf_id: str) -> None:
    with pytest.raises(C3PError):
        focus_uri("sip:alice@example.com", conf_id)


def test_mcu_uri_and_back() -> None:
    assert mcu_uri(FOCUS, "audio-video") == AV
    assert mcu_uri(FOCUS, "audiovideo") == AV
    assert focus_uri_of(AV) == FOCUS
    assert (mcu_type_of(AV), conf_id_of(AV), is_focus_uri(AV)) == ("audio-video", "4F2C", False)
    assert (mcu_type_of(FOCUS), conf_id_of(FOCUS), is_focus_uri(FOCUS)) == (None, "4F2C", True)


def test_spelling_without_hyphen_and_any_case_is_understood() -> None:
    assert mcu_type_of("sip:a@b;opaque=APP:CONF:AudioVideo:ID:x;gruu") == "audio-video"
    assert is_focus_uri("sip:a@b;OPAQUE=app:conf:FOCUS:id:x")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "sip:a@b",
        "sip:a@b;gruu",
        "sip:a@b;opaque=app:conf:focusfactory",
        "sip:a@b;opaque=user:epid:x;gruu",
        "sip:a@b?x=;opaque=app:conf:focus:id:y",
        "sip:a@b;opaque",
        "sip:a@b;xopaque=app:conf:focus:id:y",
        FOCUS + "x" * 3000,
    ],
)
def test_other_uris_are_no_conference(uri: str) -> None:
    assert (mcu_type_of(uri), conf_id_of(uri), is_focus_uri(uri)) == (None, None, False)
    with pytest.raises(C3PError):
        focus_uri_of(uri)
    with pytest.raises(C3PError):
        mcu_uri(uri, "chat")


@pytest.mark.parametrize("kind", ["", "a b", "chat;x", "-chat", "chat:id"])
def test_mcu_type_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(C3PError):
        mcu_uri(FOCUS, kind)


def test_mcu_uri_needs_a_conference_uri_and_not_another_mcu_uri() -> None:
    with pytest.raises(C3PError):
        mcu_uri(AV, "chat")


@pytest.mark.parametrize(
    "link",
    [
        FOCUS,
        f"conf:{FOCUS}?conversation-id=abc",
        f"meet:{FOCUS}%3Frequired-media=audio",
        f"CONF:{FOCUS}?conf-key=123",
        f" <{FOCUS}> ",
        "conf:sip:alice@example.com%3Bgruu%3Bopaque=app:conf:focus:id:4F2C",
    ],
)
def test_join_link(link: str) -> None:
    assert parse_join_link(link) == FOCUS


@pytest.mark.parametrize("link", ["", "conf:", f"conf:{AV}", "https://example.com/meet", "conf:" + "x" * 3000])
def test_link_without_conference_is_refused(link: str) -> None:
    with pytest.raises(C3PError):
        parse_join_link(link)


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    mcu_type_of(text)
    conf_id_of(text)
    with suppress(C3PError):
        assert is_focus_uri(parse_join_link(text))
