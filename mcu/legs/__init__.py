"""Legs: the calls of an MCU, from the command that wants one to its end.

A leg is one attachment of a participant to the mix. Its life is one table (`mcu.leg_state`), for calls that we make and
for calls that come::

    dial-out   OPENING > INVITING > RINGING > CONNECTED < > HELD > CLOSING > CLOSED
                                    |> CANCELLING > CLOSED
    dial-in    RESERVED > ACCEPTING > CONNECTED ...

Who moves it:

- A command of the Focus. ``addUser`` makes the leg (`add_user` reads who is meant; `dial_out` and `dial_in` begin);
  ``deleteUser`` and the end of the conference give it up (`termination`). Its answer is ``pending`` at first. The final
  response is owed from then on and is sent exactly once, by whatever ends the attempt: the `request` of the leg is the
  debt, and whoever answers takes it away.
- The far end, through events of sessions (`session_events` hands them on): it rings, answers, refuses, sends us
  elsewhere, offers something else in mid-call (`renegotiation`), hangs up.
- The application, which opens ports. The INVITE does not leave, and a call is not answered, before they are open, since
  their address is in the SDP.
- Time: for a port, for an answer, for the call that was announced, for a sign of life (`liveness`). Each leg has at
  most one deadline of each kind (`context.Wait`).

What can cross, and what becomes of it:

- CANCEL and 2xx (RFC 3261 section 9.1: CANCEL has no effect on what has been answered). The endpoint acknowledges the
  2xx and sends BYE; here the leg stays CANCELLING until that is reported as a refusal, so that a phone that was
  answered in this moment is never left connected.
- A 488 to one form of an offer. The same target is called once more with the next (`mcu.media_policy`): another key,
  another profile, in the end none, as far as the policy goes.
- A 180 that the network delivers after the 2xx. The table has no row for it any more, and `dial_out` drops it.
- BYE from both sides. Who gives up first decides what roster and response say (`Leg.disconnection` is set once), and
  the far end's word for it is not heard any more.
- Ports that open when the leg is gone. They are given back (``MediaPortReleased``), never used.
- Two offers at once (RFC 3264 section 4: one at a time). Ours is open: 491, and the other side comes again.
- Silence. Held, muted or switched off, a good phone says nothing for minutes; so silence ends no leg, but after a while
  its dialog is asked, and only whoever does not answer that is gone.

A leg ends once, in `termination.Termination.over`, whatever ended it. The order there is what a Focus relies on: the
roster hears that the endpoint is disconnected, then that it is removed, then whoever ejected it is answered, then
whoever had it added, and last the application. Numbers of legs are never used again, so an event or a packet for one
that is gone finds nothing. How an end is told, and whether calling again is safe, is one table for all of them
(`mcu.outcome`)."""
