"""what a person is to know of each line → systemd/notifier.catalog, which `journalctl -x` shows with the line.

Written by `tests/tables.py`; the format is systemd's: https://systemd.io/CATALOG/.
"""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from notifier.log import message_id

CATALOG = Path(__file__).parent.parent / "systemd" / "notifier.catalog"
WIDTH = 76
"""Characters of a line: journalctl indents it, and a terminal has 80."""
HEAD = """\
# Goes to /usr/lib/systemd/catalog/notifier.catalog; then `journalctl --update-catalog`, and `journalctl -x` shows it.
# What each line of notifier's log means, and what is to be done about it. Made from tests/catalog.py: `make fix`.
"""
WRITTEN = """
announced
@NOTIFIER_TYPE@ was announced
An event was committed together with what is owed to each endpoint that wants it. From here on it is told,
whatever happens.
> Nothing. Who got it: notifier event @NOTIFIER_EVENT@

asked
@NOTIFIER_WHO@ had the daemon do something
A command or a program called the API, and something was changed by it. The line has the call and what was asked
for.
> Nothing, if you know who it was. Who may ask is decided by the group of the control socket and by
server.token.

attempted
A webhook was sent to @NOTIFIER_ENDPOINT@: @NOTIFIER_OUTCOME@
One POST, and what came of it. What is not delivered is tried again by the endpoint's schedule; after the last
slot it is dead (an error), and the next event of its upload goes on without it.
> Where it failed, the note says why and names the cure, which is most often at the receiver. What is dead is
kept, and goes out once more with: notifier replay --endpoint @NOTIFIER_ENDPOINT@ --phase dead

breaker closed
@NOTIFIER_ENDPOINT@ answers again
It was shut off because it failed. All that waits for it goes now, in order, with ever more requests at a time.
> Nothing.

breaker opened
@NOTIFIER_ENDPOINT@ was shut off, because it fails
It failed too often in a row. A single request tries it from time to time; all else waits, and none of it is
lost.
> See to the receiver. How it fares: notifier endpoints; why it failed: notifier deliveries --endpoint
@NOTIFIER_ENDPOINT@

bug
A fault of notifier itself
The trace is in the line. The delivery that met it is given up, all else goes on.
> Please report it with the trace. Once it is mended, what was given up can be owed again: notifier deliveries
--phase dead

can sign again
There is a secret for @NOTIFIER_ENDPOINT@ again
All that waited for want of one goes now.
> Nothing.

cannot send
A request to @NOTIFIER_ENDPOINT@ could not leave this machine
Something of this machine is used up or out of order, such as file handles or memory. No attempt was counted; it
is tried again in half a minute.
> The note says what is missing. What else is wrong here: notifier doctor

cannot sign
All secrets of @NOTIFIER_ENDPOINT@ have ended
The not_after of each is over. Nothing goes out unsigned: all that it is owed waits.
> Put a new one (notifier secret new) into the config and into the receiver, then: notifier reload

config refused
The new config has a fault, and is not in force
A reload read it and changed nothing: the daemon goes on with the config that it had. A line for each fault.
> Mend what the line names, see that it is right with notifier check, then: notifier reload

config warning
The config works, but perhaps not as it was meant
It is in force. The same is shown by notifier check.
> Do what the line says, or leave it, if it is meant so.

ended
notifier ends, because it cannot go on
The reason is in the line: the database, the disk or a socket, say. What is owed is on the disk, and goes on
with the next start.
> See to the reason; what else would stop it: notifier doctor. systemd starts it again, unless the status was
78.

endpoint left the config long ago: what waited for it is dead
What waited for @NOTIFIER_ENDPOINT@ is dead, since the config names it no more
It waited for as long as store.keep says. It is kept until it is dropped.
> Give it up: notifier drop --endpoint @NOTIFIER_ENDPOINT@ --phase dead. Or put the endpoint back and replay it.

endpoint left the config: what waits for it is kept
Something waits for @NOTIFIER_ENDPOINT@, which the config names no more
It is not sent. It goes out once the name comes back, and is dead when store.keep is over.
> Put the endpoint back, or give it up: notifier drop --endpoint @NOTIFIER_ENDPOINT@

endpoint paused
@NOTIFIER_ENDPOINT@ was paused
For the reason in the line: a person, its own answer (410 or webhook-delivery: disable), or days of failures.
What is announced for it waits.
> See to the receiver, then: notifier endpoint resume @NOTIFIER_ENDPOINT@

endpoint resumed
@NOTIFIER_ENDPOINT@ is paused no more
What waits for it goes now, in order, with ever more requests at a time.
> Nothing.

failed
A look at @NOTIFIER_SOURCE@ came to nothing
It says nothing about any upload. It is told as source.failing if it goes on.
> Nothing, once. How the source fares: notifier sources

given up
A delivery to @NOTIFIER_ENDPOINT@ ended without an attempt
The cause is in the line: the config lets it pass no more, say, or a person dropped it.
> Nothing, if that was meant. The event is kept: notifier replay --event @NOTIFIER_EVENT@

large body
A webhook to @NOTIFIER_ENDPOINT@ is larger than receivers may be counted on to take
Standard Webhooks advises 20 kB at most. It is sent all the same.
> Nothing, if the receiver takes it. An upload with fewer labels or targets has a smaller one.

late
A loop of notifier makes no progress
The line says which one and where it waits. If that goes on, systemd ends the process with a trace, and starts
it again.
> If it comes again: is the disk slow or full? Else please report the line and the trace.

looking
A look at @NOTIFIER_SOURCE@
What was asked, and why.
> Nothing.

no id of its provider: nothing is asked
@NOTIFIER_UPLOAD@ is followed at @NOTIFIER_SOURCE@, and no upload there can have this id
It was followed before such an id was refused, or when the source was one of another provider. It keeps its place,
and nothing is asked or told of it.
> See what the id of the upload is at the provider, and register that. Then: notifier unwatch @NOTIFIER_SOURCE@
@NOTIFIER_UPLOAD@

no answer
A question to the API had no answer, because the database gave none
Who asked was told so. Nothing was changed.
> See to the reason in the line. Is the database sound? notifier db check

not heard by systemd
systemd does not hear how notifier fares
Nobody listens where NOTIFY_SOCKET leads. It works, but a start seems to take for ever, and the watchdog ends
it.
> Is the unit as it was installed? sudo notifier systemd install --dry-run

not reloaded
A reload failed for a reason that is not in the config
All is as it was before.
> See to the reason in the line, then: notifier reload

number taken: another one is given out
A number of @NOTIFIER_SOURCE@ was another's already
A media or a task has the provider's own number where that is free. This one was taken, so it has another, for
ever.
> Nothing, unless a program counts on the provider's number: it finds the upload by its id.

pinged
@NOTIFIER_ENDPOINT@ was pinged: @NOTIFIER_OUTCOME@
A person asked for it. It is one attempt, and is not repeated.
> Where it failed, the note says why and names the cure.

refused
A request to the API was refused
It came over TCP without the token, or from a page that is not ours. One line a minute for each address.
> A program of yours? Give it server.token. Else see who it is, and who can reach the port.

reloaded
Another config is in force
The line has what is changed by it.
> Nothing.

replayed
A replay is through
So many deliveries were owed again, each with the id and the bytes that it had.
> Nothing.

rescheduled
The clock was set back, and deliveries are due earlier for it
They were due later than any schedule says, counted by the clock as it is now.
> Nothing, if the clock is right now. Is it kept right? timedatectl

rests
@NOTIFIER_SOURCE@ asked for time
The provider's limit is reached, for all who share the credential. Nothing goes to it for so long, and nothing
is lost by that.
> Nothing, now and then. If it is often: lower budget or raise reserve, or see what else uses the same
credential.

skipped
Rows of an answer of @NOTIFIER_SOURCE@ could not be read
The reason is in the line. The other rows were read as always; an upload in one that was not is as it was.
> If it stays, the provider has changed its answers: look for a newer version, or report it; of http_json mend
the description.

started
notifier has started
The config is read, the database is open, the sockets are there, and both loops run.
> Nothing.

stopped
notifier has stopped
In good order, as it was asked to.
> Nothing.

stopping
notifier is stopping
Nothing new begins. What is on its way gets up to 30 s to end; what does not is due again at the next start.
> Nothing.

the clock jumped
The clock was set, or the machine slept
All that is due is judged anew. Nothing is lost or sent twice by it.
> Nothing, if the clock is right now: receivers refuse signatures of another time. Is it kept right? timedatectl

throttled
@NOTIFIER_ENDPOINT@ asked for time
It answered 429, or with Retry-After. Nothing goes to it until then; what waits uses none of its attempts.
> Nothing, now and then. If it is often: set rate or max_in_flight of the endpoint to what the receiver takes.

throttled no more
@NOTIFIER_ENDPOINT@ takes what it gets again
What waited for it goes now.
> Nothing.
"""
"""The word of a line, what happened, what that means, and behind > what to do; a field between @ is always there."""


class Entry(NamedTuple):
    """What is said of one line."""

    subject: str
    meaning: str
    cure: str


def entries() -> dict[str, Entry]:
    """Each of them by the word of its line."""
    parts = re.findall(r"^(.+)\n(.+)\n((?:.+\n)+?)> ((?:.+\n)+)", WRITTEN, re.MULTILINE)
    return {word: Entry(*(" ".join(text.split()) for text in said)) for word, *said in parts}


def made() -> str:
    """The file."""
    return "\n".join([HEAD, *(_made(word, entry) for word, entry in sorted(entries().items()))])


def _made(word: str, entry: Entry) -> str:
    head = f"# {word}\n-- {message_id(word)}\nSubject: {entry.subject}\nDefined-By: notifier\n"
    return f"{head}\n{_wrapped(entry.meaning)}\n\n{_wrapped(f'What to do: {entry.cure}')}\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)
