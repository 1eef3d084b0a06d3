"""The mutants: every one falls to the conformance kit. ``python -m tests.conformance.run_mutants`` shows to which case.

A mutant is no test of a module: it is a mistake that somebody who writes such an element makes, so what finds it is
what a user of the kit gets, and not our own tests. Whoever adds a case adds the mutant that only it finds.
"""

from __future__ import annotations

from typing import Final

from tests.conformance.live_mutants import LIVE_MUTANTS
from tests.conformance.mutant import Mutant

_UA, _REGISTRAR = "user agent", "registrar"

_SERVER, _CLIENT = "sip.transactions.server", "sip.transactions.client"
_SIP: Final = (
    # Server transactions
    Mutant(
        name="100 is missing",
        suite=_UA,
        module=_SERVER,
        old="transactions.timers.start(now + config.trying_delay, self._on_trying)",
        new="transactions.timers.start(now + 30.0, self._on_trying)",
    ),
    Mutant(
        name="a refusal is not repeated",
        suite=_UA,
        module=_SERVER,
        old="            if unreliable:\n                self._interval = transactions.config.t1\n",
        new="            if not unreliable:\n                self._interval = transactions.config.t1\n",
    ),
    Mutant(
        name="a refusal is repeated after its ACK",
        suite=_UA,
        module=_SERVER,
        old="        if not self._life.follow(Input.RECEIVE_ACK) or before is not State.COMPLETED:\n"
        "            return\n",
        new="        if before is not State.CONFIRMED:\n            return\n",
    ),
    Mutant(
        name="a refusal is repeated at ever longer intervals",
        suite=_UA,
        module=_SERVER,
        old="self._interval = min(2 * self._interval, self._transactions.config.t2)",
        new="self._interval = 4 * self._interval",
    ),
    Mutant(
        name="a request that comes again is not answered again",
        suite=_UA,
        module=_SERVER,
        old="and self.data and self.state is not State.ACCEPTED:",
        new="and self.data and self.state is State.PROCEEDING:",
    ),
    Mutant(
        name="a request that comes again is a new request",
        suite=_UA,
        module="sip.endpoint.dispatch",
        old="        if known is not None:\n            known.receive_again(now)\n            return\n        source",
        new="        source",
    ),
    Mutant(
        name="rport is not looked at",
        suite=_UA,
        module=_SERVER,
        old="port = self.flow.remote.port if via.wants_rport and not maddr else via.port or 5060",
        new="port = via.port or 5060",
    ),
    Mutant(
        name="answers go to the source port without rport too",
        suite=_UA,
        module=_SERVER,
        old="port = self.flow.remote.port if via.wants_rport and not maddr else via.port or 5060",
        new="port = self.flow.remote.port",
    ),
    # Client transactions
    Mutant(
        name="the ACK to a refusal is dropped",
        suite=_UA,
        module=_CLIENT,
        old="            self.ack = self._acknowledge(response)\n"
        "            transactions.transport.send(self.flow, self.ack)\n",
        new="            self.ack = self._acknowledge(response)\n",
    ),
    Mutant(
        name="a refusal that comes again gets no other ACK",
        suite=_UA,
        module=_CLIENT,
        old="        elif self.ack is not None and self.flow is not None:\n",
        new="        elif self.ack is None and self.flow is not None:\n",
    ),
    Mutant(
        name="the ACK to a refusal has a branch of its own",
        suite=_UA,
        module=_CLIENT,
        old='            ("Via", headers.get_all("Via")[0]),\n',
        new='            ("Via", headers.get_all("Via")[0].replace("=z9hG4bK", "=z9hG4bKa")),\n',
    ),
    Mutant(
        name="the ACK to a refusal has the To of the INVITE",
        suite=_UA,
        module=_CLIENT,
        old='("To", response.headers.get("To", "")),',
        new='("To", headers.get("To", "")),',
    ),
    Mutant(
        name="the ACK to a refusal has the next CSeq",
        suite=_UA,
        module=_CLIENT,
        old='("CSeq", f"{self.request.cseq.number} ACK"),',
        new='("CSeq", f"{self.request.cseq.number + 1} ACK"),',
    ),
    Mutant(
        name="an INVITE is repeated although it rings",
        suite=_UA,
        module=_CLIENT,
        old="            if self.cancelling is None and not self.provisional:\n",
        new="            if self.flow is not None:\n"
        "                self._transactions.transport.send(self.flow, self.data)\n",
    ),
    Mutant(
        name="nothing is repeated over UDP",
        suite=_UA,
        module=_CLIENT,
        old="        if self._may_repeat(self.flow):\n            transactions.transport.send(self.flow, self.data)\n",
        new="",
    ),
    Mutant(
        name="a request is repeated every half second",
        suite=_UA,
        module=_CLIENT,
        old="        self._interval *= 2\n",
        new="",
    ),
    Mutant(
        name="CANCEL does not wait for a provisional answer",
        suite=_UA,
        module="sip.transactions.transactions",
        old="        if invite.state is State.PROCEEDING:\n            self._send_cancel",
        new="        if invite.state is not State.WAITING:\n            self._send_cancel",
    ),
    Mutant(
        name="CANCEL is forgotten when it has to wait",
        suite=_UA,
        module="sip.transactions.transactions",
        old="            invite.cancelling = lambda then: self._send_cancel(invite, user, headers, then)\n",
        new="            invite.cancelled = True\n",
    ),
    Mutant(
        name="CANCEL has the next CSeq",
        suite=_UA,
        module="sip.transactions.transactions",
        old='("CSeq", f"{request.cseq.number} CANCEL"),',
        new='("CSeq", f"{request.cseq.number + 1} CANCEL"),',
    ),
    # CANCEL as a server takes it
    Mutant(
        name="CANCEL is answered 481",
        suite=_UA,
        module="sip.core.cancel",
        old="        if invite is None:\n",
        new="        if invite is None or invite.state is State.PROCEEDING:\n",
    ),
    Mutant(
        name="a CANCEL for nothing is answered 200",
        suite=_UA,
        module="sip.core.cancel",
        old="self._answers.refuse_statelessly(request, 481, flow)",
        new="self._answers.refuse_statelessly(request, 200, flow)",
    ),
    Mutant(
        name="a CANCEL does not end the INVITE",
        suite=_UA,
        module="sip.core.cancel",
        old="            invite.user.on_cancel(invite, request, now)\n",
        new="            pass\n",
    ),
    # Answers
    Mutant(
        name="every answer has another tag",
        suite=_UA,
        module="sip.core.uas",
        old="return request._answered(status, phrase, transaction.to_tag if status > 100 else None, lines, body)",
        new="return request._answered(status, phrase, self._context.new_tag() if status > 100 else None, lines, body)",
    ),
    Mutant(
        name="answers have no tag",
        suite=_UA,
        module="sip.core.uas",
        old="return request._answered(status, phrase, transaction.to_tag if status > 100 else None, lines, body)",
        new="return request._answered(status, phrase, None, lines, body)",
    ),
    Mutant(
        name="Record-Route is not copied",
        suite=_UA,
        module="sip.message.request",
        old="            copied = _COPIED_TO_DIALOG\n",
        new="            copied = _COPIED\n",
    ),
    Mutant(
        name="420 does not say what is unsupported",
        suite=_UA,
        module="sip.core.routing",
        old='return Routing(owner=self.owner, status=420, headers=(("Unsupported", ", ".join(unknown)),))',
        new="return Routing(owner=self.owner, status=420)",
    ),
    Mutant(
        name="Require is not looked at",
        suite=_UA,
        module="sip.core.routing",
        old="        if not unknown:\n",
        new="        if unknown or not unknown:\n",
    ),
    Mutant(
        name="a body that cannot be read is passed over",
        suite=_UA,
        module="sip.core.routing",
        old="        if refused is None or (not self.accept and not refused.encoded):\n",
        new="        if refused is None or not refused.encoded:\n",
    ),
    # Dialogs and sessions
    Mutant(
        name="a 2xx is not repeated",
        suite=_UA,
        module="sip.session.retransmission",
        old="        self._transaction.repeat(now)\n",
        new="",
    ),
    Mutant(
        name="a 2xx is repeated after its ACK",
        suite=_UA,
        module="sip.session.requests_received",
        old="        retransmission.stop()\n",
        new="",
    ),
    Mutant(
        name="a session without ACK ends without BYE",
        suite=_UA,
        module="sip.session.sessions",
        old="            self._say_bye(session, now)\n"
        "            self.finish(session, _ended(session, EndCause.NO_ACK), now)\n",
        new="            self.finish(session, _ended(session, EndCause.NO_ACK), now)\n",
    ),
    Mutant(
        name="a 2xx that comes again gets no other ACK",
        suite=_UA,
        module="sip.session.caller",
        old="            known.send_again()\n",
        new="",
    ),
    Mutant(
        name="every ACK to a 2xx has the same branch",
        suite=_UA,
        module="sip.session.ack",
        old="        self._branch = self._requests.context.new_branch()\n",
        new='        self._branch = "z9hG4bKalwaysTheSame"\n',
    ),
    Mutant(
        name="another phone that answered is left off the hook",
        suite=_UA,
        module="sip.session.caller",
        old='        self._sessions.requests.send_in_dialog(dialog, "BYE", IGNORING, now=now)\n',
        new="",
    ),
    Mutant(
        name="CSeq is reused",
        suite=_UA,
        module="sip.core.dialog",
        old="self.local_cseq = self.local_cseq + 1 if self.local_cseq < 2**31 - 1 else 1",
        new="self.local_cseq = max(self.local_cseq, 1)",
    ),
    Mutant(
        name="a CSeq from before is taken",
        suite=_UA,
        module="sip.endpoint.routes",
        old="        if dialog.remote_cseq is not None and request.cseq.number < dialog.remote_cseq:\n",
        new="        if request.cseq.number < 0:\n",
    ),
    Mutant(
        name="the route set is forgotten",
        suite=_UA,
        module="sip.core.dialog",
        old="            route_set=(routes := route_set_of(request)),\n",
        new="            route_set=(routes := ()),\n",
    ),
    Mutant(
        name="requests go to the address of the caller, not to its Contact",
        suite=_UA,
        module="sip.core.dialog",
        old="            target=target_of(request),\n",
        new="            target=request.from_.uri,\n",
    ),
    Mutant(
        name="From and To are exchanged",
        suite=_UA,
        module="sip.core.dialog",
        old='            ("From", self.local_value),\n            ("To", self.remote_value),\n',
        new='            ("From", self.remote_value),\n            ("To", self.local_value),\n',
    ),
    Mutant(
        name="a dialog outlives its BYE",
        suite=_UA,
        module="sip.session.requests_received",
        old="        elif session.process(SessionInput.RECEIVE_BYE) and session.over:\n",
        new="        elif session.over:\n",
    ),
    Mutant(
        name="two INVITEs of a fork ring at one phone",
        suite=_UA,
        module="sip.transactions.transactions",
        old="        return self._merge_key(request) in self._merging\n",
        new="        return False\n",
    ),
    # The registrar, and digest
    Mutant(
        name="a nonce is accepted twice",
        suite=_REGISTRAR,
        module="sip.authentication.nonce_counts",
        old="        return below < 0 or (below < _WINDOW and not self.used & 1 << below)\n",
        new="        return below < _WINDOW\n",
    ),
    Mutant(
        name="a wrong password is taken",
        suite=_REGISTRAR,
        module="sip.authentication.digest_server",
        old="        if not same_digest(expected, response) or secret is None:\n",
        new="        if secret is None:\n",
    ),
    Mutant(
        name="no credentials are needed",
        suite=_REGISTRAR,
        module="sip.servers.registration_rights",
        old="        if verdict.outcome is not Outcome.ACCEPTED or verdict.username is None:\n",
        new="        if verdict.outcome is Outcome.MISSING:\n            return\n"
        "        if verdict.outcome is not Outcome.ACCEPTED or verdict.username is None:\n",
    ),
    Mutant(
        name="everybody may register everybody's address",
        suite=_REGISTRAR,
        module="sip.servers.registration_rights",
        old="        if not self._may_register(verdict.username, request.to.uri):\n",
        new='        if verdict.username == "":\n',
    ),
    Mutant(
        name="bindings do not end",
        suite=_REGISTRAR,
        module="sip.servers.location",
        old="            gone += [each for each in self.of(aor) if each.expires_at <= now]\n"
        "            self.replace(aor, [each for each in self.of(aor) if each.expires_at > now])\n",
        new="            self._ends.pop(0)\n",
    ),
    Mutant(
        name="an old REGISTER overtakes a new one",
        suite=_REGISTRAR,
        module="sip.servers.registration_rights",
        old="    if binding.call_id == request.call_id and request.cseq.number <= binding.cseq:\n",
        new="    if binding.call_id == request.call_id and request.cseq.number < 0:\n",
    ),
    Mutant(
        name="Contact: * is taken with any Expires",
        suite=_REGISTRAR,
        module="sip.servers.registrar",
        old='            if len(contacts) != 1 or request.headers.get("Expires", "").strip() != "0":\n',
        new="            if len(contacts) != 1:\n",
    ),
    Mutant(
        name="Expires: 0 removes nothing",
        suite=_REGISTRAR,
        module="sip.servers.registrar",
        old="                after[index : index + 1] = [made] if lifetime else []\n",
        new="                after[index : index + 1] = [made] if lifetime else [old]\n",
    ),
    Mutant(
        name="a new contact replaces the others",
        suite=_REGISTRAR,
        module="sip.servers.registrar",
        old="        if lifetime:\n            after.append(made)\n        return True\n",
        new="        if lifetime:\n            after[:] = [made]\n        return True\n",
    ),
)

_FOCUS, _MCU = "focus", "mcu"
_CONFERENCE: Final = (
    # The Focus
    Mutant(
        name="a version steps back",
        suite=_FOCUS,
        module="focus.notifier",
        old="        subscriber.version += 1\n",
        new="        subscriber.version += 1 if subscriber.version != 4 else -2\n",
    ),
    Mutant(
        name="a version is left out",
        suite=_FOCUS,
        module="focus.notifier",
        old="        subscriber.version += 1\n",
        new="        subscriber.version += 1 if subscriber.version != 4 else 2\n",
    ),
    Mutant(
        name="one subscriber is not told",
        suite=_FOCUS,
        module="focus.notifier",
        old="        document: Rendered | None = None\n        for subscriber in list(self._subscribers.values()):\n",
        new="        document: Rendered | None = None\n"
        "        for subscriber in list(self._subscribers.values())[:1]:\n",
    ),
    Mutant(
        name="the endpoints of a user are missing in the roster",
        suite=_FOCUS,
        module="focus.roster_document",
        old="        endpoints=tuple(user.endpoints.values()),\n",
        new="        endpoints=tuple(user.endpoints.values())[:0],\n",
    ),
    Mutant(
        name="a roster shows the first user alone",
        suite=_FOCUS,
        module="focus.roster_document",
        old="    return _document(roster, State.FULL, map(whole_user, roster.users.values()), roster.views.values())\n",
        new="    return _document(\n"
        "        roster, State.FULL, map(whole_user, list(roster.users.values())[:1]), roster.views.values()\n"
        "    )\n",
    ),
    Mutant(
        name="who has left stays in the roster",
        suite=_FOCUS,
        module="focus.roster_document",
        old="    users = [User(entity=entity, state=State.DELETED) for _, entity in changes.removed_users]\n",
        new="    users: list[User] = []\n",
    ),
    Mutant(
        name="everybody is shown as attendee",
        suite=_FOCUS,
        module="focus.roster_document",
        old="        roles=(user.role,),\n",
        new='        roles=("attendee",),\n',
    ),
    Mutant(
        name="the whole state is called a change",
        suite=_FOCUS,
        module="focus.roster_document",
        old="    return _document(roster, State.FULL, map(whole_user,",
        new="    return _document(roster, State.PARTIAL, map(whole_user,",
    ),
    Mutant(
        name="attendees may do everything",
        suite=_FOCUS,
        module="focus.commands.authorisation",
        old="    if not isinstance(decision, Allowed):\n",
        new="    if decision is None:\n",
    ),
    Mutant(
        name="a success is sent before the MCU agreed",
        suite=_FOCUS,
        module="focus.commands.open_commands",
        old="        if not planned.for_mcus and not command.done:\n",
        new="        if not command.done:\n",
    ),
    Mutant(
        name="the MCU is not told whom to throw out",
        suite=_FOCUS,
        module="focus.commands.delete_user",
        old="    for_mcus = tuple((kind, command.echo()) for kind in concerned if only in (None, kind))\n",
        new="    for_mcus = tuple((kind, command.echo()) for kind in concerned if only == kind)\n",
    ),
    Mutant(
        name="the MCU is not told of the lock",
        suite=_FOCUS,
        module="focus.commands.modify_conference_lock",
        old="    for_mcus = tuple((kind, command) for kind in sorted(facts.linked))\n",
        new="    for_mcus = ()\n",
    ),
    Mutant(
        name="a role that was given is not taken in",
        suite=_FOCUS,
        module="focus.commands.modify_user_roles",
        old="        conference.roster.set_role(self.user, self.role)\n",
        new="        return None\n",
    ),
    Mutant(
        name="getConference shows the one who asks alone",
        suite=_FOCUS,
        module="focus.commands.get_conference",
        old="whole_document(roster) if only is None else lobby_document(roster, only)",
        new='lobby_document(roster, only or "")',
    ),
    Mutant(
        name="a response has the requestId of the Focus",
        suite=_FOCUS,
        module="focus.commands.results",
        old="response, request_id=request.request_id, from_",
        new="response, from_",
    ),
    Mutant(
        name="a response is from its receiver",
        suite=_FOCUS,
        module="focus.commands.results",
        old="from_=request.to, to=request.from_",
        new="from_=request.from_, to=request.from_",
    ),
    Mutant(
        name="a call that failed is a success",
        suite=_FOCUS,
        module="focus.commands.results",
        old="    command = response.command if response.command is not None else request.command.echo()\n",
        new="    command = response.command if response.command is not None else request.command.echo()\n"
        "    response = attrs.evolve(response, code=Code.SUCCESS)\n",
    ),
    Mutant(
        name="a leg outlives its conference",
        suite=_FOCUS,
        module="focus.conference",
        old="        self.mcus.close(now=now)\n        self.commands.close(by=by, now=now)\n",
        new="        self.commands.close(by=by, now=now)\n",
    ),
    Mutant(
        name="who is in is not told of the end",
        suite=_FOCUS,
        module="focus.conference",
        old="            self.participants.leave(participant.session)\n"
        "            self.participants.dismiss(participant, now=now)\n        self._context.emit(",
        new="            self.participants.leave(participant.session)\n        self._context.emit(",
    ),
    # The MCU
    Mutant(
        name="mute is shown and not applied",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        self._medium.apply_filters(leg)\n",
        new="",
    ),
    Mutant(
        name="mute is applied and not shown",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        self._context.notify(leg.conference, self._context.documents.media(leg), now=now)\n",
        new="",
    ),
    Mutant(
        name="mute and unmute are exchanged",
        suite=_MCU,
        module="mcu.commands.commands",
        old="    return now if wanted is None else wanted == Filter.BLOCK\n",
        new="    return now if wanted is None else wanted != Filter.BLOCK\n",
    ),
    Mutant(
        name="who comes in muted is heard",
        suite=_MCU,
        module="mcu.legs.add_user",
        old="            ingress_blocked=ingress or self.ingress_blocked,\n",
        new="            ingress_blocked=ingress,\n",
    ),
    Mutant(
        name="who is thrown out stays in the call",
        suite=_MCU,
        module="mcu.legs.termination",
        old="        elif not accepting:\n            endpoint.bye(leg.session, now=now)\n",
        new="        elif not accepting:\n            return\n",
    ),
    Mutant(
        name="deleteUser is answered twice",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        return pending(request, seconds=EJECT_SECONDS)\n",
        new="        return success\n",
    ),
    Mutant(
        name="the lock is not kept",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        if conference.locked != command.locked:\n            conference.locked = command.locked\n",
        new="        if conference.locked != command.locked:\n",
    ),
    Mutant(
        name="addUser is a success as soon as it rings",
        suite=_MCU,
        module="mcu.legs.dial_out",
        old="self._context.respond(leg.conference, pending(leg.request, seconds=PENDING_SECONDS), now=now)",
        new="self._context.answer(leg, accepted(leg.request, self._context.documents.endpoint(leg)), now=now)",
    ),
    Mutant(
        name="a busy phone is a success",
        suite=_MCU,
        module="mcu.responses",
        old="    response = request.respond(Code.FAILURE, reason=outcome.reason,",
        new="    response = request.respond(Code.SUCCESS, reason=outcome.reason,",
    ),
    Mutant(
        name="whoever has hung up stays in the roster",
        suite=_MCU,
        module="mcu.legs.termination",
        old="        conference.remove(leg)\n",
        new="        conference.remove(leg)\n        return\n",
    ),
    Mutant(
        name="the end of a call is not reported",
        suite=_MCU,
        module="mcu.legs.termination",
        old="        context.notify(conference, context.documents.removed(leg), now=now)\n",
        new="",
    ),
    Mutant(
        name="everybody hears himself",
        suite=_MCU,
        module="mcu.audio.mixer",
        old="        if private is not None:\n            return encode(private)\n",
        new="",
    ),
    Mutant(
        name="legs go on when the conference is over",
        suite=_MCU,
        module="mcu.commands.conferences",
        old="            self._termination.give_up(leg, disconnection, now=now, at_once=True)\n",
        new="            del disconnection\n",
    ),
    Mutant(
        name="notifications of the MCU have no new number",
        suite=_MCU,
        module="mcu.focus_link",
        old="        self._notifications += 1\n",
        new="        self._notifications += 2\n",
    ),
    # Documents
    Mutant(
        name="who is deleted stays, with the receiver",
        suite=_FOCUS,
        module="c3p.conference.user_index",
        old="        elif before is not None:\n            del self._users[key]\n",
        new="",
    ),
    Mutant(
        name="a change replaces everything",
        suite=_FOCUS,
        module="c3p.conference.merge",
        old="    items: list[S | None] = list(known)\n",
        new="    items: list[S | None] = []\n    known = ()\n",
    ),
    Mutant(
        name="every change counts as one too many",
        suite=_FOCUS,
        module="c3p.conference.replica",
        old="version == known + 1 else",
        new="version == known + 2 else",
    ),
    Mutant(
        name="wrong requestId",
        suite=_FOCUS,
        module="c3p.envelope",
        old="            request_id=self.request_id,\n            from_=self.to,\n",
        new='            request_id=f"{self.request_id}0",\n            from_=self.to,\n',
    ),
    Mutant(
        name="from and to of a response are not exchanged",
        suite=_FOCUS,
        module="c3p.envelope",
        old="            from_=self.to,\n            to=self.from_,\n",
        new="            from_=self.from_,\n            to=self.to,\n",
    ),
    Mutant(
        name="all requests have one requestId",
        suite=_FOCUS,
        module="c3p.exchanges",
        old="        self._last_request_id += 1\n",
        new="        self._last_request_id = 7\n",
    ),
)

MUTANTS: Final[tuple[Mutant, ...]] = (*_SIP, *_CONFERENCE, *LIVE_MUTANTS)
