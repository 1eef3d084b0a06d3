"""What a Microsoft client is told when it has logged in, and what it is refused (MS-SIPREGE 3.2)."""

from __future__ import annotations

import pytest

from c3p import (
    PROVISIONING_EVENT,
    PROVISIONING_TYPE,
    SERVER_CONFIGURATION,
    Provisioning,
    ProvisioningQuestion,
    WantedGroup,
)
from focus import ProvisioningConfig, ProvisioningService
from focus.provisioning import factory_of
from sip import AddressOfRecord, Challenged, Identify, Request, Response
from sip.testing import Network, raw_request

CAROL = "sip:carol@example.com"
ALL = ProvisioningQuestion(groups=(WantedGroup(name=SERVER_CONFIGURATION), WantedGroup(name="meetingPolicy")))
PIGGYBACK = "Supported: ms-piggyback-first-notify"


def asked(
    body: bytes = bytes(ALL),
    *,
    method: str = "SUBSCRIBE",
    about: str = CAROL,
    event: str = PROVISIONING_EVENT,
    identify: Identify | None = None,
    extra: tuple[str, ...] = (PIGGYBACK,),
) -> tuple[Response, list[Request]]:
    """The answer to a client of carol, and the notifications after it."""
    net = Network()
    server = net.agent("server", core=False)
    config = ProvisioningConfig(domain="example.com")
    if identify is not None:
        config = ProvisioningConfig(domain="example.com", identify=identify)
    server.run_core(ProvisioningService(server.endpoint, config))
    lines = ("Contact: <sip:carol@192.0.2.99>", f"Event: {event}", "Expires: 0", f"Content-Type: {PROVISIONING_TYPE}")
    net.inject(
        server,
        raw_request(method, about, from_=f"<{CAROL}>;tag=c1", to=f"<{about}>", extra=(*lines, *extra), body=body),
    )
    net.run(1)
    answers = [each for each in net.messages("server") if isinstance(each, Response)]
    return answers[0], net.requests("NOTIFY")


def test_a_client_is_told_its_focus_factory_in_the_answer() -> None:
    answer, _ = asked()
    assert (answer.status, answer.headers.get("Event"), answer.headers.get("Expires")) == (200, PROVISIONING_EVENT, "0")
    assert answer.headers.get("ms-piggyback-cseq")
    told = Provisioning.parse(answer.body)
    assert told.focus_factory_uri == f"{CAROL};gruu;opaque=app:conf:focusfactory"
    (group,) = told.groups  # those that are not known here are left out
    assert group.av_encryption == "SupportEncryption"


def test_a_client_that_knows_no_piggybacking_is_notified() -> None:
    answer, (notification, *_) = asked(extra=())
    assert (answer.status, answer.body) == (200, b"")
    assert Provisioning.parse(notification.body).focus_factory_uri


def test_who_asks_for_other_groups_gets_none() -> None:
    answer, _ = asked(bytes(ProvisioningQuestion(groups=(WantedGroup(name="ucPolicy"),))))
    assert Provisioning.parse(answer.body).groups == ()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"event": "vnd-microsoft-roaming-contacts"}, 489),
        ({"event": "presence"}, 489),
        ({"method": "SERVICE"}, 405),
        ({"body": b"<nothing/>"}, 400),
        ({"body": b"<!DOCTYPE x><provisioningGroupList/>"}, 400),
        ({"about": "sip:dave@example.com"}, 404),
        ({"identify": lambda request, flow: "sip:eve@example.com"}, 403),
        ({"identify": lambda request, flow: None}, 403),
    ],
)
def test_what_is_refused(given: dict[str, object], status: int) -> None:
    answer, notifications = asked(**given)  # type: ignore[arg-type]
    assert (answer.status, notifications) == (status, [])


def test_a_challenge_is_passed_on() -> None:
    challenge = Challenged(status=407, headers=(("Proxy-Authenticate", 'Digest realm="x", nonce="y"'),))
    answer, _ = asked(identify=lambda request, flow: challenge)
    assert answer.status == 407


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("sip:carol@example.com", "sip:carol@example.com;gruu;opaque=app:conf:focusfactory"),
        ("sip:c.a-r_ol+1@example.com:5070", "sip:c.a-r_ol+1@example.com:5070;gruu;opaque=app:conf:focusfactory"),
        ("sip:c%25rol@example.com", None),
        ("sip:r&d@example.com", None),
        ("sip:example.com", None),
        ("nobody", None),
    ],
)
def test_an_address_that_old_clients_could_not_write_down_is_not_told(user: str, told: str | None) -> None:
    assert factory_of(AddressOfRecord.read(user)) == told
