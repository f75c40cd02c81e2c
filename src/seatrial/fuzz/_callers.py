"""Who asks a service once the fuzzer has ended: its users as they are by then, and strangers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.core import Identity, SeatrialError
from seatrial.fuzz._authentication import Stranger
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._order import Scene
from seatrial.fuzz.probes import Asker
from seatrial.signin import People


@dataclass(frozen=True, slots=True)
class Callers:
    """Users, and as many addresses of strangers as there are operations."""

    scene: Scene
    users: Sequence[Identity]
    addresses: Sequence[Identity]

    @property
    def headers(self) -> dict[str, Mapping[str, str]]:
        """Return what authenticates each user in headers."""
        return {each.name: each.headers for each in self.users}

    @property
    def queries(self) -> dict[str, Mapping[str, str]]:
        """Return what authenticates those in the query who have their keys there."""
        return {each.name: each.query for each in self.users if each.query}

    def stranger(self) -> Stranger:
        """Return one who sends recorded requests again as somebody else; his time begins now."""
        return self._sender(self.headers, self.queries)

    def asker(self) -> Asker:
        """Return one who sends requests of our own, as these users and as new ones; his time begins now."""
        headers, queries = self.headers, self.queries  # both learn of new users by them
        return Asker(
            self._sender(headers, queries).send,
            users=headers,
            queries=queries,
            organisations={each.name: each.organisation for each in self.users},
            identities=self.scene.identities,
            base_url=self.scene.target.url,
            limited=self.scene.limited,
        )

    def _sender(self, headers: Mapping[str, Mapping[str, str]], queries: Mapping[str, Mapping[str, str]]) -> Stranger:
        return Stranger(
            self.addresses,
            target=self.scene.target,
            limited=self.scene.limited,
            window_s=self.scene.window_s,
            users=headers,
            queries=queries,
        )


def callers_of(scene: Scene, users: list[Identity], heard: Heard) -> Callers:
    """Return who asks now."""
    addresses = scene.identities.lease_anonymous(len(scene.operations))
    return Callers(scene, as_they_are(users, scene.people, heard), addresses)


def as_they_are(users: list[Identity], people: People | None, heard: Heard) -> list[Identity]:
    """Return users with the tokens that they have by now; those are secrets before anything of them is written."""
    if people is None:
        return users
    for learned in heard.learned:
        people.learn(learned.who, learned.token)
    try:
        now = {each.name: each for each in people.identities()}
    except SeatrialError:  # nobody lets them in any more: what was found stays
        return users
    return [now[each.name] for each in users]
