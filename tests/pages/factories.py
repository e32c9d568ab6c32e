"""Rows for page tests, as the services and the indexer leave them; amounts are round so that answers can be worked out.

`scene()` is a programme in its third week: the first epoch pays and was collected in part, the second waits for the
treasury, the third is live on the Wednesday before Thanksgiving, 14:02 in New York.
"""

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from accounts.models import Maker, PayoutAccount, User
from accounts.services import maker_enrol, maker_payouts_set
from onchain.models import Block, Cursor, Market
from onchain.models_tx import ChainClaim, ChainDistributor, ChainEpoch, DistributorEvent
from rewards.analysis.flagging.money import gini, lorenz
from rewards.models import (
    Allocation,
    Entitlement,
    Epoch,
    EpochCheck,
    EpochStatistics,
    LiveStanding,
    Payment,
    Program,
    Score,
    TermsVersion,
    WhatIfJob,
)
from rewards.selectors.checks import CHECK_LABELS
from rewards.selectors.whatif import TermsChoice
from rewards.services.programs import epoch_schedule, program_create
from rewards.services.terms_versions import terms_draft
from rewards.services.whatif import whatif_ask
from tests.operators import OPERATOR
from tests.reviewing import put_forward

NEW_YORK = ZoneInfo("America/New_York")
TOKEN = 10**18
HOUR_MS = 3_600_000
CHAIN_ID = 31337
DISTRIBUTOR = "0x" + "d1" * 20
TOKEN_ADDRESS = "0x" + "70" * 20
TREASURY = "0x" + "7e" * 20
PASSWORD = "lamps-burn-all-night"
MARKETS = ("AAPL-PERP", "MSFT-PERP", "NVDA-PERP", "TSLA-PERP")
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
BOOSTS = {"regular": 100, "pre": 150, "post": 200, "overnight": 250, "weekend": 300, "holiday": 300}

PROFILES = {
    # maker: (name, presence in per cent by kind, weight of its quotes)
    "aurora": ("Aurora Liquidity", (98, 97, 96, 95, 94, 94), 10),
    "meridian": ("Meridian Market Making", (99, 60, 55, 0, 0, 0), 12),
    "nightowl": ("Night Owl Trading", (10, 20, 40, 90, 99, 98), 9),
    "one-side": ("Half Moon Capital", (0, 0, 0, 0, 0, 0), 6),
    "flicker": ("Firefly Quant", (41, 38, 35, 30, 22, 20), 8),
    "fairweather": ("Fairweather & Sons", (85, 80, 75, 60, 45, 40), 7),
    "twins": ("Castor and Pollux", (70, 65, 60, 50, 30, 25), 5),
}


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Return a moment of New York's clock in ms UTC."""
    return int(dt.datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).timestamp() * 1000)


WEEKS = (ms(2025, 11, 10), ms(2025, 11, 17), ms(2025, 11, 24), ms(2025, 12, 1))
CLOCK = ms(2025, 11, 26, 14, 2)


def address(number: int) -> str:
    """Return a made-up account."""
    return "0x" + f"{number:040x}"


def hash_(number: int) -> str:
    """Return a made-up hash that looks like one."""
    return "0x" + (f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 4)


@dataclass
class Scene:
    """What a page test may need of the rows that were made."""

    program: Program
    paying: Epoch
    waiting: Epoch
    live: Epoch
    makers: dict[str, Maker]
    people: dict[str, User] = field(default_factory=dict)

    def payout_account(self, maker: str) -> str:
        """Return the first account of a maker."""
        return accounts_of(self.makers[maker])[0].account


def scene(*, markets: tuple[str, ...] = MARKETS, profiles: dict | None = None) -> Scene:
    """Make the programme that the module's first sentence describes."""
    profiles = PROFILES if profiles is None else profiles
    clock(CLOCK, markets=markets)
    program = make_program()
    makers = {slug: make_maker(slug, name, index) for index, (slug, (name, _, _)) in enumerate(profiles.items(), 1)}
    epochs = [make_live_epoch(program, number, WEEKS[number - 1], WEEKS[number], markets) for number in (1, 2, 3)]
    distributor = ChainDistributor.objects.get(address=DISTRIBUTOR)
    ChainDistributor.objects.update(
        treasury=TREASURY, proposer=address(0xA1), guardian=address(0xA2), quorum=0, delay_s=3600, active_epoch=1,
        active_root=hash_(1), read_at_block=5_000,
    )  # fmt: skip
    for epoch in epochs[:2]:
        score(epoch, profiles)
        settle(epoch, profiles)
        propose(epoch, distributor)
    score(epochs[2], profiles, fraction=(62, 100))
    stand(epochs[2], profiles)
    put_forward(epochs[1])
    activate(epochs[0], distributor)
    return Scene(program, *epochs, makers=makers, people=people(makers))


def clock(time_ms: int, *, markets: tuple[str, ...] = MARKETS, number: int = 48_213) -> None:
    """Say that a block of this time has been read, and that every market has been followed through it."""
    Block.objects.create(
        hash=hash_(number), number=number, parent_hash=hash_(number - 1), receipts_root=hash_(7),
        timestamp_s=time_ms // 1000, time_ms=time_ms, time_error_ms=0, settled=False, status=Block.Status.FINAL,
        canonical=True,
    )  # fmt: skip
    Cursor.objects.create(
        chain_id=CHAIN_ID, first_block=1, block_number=number, block_hash=hash_(number), final_block=number,
        verified_block=number,
        head_number=number,
    )  # fmt: skip
    for name in markets:
        Market.objects.create(
            name=name, adapter="demo", address="0x" + "ee" * 20, start_block=1, config={}, tick_size="0.01",
            lot_size="0.1", base_symbol=name.split("-")[0], derived_through=number,
        )  # fmt: skip


def make_program(*, slug: str = "us-equity-perps", name: str = "US equity perpetuals", symbol: str = "LAMP") -> Program:
    """Make a programme without epochs."""
    return program_create(
        slug=slug, name=name, chain_id=CHAIN_ID, distributor=DISTRIBUTOR, token=TOKEN_ADDRESS, token_symbol=symbol,
        start_block=1, summary="Pays market makers for quotes that rest in four equity perpetuals, around the clock.",
    )  # fmt: skip


def terms(number: int, start_ms: int, end_ms: int, markets: tuple[str, ...] = MARKETS, **changes: object) -> dict:
    """Return the terms of the specification's example, with the budget shared evenly over the markets."""
    market = {
        "weight_bps": 10_000 // len(markets),
        "quoting_share_bps": 7000, "fills_share_bps": 1500, "stress_share_bps": 1500,
        "min_order_lots": 10, "min_rest_ms": 500, "reference_depth_lots": 50,
        "max_spread_bps": dict(zip(KINDS, (20, 50, 50, 75, 100, 100), strict=True)),
        "clamp_bps": dict(zip(KINDS, (50, 150, 150, 300, 500, 500), strict=True)),
        "min_uptime_bps": dict(zip(KINDS, (0, 0, 0, 0, 5000, 0), strict=True)),
        "curve": {"kind": "quadratic"}, "two_sided_divisor": 3, "target_lots": 2000, "presence_lots": 100,
        "max_share_bps": 5000,
        "stress": {"window_ms": 300_000, "move_bps": 200, "hold_ms": 600_000, "widen_pct": 200, "full_ms": 3_600_000},
    }  # fmt: skip
    return {
        "version": 1, "program": "us-equity-perps", "token": TOKEN_ADDRESS,
        "epoch": {"number": number, "start_ms": start_ms, "end_ms": end_ms},
        "budget": str(250_000 * TOKEN), "min_payout": str(TOKEN), "unspent": "return", "boosts": BOOSTS,
        "markets": dict.fromkeys(markets, market), **changes,
    }  # fmt: skip


def make_epoch(
    program: Program, number: int, start_ms: int, end_ms: int, markets: tuple[str, ...] = MARKETS, **changes: object
) -> Epoch:
    """Schedule an epoch through the service, which lays out its sessions."""
    document = terms(number, start_ms, end_ms, markets, **changes)
    return epoch_schedule(program=program, terms=json.dumps(document).encode())


def template(program: Program, markets: tuple[str, ...] = MARKETS, **changes: object) -> dict:
    """Return terms without an epoch, as versions have them."""
    document = terms(1, 0, 1, markets, program=program.slug, token=program.token, **changes)
    del document["epoch"]
    return document


def make_terms_version(program: Program, **changes: object) -> TermsVersion:
    """Draft a version of the terms as a treasurer who does nothing else."""
    drafter, _ = User.objects.get_or_create(username="drafter", defaults={"role": "treasurer"})
    return terms_draft(by=drafter, program=program, document=template(program, **changes), epoch_days=7)


def make_what_if(program: Program, *, by: User | None = None) -> WhatIfJob:
    """Ask what the first epochs would have cost by half the weekend's boost, as a treasurer who does nothing else."""
    by = by or User.objects.get_or_create(username="asker", defaults={"role": "treasurer"})[0]
    tried = json.dumps(template(program, boosts={**BOOSTS, "weekend": 150}))
    return whatif_ask(
        by=by, program=program, numbers=[1, 2], before=TermsChoice(key="as-it-was", label="its own", template=""),
        after=TermsChoice(key="version-1", label="version 1", template=tried), now=timezone.now(),
    )  # fmt: skip


def make_live_epoch(
    program: Program, number: int, start_ms: int, end_ms: int, markets: tuple[str, ...] = MARKETS
) -> Epoch:
    """Schedule an epoch and let it begin."""
    epoch = make_epoch(program, number, start_ms, end_ms, markets)
    epoch.state = "live"
    epoch.save()
    return epoch


def make_maker(slug: str, name: str, index: int) -> Maker:
    """Enrol a maker with one or two quoting addresses and two payout accounts, 70 to 30."""
    addresses = [address(0x1000 + index), address(0x2000 + index)][: 1 + index % 2]
    maker = maker_enrol(by=OPERATOR, slug=slug, name=name, addresses=addresses, since_ms=0)
    maker_payouts_set(
        by=OPERATOR,
        maker=maker,
        shares=[(address(0x3000 + index), 700_000), (address(0x4000 + index), 300_000)],
        since_ms=0,
    )
    return maker


def accounts_of(maker: Maker) -> list[PayoutAccount]:
    """Return the accounts of the maker's one plan."""
    return list(maker.payout_plans.get().accounts.all())


def score(epoch: Epoch, profiles: dict, fraction: tuple[int, int] = (1, 1)) -> None:
    """Store credit by presence and weight; `fraction` of the epoch has passed."""
    lengths = dict.fromkeys(KINDS, 0)
    for session in epoch.sessions.all():
        lengths[session.kind] += (session.end_ms - session.start_ms) * fraction[0] // fraction[1]
    Score.objects.bulk_create(
        Score(
            epoch=epoch,
            market=market,
            maker=slug,
            kind=kind,
            live_ms=lengths[kind],
            present_ms=lengths[kind] * presence // 100,
            credit=lengths[kind] * (presence or (20 if slug == "one-side" else 0)) * weight * 10_000,
        )
        for market in json.loads(epoch.terms_json)["markets"]
        for slug, (_, presences, weight) in profiles.items()
        for kind, presence in zip(KINDS, presences, strict=True)
        if lengths[kind]
    )


def pays(profiles: dict, market_index: int) -> dict[str, int]:
    """Return what each maker gets in a market: whole tokens by weight, more in the first market than in the last."""
    return {
        slug: weight * (40 - 7 * (market_index % 4)) * (sum(presences) + 60) * TOKEN // 100 + 123_456_789
        for slug, (_, presences, weight) in profiles.items()
    }


def settle(epoch: Epoch, profiles: dict) -> None:
    """Store the result of a scored epoch: allocations, payments, the tree's leaves, and the totals."""
    gains: dict[str, int] = {}
    payments: dict[tuple[str, str], int] = {}
    accounts = {maker.slug: accounts_of(maker) for maker in Maker.objects.all()}
    allocations = []
    for index, market in enumerate(json.loads(epoch.terms_json)["markets"]):
        for slug, amount in pays(profiles, index).items():
            pools = {"quoting": amount * 8 // 10, "fills": amount // 10}
            pools["stress"] = amount - sum(pools.values())
            allocations.append(Allocation(epoch=epoch, market=market, maker=slug, payout=amount, **pools))
            for position, row in enumerate(accounts[slug]):
                part = amount * 7 // 10 if position == 0 else amount - amount * 7 // 10
                payments[slug, row.account] = payments.get((slug, row.account), 0) + part
                gains[row.account] = gains.get(row.account, 0) + part
    Allocation.objects.bulk_create(allocations)
    Payment.objects.bulk_create(
        Payment(epoch=epoch, maker=slug, account=account, amount=amount) for (slug, account), amount in payments.items()
    )
    earlier = Entitlement.objects.filter(epoch__program=epoch.program, epoch__number=epoch.number - 1)
    before = dict(earlier.values_list("account", "cumulative"))
    Entitlement.objects.bulk_create(
        Entitlement(
            epoch=epoch,
            account=account,
            token=TOKEN_ADDRESS,
            increment=gain,
            cumulative=before.get(account, 0) + gain,
            proof=[hash_(11), hash_(12), hash_(13)],
        )
        for account, gain in gains.items()
    )
    epoch.state, epoch.paid_total, epoch.carried_in_total, epoch.carried_out_total = "scored", sum(gains.values()), 0, 0
    epoch.unspent = epoch.budget - epoch.paid_total
    epoch.root, epoch.parent_root = hash_(epoch.number), "0x" + "00" * 32 if epoch.number == 1 else hash_(1)
    epoch.manifest_hash, epoch.digest, epoch.chain_epoch = (
        hash_(90 + epoch.number),
        hash_(70 + epoch.number),
        epoch.number,
    )
    epoch.evidence_name = evidence(epoch)
    epoch.save()


def evidence(epoch: Epoch) -> str:
    """Write a small evidence folder and return its name."""
    name = f"{epoch.program.slug}-{epoch.number}"
    folder = Path(settings.EVIDENCE_DIR) / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text('{"version":1}')
    (folder / "terms.json").write_text(epoch.terms_json)
    (folder / "scores.csv").write_text("market,maker,kind,credit,present_ms,live_ms\n")
    return name


def facts(epoch: Epoch) -> None:
    """Say what was worked out about the epoch: little, with figures that add up."""
    bought = [
        {"market": market, "kind": kind, "live_ms": HOUR_MS, "lit_ms": HOUR_MS, "dark_ms": 0, "nobody_ms": 0,
         "spread_bps": 8.0 + epoch.number, "depth_lots": [10.0, 200.0, 300.0, 4000.0], "pay_raw": str(100 * TOKEN)}
        for market in json.loads(epoch.terms_json)["markets"] for kind in (None, "regular", "weekend")
    ]  # fmt: skip
    gains = sorted(epoch.entitlements.filter(increment__gt=0).values_list("increment", flat=True))
    parts = {"thin": epoch.unspent - 10**18, "nobody": 10**18 - 7, "rounding": 7}
    EpochStatistics.objects.create(
        epoch=epoch, root=epoch.root, manifest_hash=epoch.manifest_hash,
        document={
            "unspent": {reason: str(amount) for reason, amount in parts.items()},
            "unspent_by_market": {"AAPL-PERP": {reason: str(amount) for reason, amount in parts.items()}},
            "bought": bought, "accounts": len(gains), "gini": gini(gains), "lorenz": lorenz(gains),
            "largest": str(gains[-1]), "top5": str(sum(gains[-5:])), "transfers_read": False,
        },
    )  # fmt: skip


def propose(epoch: Epoch, distributor: ChainDistributor) -> None:
    """Say that the chain has the epoch's proposal and that all checks passed."""
    for code in CHECK_LABELS:
        EpochCheck.objects.create(
            epoch=epoch, stage="approval", code=code, passed=True, detail="Both sides agree, to the unit."
        )
    ChainEpoch.objects.create(
        distributor=distributor, number=epoch.number, state="proposed", digest=epoch.digest, root=epoch.root,
        parent_root=epoch.parent_root, manifest_hash=epoch.manifest_hash, tokens=[TOKEN_ADDRESS],
        increments=[str(epoch.paid_total)], proposed_by=address(0xA1), last_block=4_000, last_tx_hash=hash_(33),
    )  # fmt: skip
    DistributorEvent.objects.create(
        distributor=distributor, block_number=4_000 + epoch.number, block_hash=hash_(34), log_index=epoch.number,
        time_ms=epoch.end_ms + HOUR_MS, tx_hash=hash_(33), name="EpochProposed", epoch=epoch.number, args={},
    )  # fmt: skip
    epoch.state = "proposed"
    epoch.save()
    facts(epoch)


def activate(epoch: Epoch, distributor: ChainDistributor) -> None:
    """Say that the epoch pays, and that the second maker's first account has collected everything."""
    ChainEpoch.objects.filter(number=epoch.number).update(state="active")
    epoch.state, epoch.activatable_at_s = "active", (epoch.end_ms + 3 * HOUR_MS) // 1000
    epoch.save()
    leaf = epoch.entitlements.order_by("account")[1]
    make_claim(distributor, leaf.account, leaf.cumulative, leaf.cumulative, time_ms=epoch.end_ms + 30 * HOUR_MS)


def make_claim(
    distributor: ChainDistributor, account: str, amount: int, cumulative: int, *, time_ms: int, log_index: int = 0
) -> ChainClaim:
    """Say that the chain paid an account."""
    return ChainClaim.objects.create(
        distributor=distributor, account=account, token=TOKEN_ADDRESS, epoch=1, recipient=account,
        caller=address(0xA3), amount=amount, cumulative=cumulative, block_number=4_900, block_hash=hash_(35),
        log_index=log_index, time_ms=time_ms, tx_hash=hash_(36 + log_index),
    )  # fmt: skip


def stand(epoch: Epoch, profiles: dict) -> None:
    """Store live estimates: three tenths of a whole epoch's pay, two thirds of it safe."""
    for index, market in enumerate(json.loads(epoch.terms_json)["markets"]):
        amounts = {slug: amount * 3 // 10 for slug, amount in pays(profiles, index).items()}
        whole = sum(amounts.values())
        LiveStanding.objects.bulk_create(
            LiveStanding(
                epoch=epoch,
                market=market,
                maker=slug,
                as_of_ms=CLOCK - 4_000,
                share_ppm=amount * 1_000_000 // whole,
                quoting=amount * 8 // 10,
                fills=amount // 10,
                stress=amount - amount * 8 // 10 - amount // 10,
                estimate=amount,
                accrued=amount * 2 // 3,
                most=amount * 3,
            )
            for slug, amount in amounts.items()
        )


def people(makers: dict[str, Maker]) -> dict[str, User]:
    """Make one person a role; the maker's member belongs to the first maker, the other's to the second."""
    made = {
        role: User.objects.create_user(username=role, password=PASSWORD, role=role)
        for role in ("provider", "maker", "treasurer", "operator")
    }
    made["other_maker"] = User.objects.create_user(username="other-maker", password=PASSWORD, role="maker")
    for person, maker in zip((made["maker"], made["other_maker"]), list(makers.values())[:2], strict=True):
        maker.members.add(person)
    return made
