"""Documents as they are on the wire: one for each tree of the protocol pages, in both prefix styles."""

from __future__ import annotations

import pytest

import c3p
from c3p import (
    AddConference,
    AddUser,
    C3PError,
    Code,
    ConferenceInfo,
    DeleteConference,
    DeleteUser,
    EndorseUser,
    GetConference,
    GetConferences,
    GetConferencingCapabilities,
    MalformedDocument,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpoint,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Notify,
    RegisterMcu,
    Request,
    Response,
    SetLobbyAccess,
    UnknownCommand,
    parse_document,
)

FOCUS = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:4F2C"
AV = "sip:alice@example.com;gruu;opaque=app:conf:audio-video:id:4F2C"
GUID = "{BA5328CC-C663-438C-BA63-F94FA4FF1D37}"
NAMESPACES = """xmlns="urn:ietf:params:xml:ns:cccp" xmlns:mscp="http://schemas.microsoft.com/rtc/2005/08/cccpextensions"
 xmlns:ci="urn:ietf:params:xml:ns:conference-info" xmlns:cis="urn:ietf:params:xml:ns:conference-info-separator"
 xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"
 xmlns:msci2="http://schemas.microsoft.com/rtc/2008/12/confinfoextensions"
 xmlns:msav="http://schemas.microsoft.com/rtc/2005/08/avconfinfoextensions\""""


def request(body: str) -> Request:
    text = (
        f'<request {NAMESPACES} C3PVersion="1" to="{FOCUS}" from="sip:alice@example.com" requestId="7">{body}</request>'
    )
    document = parse_document(text.encode())
    assert isinstance(document, Request)
    assert parse_document(bytes(document)) == document
    return document


def command(body: str) -> c3p.Command:
    return request(body).command


def response(attributes: str, body: str) -> Response:
    text = f'<response {NAMESPACES} requestId="7" from="{FOCUS}" to="sip:a@example.com" {attributes}>{body}</response>'
    document = parse_document(text.encode())
    assert isinstance(document, Response)
    assert parse_document(bytes(document)) == document
    return document


PREFIXED = f"""
<addUser mscp:mcuUri="{AV}"><conferenceKeys confEntity="{FOCUS}"/>
 <ci:user entity="sip:bob@example.com"><ci:display-text>Bob</ci:display-text>
  <ci:roles><ci:entry>attendee</ci:entry></ci:roles>
  <ci:endpoint entity="{GUID}" msci:endpoint-uri="tel:+15550100">
   <ci:joining-method> dialed-out </ci:joining-method>
   <ci:media id="1"><ci:type>audio</ci:type><ci:label>main-audio</ci:label>
    <ci:status>recvonly</ci:status><msci:media-ingress-filter>block</msci:media-ingress-filter></ci:media>
   <msci:authMethod/><msci:accessMethod/><cis:separator/><msci:languages>en-US</msci:languages>
  </ci:endpoint></ci:user></addUser>"""
REDECLARED = f"""
<addUser mcuUri="{AV}"><conferenceKeys confEntity="{FOCUS}"/>
 <user xmlns="urn:ietf:params:xml:ns:conference-info" xmlns:m="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"
  entity="sip:bob@example.com"><display-text>Bob</display-text><roles><entry>attendee</entry></roles>
  <endpoint entity="{GUID}" m:endpoint-uri="tel:+15550100"><joining-method>dialed-out</joining-method>
   <media id="1"><type>audio</type><label>main-audio</label><status>recvonly</status>
    <m:media-ingress-filter>block</m:media-ingress-filter></media>
   <m:authMethod/><m:accessMethod/><m:languages>en-US</m:languages></endpoint></user></addUser>"""
DIAL_OUT = AddUser(
    mcu_uri=AV,
    conference_keys=c3p.ConferenceKeys(conf_entity=FOCUS),
    user=c3p.User(
        entity="sip:bob@example.com",
        display_text="Bob",
        roles=("attendee",),
        endpoints=(
            c3p.Endpoint(
                entity=GUID,
                endpoint_uri="tel:+15550100",
                joining_method="dialed-out",
                media=(c3p.Media(id="1", type="audio", label="main-audio", status="recvonly", ingress_filter="block"),),
                auth_method="",
                access_method="",
                languages="en-US",
            ),
        ),
    ),
)


@pytest.mark.parametrize("body", [PREFIXED, REDECLARED])
def test_dial_out_in_both_prefix_styles(body: str) -> None:
    assert command(body) == DIAL_OUT


def test_dial_out_is_written_with_what_strict_peers_need() -> None:
    text = bytes(Request(request_id="0", from_="sip:a@example.com", to=FOCUS, command=DIAL_OUT)).decode()
    assert f'<addUser mscp:mcuUri="{AV}"><conferenceKeys confEntity="{FOCUS}"/>' in text
    assert ' C3PVersion="1"' in text
    assert "<msci:accessMethod></msci:accessMethod><cis:separator/><msci:languages>en-US</msci:languages>" in text
    assert "xmlns:msci2" not in text


def test_dial_out_names_what_it_adds() -> None:
    assert DIAL_OUT.joining_method == "dialed-out"
    assert DIAL_OUT.endpoint is DIAL_OUT.user.endpoints[0]


def test_join() -> None:
    joined = command(f"""
<addUser><conferenceKeys confEntity="{FOCUS}" mscp:telemetry-id="t"/>
 <ci:user entity="sip:alice@example.com"><ci:roles><ci:entry>attendee</ci:entry></ci:roles>
  <ci:endpoint entity="{GUID}"><msci:clientInfo><cis:separator/><msci2:lobby-capable>
   true </msci2:lobby-capable></msci:clientInfo></ci:endpoint></ci:user></addUser>""")
    assert isinstance(joined, AddUser)
    assert joined.joining_method is None
    assert joined.endpoint
    assert joined.endpoint.client_info == c3p.ClientInfo(lobby_capable=True)
    assert joined.conference_keys.telemetry_id == "t"


def test_join_without_endpoint_has_no_joining_method() -> None:
    keys = c3p.ConferenceKeys(conf_entity=FOCUS)
    assert AddUser(conference_keys=keys, user=c3p.User(entity="sip:a@example.com")).joining_method is None


def test_response_to_dial_in_tells_how_to_reach_the_mcu() -> None:
    answer = response(
        'code="success" C3PVersion="1"',
        f"""<addUser><conferenceKeys confEntity="{FOCUS}"/><ci:user entity="sip:alice@example.com"/>
        <mscp:connection-info><mscp:entry><mscp:key>Mcu-Server-Uri</mscp:key>
        <mscp:value>sip:mcu.example.com</mscp:value></mscp:entry></mscp:connection-info></addUser>""",
    )
    assert isinstance(answer.command, AddUser)
    assert answer.command.connection_info
    assert answer.command.connection_info.get("mcu-server-uri") == "sip:mcu.example.com"
    assert answer.command.connection_info.get("other") is None
    assert answer.command.connection_info == c3p.ConnectionInfo.of({"Mcu-Server-Uri": "sip:mcu.example.com"})


def test_failure_carries_both_reasons() -> None:
    answer = response(
        'code="failure" reason="otherFailure" retryAfter="5" version="3" responder="focus"',
        f'<addUser reason="dialOutBusy"><conferenceKeys confEntity="{FOCUS}"/><ci:user entity="sip:b"/></addUser>',
    )
    assert (answer.code, answer.reason, answer.command_reason) == (Code.FAILURE, "otherFailure", "dialOutBusy")
    assert (answer.retry_after, answer.version, answer.final) == (5, 3, True)


def test_pending_without_command() -> None:
    answer = response('code="pending" timeOut="180"', "")
    assert (answer.final, answer.time_out, answer.command, answer.command_reason) == (False, 180, None, None)


def test_answer_that_leaves_out_the_keys_keeps_its_xml() -> None:
    answer = response('code="failure"', '<deleteUser reason="userDoesntExist"/>')
    assert isinstance(answer.command, UnknownCommand)
    assert (answer.command.name, answer.command_reason) == ("deleteUser", "userDoesntExist")


def test_delete_user() -> None:
    keys = c3p.UserKeys(conf_entity=FOCUS, user_entity="sip:bob@example.com")
    body = f'<deleteUser><userKeys confEntity="{FOCUS}" userEntity="sip:bob@example.com"/></deleteUser>'
    assert command(body) == DeleteUser(user_keys=keys)
    assert command(body).name == "deleteUser"


def test_modify_user_roles() -> None:
    body = f"""<modifyUserRoles><userKeys confEntity="{FOCUS}" userEntity="sip:b"/>
    <ci:user-roles><ci:entry>presenter</ci:entry></ci:user-roles></modifyUserRoles>"""
    assert command(body) == ModifyUserRoles(
        user_keys=c3p.UserKeys(conf_entity=FOCUS, user_entity="sip:b"), roles=("presenter",)
    )


def test_lock() -> None:
    body = f"""<modifyConferenceLock><conferenceKeys confEntity="{FOCUS}"/><locked> TRUE </locked>
    <msci:admission-policy>anonymous</msci:admission-policy></modifyConferenceLock>"""
    assert command(body) == ModifyConferenceLock(
        conference_keys=c3p.ConferenceKeys(conf_entity=FOCUS), locked=True, admission_policy="anonymous"
    )


def test_mute() -> None:
    body = f"""<modifyEndpointMedia mscp:mcuUri="{AV}">
    <mediaKeys confEntity="{FOCUS}" userEntity="sip:b" endpointEntity="{GUID}" mediaId="1"/>
    <ci:media id="1"><ci:type>audio</ci:type><ci:status>recvonly</ci:status>
    <msci:media-ingress-filter>block</msci:media-ingress-filter></ci:media></modifyEndpointMedia>"""
    keys = c3p.MediaKeys(conf_entity=FOCUS, user_entity="sip:b", endpoint_entity=GUID, media_id="1")
    media = c3p.Media(id="1", type="audio", status="recvonly", ingress_filter="block")
    assert command(body) == ModifyEndpointMedia(mcu_uri=AV, media_keys=keys, media=media)


def test_modify_endpoint() -> None:
    body = f"""<modifyEndpoint><endpointKeys confEntity="{FOCUS}" userEntity="sip:b" endpointEntity="{GUID}"/>
    <ci:endpoint entity="{GUID}"><ci:display-text>Desk</ci:display-text></ci:endpoint></modifyEndpoint>"""
    keys = c3p.EndpointKeys(conf_entity=FOCUS, user_entity="sip:b", endpoint_entity=GUID)
    endpoint = c3p.Endpoint(entity=GUID, display_text="Desk")
    assert command(body) == ModifyEndpoint(endpoint_keys=keys, endpoint=endpoint)


@pytest.mark.parametrize(
    "body",
    [
        '<conferenceKeys confEntity="{0}"/><enabled>false</enabled>',
        '<conferenceKeys confEntity="{0}"><enabled>false</enabled></conferenceKeys>',
    ],
)
def test_announcements_beside_or_inside_the_keys(body: str) -> None:
    text = f"<modifyConferenceAnnouncements mscp:mcuUri='{AV}'>{body.format(FOCUS)}</modifyConferenceAnnouncements>"
    keys = c3p.ConferenceKeys(conf_entity=FOCUS)
    assert command(text) == ModifyConferenceAnnouncements(mcu_uri=AV, conference_keys=keys, enabled=False)


def test_announcements_without_a_word_stay_without() -> None:
    text = f"""<modifyConferenceAnnouncements><conferenceKeys confEntity="{FOCUS}"><enabled>perhaps</enabled>
    </conferenceKeys></modifyConferenceAnnouncements>"""
    found = command(text)
    assert isinstance(found, ModifyConferenceAnnouncements)
    assert found.enabled is None


MUTE_ALL = f"""<modifyConference mscp:mcuUri="{AV}"><ci:conference-info entity="{FOCUS}" state="partial">
<msci:conference-view ci:state="partial"><msci:entity-view ci:state="partial" entity="{AV}"><msci:entity-state>
<msci:mediaFiltersRules><msci:mayModifyOwnFilters><msci:role>default</msci:role><msci:value>false</msci:value>
</msci:mayModifyOwnFilters><msci:initialFilters><msci:role>default</msci:role><msci:ingressFilter>block</msci:ingressFilter>
</msci:initialFilters></msci:mediaFiltersRules></msci:entity-state></msci:entity-view></msci:conference-view>
</ci:conference-info></modifyConference>"""


def test_mute_all() -> None:
    found = command(MUTE_ALL)
    assert isinstance(found, ModifyConference)
    assert found.conference_info
    assert found.conference_info.conference_view
    assert found.conference_info.conference_view.state == "partial"
    view = found.conference_info.conference_view.view(AV)
    assert view
    assert view.entity_state
    rules = view.entity_state.media_filters_rules
    assert rules
    assert not rules.may_modify("attendee")
    initial = rules.initial("presenter")
    assert initial
    assert initial.ingress_filter == "block"
    assert found.conference_info.conference_view.view("sip:other") is None


def test_rules_that_do_not_speak_allow() -> None:
    rules = c3p.MediaFiltersRules()
    assert rules.may_modify("attendee")
    assert rules.initial("attendee") is None


def test_lobby() -> None:
    body = f"""<setLobbyAccess><conferenceKeys confEntity="{FOCUS}"/><userEntity>sip:b</userEntity>
    <userEntity>sip:c</userEntity><access>granted</access></setLobbyAccess>"""
    keys = c3p.ConferenceKeys(conf_entity=FOCUS)
    assert command(body) == SetLobbyAccess(conference_keys=keys, user_entities=("sip:b", "sip:c"), access="granted")


def test_get_and_delete_conference_by_id() -> None:
    keys = c3p.ConferenceKeys(conference_id="4F2C")
    assert command('<getConference><conferenceKeys msci:conference-id="4F2C"/></getConference>') == GetConference(
        conference_keys=keys
    )
    body = '<deleteConference><conferenceKeys msci:conference-id="4F2C"/></deleteConference>'
    assert command(body) == DeleteConference(conference_keys=keys)


def test_get_conferences_answers_several_records() -> None:
    body = f"""<getConferences><conference-infos><ci:conference-info entity="{FOCUS}" version="1"/>
    <ci:conference-info entity="{FOCUS}" version="2"/></conference-infos></getConferences>"""
    found = command(body)
    assert isinstance(found, GetConferences)
    assert [info.version for info in found.conference_infos] == [1, 2]


def test_capabilities() -> None:
    assert command("<getConferencingCapabilities/>") == GetConferencingCapabilities()
    found = command("""<getConferencingCapabilities><mcu-types><mcuType>chat</mcuType><mcuType>audio-video</mcuType>
    </mcu-types><pstn-bridging><enabled>true</enabled><access-numbers><region name="North East"><access-number>
    <number>+15550100</number></access-number></region><default-region>North East</default-region></access-numbers>
    </pstn-bridging></getConferencingCapabilities>""")
    assert isinstance(found, GetConferencingCapabilities)
    assert found.mcu_types == ("chat", "audio-video")
    assert found.pstn_bridging
    assert found.pstn_bridging.access_numbers
    assert found.pstn_bridging.access_numbers.regions[0].access_numbers[0].number == "+15550100"


def test_endorse_user() -> None:
    body = f'<endorseUser result="otherFailure"><conferenceKeys confEntity="{FOCUS}"/></endorseUser>'
    keys = c3p.ConferenceKeys(conf_entity=FOCUS)
    assert command(body) == EndorseUser(conference_keys=keys, result="otherFailure")


def test_add_conference_leaves_the_entity_to_the_server() -> None:
    body = """<addConference><ci:conference-info entity=""><ci:conference-description><ci:subject/>
    <msci:conference-id>4F2C</msci:conference-id><msci:expiry-time>2026-01-31T08:00:00Z</msci:expiry-time>
    <msci:admission-policy>openAuthenticated</msci:admission-policy></ci:conference-description>
    <msci:conference-view><msci:entity-view entity="chat"/><msci:entity-view entity="audio-video"/>
    </msci:conference-view></ci:conference-info></addConference>"""
    found = command(body)
    assert isinstance(found, AddConference)
    assert found.conference_info
    assert found.conference_info.description
    assert (found.conference_info.entity, found.conference_info.description.subject) == ("", "")
    assert found.conference_info.conference_view
    assert [view.entity for view in found.conference_info.conference_view.views] == ["chat", "audio-video"]


def test_commands_between_servers_go_round() -> None:
    allocate = AddConference(
        conference_keys=c3p.ConferenceKeys(conf_entity=FOCUS), mcu_type="audio-video", exclude=("mcu-1", "mcu-2")
    )
    announce = RegisterMcu(mcu_id="mcu-1", mcu_types=("audio-video",), conferences=0, legs=2, draining=False)
    for one in (allocate, announce, c3p.GetMcuHealth(), c3p.GetEncryptionKey(), c3p.GetAvailableMcuTypes()):
        document = Request(
            request_id="1", from_=FOCUS, to=AV, originator="sip:a", originator_role="presenter", command=one
        )
        assert parse_document(bytes(document)) == document


def test_notify() -> None:
    text = f"""<notify xmlns="urn:ietf:params:xml:ns:cccp" C3PVersion="1" notificationId="17" from="{AV}" to="{FOCUS}">
    <conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="{FOCUS}" state="partial" version="17"/>
    </notify>"""
    info = ConferenceInfo(entity=FOCUS, state="partial", version=17)
    assert parse_document(text.encode()) == Notify(notification_id=17, from_=AV, to=FOCUS, conference_info=info)


CAPTURED = f"""<?xml version="1.0"?>
<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" xmlns:ci="urn:ietf:params:xml:ns:conference-info"
 xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"
 xmlns:cis="urn:ietf:params:xml:ns:conference-info-separator"
 xmlns:msmcu="http://schemas.microsoft.com/rtc/2009/03/commonmcuextensions"
 entity="{FOCUS}" state="full" version="1" static="false">
 <conference-description><subject>Review</subject><conf-uris state="full"><entry><uri>{AV}</uri>
  <display-text>audio-video</display-text><purpose>audio-video</purpose></entry></conf-uris>
  <msci:organizer><msci:entity>sip:Alice@example.com</msci:entity></msci:organizer><cis:separator/>
  <msci:pstn-access><msci:id>123</msci:id></msci:pstn-access><cis:separator/><msci:autopromote>2147516416</msci:autopromote>
  <cis:separator/><msci:custom-invite/><msci:server-mode>14</msci:server-mode></conference-description>
 <users state="full" msci:participant-count="1"><user entity="sip:alice@example.com" state="full">
  <endpoint entity="{GUID}" msci:session-type="focus"><status>connected</status></endpoint>
  <endpoint entity="{{00}}" msci:session-type="audio-video" state="full"><status>connected</status><media id="1">
   <label>main-audio</label><cis:separator/><cis:separator/><cis:separator/><msci:media-source-id>5</msci:media-source-id>
   </media><call-info><sip><call-id/></sip></call-info></endpoint></user></users>
 <msci:conference-view ci:state="full"><msci:entity-view ci:state="full" entity="{AV}"><msci:entity-state>
  <msci:locked>false</msci:locked><msci:media><entry label="main-audio"><type>audio</type></entry></msci:media>
  <cis:separator/><msmcu:presentation-mode-capable>true</msmcu:presentation-mode-capable></msci:entity-state>
  </msci:entity-view></msci:conference-view>
 <cis:separator/><msci:trusted-entities state="full"/></conference-info>"""


def test_captured_roster() -> None:
    info = parse_document(CAPTURED.encode())
    assert isinstance(info, ConferenceInfo)
    assert info.static is False
    assert info.description
    assert info.description.server_mode == 14
    assert info.users
    assert info.users.participant_count == 1
    focus, av = info.users.users[0].endpoints
    assert (focus.state, focus.session_type, av.media[0].media_source_id) == (None, "focus", 5)
    assert info.conference_view
    assert info.trusted_entities == c3p.Users(state="full")
    assert not info.extra
    text = bytes(info).decode()
    assert '<msci:conference-view ci:state="full">' in text
    assert text.count("<cis:separator/>") == CAPTURED.count("<cis:separator/>")
    assert parse_document(text.encode()) == info


def test_pidgin_sipe_join() -> None:
    text = f"""<?xml version="1.0"?>
<request xmlns="urn:ietf:params:xml:ns:cccp" xmlns:mscp="http://schemas.microsoft.com/rtc/2005/08/cccpextensions"
 C3PVersion="1" to="{FOCUS}" from="sip:alice@example.com" requestId="0">
<addUser><conferenceKeys confEntity="{FOCUS}"/>
<ci:user xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="sip:alice@example.com">
<ci:roles><ci:entry>attendee</ci:entry></ci:roles>
<ci:endpoint entity="{GUID}" xmlns:msci="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"/>
</ci:user></addUser></request>"""
    document = parse_document(b"\xef\xbb\xbf" + text.encode())
    assert isinstance(document, Request)
    assert document.request_id == "0"
    assert isinstance(document.command, AddUser)
    assert document.command.user.endpoints[0].entity == GUID


def test_derivative_dialect_without_namespaces() -> None:
    text = """<request version="1" to="sip:Conference_1@example.com;opaque=app:conf:focus:id:1" from="sip:a@example.com"
    requestId="3"><addUser><conferenceKeys confEntity="sip:Conference_1@example.com;opaque=app:conf:focus:id:1"/>
    <user requestUri="sip:b@example.com"/></addUser></request>"""
    document = parse_document(text.encode())
    assert isinstance(document, Request)
    assert isinstance(document.command, AddUser)
    assert document.command.user.extra.attribute("requestUri") == "sip:b@example.com"
    assert parse_document(bytes(document)) == document


def test_derivative_mute_all_is_read_without_namespaces() -> None:
    bare = MUTE_ALL.replace("mscp:", "").replace("msci:", "").replace("ci:", "")
    found = parse_document(f'<request version="1" to="sip:c" from="sip:a" requestId="3">{bare}</request>'.encode())
    assert isinstance(found, Request)
    assert found.command == command(MUTE_ALL)


@pytest.mark.parametrize("name", ["addMultiUser", "modifyEndpointMediaBatch", "modifyUsersMediaFilters", "playPrompt"])
def test_unknown_command_keeps_its_xml(name: str) -> None:
    found = command(f'<{name} mscp:mcuUri="{AV}"><users>a<user/>b</users></{name}>')
    assert isinstance(found, UnknownCommand)
    assert (found.name, found.mcu_uri) == (name, AV)
    (users,) = found.element.elements()
    assert (users.text, users.elements()[0].local_name) == ("ab", "user")
    assert found.echo("notSupported").reason == "notSupported"


def test_several_commands_are_kept_for_the_answer_3006() -> None:
    found = request("<getConference/><cis:separator/><getConferencingCapabilities/>")
    assert found.command == GetConference()
    assert found.more == (GetConferencingCapabilities(),)


def test_respond_swaps_and_echoes() -> None:
    asked = request(PREFIXED)
    answer = asked.respond(Code.FAILURE, reason="otherFailure", command_reason="dialOutBusy", retry_after=3)
    assert (answer.from_, answer.to, answer.request_id) == (FOCUS, "sip:alice@example.com", "7")
    assert isinstance(answer.command, AddUser)
    assert answer.command.conference_keys == DIAL_OUT.conference_keys
    assert (answer.command.mcu_uri, answer.command_reason, answer.retry_after) == (None, "dialOutBusy", 3)
    assert parse_document(bytes(answer)) == answer


def test_respond_with_another_command() -> None:
    info = ConferenceInfo(entity=FOCUS, state="full")
    answer = request("<getConference/>").respond(Code.SUCCESS, command=GetConference(conference_info=info))
    assert answer.command == GetConference(conference_info=info)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a/>",
        "<request/>",
        '<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="1" from="a" to="b"/>',
        '<request xmlns="urn:other" requestId="1" from="a" to="b"><addUser/></request>',
        '<request requestId="" from="a" to="b"><getConference/></request>',
        '<request requestId="1" from="a" to="b"><deleteUser/></request>',
        '<response requestId="1" from="a" to="b" code="maybe"/>',
        '<response requestId="1" from="a" to="b"/>',
        '<notify notificationId="x" from="a" to="b"><conference-info entity=""/></notify>',
        '<notify notificationId="1" from="a" to="b"/>',
    ],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(MalformedDocument) as caught:
        parse_document(text.encode())
    assert (caught.value.error_id, caught.value.status_hint) == (3006, 400)


def test_add_user_without_user_has_its_own_error() -> None:
    text = '<request requestId="1" from="a" to="b"><addUser><conferenceKeys confEntity="c"/></addUser></request>'
    with pytest.raises(MalformedDocument) as caught:
        parse_document(text.encode())
    assert caught.value.error_id == c3p.ErrorId.ADD_USER_CONTENT_INVALID


def test_request_id_is_kept_as_it_came() -> None:
    assert request("<getConference/>").respond(Code.SUCCESS).request_id == "7"
    text = '<request requestId="00042" from="a" to="b"><getConference/></request>'
    document = parse_document(text.encode())
    assert isinstance(document, Request)
    assert document.request_id == "00042"


def test_errors_are_value_errors() -> None:
    assert issubclass(C3PError, ValueError)
