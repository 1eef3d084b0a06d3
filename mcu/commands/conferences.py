"""Conferences on this MCU: who may command them, how they come and go (docs/commands.rst)."""

from __future__ import annotations

import attrs

from c3p import (
    MAX_EPOCH,
    AddConference,
    AddUser,
    C3PError,
    Code,
    Command,
    ConferenceInfo,
    DeleteConference,
    EntityView,
    GetMcuHealth,
    Notify,
    Reply,
    Request,
    Response,
    are_known_filters,
    mcu_uri,
)
from mcu.commands.commands import Commands
from mcu.commands.row import may_control
from mcu.conference import Conference
from mcu.context import Context
from mcu.events import ConferenceEndCause, ConferenceEnded
from mcu.identity import conference_id
from mcu.legs.termination import Termination, disconnection_of
from mcu.medium import Medium
from mcu.opening import open_conference
from mcu.outcome import Ending
from mcu.policy import Refusal, RefusalReason
from mcu.refusals import refuse_command
from mcu.responses import refused
from mcu.whereabouts import is_allowed_url
from sip import SipError, Uri, conference_key


class Conferences:
    """Takes documents from Focuses and keeps the conferences they are about."""

    def __init__(self, context: Context, medium: Medium, termination: Termination, commands: Commands) -> None:
        self._context, self._medium, self._termination, self._commands = context, medium, termination, commands

    # Documents -------------------------------------------------------------------------------------------------------

    def receive(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """Answer one document. ``peer`` is the authenticated principal, empty when there is none."""
        if not peer:
            return Reply(401)
        if not isinstance(document, Request):
            return Reply(400)
        if isinstance(document.command, GetMcuHealth):
            return Reply(200, self._health(document, document.command))
        allowed = self._context.config.focus_peers
        if allowed is not None and peer not in allowed:
            return Reply(403)
        if document.more:
            return self._refuse(document, Refusal(RefusalReason.UNPARSEABLE, "one command in a request"))
        if isinstance(document.command, AddConference):
            return self._add(document, document.command, peer, now)
        return self._command(document, peer, now)

    def _health(self, request: Request, command: GetMcuHealth) -> Response:
        context = self._context
        numbers = attrs.evolve(
            command.echo(),
            mcu_id=context.config.mcu_id,
            conferences=len(context.conferences),
            legs=len(context.legs),
            capacity=context.config.max_legs,
            draining=context.draining,
        )
        return request.respond(Code.SUCCESS, command=numbers)

    def _command(self, request: Request, peer: str, now: float) -> Reply:
        if isinstance(request.command, DeleteConference):
            entity: str | None = request.command.conference_keys.conf_entity
        else:
            entity = self._commands.conference_of(request.command)
        conference = self._context.conferences.get(conference_id(entity or request.from_) or "")
        if conference is None:
            unknown = Refusal(RefusalReason.CONFERENCE, "no such conference on this MCU")
            return attrs.evolve(self._refuse(request, unknown), status=404)
        if conference.peer != peer or (request.epoch or 0) < conference.epoch:
            return self._outranked(request, conference)
        if _is_over(request.command, conference):
            gone = Refusal(RefusalReason.CONFERENCE, "that assignment is over")
            return attrs.evolve(self._refuse(request, gone), status=404)
        conference.epoch = min(request.epoch or 0, MAX_EPOCH)
        conference.commanded_at = now
        conference.focus_link.focus_heard(now=now)
        self._context.schedule(conference)
        if isinstance(request.command, DeleteConference):
            if not may_control(request):
                return self._refuse(request, Refusal(RefusalReason.UNAUTHORIZED, "for presenters only"))
            self.end(conference, ConferenceEndCause.DELETED, now=now)
            return Reply(200, request.respond(Code.SUCCESS))
        if self._context.draining and isinstance(request.command, AddUser):
            return Reply(503, retry_after=self._context.config.drain_retry_after)
        answer = self._commands.carry_out(conference, request, now=now)
        return self._refuse(request, answer) if isinstance(answer, Refusal) else Reply(200, answer)

    def _refuse(self, request: Request, refusal: Refusal) -> Reply:
        refuse_command(self._context, request, refusal, request.from_)
        retry_after = self._context.config.drain_retry_after if refusal.reason is RefusalReason.CAPACITY else None
        return Reply(200, refused(request, refusal, source=self._context.config.mcu_id, retry_after=retry_after))

    def _outranked(self, request: Request, conference: Conference) -> Reply:
        """403 with the epoch above which the sender has to claim: the conference is not its own, or not any more."""
        self._context.counters["documents of a Focus that does not own the conference"] += 1
        refusal = Refusal(RefusalReason.UNAUTHORIZED, "another claim to this conference goes before")
        answer = self._refuse(request, refusal)
        assert answer.document is not None
        return Reply(403, attrs.evolve(answer.document, epoch=conference.epoch))

    # Bootstrap -------------------------------------------------------------------------------------------------------

    def _add(self, request: Request, command: AddConference, peer: str, now: float) -> Reply:
        """Create a conference, or take the word of its Focus again: one that was restarted asks anew.

        Another Focus of the group gets it with a higher epoch, and no other way. Without epochs the first Focus stays
        for as long as it is there, and when it is not, the conference ends by itself after ``focus_timeout``.
        """
        wanted = self._read(command)
        if isinstance(wanted, Refusal):
            return self._refuse(request, wanted)
        uri, key, view, url = wanted
        conference = self._context.conferences.get(key)
        if not is_allowed_url(url, self._context.config.callback_hosts, peer):
            self._context.counters["conferences refused to a Focus"] += 1
            return Reply(403)
        epoch = request.epoch or 0
        if epoch > MAX_EPOCH:
            return self._refuse(request, Refusal(RefusalReason.MALFORMED, "no such epoch"))
        if conference is not None and not self._may_claim(conference, peer, epoch):
            return self._outranked(request, conference)
        if conference is None and self._context.draining:
            return Reply(503, retry_after=self._context.config.drain_retry_after)
        if conference is None and len(self._context.conferences) >= self._context.config.max_conferences:
            return self._refuse(request, Refusal(RefusalReason.CAPACITY, "too many conferences on this MCU"))
        if conference is None:
            conference = open_conference(
                self._context,
                self._medium,
                uri=uri,
                key=key,
                mcu_uri=view.entity,
                peer=peer,
                url=url,
                assignment=request.request_id,
                now=now,
            )
        conference.peer, conference.epoch = peer, epoch
        self._configure(conference, command, view)
        conference.commanded_at = now
        conference.focus_link.redirect(url, request.request_id, now=now)
        self._context.post(conference, now=now)
        answer = AddConference(conference_info=self._context.documents.full(conference))
        return Reply(200, request.respond(Code.SUCCESS, command=answer))

    def _may_claim(self, conference: Conference, peer: str, epoch: int) -> bool:
        """Whether a claim goes before the one that the conference is under.

        Of two that are equal, which a store makes that lost its last writes, the first one stays. Where no group of
        Foci is configured nobody can be told from a stranger, and nothing is taken from anybody.
        """
        if conference.peer == peer:
            return epoch >= conference.epoch
        return self._context.config.focus_peers is not None and epoch > conference.epoch

    def _read(self, command: AddConference) -> tuple[str, str, EntityView, str] | Refusal:
        info = command.conference_info
        key = conference_id(info.entity) if info is not None else None
        if info is None or key is None or not command.callback_uri:
            return Refusal(RefusalReason.MALFORMED, "conference-info with a URI and callback-uri are needed")
        try:
            own = mcu_uri(info.entity, self._context.kind.mcu_type)
            own_key = conference_key(Uri.parse(own))
        except (C3PError, SipError):
            return Refusal(RefusalReason.MALFORMED, "not a conference URI")
        views = info.conference_view.views if info.conference_view is not None else ()
        given = (view for view in views if conference_id(view.entity) == own_key)
        return info.entity, key, next(given, EntityView(entity=own)), command.callback_uri

    @staticmethod
    def _configure(conference: Conference, command: AddConference, view: EntityView) -> None:
        info, state = command.conference_info, view.entity_state
        if info is not None and info.description is not None:
            conference.subject = info.description.subject or info.description.display_text or conference.subject
        if state is not None:
            conference.locked = bool(state.locked) if state.locked is not None else conference.locked
            rules = state.media_filters_rules
            conference.filters = rules if rules is not None and are_known_filters(rules) else conference.filters
            sounds = conference.announcements
            if sounds is not None and state.entry_exit_announcements is not None and sounds.modifiable:
                enabled = state.entry_exit_announcements.enabled
                conference.announcements = attrs.evolve(sounds, enabled=sounds.enabled if enabled is None else enabled)

    # End -------------------------------------------------------------------------------------------------------------

    def end(self, conference: Conference, cause: ConferenceEndCause, *, now: float) -> None:
        """Every leg is ended; responses that are owed still go out."""
        self._context.conferences.pop(conference.key, None)
        conference.focus_link.close()
        self._commands.abandon(conference, now=now)
        for leg in tuple(conference.legs.values()):
            disconnection = disconnection_of(Ending.CANCELLED, reason=f"conference {cause.value}")
            if leg.connected:
                disconnection = attrs.evolve(disconnection, ending=None)
            self._termination.give_up(leg, disconnection, now=now, at_once=True)
        self._context.post(conference, now=now)
        self._medium.close(conference)
        self._context.emit(ConferenceEnded(owner=self._context.config.owner, conference=conference.uri, cause=cause))

    def focus_link_due(self, conference: Conference, *, now: float) -> None:
        """A deadline: a retry, a question, or the end of a conference that lost its Focus or that nobody wants."""
        link = conference.focus_link
        orphaned = conference.orphaned_at(self._context.config.orphan_timeout)
        if orphaned is not None and orphaned <= now and not link.focus_lost(now):
            self.end(conference, ConferenceEndCause.ORPHANED, now=now)
        elif link.focus_lost(now):
            if self._context.conferences.get(conference.key) is conference:
                self.end(conference, ConferenceEndCause.FOCUS_LOST, now=now)
            link.abandon()
        else:
            link.handle_timeout(now=now)
        self._context.post(conference, now=now)


def _is_over(command: Command, conference: Conference) -> bool:
    """Whether it is the end of an assignment that was over before: the Focus has assigned this MCU anew meanwhile."""
    named = command.assignment if isinstance(command, DeleteConference) else None
    return named not in (None, conference.focus_link.assignment)
