"""The demo's programme: what it pays, who takes part, and who may sign in as what."""

import json
from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password

from accounts.models import Maker as MakerRow
from accounts.models import User
from accounts.services import maker_enrol, maker_payouts_set
from config.embedded.chain import CHAIN_ID
from onchain.services import market_register
from rewards.demo.chain import Deployment
from rewards.demo.makers import Maker, address_of
from rewards.demo.market import MARKETS
from rewards.models import Program
from rewards.services.programs import epoch_schedule, program_create

SLUG = "us-equity-perps"
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
HOUR_S = 3_600
BUDGET = 250_000 * 10**18
MINIMUM = 25 * 10**18
BOOSTS = {"regular": 100, "pre": 150, "post": 200, "overnight": 250, "weekend": 300, "holiday": 300}
SPREADS_BPS = {"regular": 20, "pre": 50, "post": 50, "overnight": 75, "weekend": 100, "holiday": 100}
CLAMPS_BPS = {"regular": 100, "pre": 150, "post": 150, "overnight": 300, "weekend": 500, "holiday": 500}
GATES_BPS = {"regular": 0, "pre": 0, "post": 0, "overnight": 0, "weekend": 3000, "holiday": 0}
PASSWORD = "lamplight-demo"  # noqa: S105 - of made-up people on a service that listens on this machine alone
# The share of a maker's pay that goes to each account, in the order of payment; the rest have one account.
SPLITS = {
    "evergreen": (("evergreen treasury", 600_000), ("lena", 250_000), ("omar", 150_000)),
    "saturday": (("saturday treasury", 500_000), ("lena", 300_000), ("priya", 200_000)),
}
REVIEWER = "reviewer"
SET_UP = User(username="demo", role=User.Role.OPERATOR)
"""Who sets the demo up: an operator by program. Nobody can sign in as them, for they are never stored."""
PROVIDERS = ("lena", "omar", "priya")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When the demo's epochs are. `unit` is what people call one; `delay_s` passes between approval and pay."""

    unit: str
    first_ms: int
    length_ms: int
    burst_after_s: int
    delay_s: int

    @property
    def first_s(self) -> int:
        """When the first epoch begins, in seconds."""
        return self.first_ms // 1000

    @property
    def length_s(self) -> int:
        """How long an epoch is, in seconds."""
        return self.length_ms // 1000


# From Saturday 2026-11-14, 00:00 UTC (New York's Friday evening): the second week has Thanksgiving and its early close.
# Prices fall hard on the first Wednesday, 11:00 in New York.
FULL = Plan(unit="Week", first_ms=1_794_614_400_000, length_ms=WEEK_MS, burst_after_s=112 * HOUR_S, delay_s=30)
# Thanksgiving, then the early close; prices fall on its morning. It ends at the moment at which the full one ends.
SMALL = Plan(unit="Day", first_ms=1_795_651_200_000, length_ms=DAY_MS, burst_after_s=40 * HOUR_S, delay_s=5)


@dataclass(frozen=True)
class Login:
    """Somebody who can sign in, and as what."""

    username: str
    who: str
    page: str


def terms(*, number: int, token: str, plan: Plan = FULL) -> bytes:
    """Return the terms of the demo's epoch `number` (from 1), as JSON."""
    start = plan.first_ms + (number - 1) * plan.length_ms
    market = {
        "weight_bps": 10_000 // len(MARKETS),
        "quoting_share_bps": 7000, "fills_share_bps": 1500, "stress_share_bps": 1500,
        "min_order_lots": 10, "min_rest_ms": 500, "reference_depth_lots": 40,
        "max_spread_bps": SPREADS_BPS, "clamp_bps": CLAMPS_BPS, "min_uptime_bps": GATES_BPS,
        "curve": {"kind": "quadratic"}, "two_sided_divisor": 3, "target_lots": 300, "presence_lots": 50,
        "max_share_bps": 5000,
        "stress": {"window_ms": 300_000, "move_bps": 100, "hold_ms": 1_800_000, "widen_pct": 200, "full_ms": 3_600_000},
    }  # fmt: skip
    document = {
        "version": 1, "program": SLUG, "token": token, "budget": str(BUDGET), "min_payout": str(MINIMUM),
        "unspent": "return", "boosts": BOOSTS,
        "epoch": {"number": number, "start_ms": start, "end_ms": start + plan.length_ms},
        "markets": {spec.name: market for spec in MARKETS},
    }  # fmt: skip
    return json.dumps(document).encode()


def register(*, deployment: Deployment, makers: list[Maker], plan: Plan = FULL, epochs: int = 3) -> Program:
    """Register markets, makers and their accounts, the programme and its first epochs."""
    for number, spec in enumerate(MARKETS, start=1):
        market_register(
            name=spec.name, adapter="lamplight", address=deployment.exchange, start_block=deployment.start_block,
            config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": number}},
            tick_size="0.01", lot_size="1", base_symbol=spec.base_symbol,
        )  # fmt: skip
    for maker in makers:
        row = maker_enrol(by=SET_UP, slug=maker.slug, name=maker.name, addresses=maker.wallets, since_ms=0)
        shares = SPLITS.get(maker.slug, ((f"{maker.slug} treasury", 1_000_000),))
        maker_payouts_set(
            by=SET_UP, maker=row, shares=[(address_of(name), share_ppm) for name, share_ppm in shares], since_ms=0
        )
    program = program_create(
        slug=SLUG, name="US equity perpetuals", chain_id=CHAIN_ID, distributor=deployment.distributor,
        token=deployment.token, token_symbol="LAMP",  # noqa: S106 - a currency's symbol
        start_block=deployment.start_block,
        summary="Four equity perpetuals that trade around the clock. Quotes earn more when New York is shut.",
    )  # fmt: skip
    for number in range(1, epochs + 1):
        epoch_schedule(program=program, terms=terms(number=number, token=deployment.token, plan=plan))
    return program


def make_people(*, makers: list[Maker]) -> list[Login]:
    """Make the people who can sign in; their common password is PASSWORD."""
    _person("treasurer", User.Role.TREASURER, first_name="Tess", last_name="Treasurer")
    _person(REVIEWER, User.Role.REVIEWER, first_name="Rey", last_name="Reviewer")
    _person("operator", User.Role.OPERATOR, first_name="Olu", last_name="Operator")
    logins = [
        Login("treasurer", "the treasury: approve what was put forward", "treasury/"),
        Login(REVIEWER, "the second pair of eyes on epochs and on new terms", "treasury/"),
        Login("operator", "operations: status, all scorecards", "status/"),
    ]
    for maker in makers:
        person = _person(maker.slug, User.Role.MAKER, first_name=maker.name)
        row = MakerRow.objects.get(slug=maker.slug)
        row.members.add(person)
        row.admins.add(person)
        logins.append(Login(maker.slug, f"{maker.name}: {maker.about}", f"makers/{maker.slug}/"))
    for name in PROVIDERS:
        _person(name, User.Role.PROVIDER, first_name=name.title(), wallet=address_of(name))
        logins.append(Login(name, "liquidity provider (needs no sign-in)", f"collect/{address_of(name)}/"))
    return logins


def stand_in_treasurer() -> User:
    """Return a treasurer who approves by program: nobody can sign in as them, for no password fits."""
    return _stand_in("stand-in treasurer", User.Role.TREASURER)


def stand_in_reviewer() -> User:
    """Return the reviewer who puts epochs forward by program; in the demo it is the one who can also sign in."""
    return User.objects.filter(username=REVIEWER).first() or _stand_in("stand-in reviewer", User.Role.REVIEWER)


def _stand_in(username: str, role: User.Role) -> User:
    defaults = {"role": role, "password": make_password(None)}
    return User.objects.get_or_create(username=username, defaults=defaults)[0]


def _person(username: str, role: User.Role, **fields: str) -> User:
    user, _ = User.objects.update_or_create(
        username=username, defaults={"role": role, "password": _hashed_password(), **fields}
    )
    return user


@cache
def _hashed_password() -> str:
    """Hash once: a dozen people share it, and a good hash takes its time."""
    return make_password(PASSWORD)
