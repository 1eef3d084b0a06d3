"""parse_document and bytes(): examples of the protocol pages, dialects, hostile input, round trips."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import (
    C3PError,
    ConferenceInfo,
    Document,
    Endpoint,
    LocalProtocolError,
    Media,
    User,
    Users,
    parse_document,
)
from c3p.testing import documents, mutated_documents

MODERATE = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


@MODERATE
@given(documents())
def test_what_is_written_is_read_back_the_same(document: Document) -> None:
    assert parse_document(bytes(document)) == document


@MODERATE
@given(documents())
def test_writing_is_stable(document: Document) -> None:
    data = bytes(document)
    assert bytes(parse_document(data)) == data


@MODERATE
@given(mutated_documents())
def test_mutated_documents_parse_or_raise_c3p_error(data: bytes) -> None:
    try:
        document = parse_document(data)
    except C3PError:
        return
    assert parse_document(bytes(document)) == document


@MODERATE
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_c3p_error(data: bytes) -> None:
    with pytest.raises(C3PError):
        parse_document(data)


@MODERATE
@given(st.text(st.characters(), max_size=6) | st.text("a <>&\"'\t\n\r\x0b\u2003\x85\ufeff\ufffe", max_size=6))
def test_text_comes_back_to_the_last_blank_or_is_refused(text: str) -> None:
    legal = not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", text)
    media = Media(id=text, display_text=text)
    if not legal or text != text.strip():  # `id` is a token: white space around it is not part of it
        with pytest.raises(LocalProtocolError):
            bytes(_roster(media))
        media = Media(id="1", display_text=text)
    if legal:
        assert parse_document(bytes(_roster(media))) == _roster(media)
    else:
        with pytest.raises(LocalProtocolError):
            bytes(_roster(media))


def _roster(media: Media) -> ConferenceInfo:
    user = User(entity="sip:bob@example.com", endpoints=(Endpoint(entity="{1}", media=(media,)),))
    return ConferenceInfo(entity="sip:alice@example.com", users=Users(users=(user,)))
