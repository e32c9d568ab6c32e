"""What the rest of the project may ask about the chain; reads only, and says how sure the answer is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from onchain.archive import archived_through
from onchain.blocktime import LIVE_TIME_SOURCE, TIME_SOURCE
from onchain.market_events import halt_changes, market_events_arrow
from onchain.models import Block, Cursor, Market, WatchedContract
from onchain.store import read_columns

__all__ = [
    "BlockRef",
    "ContractLog",
    "archived_through",
    "archived_through_ms",
    "block_at_or_after",
    "contract_logs",
    "final_block",
    "first_block",
    "followed_chain_id",
    "halt_changes",
    "head",
    "last_block_before",
    "market_events_arrow",
    "settled_through_ms",
    "stored_through",
    "time_source",
]


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A canonical block. `time_ms` is by docs/spec/venues.md, Time."""

    number: int
    hash: str
    timestamp_s: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class ContractLog:
    """A raw log of a watched contract in a canonical block; topics and data are 0x hex."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: int
    block_hash: str
    time_ms: int
    transaction_hash: str
    log_index: int
    final: bool


def head() -> BlockRef | None:
    """Return the newest indexed block, None before the first."""
    return _ref(Block.objects.filter(canonical=True).order_by("-number").first())


def followed_chain_id() -> int | None:
    """Return the id of the chain that is indexed, None before anything is."""
    return Cursor.objects.values_list("chain_id", flat=True).first()


def final_block() -> BlockRef | None:
    """Return the newest block that is verified and final with all before it."""
    cursor = Cursor.objects.first()
    if cursor is None or cursor.final_block < cursor.first_block:
        return None
    return _ref(Block.objects.filter(canonical=True, number=cursor.final_block).first())


def first_block() -> int:
    """Return the number of the lowest indexed block, 0 before there is any."""
    return Cursor.objects.values_list("first_block", flat=True).first() or 0


def block_at_or_after(*, time_ms: int) -> BlockRef | None:
    """Return the first block with time_ms at or after the given."""
    return _ref(Block.objects.filter(canonical=True, time_ms__gte=time_ms).order_by("time_ms", "number").first())


def last_block_before(*, time_ms: int) -> BlockRef | None:
    """Return the last block whose time_ms is below the given."""
    return _ref(Block.objects.filter(canonical=True, time_ms__lt=time_ms).order_by("-time_ms", "-number").first())


def time_source(*, from_ms: int, to_block: int, event_blocks: Iterable[int] = ()) -> str:
    """Return what a manifest says of where the times since from_ms, and of earlier events' blocks, come from."""
    before = last_block_before(time_ms=from_ms)
    first = before.number + 1 if before else 0
    earlier = {number for number in event_blocks if number < first}
    stamped = Block.objects.filter(canonical=True, live_time_ms__isnull=False)
    found = stamped.filter(Q(number__range=(first, to_block)) | Q(number__in=earlier)).exists()
    return LIVE_TIME_SOURCE if found else TIME_SOURCE


def settled_through_ms(*, markets: Sequence[str] | None = None) -> int:
    """Return T: every event with time_ms < T of the markets (all by default) is indexed, verified, final and settled.

    0 while nothing is. A quarantined market holds T back: its epoch can't be scored until that is resolved.
    """
    cursor = Cursor.objects.first()
    if cursor is None:
        return 0
    found = Market.objects.all() if markets is None else Market.objects.filter(name__in=markets)
    through = min([cursor.final_block, *found.values_list("derived_through", flat=True)])
    canonical = Block.objects.filter(canonical=True)
    # Blocks that are not settled are the chain's newest second: what is open at `through` began with that second.
    newest = canonical.filter(number=through).first()
    if newest is not None and not newest.settled:
        return newest.timestamp_s * 1000
    # Whatever comes later has at least the second of the first block that is still open.
    first_open = canonical.filter(number__gt=through).order_by("number").first()
    return 0 if first_open is None else first_open.timestamp_s * 1000


def archived_through_ms() -> int:
    """Return the time of the last block whose events are in the archive alone, -1 while all are here."""
    through = archived_through()
    if through < 0:
        return -1
    newest = Block.objects.filter(canonical=True, number__lte=through).order_by("-number")
    return newest.values_list("time_ms", flat=True).first() or -1


def contract_logs(*, address: str, from_block: int, to_block: int, final_only: bool = True) -> list[ContractLog]:
    """Return the canonical logs of a watched contract in [from_block, to_block], in chain order."""
    cursor = Cursor.objects.first()
    if cursor is None:
        return []
    last = min(to_block, cursor.final_block if final_only else cursor.block_number)
    logs, _ = read_columns(addresses=[address.lower()], first=from_block, last=last)
    numbers = logs.block.tolist()
    blocks = {block.number: block for block in Block.objects.filter(canonical=True, number__in=set(numbers))}
    return [
        ContractLog(
            address=logs.addresses[logs.address[row]],
            topics=tuple("0x" + topic.tobytes().hex() for topic in logs.topics[row, : logs.topic_count[row]]),
            data="0x" + logs.data_of(row).hex(),
            block_number=number,
            block_hash=blocks[number].hash,
            time_ms=blocks[number].time_ms,
            transaction_hash="0x" + logs.transaction_hash[row].tobytes().hex(),
            log_index=int(logs.log_index[row]),
            final=number <= cursor.final_block,
        )
        for row, number in enumerate(numbers)
    ]


def stored_through(*, address: str) -> int:
    """Return the block through which a watched contract's logs are stored; -1 when it isn't watched."""
    found = WatchedContract.objects.filter(address=address.lower()).values_list("stored_through", flat=True).first()
    return -1 if found is None else found


def _ref(block: Block | None) -> BlockRef | None:
    return None if block is None else BlockRef(block.number, block.hash, block.timestamp_s, block.time_ms)
