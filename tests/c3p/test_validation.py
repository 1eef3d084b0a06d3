"""The schemas of this package: what they take, and how they say what is wrong."""

from __future__ import annotations

import contextlib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import c3p
from c3p import (
    ConferenceInfo,
    LocalProtocolError,
    MalformedDocument,
    Request,
    Unknown,
    User,
    validate,
)
from c3p.testing import FOCUS_URI, conference_infos, documents, mutated_documents, nodes
from tests.c3p.test_wire_examples import NAMESPACES


def rules(schema: bytes) -> bytes:
    """A schema without what is there for people, which may be older than the docstrings."""
    root = etree.fromstring(schema)
    for note in root.iter("{*}documentation"):
        note.text = ""
    return etree.tostring(root, method="c14n")


def test_the_files_are_what_the_classes_say() -> None:
    shipped = {each.name: rules(each.read_bytes()) for each in (files("c3p") / "schemas").iterdir()}
    made = {name: rules(content) for name, content in c3p.schema_files().items()}
    assert shipped == made, "run python docs/schema_files.py"


@pytest.mark.parametrize("name", sorted(c3p.schema_files()))
def test_each_file_is_a_schema_by_itself(name: str) -> None:
    with (files("c3p") / "schemas" / name).open("rb") as file:
        path = file.name
    etree.XMLSchema(etree.parse(path))


# What is right --------------------------------------------------------------------------------------------------------


@given(documents(unknown=False))
def test_whatever_the_classes_can_say_is_valid(document: c3p.Document) -> None:
    assert validate(document) == ()
    assert validate(bytes(document)) == ()


@pytest.mark.parametrize(
    "cls", [c3p.ConferencingInvite, c3p.DeliveryReport, c3p.Composing, c3p.Provisioning, c3p.ProvisioningQuestion]
)
@given(st.data())
def test_so_is_what_is_beside_c3p(cls: type[c3p.Node], data: st.DataObject) -> None:
    assert validate(data.draw(nodes(cls, unknown=False))) == ()


EXTENSION = b'<x:more xmlns:x="urn:example:x" deep="1">text<x:less/></x:more>'


@given(conference_infos(unknown=False), st.data())
def test_an_element_of_another_namespace_may_stand_at_the_end_of_any_other(
    document: ConferenceInfo, data: st.DataObject
) -> None:
    root = etree.fromstring(bytes(document))
    structured = [each for each in root.iter() if len(each) or each is root]
    place = data.draw(st.sampled_from(structured))
    place.append(etree.fromstring(EXTENSION))
    place.set("{urn:example:x}mark", "1")
    assert validate(etree.tostring(root)) == ()


def test_words_that_nobody_knows_are_words_all_the_same() -> None:
    info = ConferenceInfo(
        entity=FOCUS_URI,
        users=c3p.Users(users=(User(entity="sip:a@example.com", roles=("janitor",)),)),
    )
    assert validate(info) == ()


def test_an_answer_may_have_a_command_that_is_not_known() -> None:
    answer = Request(request_id="1", from_="a", to="b", command=c3p.UnknownCommand(element=Unknown("{urn:x}renew")))
    assert validate(answer.respond(c3p.Code.FAILURE)) == ()


# What is wrong --------------------------------------------------------------------------------------------------------


def wrong(body: str) -> list[tuple[int, str]]:
    """Line and path of everything that is wrong with what is in a request."""
    ends = f'to="{FOCUS_URI}" from="sip:a@example.com"'
    text = f'<request {NAMESPACES}\n C3PVersion="1" {ends} requestId="7">\n{body}\n</request>'
    return [(each.line - text.count("\n") + body.count("\n") + 1, each.path) for each in validate(text.encode())]


KEYS = f'<conferenceKeys confEntity="{FOCUS_URI}"/>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<addUser/>", [(1, "request/addUser")]),
        (f"<addUser>\n{KEYS}\n<ci:user/>\n<connection-info/></addUser>", [(4, "request/addUser/connection-info")]),
        (f"<addUser>{KEYS}<ci:user entitty='sip:a@b'/></addUser>", [(1, "request/addUser/ci:user")]),
        (
            f"<addUser>{KEYS}<ci:user><ci:endpoint state='gone'/>\n<ci:endpoint state='away'/></ci:user></addUser>",
            [(1, "request/addUser/ci:user/ci:endpoint[1]"), (2, "request/addUser/ci:user/ci:endpoint[2]")],
        ),
        (
            f"<modifyConferenceLock>{KEYS}<locked>perhaps</locked></modifyConferenceLock>",
            [(1, "request/modifyConferenceLock/locked")],
        ),
        # An extension that is known is checked where it is allowed.
        (
            f"<addUser>{KEYS}<ci:user><ci:endpoint><msci:clientInfo><cis:separator/><msci2:lobby-capable>maybe"
            "</msci2:lobby-capable></msci:clientInfo></ci:endpoint></ci:user></addUser>",
            [(1, "request/addUser/ci:user/ci:endpoint/msci:clientInfo/msci2:lobby-capable")],
        ),
        ("<renewConference/>", [(1, "request/renewConference")]),
        (f"<deleteConference>{KEYS}</deleteConference>\n<getConferences/>", [(2, "request/getConferences")]),
        ("", [(0, "request")]),
    ],
)
def test_line_and_path_of_what_is_wrong(body: str, expected: list[tuple[int, str]]) -> None:
    assert wrong(body) == expected


def test_what_is_no_document_of_ours_is_said_to_be_that() -> None:
    (violation,) = validate(b"<html/>")
    assert violation.path == "html"
    assert violation.line == 1


def test_a_message_has_the_usual_prefixes() -> None:
    violations = validate(ConferenceInfo(entity="sip:a", users=c3p.Users(users=(User(state="whole"),))))
    assert violations
    assert not any(each.message.count("{urn:") + each.message.count("{http:") for each in violations)
    assert str(violations[0]).startswith("line ")


def test_no_more_is_told_than_anybody_reads() -> None:
    users = tuple(User(entity=f"sip:{number}@example.com", state="whole") for number in range(300))
    assert len(validate(ConferenceInfo(entity="sip:a", users=c3p.Users(users=users)))) == c3p.MOST_VIOLATIONS


@pytest.mark.parametrize("data", [b"", b"<a", b"<!DOCTYPE a><a/>", b"\xff"])
def test_what_is_no_xml_raises_as_it_does_for_a_reader(data: bytes) -> None:
    with pytest.raises(MalformedDocument):
        validate(data)


def test_what_cannot_be_written_raises() -> None:
    with pytest.raises(LocalProtocolError):
        validate(ConferenceInfo(entity="\x00"))


@given(mutated_documents())
def test_any_bytes_are_judged_or_refused(data: bytes) -> None:
    with contextlib.suppress(c3p.C3PError):
        assert all(each.line >= 1 and each.path and each.message for each in validate(data))
