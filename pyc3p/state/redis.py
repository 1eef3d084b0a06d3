"""A Redis that several nodes share: their leases, their claims, and the state of their conferences.

Needs the extra ``redis``. What lies in it, and how large it gets, is in ``docs/scaling.rst``.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, cast

import attrs

try:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
except ImportError as error:  # pragma: no cover - the extra is there wherever tests run
    raise ImportError("pyc3p.state.redis needs redis: pip install '.[redis]' in a checkout") from error

from mcu import is_factory_place
from pyc3p.placement.belonging import Belonging
from pyc3p.placement.store import Claimed, Granted, LeaseLost, Node, Nodes, Refused, Whole
from pyc3p.state import redis_scripts as scripts
from pyc3p.state.redis_records import RedisRecords
from pyc3p.state.shared import SharedStore
from pyc3p.state.store import KEY_ERRORS, StoreUnavailable, is_under, read_key
from sip import Piece

#: Field of the claim in the hash of a conference; a key of a piece is never that.
_CLAIM: Final = "="
#: Places that are asked for at once, so that no other node waits for the whole answer.
_PLACES_AT_ONCE: Final = 1_000


@attrs.frozen(kw_only=True)
class RedisSettings:
    """Where the Redis is, and what is kept there."""

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = "pyc3p:"  #: of all keys, so that several deployments fit into one
    #: Seconds after its last change for which the state of a conference is kept: what all nodes have left behind goes
    #: then. Whoever is in a conference changes it every half an hour at least, by the session timers.
    lifetime: float = 24 * 3600.0
    timeout: float = 0.5  #: seconds for a connection, and for an answer; it is tried twice, within the time for a lease


class RedisStore(SharedStore):
    """State and placement of one node. Each operation may be sent twice; none of them does harm then."""

    def __init__(self, node: Node, settings: RedisSettings | None = None) -> None:
        self.settings = settings or RedisSettings()
        self.counters: Counter[str] = Counter()  #: pieces that were refused, because the conference is another's
        self._node = node
        self._epochs: dict[str, int] = {}  #: of our claims, by conference
        self._belonging = Belonging()
        #: A claim that is made again does not cross what is being written under the one before.
        self._writing = asyncio.Lock()
        timeout = self.settings.timeout
        self._redis = Redis.from_url(
            self.settings.url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1),  # a connection of the pool may be one that the last Redis had
            decode_responses=False,
            encoding_errors=KEY_ERRORS,  # as `key_octets`
        )
        self._records = RedisRecords(self._redis, self.settings.prefix, self._asked)
        register = self._redis.register_script
        self._renew, self._leave = register(scripts.RENEW), register(scripts.LEAVE)
        self._claim, self._owner = register(scripts.CLAIM), register(scripts.OWNER)
        self._claims_of, self._release = register(scripts.CLAIMS_OF), register(scripts.RELEASE)
        self._rewrite = register(scripts.REWRITE)

    @property
    def where(self) -> str:
        """What to call it, without a password."""
        return f"Redis at {_shown(self.settings.url)}"

    @property
    def records(self) -> RedisRecords:
        """The conference records."""
        return self._records

    def _key(self, *parts: str) -> str:
        return self.settings.prefix + ":".join(parts)

    # Placement -------------------------------------------------------------------------------------------------------

    async def renew(self, node: Node, *, lifetime: float) -> Nodes:
        """`PlacementStore.renew`. Raises LeaseLost when another process has the name."""
        async with self._asked() as redis:
            found, server = await asyncio.gather(
                self._renew(
                    keys=[self._key("node", node.name), self._key("nodes"), self._key("claims", node.name)],
                    args=[node.name, node.incarnation, node.address, round(lifetime * 1000), self.settings.prefix],
                ),
                cast("Any", redis.info("server")),
            )
        if not found:
            raise LeaseLost(f"another process is called {node.name}")
        claims, *texts = (each.decode() for each in found)
        leases = dict(zip(texts[::2], texts[1::2], strict=True))
        alive = {name: lease.partition(" ")[2] for name, lease in leases.items() if lease}
        gone = tuple(sorted(name for name, lease in leases.items() if not lease))
        return Nodes(run=str(server["run_id"]), alive=alive, gone=gone, claims=int(claims))

    async def leave(self, node: Node) -> None:
        """`PlacementStore.leave`."""
        async with self._asked():
            await self._leave(keys=[self._key("node", node.name)], args=[node.incarnation])

    async def claim(self, key: str, node: Node, *, held: int, above: int) -> Granted | Refused:
        """`PlacementStore.claim`. Raises LeaseLost when the lease of ``node`` is over."""
        async with self._writing if held else contextlib.nullcontext(), self._asked():
            answer = await self._claim(
                keys=[self._key("conference", key), self._key("node", node.name), self._key("claims", node.name)],
                args=[
                    *(key, node.name, node.incarnation, held, above),
                    *(self.settings.prefix, round(self.settings.lifetime)),
                ],
            )
            if not answer:
                raise LeaseLost(node.name)
            if not answer[0]:
                self._forget(key)
                return Refused(node=answer[1].decode())
            self._epochs[key] = int(answer[0])
        pieces = [
            Piece(read_key(name), value)
            for name, value in zip(answer[1::2], answer[2::2], strict=True)
            if read_key(name) != _CLAIM
        ]
        for piece in pieces:
            self._belonging.conference_of(piece)
        return Granted(epoch=int(answer[0]), pieces=tuple(pieces))

    async def owner(self, key: str) -> Claimed | None:
        """`PlacementStore.owner`."""
        async with self._asked():
            found = await self._owner(keys=[self._key("conference", key)], args=[self.settings.prefix])
        return Claimed(node=found[0].decode(), alive=bool(found[1])) if found else None

    async def claims_of(self, name: str) -> list[str]:
        """`PlacementStore.claims_of`."""
        async with self._asked():
            found = await self._claims_of(
                keys=[self._key("claims", name), self._key("node", name), self._key("nodes")], args=[name]
            )
        return sorted(read_key(each) for each in found)

    async def release(self, key: str, node: Node, *, epoch: int) -> None:
        """`PlacementStore.release`."""
        if self._epochs.get(key) == epoch:
            self._forget(key)
        async with self._asked():
            await self._release(
                keys=[self._key("conference", key), self._key("claims", node.name)], args=[key, f"{epoch} {node.name}"]
            )

    async def rewrite(self, key: str, node: Node, pieces: Whole) -> None:
        """`PlacementStore.rewrite`."""
        async with self._writing, self._asked():
            given = pieces()
            if given is None:
                return
            flat = [each for piece in given for each in (piece.key, piece.value or b"")]
            claim = f"{self._epochs.get(key, 0)} {node.name}"
            await self._rewrite(keys=[self._key("conference", key)], args=[claim, round(self.settings.lifetime), *flat])

    def _forget(self, key: str) -> None:
        self._epochs.pop(key, None)
        self._belonging.forget(key)

    # State -----------------------------------------------------------------------------------------------------------

    async def load(self, prefix: str = "") -> list[Piece]:
        """`StateStore.load`: what belongs to the node or to all; conferences come with their claims."""
        async with self._asked() as redis:
            found = await cast("Any", redis.hgetall(self._key("state", self._node.name)))
        pieces = [Piece(read_key(name), value) for name, value in found.items()]
        return [piece for piece in (*pieces, *await self.load_places()) if is_under(piece.key, prefix)]

    async def load_places(self) -> list[Piece]:
        """Which MCU has which conference, as all MCU Factories have written it. Raises StoreUnavailable."""
        async with self._asked() as redis:
            found = redis.hscan_iter(self._key("places"), count=_PLACES_AT_ONCE)
            return [Piece(read_key(name), value) async for name, value in found]

    async def load_conference(self, key: str) -> list[Piece]:
        """What is written of one conference, whoever has it. Raises StoreUnavailable."""
        async with self._asked() as redis:
            found = await cast("Any", redis.hgetall(self._key("conference", key)))
        return [Piece(read_key(name), value) for name, value in found.items() if read_key(name) != _CLAIM]

    async def write(self, pieces: Sequence[Piece]) -> None:
        """`StateStore.write`, in one round trip. What belongs to a conference that is not ours is left out and counted.

        All of one conference is written, or nothing of it; a failure in between may leave others unwritten.
        """
        async with self._writing, self._asked() as redis:
            pipeline = redis.pipeline(transaction=False)
            claims = self._add_writes(pipeline, pieces)
            written = await pipeline.execute() if claims else []
            self._belonging.removed(pieces)
        for number, conference in zip(written, claims, strict=True):
            if conference is not None and not number:
                self.counters["written by another node"] += 1

    def _add_writes(self, pipeline: Any, pieces: Sequence[Piece]) -> list[str | None]:
        """Queue the commands; returns for each the conference that it is for."""
        homes: defaultdict[str | None, dict[str, bytes | None]] = defaultdict(dict)
        places: list[Piece] = []
        for piece in pieces:
            if is_factory_place(piece):
                places.append(piece)
            else:
                homes[self._belonging.conference_of(piece)][piece.key] = piece.value
        queued: list[str | None] = []
        if places:
            self._add_places(pipeline, places)
            queued.append(None)
        for conference, values in homes.items():
            kept = {key: value for key, value in values.items() if value is not None}
            gone = [key for key, value in values.items() if value is None]
            if conference is not None:
                epoch = self._epochs.get(conference)
                if epoch is None:
                    self.counters["not claimed"] += 1
                    continue
                claim = f"{epoch} {self._node.name}"
                flat = [each for pair in kept.items() for each in pair]
                pipeline.eval(
                    *(scripts.WRITE, 1, self._key("conference", conference)),
                    *(claim, round(self.settings.lifetime), len(kept), *flat, *gone),
                )
                queued.append(conference)
                continue
            state = self._key("state", self._node.name)
            if kept:
                pipeline.hset(state, mapping=kept)
                queued.append(None)
            if gone:
                pipeline.hdel(state, *gone)
                queued.append(None)
        return queued

    def _add_places(self, pipeline: Any, places: Sequence[Piece]) -> None:
        kept = [each for piece in places if piece.value is not None for each in (piece.key, piece.value)]
        gone = [piece.key for piece in places if piece.value is None]
        pipeline.eval(
            *(scripts.PLACES, 1, self._key("places"), self._key("placed")),
            *(self._node.incarnation, len(kept) // 2, *kept, *gone),
        )

    # For all nodes ---------------------------------------------------------------------------------------------------

    async def shared_secret(self) -> str:
        """A secret that every node knows who can read this store; made by the first one. Raises StoreUnavailable."""
        async with self._asked() as redis:
            await redis.set(self._key("secret"), secrets.token_hex(32), nx=True)
            found = await redis.get(self._key("secret"))
        return str(found.decode())

    async def tell_changed(self, conference_uri: str) -> None:
        """Let all nodes know that a record is another one. Raises StoreUnavailable."""
        async with self._asked() as redis:
            await redis.publish(self._key("changed"), conference_uri)

    async def news(self) -> AsyncIterator[str | Piece | None]:
        """What nodes tell each other, for ever. Raises StoreUnavailable.

        The Conference-URI of a record that any node has changed, and which MCU an MCU Factory of another node has
        given a conference to, as its piece. None comes first, and after each interruption: from now on everything is
        heard, what was told before was not.
        """
        changed, placed = self._key("changed"), self._key("placed")
        async with self._asked() as redis, redis.pubsub() as heard:
            await heard.subscribe(changed, placed)
            begun = 0
            while True:
                message = await heard.get_message(timeout=None)
                if message is None:
                    continue
                if message["type"] != "message":
                    begun += 1
                    if begun % 2 == 0:  # both channels
                        yield None
                elif read_key(message["channel"]) == changed:
                    yield read_key(message["data"])
                elif (piece := self._place_told(message["data"])) is not None:
                    yield piece

    def _place_told(self, told: bytes) -> Piece | None:
        """Read what `scripts.PLACES` tells; None for what this node has told itself, or nobody of ours."""
        teller, _, rest = told.partition(b" ")
        length, _, text = rest.partition(b" ")
        if teller == self._node.incarnation.encode() or not length.isdigit():
            return None
        key, value = text[: int(length)], text[int(length) :]
        return Piece(read_key(key), value or None)

    async def close(self) -> None:
        """`StateStore.close`."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()

    @contextlib.asynccontextmanager
    async def _asked(self) -> AsyncIterator[Any]:
        try:
            yield self._redis
        except (RedisError, OSError, TimeoutError) as error:
            what = str(error) or type(error).__name__
            raise StoreUnavailable(f"{self.where}: {what}") from error


def _shown(url: str) -> str:
    """A URL without a password that may be in it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
