"""Which blocks' rows something still needs; all before them may leave the database once they are in the archive."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Min, Q

from onchain.archive import Partition, partitions
from onchain.derive import adapter_of
from onchain.market_events import SPLIT_MS
from onchain.models import AdapterState, Cursor, Market, WatchedContract
from onchain.selectors import last_block_before, settled_through_ms
from rewards.models import ArchivedEvidence, Correction, Dispute, Epoch, EpochRevision, Program, Rederivation

STATE = Epoch.State
DAY_MS = 86_400_000
ENDS = (STATE.ACTIVE, STATE.EMPTY)


@dataclass(frozen=True, slots=True)
class Needed:
    """The first block whose rows are needed, and by what, in words. Before it nothing is."""

    first_block: int
    why: str


def first_needed() -> Needed:
    """Return from which block on the rows are needed."""
    cursor = Cursor.objects.first()
    settled_ms = settled_through_ms()
    if cursor is None or not settled_ms:
        return Needed(0, "no block is final yet")
    if Rederivation.objects.filter(done_at=None).exists():
        return Needed(0, "a market is to be derived again")
    kept_days = settings.ARCHIVE_AFTER_DAYS
    from_ms, why = min(
        (settled_ms - kept_days * DAY_MS, f"the last {kept_days} days stay"),
        # Orders that rest since before a split are followed through it for so long.
        *((start_ms - SPLIT_MS, why) for start_ms, why in _starts(settled_ms)),
    )
    before = last_block_before(time_ms=from_ms)
    found = [(before.number + 1 if before else 0, why), *_of_markets(before.number if before else -1)]
    first, why = min(found)
    return Needed(min(first, cursor.final_block), why)


def may_go() -> list[Partition]:
    """Return the partitions that nothing needs, the oldest first."""
    first = first_needed().first_block
    return [each for each in partitions() if each.last_block < first]


def contracts_for_ever() -> list[str]:
    """Return the contracts whose logs stay: distributors and share tokens, which are read from their beginning."""
    of_markets = {address for market in Market.objects.all() for address in adapter_of(market).addresses}
    watched = WatchedContract.objects.exclude(address__in=of_markets) | WatchedContract.objects.filter(whole=True)
    return sorted(watched.values_list("address", flat=True))


def evidence_names() -> list[str]:
    """Return the folders of evidence that belong into the archive: of epochs that have come to an end, all results."""
    closed = Epoch.objects.filter(state__in=ENDS)
    names = [
        *closed.values_list("evidence_name", flat=True),
        *EpochRevision.objects.filter(epoch__in=closed).values_list("evidence_name", flat=True),
    ]
    return sorted({name for name in names if name})


def _starts(settled_ms: int) -> list[tuple[int, str]]:
    """Return the starts of epochs whose events are needed, each with the reason."""
    found = []
    for program in Program.objects.all():
        unfinished = program.epochs.exclude(state__in=ENDS).order_by("number").first()
        last = program.epochs.order_by("-number").first()
        if unfinished is not None:
            found.append((unfinished.start_ms, f"epoch {unfinished.number} of {program.slug} is not over"))
        elif last is not None:
            found.append((last.end_ms, f"the epoch after {last.number} of {program.slug} begins with that book"))
    # An epoch that paid nobody can be scored again until a later one pays.
    in_question = Epoch.objects.filter(
        Q(pk__in=Dispute.objects.filter(state=Dispute.State.OPEN).values("epoch"))
        | Q(pk__in=Correction.objects.filter(state__in=["entered", "confirmed"]).values("epoch"))
        | Q(state=STATE.EMPTY, review_until_ms__gt=settled_ms)
    )
    if (from_ms := in_question.aggregate(Min("start_ms"))["start_ms__min"]) is not None:
        found.append((from_ms, "an epoch is disputed, corrected or in review"))
    archived = ArchivedEvidence.objects.values("evidence_name")
    bare = Epoch.objects.filter(state__in=ENDS).exclude(evidence_name__in=archived)
    if (from_ms := bare.aggregate(Min("start_ms"))["start_ms__min"]) is not None:
        found.append((from_ms, "the evidence of an epoch is not in the archive yet"))
    return found


def _of_markets(through: int) -> list[tuple[int, str]]:
    """Return for each market the block after the kept state that whoever asks for its book goes on from."""
    found = []
    for market in Market.objects.filter(start_block__lte=through):
        if market.quarantined_block is not None:
            found.append((market.start_block, f"{market.name} is in quarantine"))
            continue
        state = AdapterState.objects.filter(market=market, block_number__lte=through).order_by("-block_number")
        at = state.values_list("block_number", flat=True).first()
        found.append((market.start_block if at is None else at + 1, f"the newest state of {market.name} from before"))
    return found
