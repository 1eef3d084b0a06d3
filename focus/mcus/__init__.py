"""The MCUs of a conference: links, relayed commands, and their part of the roster (docs/wire-flow.rst).

A conference has one link (`link.McuLink`) for each media type, made when a command first needs it. Three machines meet:

* the link (`link_state.LINK`): an MCU is allocated at the MCU Factory, told of the conference with addConference, and
  used until the conference ends or the MCU fails;
* a relay (`relay.RELAY`): one command on its way to that MCU, with a requestId of the Focus;
* the part (`roster_part.McuPart`): the copy of what this MCU says of the conference, by versions.

Who moves whom. A client's command makes a relay, and the relay the link: `submit` queues it and begins the bootstrap
where there is no MCU. A link that becomes READY moves the relay at the head of its queue; there is one exchange at a
time, because an MCU carries commands out in the order in which they come (docs/c3p-over-http.rst). The answer moves the
relay, and `relay.RelayOwner` hears of it from the link: that is the reconciliation, which keeps what the Focus wants
until the MCU has it, and passes on to the open commands what has ended. Documents of the MCU
move the part, the part moves the roster, and a gap in it moves the link, which asks for the whole with getConference
before it sends the next command. The whole of what an MCU has is compared with what is wanted. Nothing here tells a
client anything: that follows from the roster and the commands.

An answer comes on one of two ways: as the HTTP response, or later at the callback URL after 202 or `pending`. Each
`pending` gives the command its whole time again. These crossings exist, and each has one place:

* The final answer overtakes the HTTP response that says 202: the relay is no longer among the open ones, and the 202
  is dropped.
* A notification overtakes the answer to addConference, which carries the MCU's part as it was before: `begin` takes
  it only where nothing has been notified.
* A notification overtakes the answer to getConference: that answer is older than what is known. It is asked for once
  more. Where the second one is older too, the MCU began to count again, so it lost its state and counts as failed.
* A command is given up (time, an ejection, the end of the conference) while it is on its way: the owner abandons it,
  and what the MCU answers is dropped, since its requestId is no longer open.
* The conference ends during the bootstrap: an MCU that has been told of it is told of its end; the answer to the first
  exchange is forgotten.
* An MCU that was given up comes back and posts as if nothing had been: it is told once to drop the conference, and it
  is not listened to. Its principal is remembered for that, up to a limit.

An MCU fails by what it does not do: a connection that is refused, two time-outs in a row, 404 for the conference, or a
whole state that cannot be read twice. Silence alone is no failure, but an MCU that has participants and says nothing
for a while is asked. When it failed, its endpoints and its view leave the roster, calls that it had fail, settings go
to the next, who was to go is gone, commands that wait stay in the queue, and another one is allocated without the one
that failed. When nothing can be had, the queue fails, and for some seconds every new command does at once, so that a
missing MCU is not looked for by each click.

What an MCU owns ends at its media type: endpoints of other types and the Focus's own are never touched by its
documents. A role it brings for a user whom the Focus had it call is the role that was granted, not what it says.
"""
