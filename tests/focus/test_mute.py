"""Muting one and all (docs/commands.rst)."""

from __future__ import annotations

import attrs
from commanding import PHONE, connected, send
from focus_site import Site

from c3p import (
    Code,
    EntityState,
    EntityView,
    GetConference,
    MayModifyOwnFilters,
    Media,
    MediaFiltersRules,
    ModifyConference,
    ModifyEndpointMedia,
    Notify,
    Reply,
    Request,
    Response,
)
from focus import CommandFailed, CommandFinished, CommandSucceeded


def test_a_presenter_mutes_a_phone_on_its_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    endpoint = connected(site, alice)
    command = alice.client.mute(PHONE, endpoint=endpoint.entity, now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(ModifyEndpointMedia)
    assert isinstance(request.command, ModifyEndpointMedia)
    assert request.command.media is not None
    assert (request.command.media.status, request.command.media.ingress_filter) == ("recvonly", "block")
    media = Media(id="1", type="audio", label="main-audio", status="recvonly", ingress_filter="block")
    mcu.call(PHONE, "connected", media=(media,))
    user = bob.user(PHONE)
    assert user is not None
    assert user.endpoints[0].media == (media,)
    assert alice.node.last(CommandSucceeded).command == command


def test_an_attendee_mutes_itself_but_unmutes_only_where_the_rules_let_it() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    endpoint = connected(site, alice, "sip:bob@example.com")

    def toggle(muted: bool) -> list[CommandFailed]:
        bob.client.mute("sip:bob@example.com", endpoint=endpoint.entity, muted=muted, now=site.net.now)
        site.net.run()
        return bob.node.of(CommandFailed)

    assert toggle(True) == []
    assert toggle(False) == []
    rules = MediaFiltersRules(may_modify_own_filters=(MayModifyOwnFilters(role="default", value=False),), type="audio")
    view = EntityView(entity=mcu.uri, state="full", entity_state=EntityState(media_filters_rules=rules))
    whole = mcu.document()
    assert whole.conference_view is not None
    mcu.version += 1
    shown = attrs.evolve(mcu.document(), conference_view=attrs.evolve(whole.conference_view, views=(view,)))
    mcu.post(Notify(notification_id=9, from_=mcu.uri, to=mcu.conference, conference_info=shown))
    assert toggle(True) == []
    (failed,) = toggle(False)
    assert failed.diagnostics is not None
    assert (failed.status, failed.diagnostics.error_id) == (403, 3014)


def test_mute_all_is_a_change_of_the_mcus_rules() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    connected(site, alice)
    command = alice.client.mute_all(True, may_unmute=False, now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(ModifyConference)
    assert isinstance(request.command, ModifyConference)
    assert request.command.conference_info is not None
    assert request.command.conference_info.conference_view is not None
    (view,) = request.command.conference_info.conference_view.views
    assert view.entity_state is not None
    rules = view.entity_state.media_filters_rules
    assert rules is not None
    assert rules.initial_filters[0].ingress_filter == "block"
    assert rules.may_modify("attendee") is False
    assert alice.node.last(CommandSucceeded).command == command


def test_what_the_mcu_refuses_is_refused_to_the_client() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    endpoint = connected(site, alice)
    mcu.answers[ModifyEndpointMedia] = _refusal
    alice.client.mute(PHONE, endpoint=endpoint.entity, now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.command_reason == "mediaDoesntExist"
    assert site.node.last(CommandFinished).specific_reason == "mediaDoesntExist"


def _refusal(request: Request) -> Reply:
    return Reply(200, request.respond(Code.FAILURE, reason="otherFailure", command_reason="mediaDoesntExist"))


def test_a_response_from_a_client_is_no_command() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    body = Response(
        request_id="1",
        from_="sip:alice@example.com",
        to=conference,
        code=Code.SUCCESS,
        command=GetConference(),
    )
    assert send(site, alice, bytes(body)) == (400, "3006")
