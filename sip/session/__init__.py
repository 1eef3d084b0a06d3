"""INVITE sessions (RFC 3261 sections 13 to 15): how a call is made, changed, kept alive and ended.

Who moves whom. A session is moved from three sides: by the core through `commands`, by the other end through the
users of its transactions, and by timers. `sessions` is the registry and does what both sides of a call have in
common; `caller` is our first INVITE through all its tries, `callee` one that we got, until its final answer;
afterwards `requests_sent` and `requests_received` are what goes on inside. All of them know the registry only as
`owner` says. One table (`tables`) has the states of both sides; `sip.life` holds the state. A command that the table
does not list raises, anything else that it does not list is ignored.

A session has a dialog of its own from the first answer that makes one. Our INVITE may fork: each early dialog waits
in ``forks`` by its To tag, the first 2xx decides, and the others are dropped; a 2xx of another fork is acknowledged
and ended with BYE (section 13.2.2.4).

A 2xx is not the business of its transaction: it goes end to end. We repeat ours until the ACK comes
(`retransmission`), also on connections, and make the ACK for theirs once, to send it again for each repetition
(`ack`). Where the offer came in the 2xx, the ACK waits for the core, which has to put the answer into it.

Crossings, and what becomes of them:

- Our CANCEL and their 2xx: the 2xx is acknowledged, then ended with BYE; the core hears SessionFailed(CANCELLED).
- Their CANCEL and our 2xx: the transaction has its final answer, so the session stands, and they end it with BYE.
- BYE from both: theirs gets 200, and the session ends once, by the one that came first.
- Our BYE and the ACK that is not there yet: the BYE waits for it, or for the end of the wait (section 15).
- Offers from both, glare: 491 to the one that came second, or 500 with Retry-After where we have not answered theirs
  yet (section 14.2, RFC 3311 section 5.2). Our own next try waits longer on the side that chose the Call-ID.
- A reliable provisional and the 2xx: the 2xx waits for the PRACK of one that carried our description (RFC 3262
  section 3); a PRACK that comes later is still answered.
- A request and the end of the session: what the core has not answered gets 487; what it commands afterwards is
  counted and ends in RequestFailed("ended"), because it could not know. `ended` remembers for a while what there was.
- A connection that breaks: the session goes on, and SessionFlowLost says so. Its next request finds another way.

Whatever happens, a call of ours ends in exactly one of SessionFailed and SessionEnded, one that we were told of in
SessionCancelled, SessionEnded, or silently in the ``reject`` of its core; and nothing of it stays but what answers
repetitions. Nothing waits for ever: an INVITE in either direction has a lifetime, because after a 1xx its transaction
has no timer any more, and a session that agreed on a timer (RFC 4028, `session_timer`) is refreshed or ended by it.
"""
