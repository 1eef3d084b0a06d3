"""How a conference goes on with what was written of it (docs/design-decisions.rst).

Nobody is hung up. A participant whose dialog came back is in as before. The others are absent for `rejoin_grace`
seconds: their endpoints stay in the roster, and who joins again with the same endpoint takes its place, with its role,
its open commands and the answers that it may ask for again. Subscribers whose subscription came back are told
everything, under a version above all that they may have seen.

What was open goes on. What an MCU may have is not sent again unless its command may be carried out twice: a phone rings
once. Its answer is waited for, as long as the MCU shows what it is about. What no MCU can have is sent.

Times. Those of a store are times of the wall clock, and that may have been set while nobody was here. The end of a
record is such a time by its meaning. All others are spans: what is left of one is never more than the whole span, and
spans in which somebody is to answer begin anew, since nobody could.
"""

from __future__ import annotations

from c3p import Endpoint, SessionType, Status, guid_key, mcu_type_of
from focus.commands.results import send_result
from focus.conference import Conference
from focus.context import Context
from focus.durable.fields import SavedCommand
from focus.durable.read import SavedConference
from focus.mcus.relay import ClientCommand, Relay, RelayState, relay_life
from focus.notifier import Subscriber
from focus.participant import Participant, absent_session
from focus.policy import ATTENDEE
from sip import AddressOfRecord, ConferenceAddress


def resume_conference(context: Context, saved: SavedConference, *, epoch: int | None, now: float) -> Conference:
    """The conference as it was, with its MCUs still to be told."""
    head, record = saved.head, saved.record
    assert head is not None  # a conference without one is not read
    assert record is not None
    address = ConferenceAddress.read(record.focus_uri)
    owned = head.epoch if epoch is None else epoch
    conference = Conference(context, address=address, record=record, epoch=owned, now=now)
    conference.set_lock(head.locked, None)
    if head.unattended_until is not None:
        left = head.unattended_until - context.endpoint.wall_clock - now
        conference.unattended_until = now + min(max(left, 0.0), context.config.unattended_timeout)
    conference.roster.resume(saved.users.values(), saved.views.values(), head.room)
    for number in saved.participants:
        _participant(context, conference, saved, number, now=now)
    _drop_strays(conference, saved)
    _subscribers(context, conference, saved, now=now)
    for mcu_type, link in saved.links.items():
        conference.mcus.link(mcu_type).recall(link.address(), link.exclude, link.lost)
    unsent = {request_id for request_id, (way, _) in saved.relays.items() if not way.sent}
    for one, intent in sorted(saved.intents, key=lambda each: each[0].order):
        if intent.carrier in unsent and intent.before is None:
            continue  # it begins with its command
        conference.mcus.reconciliation(one.mcu_type).intents[intent.key] = intent
    for mcu_type, stream, media in saved.muted:
        conference.mcus.reconciliation(mcu_type).muted[stream] = media
    return conference


def _participant(context: Context, conference: Conference, saved: SavedConference, number: int, *, now: float) -> None:
    one, participants = saved.participants[number], conference.participants
    session = context.endpoint.session_at(one.dialog) if one.dialog else None
    if session is not None and participants.get(session) is not None:
        session = None  # two in one dialog: somebody has changed what was written
    remembered = participants.new_memory(number)
    for request_id, (answer, told) in saved.answers.get(number, {}).items():
        remembered.put(request_id, answer, told=told)
    user = AddressOfRecord.read(one.user)
    participants.add(
        Participant(
            session=absent_session(number) if session is None else session,
            user=user,
            endpoint=one.endpoint,
            number=number,
            flow=None,
            host=one.host,
            remembered=remembered,
            lost_until=now + context.config.rejoin_grace if session is None else None,
        )
    )
    if conference.roster.find_endpoint(user, one.endpoint) is None:
        here = Endpoint(entity=one.endpoint, session_type=SessionType.FOCUS, status=Status.CONNECTED)
        conference.roster.set_endpoint(user, here, role=ATTENDEE)


def _drop_strays(conference: Conference, saved: SavedConference) -> None:
    """Endpoints that nobody would ever take away: what was written of their participant, or of their MCU, is lost.

    An MCU of which nothing is known cannot be told of the conference, and lets it go; it will say nothing more.
    """
    linked = {mcu_type for mcu_type, link in saved.links.items() if link.address() is not None}
    for user in list(conference.roster.users.values()):
        for endpoint in list(user.endpoints.values()):
            if endpoint.session_type not in (SessionType.FOCUS, *linked):
                conference.roster.remove_endpoint(user.address, endpoint.entity)
    for view in list(conference.roster.views.values()):
        mcu_type = mcu_type_of(view.entity)
        if mcu_type is not None and mcu_type not in linked:
            conference.roster.remove_view(ConferenceAddress.read(view.entity))
    known = {(one.user.key, guid_key(one.endpoint)) for one in conference.participants.all()}
    for key, user in conference.roster.holders(SessionType.FOCUS):
        for guid, endpoint in user.of_type(SessionType.FOCUS).items():
            if (key, guid) not in known:
                conference.roster.remove_endpoint(user.address, endpoint.entity)


def _subscribers(context: Context, conference: Conference, saved: SavedConference, *, now: float) -> None:
    for number, one in saved.subscribers.items():
        subscription = context.endpoint.subscription_at(one.dialog) if one.dialog else None
        if subscription is None or subscription in conference.notifier:
            continue
        subscriber = Subscriber(
            subscription,
            one.user,
            number,
            None,
            one.limited,
            version=one.room,
            reserved=one.room,
            autoextend=one.autoextend,
        )
        subscriber.told(now)
        conference.notifier.add(subscriber)
        if not conference.participants.of_user(one.user):
            conference.notifier.end(subscriber, "noresource", now=now)


def resume_commands(context: Context, conference: Conference, saved: SavedConference, *, now: float) -> None:
    """Tell its MCUs of the conference, and go on with what was open."""
    conference.mcus.go_on(now=now)
    commands, participants = conference.commands, conference.participants
    for number, (one, request, dial_out) in saved.commands.items():
        participant = participants.numbered(one.participant) if one.participant is not None else None
        if participant is not None:
            participant.open_commands += 1
        command = ClientCommand(
            number=number,
            requester=one.requester,
            session=None if participant is None else participant.session,
            request=request,
            correlation=one.correlation,
            received_at=min(one.received_at - context.endpoint.wall_clock, now),
            waiting_for=set(one.waiting_for),
            everywhere=one.everywhere,
            agreed=one.agreed,
            deadline=now + _time_for(one, context) if one.everywhere else None,
        )
        commands.resume(command, dial_out)
    for request_id, (way, request) in sorted(saved.relays.items(), key=lambda each: each[1][0].order):
        relay = Relay(
            request_id=request_id,
            mcu_type=way.mcu_type,
            command=request.command,
            parent=commands.open.get(way.parent) if way.parent is not None else None,
            originator=request.originator,
            originator_role=request.originator_role,
            correlation=request.correlation_id,
            life=relay_life(RelayState.FORWARDED if way.sent else RelayState.NEW),
        )
        commands.go_on(relay, sent=way.sent, now=now)
    commands.finish_lost(now=now)
    for participant in participants.all():
        for of in participant.remembered.untold if not participant.absent else ():
            answer = participant.remembered.get(of)
            assert answer is not None
            send_result(context, conference.key, participant, answer.body, of=of, now=now)


def _time_for(command: SavedCommand, context: Context) -> float:
    return context.config.eject_timeout if command.agreed else context.config.fan_out_timeout
