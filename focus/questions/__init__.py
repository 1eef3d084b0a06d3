"""What a Focus and a Focus Factory ask others: who somebody is, what a record says, whether something may be done.

Each of these has an answer at once where it is at hand (a function that knows, a store in memory), and later where it
is not (a database, a directory, another process). Both are written once, as one procedure: a generator that reads
from top to bottom what becomes of a request. Where it asks, it yields. An answer that is at hand is not even yielded
(`settled`), so that such a request is done in the step in which it came, and nothing is kept of it. Otherwise the
procedure stays where it is, under the id of its question (`Later`), until somebody brings the answer.

Who moves whom. The core begins a procedure when an event comes (`Procedures.begin`). An answer is a command of the
application (``record_found``, ``identified`` ...), or the end of an HTTP exchange; it lets the one procedure go on that
waits for it. What the application is asked with, if with anything, is an event; it leaves when the question really
waits, not before.

Order. Requests about one conference are carried out in the order in which they came, whatever their answers take. A
procedure takes its place with `Line`: in a line of those who are waiting for the same thing the first goes on, the
others stay. Who somebody is, is found out before, in the line of its sender: a stranger whose name takes long to
look up keeps nobody else waiting. Where nothing waits there are no lines.

Time. A procedure that had to wait ends after ``answer_timeout`` at the latest, counted from the request, be it for its
question or in a line: `Refused` comes out of its ``yield``, and is answered as any other refusal: 503. It is shorter
than the 32 s after which the client of a SIP request gives up (RFC 3261, Timer F). How many wait is limited;
beyond that a question is refused at once. That there is no answer says nothing about a record that was to be written.
If it was after all, the late answer still has its consequences in the Focus, and the client finds it when it asks.

Crossings. The asker may go while it waits: a CANCEL, or a BYE, closes the procedure (`forget`), and the next in its
line goes on. Other requests cannot be withdrawn; their answer is dropped by the endpoint when its transaction is over,
and nobody is let in on a connection that has broken. After every wait everything is looked up anew: the conference may
have ended, the record may have changed, the sender of a command may have left. An answer to a question that was given
up is dropped and counted. An answer that nobody asked for, or a second one, is a mistake of our caller and raises
LocalProtocolError.

Faults. What raises when a request comes is caught by the net under the core (`sip.Pump`). What raises when a procedure
goes on belongs to its request, not to whoever brought the answer or left the line: that request is answered
500, and one `InternalFault` tells of it.
"""
