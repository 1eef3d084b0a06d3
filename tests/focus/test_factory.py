"""The Focus Factory: records by SERVICE, and for Focuses elsewhere."""

from __future__ import annotations

import attrs
import pytest
from focus_site import DOMAIN, START, WALL_CLOCK, RawPeer, Site

from c3p import (
    AddConference,
    Code,
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteConference,
    EntityView,
    GetAvailableMcuTypes,
    GetConference,
    GetConferences,
    GetConferencingCapabilities,
    GetEncryptionKey,
    ModifyConference,
    Notify,
    Request,
    Response,
    User,
    Users,
    focus_uri,
    format_timestamp,
    parse_document,
)
from focus import CommandSucceeded, FactoryConfig, FocusFactory, MemoryStore, RecordAdded, RecordRemoved
from sip import Response as SipResponse
from sip import SeededEntropy, Uri

ALICE = f"sip:alice@{DOMAIN}"
FACTORY = f"{ALICE};gruu;opaque=app:conf:focusfactory"
ID = "A51BDAEBF85BD6DF39AC1C9E80ADF62D"


class Scheduler(RawPeer):
    """Sends SERVICE requests."""

    def service(self, command: Command, *, sender: str = ALICE, to: str = FACTORY, **envelope: object) -> SipResponse:
        document = attrs.evolve(Request(request_id="7", from_=sender, to=to, command=command), **envelope)
        return self.post(bytes(document), sender=sender, to=to)

    def post(
        self, body: bytes, *, sender: str = ALICE, to: str = FACTORY, content_type: str = "application/cccp+xml"
    ) -> SipResponse:
        answer = self.send(
            f"""SERVICE {to} SIP/2.0
            Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK{len(self.received)}
            Max-Forwards: 70
            From: <{sender}>;tag=1
            To: <{to}>
            Call-ID: service-{len(self.received)}
            CSeq: 1 SERVICE
            Content-Type: {content_type}""",
            body,
        )[0]
        assert isinstance(answer, SipResponse)
        return answer

    def asked(self, command: Command, **more: object) -> Response:
        """The C3P response, in a 200."""
        answer = self.service(command, **more)  # type: ignore[arg-type]
        assert answer.status == 200, answer.headers.get("ms-diagnostics")
        document = parse_document(answer.body)
        assert isinstance(document, Response)
        assert (document.request_id, document.from_, document.to) == ("7", FACTORY, ALICE)
        return document


def record(conference_id: str | None = ID, *types: str, **description: object) -> AddConference:
    described = attrs.evolve(ConferenceDescription(conference_id=conference_id), **description)
    views = tuple(EntityView(entity=kind) for kind in types)
    view = ConferenceView(views=views) if types else None
    return AddConference(conference_info=ConferenceInfo(entity="", description=described, conference_view=view))


def keys(conference_id: str = ID) -> ConferenceKeys:
    return ConferenceKeys(conference_id=conference_id)


def info_of(response: Response) -> ConferenceInfo:
    assert response.code is Code.SUCCESS, response
    info = response.command.conference_info  # type: ignore[union-attr]
    assert isinstance(info, ConferenceInfo)
    return info


def failure(response: Response) -> tuple[str | None, str | None]:
    assert response.code is Code.FAILURE
    return response.reason, response.command_reason


# addConference -------------------------------------------------------------------------------------------------------


def test_a_record_comes_back_with_its_uri_and_what_the_server_filled_in() -> None:
    site = Site()
    info = info_of(Scheduler(site).asked(record(subject="Budget", expiry_time="2026-01-02T00:00:00Z")))
    assert info.entity == focus_uri(ALICE, ID)
    assert info.version == 1
    description = info.description
    assert description is not None
    assert (description.subject, description.conference_id) == ("Budget", ID)
    assert description.expiry_time == "2026-01-02T00:00:00Z"
    assert description.last_update == format_timestamp(WALL_CLOCK + START)
    assert description.admission_policy == "openAuthenticated"
    assert description.organizer is not None
    assert description.organizer.entity == ALICE
    assert [one.purpose for one in description.conf_uris] == ["audio-video"]
    assert info.conference_view is not None
    assert [view.entity for view in info.conference_view.views] == ["audio-video"]
    assert site.node.last(RecordAdded).conference_uri == info.entity


def test_only_the_media_types_that_exist_are_kept() -> None:
    info = info_of(Scheduler(Site()).asked(record(ID, "chat", "audio-video", "meeting")))
    assert info.conference_view is not None
    assert [view.entity for view in info.conference_view.views] == ["audio-video"]


def test_roles_set_at_scheduling_are_granted_at_the_join() -> None:
    site = Site()
    users = Users(users=(User(entity="sip:bob@example.com", roles=("presenter",)), User(entity="sip:c@example.com")))
    command = record(admission_policy="closedAuthenticated")
    assert command.conference_info is not None
    command = attrs.evolve(command, conference_info=attrs.evolve(command.conference_info, users=users))
    conference = info_of(Scheduler(site).asked(command)).entity
    bob = site.joined(site.client("bob"), conference)
    assert bob.client.role == "presenter"


@pytest.mark.parametrize(
    ("command", "reason", "specific"),
    [
        (record(None), "requestMalformed", None),
        (record("short"), "requestMalformed", None),
        (record("with-dashes-0123"), "requestMalformed", None),
        (record("A" * 33), "requestMalformed", None),
        (AddConference(), "requestMalformed", None),
        (record(admission_policy="everybody"), "requestMalformed", None),
        (record(expiry_time="tomorrow"), "requestMalformed", None),
        (record(expiry_time="2001-01-01T00:00:00Z"), "requestMalformed", None),
        (
            ModifyConference(conference_keys=keys("UNKNOWN123"), conference_info=ConferenceInfo(entity="")),
            "otherFailure",
            "conferenceDoesntExist",
        ),
        (ModifyConference(conference_keys=keys()), "requestMalformed", None),
        (DeleteConference(conference_keys=keys("UNKNOWN123")), "otherFailure", "conferenceDoesntExist"),
        (GetConference(conference_keys=keys("UNKNOWN123")), "otherFailure", "conferenceDoesntExist"),
        (GetConference(), "otherFailure", "conferenceDoesntExist"),
    ],
)
def test_what_cannot_be_done_is_a_c3p_failure_in_a_200(command: Command, reason: str, specific: str | None) -> None:
    assert failure(Scheduler(Site()).asked(command)) == (reason, specific)


def test_an_id_can_be_used_once_by_an_organizer_and_again_by_another() -> None:
    site = Site()
    scheduler = Scheduler(site)
    scheduler.asked(record())
    assert failure(scheduler.asked(record())) == ("otherFailure", "conferenceExistsAlready")
    bob = "sip:bob@example.com"
    answer = scheduler.service(record(), sender=bob, to=f"{bob};gruu;opaque=app:conf:focusfactory")
    assert answer.status == 200
    assert len(site.store) == 2


def test_anonymous_conferences_can_be_forbidden() -> None:
    site = Site(factory=FactoryConfig(domain=DOMAIN, anonymous_allowed=False))
    assert failure(Scheduler(site).asked(record(admission_policy="anonymous"))) == ("unauthorized", None)


def test_a_full_store_is_busy() -> None:
    site = Site()
    site.store._limit = 1
    scheduler = Scheduler(site)
    scheduler.asked(record())
    assert failure(scheduler.asked(record("ABCDEF012345"))) == ("serverBusy", None)


def test_a_record_lives_eight_hours_unless_it_says_otherwise_and_never_for_ever() -> None:
    site = Site()
    scheduler = Scheduler(site)
    info = info_of(scheduler.asked(record()))
    assert info.description is not None
    assert info.description.expiry_time == format_timestamp(WALL_CLOCK + START + 8 * 3600)
    long = info_of(scheduler.asked(record("ABCDEF012345", expiry_time="2999-01-01T00:00:00Z")))
    assert long.description is not None
    assert long.description.expiry_time == format_timestamp(WALL_CLOCK + START + 366 * 86400)
    site.net.run(8 * 3600 + 1)
    assert len(site.store) == 1
    assert site.node.last(RecordRemoved).conference_uri == info.entity


def test_records_can_be_kept_for_ever() -> None:
    site = Site(factory=FactoryConfig(domain=DOMAIN, default_lifetime=None))
    info = info_of(Scheduler(site).asked(record()))
    assert info.description is not None
    assert info.description.expiry_time is None
    assert site.factory.next_timeout() is None
    alice = site.joined(site.client("alice"), info.entity)
    assert alice.client.role == "presenter"


# The other commands --------------------------------------------------------------------------------------------------


def test_records_can_be_read_changed_listed_and_deleted() -> None:
    site = Site()
    scheduler = Scheduler(site)
    scheduler.asked(record(subject="Budget"))
    scheduler.asked(record("ABCDEF012345"))
    described = ConferenceDescription(conference_id=ID, subject="Budget 2", autopromote=2147516416)
    changed = info_of(
        scheduler.asked(ModifyConference(conference_info=ConferenceInfo(entity="", description=described)))
    )
    assert changed.version == 2
    read = info_of(scheduler.asked(GetConference(conference_keys=keys())))
    assert read.description is not None
    assert (read.description.subject, read.description.autopromote) == ("Budget 2", 2147516416)
    by_uri = GetConference(conference_keys=ConferenceKeys(conf_entity=focus_uri(ALICE, ID)))
    assert info_of(scheduler.asked(by_uri)) == read
    listed = scheduler.asked(GetConferences()).command
    assert isinstance(listed, GetConferences)
    assert len(listed.conference_infos) == 2
    scheduler.asked(DeleteConference(conference_keys=keys()))
    assert len(site.store) == 1
    assert site.node.of(RecordRemoved)


def test_everybody_may_ask_what_there_is() -> None:
    site = Site()
    scheduler = Scheduler(site)
    for command in (GetConferencingCapabilities(), GetAvailableMcuTypes()):
        answer = scheduler.service(command, sender="sip:bob@example.com")
        document = parse_document(answer.body)
        assert isinstance(document, Response)
        assert document.command is not None
        assert document.command.mcu_types == ("audio-video",)  # type: ignore[attr-defined]


def test_refusals_are_sip_errors_with_their_error_ids() -> None:
    scheduler = Scheduler(Site())
    other = FACTORY.replace("alice", "bob")
    cases = [
        (scheduler.post(b""), 400, "3006"),
        (scheduler.post(b"<request"), 400, "3006"),
        (scheduler.post(b"hello", content_type="text/plain"), 415, "3006"),
        (scheduler.service(record(), from_="sip:bob@example.com"), 403, "3000"),
        (scheduler.service(record(), **{"to": other}), 403, "3014"),
        (scheduler.post(bytes(Request(request_id="1", from_=ALICE, to=other, command=record()))), 400, "3001"),
        (scheduler.service(GetEncryptionKey()), 501, "3004"),
    ]
    for answer, status, error_id in cases:
        diagnostics = answer.headers.get("ms-diagnostics") or ""
        assert (answer.status, diagnostics.partition(";")[0]) == (status, error_id)


def test_an_unidentified_sender_is_refused() -> None:
    site = Site(factory=FactoryConfig(domain=DOMAIN, identify=lambda request, flow: None))
    assert Scheduler(site).service(record()).status == 403


def test_options_and_other_methods() -> None:
    scheduler = Scheduler(Site())
    for method, status in (("OPTIONS", 200), ("MESSAGE", 405)):
        answer = scheduler.send(
            f"""{method} {FACTORY} SIP/2.0
            Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK{method}
            Max-Forwards: 70
            From: <{ALICE}>;tag=1
            To: <{FACTORY}>
            Call-ID: {method}
            CSeq: 1 {method}"""
        )[0]
        assert isinstance(answer, SipResponse)
        assert answer.status == status


def test_records_are_read_over_http_by_those_who_may() -> None:
    site = Site(factory=FactoryConfig(domain=DOMAIN, record_readers=frozenset({"focus-2"})))
    conference = info_of(Scheduler(site).asked(record())).entity
    request = Request(
        request_id="1",
        from_=conference,
        to="http://records.example.com/",
        command=GetConference(conference_keys=ConferenceKeys(conf_entity=conference)),
    )
    now = site.net.now
    assert site.factory.receive_c3p(request, peer="mallory", now=now).status == 403
    reply = site.factory.receive_c3p(request, peer="focus-2", now=now)
    assert reply.document is not None
    assert info_of(reply.document).entity == conference
    unknown = attrs.evolve(request, command=GetConference())
    reply = site.factory.receive_c3p(unknown, peer="focus-2", now=now)
    assert reply.document is not None
    assert failure(reply.document) == ("otherFailure", "conferenceDoesntExist")
    wrong = Notify(notification_id=1, from_="a", to="b", conference_info=ConferenceInfo(entity="x"))
    assert site.factory.receive_c3p(wrong, peer="focus-2", now=now).status == 400


def test_a_factory_without_a_focus_beside_it_deletes_records_all_the_same() -> None:
    site = Site()
    entropy = SeededEntropy(b"elsewhere")
    endpoint, store = site.endpoint("192.0.2.200", entropy), MemoryStore()
    factory = FocusFactory(endpoint, FactoryConfig(domain="example.com"), store=store, entropy=entropy)
    site.net.node("elsewhere", "192.0.2.200", endpoint, factory)
    alice = site.client("alice", outbound_proxy=Uri.parse("sip:192.0.2.200:5060;transport=tcp"))
    site.created(alice, conference_id="DELETEME")
    alice.client.delete_record("DELETEME", now=site.net.now)
    site.net.run()
    assert len(alice.node.of(CommandSucceeded)) == 1
    assert len(store) == 0


@pytest.mark.parametrize("roles", [("Presenter",), ("emperor",), ("presenter", "attendee")])
def test_a_role_that_is_none_is_refused_and_not_left_out(roles: tuple[str, ...]) -> None:
    command = record()
    info = command.conference_info
    assert info is not None
    users = Users(users=(User(entity="sip:bob@example.com", roles=roles),))
    response = Scheduler(Site()).asked(attrs.evolve(command, conference_info=attrs.evolve(info, users=users)))
    assert (response.code, response.reason) == (Code.FAILURE, "requestMalformed")
