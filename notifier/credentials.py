"""What a credential may be asked, whichever of its sources asks: its budget, whose turn it is, whether it is refused.

Sources with one credential share what its provider counts. So they share what is used of it, what is learned of the
limit, and the provider's refusal.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from notifier.core import budget as budgets
from notifier.core.allowance import LONGEST_HOLD, learned
from notifier.core.budget import Budget
from notifier.core.model import Answer, Trouble
from notifier.watched import Watched

AFTER_ANOTHER = 0.05
"""Seconds after which a source comes back that has left its turn to another."""


class Credentials:
    """The credentials of all sources, each under the name of its account."""

    def __init__(self, watched: Iterable[Watched]) -> None:
        self._budgets: dict[str, Budget] = {}
        self._watched: list[Watched] = []
        self._servers: dict[str, tuple[str, str]] = {}
        """Whom each source asked last, by its name."""
        self._moved: set[str] = set()
        """Sources that ask another one by now, and of which no pass was made since."""
        self._waiting: dict[str, dict[str, None]] = defaultdict(dict)
        """The sources that would ask if the budget let them, in the order in which they began to wait."""
        self._doubtful: set[str] = set()
        """Accounts that were refused, or may have been before we began, and have not had a good answer since."""
        self._share(watched)

    def adopt(self, watched: Sequence[Watched], accounts: Mapping[str, str], now: float) -> None:
        """These ask from now on, `accounts` by their names; what was used of a credential stays used, whoever has it.

        A source with a new credential goes on from what its account has used: it may be a new key to the same. Where it
        asks another server, nothing was used there, and what the one before had said of its limit does not hold.
        """
        used = {one.source.credential: self.budget(one) for one in self._watched}
        moved = {name for one in watched if self._servers.get(name := one.source.name, _server(one)) != _server(one)}
        self._moved |= moved
        self._budgets |= {name: Budget() for name in moved}
        for one in watched:
            one.account = accounts[one.source.name]
        self._share(watched)
        self._waiting.clear()  # who still waits says so at its next pass; who has left would keep its turn
        self._budgets |= {one.account: used[key] for one in watched if (key := one.source.credential) in used}
        self.believe(0.0, now)

    # --- the budget

    def remember(self, stored: Mapping[str, Budget]) -> None:
        """Go on from what was used before, of that of which nothing is known yet."""
        self._budgets = {**stored, **self._budgets}

    def believe(self, jump: float, now: float) -> None:
        """Our clock was put forward by so many seconds, or back: no moment is further ahead than it can be."""
        for account in {one.account for one in self._watched}:
            self._budgets[account] = budgets.stepped(self._budgets.get(account, Budget()), jump)
        for one in self._watched:
            self._budgets[one.account] = budgets.loaded(self.budget(one), one.allowance, now)

    def rests_until(self, one: Watched, now: float) -> float:
        """Until when it may rest, at most, by what was noted before this first pass, or before the clock was set."""
        name = one.source.name
        longest = 0.0 if name in self._moved else LONGEST_HOLD
        self._moved.discard(name)
        return now + longest

    def budget(self, one: Watched) -> Budget:
        """What is used of what the source may ask."""
        return self._budgets[one.account]

    def may_go(self, one: Watched, now: float) -> float:
        """When its next look may go: `now`, or later."""
        return budgets.may_go(self.budget(one), one.allowance, now)

    def free_after(self, one: Watched, moment: float, now: float) -> float:
        """When a further look may go if one goes at this moment, or as soon as it may."""
        at = max(moment, self.may_go(one, now))
        return budgets.may_go(budgets.spend(self.budget(one), one.allowance, at), one.allowance, at)

    def spend(self, one: Watched, now: float, draw: float) -> None:
        """A look goes."""
        self.withdraws(one)
        self._budgets[one.account] = budgets.spend(self.budget(one), one.allowance, now, draw=draw)

    def limited(self, one: Watched, retry_after: float | None, now: float, draw: float) -> float:
        """The provider's limit is met, and it asks for so many seconds; answers how many nothing goes."""
        held = budgets.refused(self.budget(one), one.allowance, retry_after, now, draw)
        self._note(one, held)
        return held.hold_until - now

    def heed(self, one: Watched, answer: Answer, now: float) -> None:
        """Take to heart what an answer told of the limit and of the provider's clock."""
        for other in one.sharing:
            other.allowance = learned(other.allowance, answer.limit)
        spent = budgets.told(self.budget(one), one.allowance, answer.limit, now)
        self._note(one, spent if answer.skew is None else budgets.clocked(spent, answer.skew, now))

    def _note(self, one: Watched, told: Budget) -> None:
        """Keep what an answer told, unless a reload has the source ask another server by now."""
        if self._servers[one.source.name] == _server(one):
            self._budgets[one.account] = told

    # --- turns

    def waits(self, one: Watched) -> None:
        """Nothing but the budget keeps the source from asking."""
        self._waiting[one.account].setdefault(one.source.name)

    def withdraws(self, one: Watched) -> None:
        """The source asks, or has nothing to ask now."""
        self._waiting[one.account].pop(one.source.name, None)

    def is_first(self, one: Watched) -> bool:
        """Whether the source has waited for longer than the others that wait."""
        return next(iter(self._waiting[one.account])) == one.source.name

    # --- refusal

    def refuse(self, one: Watched, trouble: Trouble) -> None:
        """The source's credential is none: nobody asks any more, and every other says so in a pass of its own."""
        self._doubtful.add(one.account)
        for other in one.sharing:
            other.is_accepted = False
            if not other.is_stopped:
                other.is_stopped, other.refused = True, None if other is one else trouble

    def accept(self, one: Watched) -> None:
        """The source got a good answer: its credential is one, and the others need none to say so."""
        if one.account in self._doubtful and not one.is_stopped:
            self._doubtful.discard(one.account)
            for other in one.sharing:
                other.is_accepted = other is not one

    def resume(self) -> None:
        """Try every credential again."""
        for one in self._watched:
            one.is_stopped, one.refused = False, None

    def _share(self, watched: Iterable[Watched]) -> None:
        self._watched = list(watched)
        self._servers |= {one.source.name: _server(one) for one in self._watched}
        sharing: dict[str, list[Watched]] = defaultdict(list)
        for one in self._watched:
            one.sharing = sharing[one.account]
            sharing[one.account].append(one)
        self._doubtful.update(sharing)


def _server(one: Watched) -> tuple[str, str]:
    """Whose word on its limit holds."""
    return one.provider.name, urlsplit(one.source.base_url).netloc
