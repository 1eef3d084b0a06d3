"""C3P and rosters that come beside other parts."""

from __future__ import annotations

import attrs
import pytest
from commanding import connected, send
from focus_site import Site

from c3p import CCCP_TYPE, CONFERENCE_INFO_TYPE, Code, ConferenceKeys, ModifyConferenceLock, Request, Response
from sip import Headers, Multipart, Part
from sip import Response as SipResponse

OPTIONAL = Part(
    b"x", Headers([("Content-Type", "application/foo"), ("Content-Disposition", "render;handling=optional")])
)


def lock(conference: str) -> bytes:
    command = ModifyConferenceLock(conference_keys=ConferenceKeys(conf_entity=conference), locked=True)
    return bytes(Request(request_id="900", from_="sip:alice@example.com", to=conference, command=command))


def carried_out(site: Site) -> bool:
    """Whether the last answer of the Focus says so."""
    answer = [one for one in site.net.messages("focus") if isinstance(one, SipResponse)][-1]
    return b'code="success"' in answer.body


@pytest.mark.parametrize("kind", ["mixed", "related", "alternative"])
def test_a_command_beside_another_part_is_carried_out(kind: str) -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    whole = Multipart((OPTIONAL, Part.of(CCCP_TYPE, lock(conference))), "b1", f"multipart/{kind}")
    assert send(site, alice, bytes(whole), str(whole.content_type)) == (200, None)
    assert carried_out(site)


def test_a_command_beside_a_part_that_must_be_understood_is_not_carried_out() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    whole = Multipart((Part.of(CCCP_TYPE, lock(conference)), Part.of("application/foo", b"x")), "b1")
    assert send(site, alice, bytes(whole), str(whole.content_type)) == (415, "0")
    refused = [one for one in site.net.messages("focus") if isinstance(one, SipResponse)][-1]
    assert refused.headers.get("Accept") == CCCP_TYPE
    assert not carried_out(site)
    assert send(site, alice, lock(conference)) == (200, None)
    assert carried_out(site)


def test_an_info_that_need_not_be_understood_asks_nothing() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    session = alice.client._session
    assert session is not None
    alice.node.endpoint.request_in_session(
        session,
        "INFO",
        headers=[("Content-Disposition", "render;handling=optional")],
        body=b"x",
        content_type="application/foo",
        now=site.net.now,
    )
    site.net.run()
    answers = [one for one in site.net.messages("focus") if isinstance(one, SipResponse)]
    assert (answers[-1].cseq.method, answers[-1].status) == ("INFO", 200)


def test_a_result_beside_another_part_reaches_the_client() -> None:
    site = Site()
    site.mcu()
    conference, alice, _ = site.meeting()
    connected(site, alice)
    document = Response(request_id="77", from_=conference, to="sip:alice@example.com", code=Code.SUCCESS)
    for part, status in ((OPTIONAL, 200), (Part.of("application/foo", b"x"), 415)):
        whole = Multipart((part, Part.of(CCCP_TYPE, bytes(document))), "b1")
        session = next(iter(site.focus._active.of_session))
        site.node.endpoint.request_in_session(
            session, "INFO", body=bytes(whole), content_type=str(whole.content_type), now=site.net.now
        )
        site.net.run()
        answers = [one for one in site.net.messages("alice") if isinstance(one, SipResponse)]
        assert answers[-1].status == status


def test_a_wrapped_roster_is_read() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    assert alice.roster.version is not None
    newer = attrs.evolve(alice.roster, version=alice.roster.version + 1)
    whole = Multipart((OPTIONAL, Part.of(CONFERENCE_INFO_TYPE, bytes(newer))), "b1")
    subscription = next(iter(site.focus._active.of_subscription))
    site.node.endpoint.notify(
        subscription, body=bytes(whole), content_type=str(whole.content_type), benotify=True, now=site.net.now
    )
    site.net.run()
    assert alice.client.roster is not None
    assert alice.client.roster.version == newer.version
