"""A document that was read is changed, and printed for people."""

from __future__ import annotations

import pytest

import c3p

KEYS = c3p.ConferenceKeys(conf_entity="sip:ann@example.com;gruu;opaque=app:conf:focus:id:A1")
REQUEST = c3p.Request(
    request_id="1",
    from_="sip:ann@example.com",
    to="sip:bob@example.com",
    command=c3p.DeleteConference(conference_keys=KEYS),
)
USERS = c3p.Users(users=(c3p.User(entity="sip:ann@example.com", display_text="Ann & Bob"),))
INFO = c3p.ConferenceInfo(entity="sip:c@example.com", version=3, users=USERS)


def test_a_copy_has_other_values_and_keeps_the_rest() -> None:
    written = bytes(REQUEST).replace(b" requestId=", b' x="y" requestId=')
    request = c3p.parse_document(written)
    assert isinstance(request, c3p.Request)
    changed = request.evolve(request_id="2")
    assert (changed.request_id, request.request_id) == ("2", "1")
    assert changed.evolve(request_id="1") == request
    assert changed.extra.attribute("x") == "y"


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(c3p.LocalProtocolError, match="ConferenceKeys has no field conference; it has"):
        KEYS.evolve(conference="A1")


@pytest.mark.parametrize(
    "document",
    [
        REQUEST,
        REQUEST.respond(c3p.Code.SUCCESS),
        c3p.Notify(notification_id=1, from_="sip:a@example.com", to="sip:b@example.com", conference_info=INFO),
        INFO,
    ],
    ids=["request", "response", "notify", "conference-info"],
)
def test_what_is_printed_is_the_same_document_line_by_line(
    document: c3p.Request | c3p.Response | c3p.Notify | c3p.ConferenceInfo,
) -> None:
    printed = document.pretty()
    assert c3p.parse_document(printed.encode()) == document
    assert printed.count("\n") >= 3
