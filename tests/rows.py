"""An epoch's inputs as the rows that the indexer and the services leave in the database, without a chain."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from accounts.models import Maker, MakerAddress, PayoutAccount, PayoutPlan
from onchain.book import Row
from onchain.models import Block, Cursor, Market
from onchain.partitions import ensure_partitions
from onchain.store import write_events
from onchain.venues.events import ABSENT, KINDS, SIDES, EventColumns
from rewards.engine.evidence import Inputs
from rewards.models import Carry, Entitlement, Epoch, EpochSession, Program

CHAIN_ID = 31337
DISTRIBUTOR = "0x" + "d" * 40


def blocks_of(inputs: Inputs, rng: Random) -> tuple[np.ndarray, list[int]]:
    """Give each moment of the events a block that comes up to a while later, as blocks that tell of expiries do.

    Returns each event's place in the list of block times (ms), and that list. No block is late over the epoch's end.
    """
    moments, place = np.unique(inputs.events.time_ms, return_inverse=True)
    end_ms = inputs.terms.epoch.end_ms
    times = []
    for now, following in zip(moments.tolist(), [*moments.tolist()[1:], 2**62], strict=True):
        latest = min(following, now + 5_000, end_ms if now < end_ms else 2**62) - 1
        times.append(rng.choice((now, rng.randint(now, max(now, latest)), max(now, latest))))
    return place, times


def put_epoch(inputs: Inputs, *, place: np.ndarray, times: list[int]) -> Epoch:
    """Store a live epoch with its programme, makers, markets and all of its events, on a chain that has gone on.

    place: each event's block as an index into times. times: the blocks' ms, rising.
    """
    _put_makers(inputs)
    epoch = _put_program(inputs)
    _put_blocks([*times, *(max(times[-1], epoch.end_ms) + 1_000 * each for each in (2, 4, 6))])
    table = inputs.events.to_arrow()
    for number, name in enumerate(sorted(inputs.terms.markets)):
        market = Market.objects.create(
            name=name, adapter="lamplight", address=f"0x{number + 1:040x}", start_block=1, config={}, tick_size="1",
            lot_size="1", base_symbol="X", derived_through=len(times) + 3,
        )  # fmt: skip
        rows = np.flatnonzero(pc.equal(table.column("market"), name).to_numpy())
        write_events(_columns(list(_rows(table.take(pa.array(rows)), place[rows], times))), market_id=market.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE onchain_block, onchain_marketevent")
    return epoch


def settle_through(time_ms: int) -> None:
    """Have the chain final through the last block before a time, and nothing after it."""
    before = Block.objects.filter(time_ms__lt=time_ms).order_by("-number").values_list("number", flat=True).first()
    Cursor.objects.update(final_block=before or 0)


def settle_all() -> None:
    """Have the whole chain final."""
    Cursor.objects.update(final_block=Block.objects.count())


def _put_makers(inputs: Inputs) -> None:
    makers = {
        slug: Maker.objects.create(slug=slug, name=slug)
        for slug in sorted({*inputs.makers.values(), *inputs.payouts, *inputs.carried_in})
    }
    MakerAddress.objects.bulk_create(
        MakerAddress(address=address, maker=makers[slug], since_ms=0) for address, slug in inputs.makers.items()
    )
    plans = {
        slug: PayoutPlan.objects.create(maker=makers[slug], since_ms=0, made_by="tests") for slug in inputs.payouts
    }
    PayoutAccount.objects.bulk_create(
        PayoutAccount(plan=plans[slug], position=position, account=account, share_ppm=share_ppm)
        for slug, shares in inputs.payouts.items()
        for position, (account, share_ppm) in enumerate(shares)
    )


def _put_program(inputs: Inputs) -> Epoch:
    terms = inputs.terms
    program = Program.objects.create(
        slug=terms.program, name=terms.program, chain_id=CHAIN_ID, distributor=DISTRIBUTOR, token=terms.token,
        token_symbol="T",
    )  # fmt: skip
    start_ms, end_ms, number = terms.epoch.start_ms, terms.epoch.end_ms, terms.epoch.number
    if inputs.previous is not None or inputs.carried_in:
        before = Epoch.objects.create(
            program=program, number=number - 1, start_ms=start_ms - 1, end_ms=start_ms, terms_json="{}",
            terms_sha256="0" * 64, budget=1, state=Epoch.State.LIVE, root="0x" + "1" * 64,
        )  # fmt: skip
        Entitlement.objects.bulk_create(
            Entitlement(epoch=before, account=account, token=token, cumulative=amount, increment=0, proof=[])
            for account, token, amount in inputs.previous or ()
        )
        Carry.objects.bulk_create(
            Carry(epoch=before, maker=maker, amount=amount) for maker, amount in inputs.carried_in.items()
        )
        for state in (Epoch.State.SCORED, Epoch.State.ACTIVE):
            Epoch.objects.filter(pk=before.pk).update(state=state)
    epoch = Epoch.objects.create(
        program=program, number=number, start_ms=start_ms, end_ms=end_ms, terms_json=terms.canonical.decode(),
        terms_sha256=terms.sha256, budget=terms.budget, state=Epoch.State.LIVE,
    )  # fmt: skip
    EpochSession.objects.bulk_create(
        EpochSession(epoch=epoch, start_ms=start, end_ms=end, kind=kind) for start, end, kind in inputs.sessions.rows
    )
    return epoch


def _put_blocks(times: list[int]) -> None:
    head = len(times)
    ensure_partitions(first_block=1, last_block=head)
    Block.objects.bulk_create(
        (
            Block(
                hash=f"0x{number:064x}", number=number, parent_hash=f"0x{number - 1:064x}",
                receipts_root="0x" + "0" * 64, timestamp_s=time_ms // 1000, time_ms=time_ms, time_error_ms=0,
                settled=number < head, status=Block.Status.FINAL, canonical=True,
            )
            for number, time_ms in enumerate(times, start=1)
        ),
        batch_size=5_000,
    )  # fmt: skip
    Cursor.objects.create(
        chain_id=CHAIN_ID, first_block=1, block_number=head, block_hash=f"0x{head:064x}", final_block=head,
        verified_block=head, head_number=head,
    )  # fmt: skip


def _columns(rows: list[Row]) -> EventColumns:
    """Return rows as an adapter's columns, with the numbers that they have already."""

    def number(value: int | None) -> int:
        return ABSENT if value is None else value

    events = EventColumns.of([
        (KINDS.index(row.kind), row.block, ABSENT, row.order, row.address,
         ABSENT if row.side is None else SIDES.index(row.side), number(row.price), number(row.size), row.taker,
         number(row.time_ms))
        for row in rows
    ])  # fmt: skip
    return replace(events, log_index=np.array([row.log_index for row in rows], np.int64))


def _rows(table: pa.Table, place: np.ndarray, times: list[int]) -> Iterator[Row]:
    """Yield a market's rows; an event has a time of its own where its block has another."""
    columns = [table.column(name).to_pylist() for name in table.column_names[3:]]
    before, log_index = -1, 0
    for values, index in zip(zip(*columns, strict=True), place.tolist(), strict=True):
        time_ms, kind, order, address, side, price, size, taker = values
        log_index = log_index + 1 if index == before else 0
        before = index
        own_ms = None if time_ms == times[index] else time_ms
        yield Row(kind, index + 1, log_index, own_ms, order, address, side, price, size, taker)
