"""What people entered about an epoch's markets (splits, halts, closures), beside the inputs that it changed.

No number of a root comes from here: splits.csv, events.parquet and sessions.csv hold what counts, and actions.csv says
who entered it and why. Source: docs/spec/evidence.md; docs/market-actions.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split

SPLIT, HALT, CLOSURE = "split", "halt", "closure"
ACTION_KINDS = (SPLIT, HALT, CLOSURE)
OPEN_KINDS = ("pre", "regular", "post")

Toggle = tuple[int, bool]
"""When a market stops (True) or goes on (False), ms."""


@dataclass(frozen=True)
class Action:
    """One entry. market: of a closure, the calendar of the exchange. to_ms: None for a split. new, old: 0 for others.

    entered_by, confirmed_by: role and name. source: a link, or empty.
    """

    market: str
    kind: str
    from_ms: int
    to_ms: int | None
    new: int
    old: int
    entered_by: str
    confirmed_by: str
    reason: str
    source: str


def entered_halts(
    chain: Iterable[Toggle], spans: Iterable[tuple[int, int]], *, start_ms: int, end_ms: int
) -> list[Toggle]:
    """Return the halts and resumes that make a market stand still in the spans too, whatever the chain's own say.

    The chain's events stay as they are, in order of time, the state that the epoch begins with among them. Each of
    those returned comes behind the chain's of its time: a halt where a span begins and again where the chain would
    go on within it, a resume where it ends unless the chain is halted then. spans: half-open, may overlap.
    """
    toggles, found = sorted(chain, key=lambda toggle: toggle[0]), dict[int, bool]()
    for from_ms, to_ms in _joined(spans, start_ms=start_ms, end_ms=end_ms):
        found[from_ms] = True
        found |= {at: True for at, halted in toggles if not halted and from_ms <= at < to_ms}
        state = [halted for at, halted in toggles if at <= to_ms]
        if to_ms < end_ms and not (state and state[-1]):
            found[to_ms] = False
    return sorted(found.items())


def differences(
    actions: Sequence[Action],
    *,
    splits: Sequence[Split],
    sessions: Sessions,
    toggles: Mapping[str, Sequence[Toggle]],
    start_ms: int,
    end_ms: int,
) -> Iterator[tuple[str, str, str]]:
    """Yield (which entry, what it says, what the inputs hold) wherever an entry is not in the inputs.

    toggles: of each market, all halts and resumes of events.parquet in its order.
    """
    entered = {Split(each.market, each.from_ms, each.new, each.old) for each in actions if each.kind == SPLIT}
    for split in sorted(entered ^ set(splits)):
        said = f"{split.new} for {split.old} at {split.time_ms} ms"
        row = f"the split of {split.market}"
        yield (row, said, "no such line in splits.csv") if split in entered else (row, "none", f"{said} in splits.csv")
    for each in actions:
        if each.to_ms is None:
            continue
        from_ms, to_ms = max(each.from_ms, start_ms), min(each.to_ms, end_ms)
        row, said = f"the {each.kind} of {each.market}", f"{each.from_ms} to {each.to_ms} ms"
        if each.kind == HALT:
            for live in _live_spans(toggles.get(each.market, ()), from_ms, to_ms):
                yield row, said, f"live from {live[0]} to {live[1]} ms in events.parquet"
        elif each.kind == CLOSURE:
            for start, end, kind in sessions.rows:
                if kind in OPEN_KINDS and max(start, from_ms) < min(end, to_ms):
                    yield row, said, f"{kind} from {start} to {end} ms in sessions.csv"


def _joined(spans: Iterable[tuple[int, int]], *, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Return the spans within the epoch, those that touch or overlap as one."""
    joined: list[tuple[int, int]] = []
    for from_ms, to_ms in sorted((max(begin, start_ms), min(end, end_ms)) for begin, end in spans):
        if from_ms >= to_ms:
            continue
        if joined and from_ms <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], to_ms))
        else:
            joined.append((from_ms, to_ms))
    return joined


def _live_spans(toggles: Sequence[Toggle], from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a span in which a market is live."""
    halted, since = False, 0
    for at, stops in [*toggles, (to_ms, True)]:
        begin, end = max(since, from_ms), min(at, to_ms)
        if not halted and begin < end:
            yield begin, end
        halted, since = stops, at
