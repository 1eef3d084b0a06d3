"""Hypothesis strategies for C3P documents, and judges of documents, for tests of this package and of yours.

Needs the extra ``testing``.
"""

from __future__ import annotations

from c3p.testing.finding import Finding, Force
from c3p.testing.judges import check_document, check_exchange, check_roster_sequence
from c3p.testing.strategies import (
    FOCUS_URI,
    GUIDS,
    MCU_URI,
    USER_URIS,
    altered,
    commands,
    conference_infos,
    conference_states,
    documents,
    mutated,
    mutated_documents,
    nodes,
    notifications,
    requests,
    responses,
    texts,
    tokens,
    unknown_elements,
)

__all__ = [
    "FOCUS_URI",
    "GUIDS",
    "MCU_URI",
    "USER_URIS",
    "Finding",
    "Force",
    "altered",
    "check_document",
    "check_exchange",
    "check_roster_sequence",
    "commands",
    "conference_infos",
    "conference_states",
    "documents",
    "mutated",
    "mutated_documents",
    "nodes",
    "notifications",
    "requests",
    "responses",
    "texts",
    "tokens",
    "unknown_elements",
]
