"""parse_document and bytes(): examples of the protocol pages, dialects, hostile input, round trips."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import C3PError, Document, parse_document
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
