"""The second opinion: with several providers a block is verified once two of them give the same hash and root.

Source: docs/spec/venues.md, Head, safety, completeness. Where providers contradict each other neither is believed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.utils import timezone

from onchain.errors import BadChainDataError, NoProviderError, ProvidersDisagreeError, RpcError
from onchain.models import Alarm, Block, Cursor
from onchain.rpc import Call, Provider, RpcClient

logger = logging.getLogger(__name__)
CONFIRMATIONS = 2
BATCH_BLOCKS = 128
Answer = tuple[str, str]
"""A block's hash and receipts root, 0x hex."""


def initial_status(client: RpcClient) -> Block.Status:
    """Return how sure we are of blocks whose receipts root was rebuilt, before a second provider was asked."""
    return Block.Status.VERIFIED if len(client.providers) < CONFIRMATIONS else Block.Status.FETCHED


def verify(client: RpcClient, *, cursor: Cursor) -> None:
    """Ask the other providers for blocks up to the cursor, as far as they have them, and move `verified_block`.

    Changes the cursor without saving it. A provider that does not answer or lags leaves blocks unverified for now.
    Raises ProvidersDisagreeError, after raising the alarm; once all agree the alarm is resolved.
    """
    if initial_status(client) == Block.Status.VERIFIED:
        # One provider now; blocks that waited for a second one have had their receipts root rebuilt as well.
        Block.objects.filter(canonical=True, status=Block.Status.FETCHED, number__lte=cursor.block_number).update(
            status=Block.Status.VERIFIED
        )
        cursor.verified_block = cursor.block_number
        return
    while cursor.verified_block < cursor.block_number:
        first = cursor.verified_block + 1
        blocks = list(
            Block.objects.filter(canonical=True, number__range=(first, cursor.block_number)).order_by("number")[
                :BATCH_BLOCKS
            ]
        )
        confirmed = _confirmed(client, blocks)
        if confirmed:
            Block.objects.filter(pk__in=[block.pk for block in blocks[:confirmed]], status=Block.Status.FETCHED).update(
                status=Block.Status.VERIFIED
            )
            cursor.verified_block += confirmed
        if confirmed < len(blocks):
            return
    Alarm.objects.filter(kind=ProvidersDisagreeError.kind, resolved_at=None).update(resolved_at=timezone.now())


def raise_alarm(error: ProvidersDisagreeError) -> None:
    """Tell people; the indexer goes on asking."""
    _, created = Alarm.objects.get_or_create(
        kind=error.kind, resolved_at=None,
        defaults={"message": str(error), "block_number": error.block_number, "stops": False},
    )  # fmt: skip
    if created:
        logger.critical("%s", error)


def _confirmed(client: RpcClient, blocks: Sequence[Block]) -> int:
    """Return how many of the first blocks two providers have as we have them."""
    votes = [0] * len(blocks)
    for index, provider in enumerate(client.providers):
        answers = _ask(client, index, [block.number for block in blocks])
        for place, (block, answer) in enumerate(zip(blocks, answers, strict=True)):
            if answer is None:
                continue
            if answer != (block.hash, block.receipts_root):
                raise ProvidersDisagreeError(
                    block_number=block.number, rule=_contradiction(client, provider, block, answer)
                )
            votes[place] += 1
    return next((place for place, count in enumerate(votes) if count < CONFIRMATIONS), len(blocks))


def _ask(client: RpcClient, index: int, numbers: Sequence[int]) -> list[Answer | None]:
    """Return what one provider says of the blocks; None where it has none or does not answer."""
    calls = [Call("eth_getBlockByNumber", (hex(number), False)) for number in numbers]
    if client.providers[index].health.rests_until_s > client.clock_s():
        return [None] * len(numbers)
    try:
        # Once, without patience: the head does not wait for an opinion, which can be asked for again.
        found = client.only(index=index, attempts=1).batch(calls=calls)
        return [(block["hash"].lower(), block["receiptsRoot"].lower()) if block else None for block in found]
    except (RpcError, NoProviderError, BadChainDataError, KeyError, TypeError, AttributeError) as error:
        logger.info("No second opinion from %s: %s", client.providers[index].name, error)
        return [None] * len(numbers)


def _contradiction(client: RpcClient, provider: Provider, block: Block, answer: Answer) -> str:
    others = ", ".join(each.name for each in client.providers if each is not provider)
    what = "hash" if answer[0] != block.hash else "receipts root"
    theirs, ours = (answer[0], block.hash) if what == "hash" else (answer[1], block.receipts_root)
    return (
        f"{provider.name} gives it the {what} {theirs}, where we had {ours} from another provider ({others}); "
        "neither is believed until they agree"
    )
