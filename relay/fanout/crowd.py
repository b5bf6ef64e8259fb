"""Crowd: all clients of one worker: how they come, change their terms, and leave."""

import random
from collections.abc import Callable, Sequence

import gevent

from relay.clock import Clock
from relay.fanout.client import LINGER_SECONDS, Client
from relay.fanout.counts import KINDS, Counts
from relay.fanout.cut import Cut
from relay.fanout.door import Door
from relay.fanout.guest import Guest
from relay.fanout.news import MIN_RETURN_SECONDS, News
from relay.fanout.registry import Registry
from relay.fanout.terms import Terms
from relay.turn import give_turn

#: Clients that one worker takes back a second: those sent away come back within a window of that size.
RETURNS_PER_SECOND = 1000.0
#: Clients whose ways are looked at in one turn: about 1 ms.
WAYS_PER_TURN = 2000
#: Seconds between two looks at ways, from which on this worker did not run and may not have read all answers.
WAY_AWAY_SECONDS = 1.5
#: The longest pause between two goodbyes, in seconds.
_GOODBYE_PAUSE_SECONDS = 0.002


class Crowd:
    """Lets clients in, knows them, and sends them away."""

    def __init__(
        self,
        registry: Registry,
        door: Door,
        news: News,
        counts: Counts,
        clock: Clock,
        rotate_seconds: float,
    ) -> None:
        """If `rotate_seconds` is not 0, a client is sent away after so long, give or take a fifth, to come
        back."""
        #: Told of every stream that ends: its transport and form, its seconds, the updates that its cohort
        #: was given meanwhile, and the id of its request.
        self.ended: Callable[[str, str, float, int, str], None] | None = None
        self._registry = registry
        self._door = door
        self._news = news
        self._counts = counts
        self._clock = clock
        self._rotate_seconds = rotate_seconds
        self._clients: set[Client] = set()
        self._looked_at_ways = clock.monotonic()

    def __len__(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def serve(self, client: Client) -> None:
        """The life of a client that has entered, until it leaves. Needs a greenlet of its own."""
        try:
            client.run()
        finally:
            self.leave(client)
            client.close()

    def enter(self, client: Client, terms: Terms, guest: Guest) -> None:
        """Makes a new client one of ours, or raises Full."""
        self._registry.check(guest, terms)
        self._door.let_in(guest)
        client.guest = guest
        self._clients.add(client)
        if self._rotate_seconds:
            lifetime = self._rotate_seconds * random.uniform(0.8, 1.2)
            client.ends_at = self._clock.monotonic() + lifetime
        client.cohort = self._registry.enter(client, terms, guest)
        self._counts.enter(terms.form.kind)
        client.began = self._clock.monotonic()
        client.before = client.cohort.given

    def move(
        self,
        client: Client,
        terms: Terms,
        *,
        version: int,
        lacking: Sequence[str],
        first: bytes,
    ) -> None:
        """Puts a client on other terms, or raises Full. See Client.move."""
        if client not in self._clients or client.leaving:
            return
        self._registry.check(client.guest, terms, client.cohort)
        self._registry.leave(client, client.cohort)
        cohort = self._registry.enter(client, terms, client.guest)
        client.move(cohort, version, lacking, first)

    def leave(self, client: Client) -> None:
        """Forgets a client."""
        if client not in self._clients:
            return
        self._clients.discard(client)
        self._door.let_out(client.guest)
        self._counts.leave(client.cohort.form.kind)
        if self.ended is not None:
            transport, form = KINDS[client.cohort.form.kind]
            seconds = self._clock.monotonic() - client.began
            updates = client.cohort.given - client.before
            self.ended(transport, form, seconds, updates, client.request_id)
        self._registry.leave(client, client.cohort)

    def start_anew(self) -> None:
        """Whatever they hold is void."""
        for client in self._clients:
            client.start_anew()

    def look_at_ways(self) -> None:
        """Each client whose transport can tell is looked at: see Client.look_at_way. Nobody is where this
        worker did not run: their answers lie here unread."""
        clients = list(self._clients)
        for start in range(0, len(clients), WAYS_PER_TURN):
            if start:
                give_turn()
            if self._was_away():
                return
            for client in clients[start : start + WAYS_PER_TURN]:
                if client in self._clients:
                    client.look_at_way()

    def end_overdue(self, answer_seconds: float) -> None:
        """Ends those that were asked and said nothing for `answer_seconds`, and those whose time is up."""
        now = self._clock.monotonic()
        for client in list(self._clients):
            last = client.overdue(answer_seconds)
            if last:
                client.note(Cut.MUTE)
                client.finish(last)
            elif client.ends_at <= now:
                self.send_away(client)

    def _was_away(self) -> bool:
        now = self._clock.monotonic()
        elapsed, self._looked_at_ways = now - self._looked_at_ways, now
        return elapsed > WAY_AWAY_SECONDS

    @property
    def return_seconds(self) -> float:
        """The window within which all of them may come back, were they sent away now."""
        return max(MIN_RETURN_SECONDS, len(self._clients) / RETURNS_PER_SECOND)

    def send_all_away(self, seconds: float, window: float) -> None:
        """Within `seconds`, in random order, each told to come back within `window`; waits until they have
        gone, a little longer than they may linger."""
        clients = list(self._clients)
        random.shuffle(clients)
        pause = min(seconds / max(len(clients), 1), _GOODBYE_PAUSE_SECONDS)
        for client in clients:
            self.send_away(client, window)
            gevent.sleep(pause)
        with gevent.Timeout(LINGER_SECONDS + 0.5, False):  # type: ignore[arg-type]
            while self._clients:
                gevent.sleep(0.02)

    def send_away(self, client: Client, window: float = MIN_RETURN_SECONDS) -> None:
        """Tells a client to come back within `window` seconds, and ends its stream."""
        bye = self._news.bye(client.stands_at, window)
        client.finish(client.cohort.form.end("bye", bye, client.given))
