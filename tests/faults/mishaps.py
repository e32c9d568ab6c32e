"""What goes wrong while the service works: each a small class that says what it needs and when it strikes.

`share` is how much of the trading is done, 0 to 1: mishaps are spread over it, so that they meet every stage.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.faults.crew import WAYS, Crew, Redis, restart_postgres
from tests.faults.disks import disk_at


class Mishap:
    """One kind of trouble. `folders` are where everybody writes then; `more` are processes beside the others."""

    more: tuple[str, ...] = ()
    folders: dict[str, str] = {}
    PHASE = 0.5
    """Where in its part of the trading it strikes: each kind at another place, so that one is not lost in another."""

    def __init__(self, root: Path, wanted: Any) -> None:
        self.root, self.wanted = root, wanted
        self.done = 0

    def begin(self, _chain_url: str) -> dict[str, str]:
        """Start what it needs; returns the environment of the service's processes."""
        return {}

    def step(self, share: float, crew: Crew) -> None:
        """Strike, if it is time."""

    @property
    def is_over(self) -> bool:
        """Whether it has struck as often as it should."""
        return self.done >= self.wanted

    def end(self) -> None:
        """Stop what it started."""

    def count(self) -> object:
        """Return how often it struck."""
        return self.done

    def _is_time(self, share: float) -> bool:
        return not self.is_over and share >= (self.done + self.PHASE) / self.wanted


class PostgresRestarts(Mishap):
    """The database is restarted so many times, in three ways in turn."""

    PHASE = 0.65

    def step(self, share: float, crew: Crew) -> None:
        """Restart it."""
        if self._is_time(share):
            restart_postgres(self.root, way=WAYS[self.done % len(WAYS)])
            self.done += 1


class RedisRestarts(Mishap):
    """The queue is a real Redis that is restarted so many times, every other one by kill -9, with all it held."""

    PHASE = 0.85

    def begin(self, _chain_url: str) -> dict[str, str]:
        """Start Redis."""
        self.redis = Redis(self.root)
        self.redis.start()
        return {"CELERY_BROKER_URL": self.redis.url}

    def step(self, share: float, crew: Crew) -> None:
        """Restart it."""
        if self._is_time(share):
            self.redis.restart(hard=self.done % 2 == 0)
            self.done += 1

    def end(self) -> None:
        """Stop Redis."""
        self.redis.stop()


class Kills(Mishap):
    """The worker is killed at named points (config/failpoints.py): those given, as `name:n` or `name:n:group`."""

    QUIET_S = 300.0
    """Longer than anything waits before it passes a point: the lease of a notice whose sender died is 90 s.

    A run in which all are passed does not wait for it.
    """

    def begin(self, _chain_url: str) -> dict[str, str]:
        """Arm them."""
        self.quiet_since = time.monotonic()
        self.fired = self.root / "failpoints"
        self.fired.mkdir()
        return {"LAMPLIGHT_FAILPOINTS": ",".join(self.wanted), "LAMPLIGHT_FAILPOINTS_DIR": str(self.fired)}

    def step(self, share: float, crew: Crew) -> None:
        """See who has died since."""
        now, dead = time.monotonic(), len(self.count())
        if dead != self.done or share < 1:
            self.done, self.quiet_since = dead, now

    @property
    def is_over(self) -> bool:
        """Whether all have been passed, or none for so long that none will be: the test says which are missing."""
        return self.done == len(self.wanted) or time.monotonic() - self.quiet_since > self.QUIET_S

    def count(self) -> list[str]:
        """Return the points at which a process died, as they were given."""
        there = {path.name for path in self.fired.iterdir()}
        return [entry for entry in self.wanted if entry.replace(":", "-") in there]


class TwoBeats(Mishap):
    """A second beat pokes beside the first, all the time."""

    more = ("beat-2",)
    is_over = True

    def count(self) -> object:
        """Return how many beats there are."""
        return 2


class Thrice(Mishap):
    """Every task comes three times, shuffled."""

    is_over = True

    def begin(self, _chain_url: str) -> dict[str, str]:
        """Have the queue do so."""
        self.sent = self.root / "deliveries"
        self.sent.touch()
        return {"TASKS_THRICE": str(self.sent)}

    def count(self) -> object:
        """Return how many deliveries there were."""
        return self.sent.stat().st_size


class ProviderGone(Mishap):
    """The chain's node answers nobody for so many seconds; trading goes on meanwhile."""

    def begin(self, chain_url: str) -> dict[str, str]:
        """Put the proxy between."""
        from tests.faults.proxy import LyingProxy

        self.proxy = LyingProxy(chain_url).__enter__()
        self.since: float | None = None
        return {"RPC_URLS": self.proxy.url}

    def step(self, share: float, crew: Crew) -> None:
        """Go away after a third of the trading, and come back."""
        now = time.monotonic()
        if self.since is None and share >= 0.35:
            self.since, self.proxy.is_gone = now, True
        elif self.since is not None and self.proxy.is_gone and now - self.since >= self.wanted:
            self.proxy.is_gone = False
            self.done = int(now - self.since)

    def end(self) -> None:
        """Stop the proxy."""
        self.proxy.__exit__()

    def count(self) -> object:
        """Return how long it was gone (s), and how many requests found it so."""
        return [self.done, self.proxy.hits]


class ClockSetBack(Mishap):
    """The clock of worker and beat is set back an hour, so many times (libfaketime; the database keeps its own)."""

    PHASE = 0.2

    def begin(self, _chain_url: str) -> dict[str, str]:
        """Have them read the time through libfaketime."""
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.file = self.root / "clock"
        self.file.write_text("+0")
        return {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(Path(__file__).parent / "clock"),
        }  # fmt: skip

    def step(self, share: float, crew: Crew) -> None:
        """Set it back again and again: an hour each time."""
        if self._is_time(share):
            self.done += 1
            self.file.write_text(f"-{3600 * self.done}")


class DiskFull(Mishap):
    """Evidence and proof packs go to a small file system each that is full, until so many writes have failed in all.

    The room that is left changes from failure to failure, so that another file is the first that doesn't fit. Who may
    not mount has folders that take nothing instead (tests/faults/disks.py).
    """

    ROOM = 4096
    WORDS = ("is not scored: ", "are not written: ")
    """What the worker says of evidence and of proof packs that the disk does not take."""

    def __init__(self, root: Path, wanted: int) -> None:
        super().__init__(root, wanted)
        self.disks = [disk_at(root / "evidence-disk"), disk_at(root / "proofs-disk")]
        names = ("EVIDENCE_DIR", "PROOFS_DIR")
        self.folders = {name: str(disk.folder) for name, disk in zip(names, self.disks, strict=True)}
        self.seen = 0

    def begin(self, _chain_url: str) -> dict[str, str]:
        """Fill both."""
        for disk in self.disks:
            disk.leave(0)
        return {}

    def step(self, share: float, crew: Crew) -> None:
        """Count a failure; after half of them evidence gets its room, after all the proof packs do."""
        failed = self._failed(crew)
        if failed <= self.seen or self.is_over:
            return
        self.seen, self.done = failed, self.done + 1
        for_evidence = (self.wanted + 1) // 2
        room = self.done % 4 * self.ROOM
        if self.done <= for_evidence:
            self.disks[0].leave(None if self.done == for_evidence else room)
        else:
            self.disks[1].leave(None if self.is_over else room)
        # What failed before there was that much room is not the next failure.
        self.seen = self._failed(crew)

    def _failed(self, crew: Crew) -> int:
        return sum(crew.said("worker", words) for words in self.WORDS)

    def end(self) -> None:
        """Take the disks away."""
        for disk in self.disks:
            disk.end()


KINDS: dict[str, type[Mishap]] = {
    "postgres": PostgresRestarts,
    "redis": RedisRestarts,
    "kills": Kills,
    "beats": TwoBeats,
    "thrice": Thrice,
    "gone_s": ProviderGone,
    "clock": ClockSetBack,
    "disk": DiskFull,
}


class Mishaps:
    """All that goes wrong in one run."""

    def __init__(self, each: dict[str, Mishap]) -> None:
        self.each = each
        self.crew: Crew | None = None

    @classmethod
    def of(cls, root: Path, spec: dict[str, Any]) -> Mishaps:
        """Return those of a plan: kind to how often, how long, or where."""
        return cls({kind: KINDS[kind](root, wanted) for kind, wanted in spec.items()})

    @property
    def folders(self) -> dict[str, str]:
        """The folders that everybody uses."""
        return {name: folder for each in self.each.values() for name, folder in each.folders.items()}

    @property
    def more(self) -> tuple[str, ...]:
        """The processes beside worker and beat."""
        return tuple(name for each in self.each.values() for name in each.more)

    def begin(self, chain_url: str) -> dict[str, str]:
        """Start what they need; returns the environment of the service's processes."""
        env = {"RPC_URLS": chain_url}
        for each in self.each.values():
            env |= each.begin(chain_url)
        return env

    def step(self, share: float) -> None:
        """Let happen what is due, and have started again what died."""
        assert self.crew is not None
        self.crew.watch()
        for each in self.each.values():
            each.step(share, self.crew)

    @property
    def are_over(self) -> bool:
        """Whether all have struck as often as they should."""
        return all(each.is_over for each in self.each.values())

    @property
    def done(self) -> list[int]:
        """Return how far each is, for who wants to see whether anything moves."""
        return [each.done for each in self.each.values()]

    def counts(self) -> dict[str, object]:
        """Return how often each struck."""
        return {kind: each.count() for kind, each in self.each.items()}

    def __enter__(self) -> Mishaps:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.each.values():
            each.end()
