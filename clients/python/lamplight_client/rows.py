"""What the API answers, as rows.

Made from the API's description by generate.py (`make client`); don't edit it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

ActionKind = Literal["split", "halt", "closure"]
By = Literal["key", "session"]
EpochState = Literal["scheduled", "live", "scored", "proposed", "approved", "active", "vetoed", "empty"]
Fate = Literal["counting", "halted", "dark", "too_small", "too_young", "too_far"]
QuoteReason = Literal["counting", "halted", "dark", "no_quotes", "too_small", "too_young", "too_far", "one_sided"]
SessionKind = Literal["regular", "pre", "post", "overnight", "weekend", "holiday"]
Side = Literal["bid", "ask"]
Stage = Literal["adding-up", "checking", "waiting", "delay"]
WhatIfState = Literal["waiting", "running", "done", "failed", "cancelled"]
WhatIfTotalName = Literal["budget", "earned", "unspent", "paid", "carried_out"]
When = Literal["past", "now", "coming"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Money on its way."""

    epoch: int
    """The epoch's number."""
    stage: Stage
    """How far it is."""
    amount_raw: int
    """How much. Unit: the token's smallest unit."""
    is_estimate: bool
    """Whether it may still change."""
    ready_ms: int | None
    """When it can be collected at the earliest. Unit: ms since 1970, UTC."""
    ready: datetime | None
    """The same in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What an account can collect from a programme."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    programme: str
    """The programme's slug."""
    ready_raw: int
    """What can be collected now. Unit: the token's smallest unit."""
    collected_raw: int
    """What was collected, by the chain's word. Unit: the token's smallest unit."""
    pending_raw: int
    """The sum of `pending`. Unit: the token's smallest unit."""
    pending: tuple[Pending, ...]
    """What is still on its way."""
    is_paused: bool
    """Whether the contract is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A split, a halt or a closure that two people have entered and confirmed."""

    id: int
    """Its number."""
    kind: ActionKind
    """What happened."""
    subject: str
    """The market; of a closure, the exchange's calendar."""
    from_ms: int
    """Since when; of a split, its instant. Unit: ms since 1970, UTC."""
    to_ms: int | None
    """Until when; a split has none. Unit: ms since 1970, UTC."""
    to: datetime | None
    """The same in ISO 8601."""
    new_shares: int | None
    """4 for 1: 4."""
    old_shares: int | None
    """4 for 1: 1."""
    reason: str
    """Why it was entered."""
    source: str
    """Where it can be looked up; may be empty."""
    confirmed_ms: int
    """Since when it counts. Unit: ms since 1970, UTC."""
    confirmed: datetime
    """The same in ISO 8601."""
    withdrawn_ms: int | None
    """When it was withdrawn. Unit: ms since 1970, UTC."""
    withdrawn: datetime | None
    """The same in ISO 8601."""
    from_: datetime
    """`from_ms` in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What a maker gets of a market."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    market: str
    """The market."""
    quoting_raw: int
    """For quotes, before the cap. Unit: the token's smallest unit."""
    fills_raw: int
    """For fills, before the cap. Unit: the token's smallest unit."""
    stress_raw: int
    """For fast markets, before the cap. Unit: the token's smallest unit."""
    payout_raw: int
    """What it gets; an estimate while the epoch is live. Unit: the token's smallest unit."""
    accrued_raw: int
    """What of it is safe, even if it stopped quoting now. Unit: the token's smallest unit."""
    share_ppm: int
    """Of what all makers get in the market. Unit: parts per million."""
    is_estimate: bool
    """Whether the epoch is not scored yet."""
    as_of_ms: int
    """What was quoted before this is in. Unit: ms since 1970, UTC."""
    as_of: datetime
    """The same in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A collection, as the chain recorded it."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    account: str
    """Whose."""
    amount_raw: int
    """What was collected. Unit: the token's smallest unit."""
    cumulative_raw: int
    """What the account has collected in all, with this. Unit: the token's smallest unit."""
    recipient: str
    """Where it was sent."""
    caller: str
    """Who sent the transaction."""
    chain_epoch: int
    """The epoch that paid, by its number in the contract."""
    block_number: int
    """The block."""
    time_ms: int
    """The block's time. Unit: ms since 1970, UTC."""
    time: datetime
    """The same in ISO 8601."""
    tx_hash: str
    """The transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """An epoch: how far it has come, and its result. Amounts are null before it is scored, roots before they
    are.
    """

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    programme: str
    """The programme's slug."""
    number: int
    """Its number, from 1."""
    start_ms: int
    """Where it starts. Unit: ms since 1970, UTC."""
    start: datetime
    """The same in ISO 8601."""
    end_ms: int
    """Where it ends; this moment is in the next one. Unit: ms since 1970, UTC."""
    end: datetime
    """The same in ISO 8601."""
    state: EpochState
    """How far it has come."""
    terms_sha256: str
    """SHA-256 of its terms in canonical JSON."""
    budget_raw: int
    """The most that it pays. Unit: the token's smallest unit."""
    paid_raw: int | None
    """What it pays. Unit: the token's smallest unit."""
    unspent_raw: int | None
    """What nobody earned. Unit: the token's smallest unit."""
    carried_in_raw: int | None
    """Small amounts from the epoch before. Unit: the token's smallest unit."""
    carried_out_raw: int | None
    """Small amounts for the next epoch. Unit: the token's smallest unit."""
    root: str | None
    """The Merkle root."""
    parent_root: str | None
    """The root that it continues."""
    manifest_hash: str | None
    """Hash of the evidence's manifest."""
    digest: str | None
    """What the treasury approves."""
    chain_epoch: int | None
    """Its number in the contract."""
    activatable_ms: int | None
    """From when it can pay. Unit: ms since 1970, UTC."""
    activatable: datetime | None
    """The same in ISO 8601."""
    review_until_ms: int | None
    """Until when makers can object. Unit: ms since 1970, UTC."""
    review_until: datetime | None
    """The same in ISO 8601."""
    evidence_url: str | None
    """All of its evidence as a tar file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file of an epoch's evidence."""

    name: str
    """The file's name."""
    size_bytes: int
    """Its length. Unit: bytes."""
    url: str
    """Where to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """A maker's place in an epoch."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    rank: int
    """From 1, the best paid first."""
    maker: str
    """The maker's slug."""
    name: str
    """Its name for people."""
    payout_raw: int
    """What it gets; an estimate while the epoch is live. Unit: the token's smallest unit."""
    accrued_raw: int
    """What of it is safe, even if it stopped quoting now. Unit: the token's smallest unit."""
    share_ppm: int
    """Its part of what all get. Unit: parts per million."""
    is_estimate: bool
    """Whether the epoch is not scored yet."""
    as_of_ms: int
    """What was quoted before this is in. Unit: ms since 1970, UTC."""
    as_of: datetime
    """The same in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A maker."""

    maker: str
    """The maker's slug."""
    name: str
    """Its name for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A market of a programme: where it trades, and what an order there needs to count."""

    market: str
    """The market's name."""
    base_symbol: str
    """What is traded."""
    venue: str
    """The order book's protocol."""
    chain_id: int
    """The chain."""
    contract: str
    """The order book."""
    venue_settings: Mapping[str, Any]
    """What tells the market apart in that contract; by venue."""
    tick_size: str
    """One tick, decimal. Unit: quote currency."""
    lot_size: str
    """One lot, decimal. Unit: base."""
    epoch: int
    """Whose terms the following is from."""
    weight_bps: int
    """Its part of the budget. Unit: parts of 10,000."""
    min_order_lots: int
    """The smallest order that counts. Unit: lots."""
    min_rest_ms: int
    """How long an order has to rest before it counts. Unit: ms."""
    presence_lots: int
    """Makes a maker present, on each side. Unit: lots."""
    target_lots: int
    """The full rate is paid once makers reach this at the reference, on both sides. Unit: lots."""
    max_spread_bps: Mapping[str, int]
    """How far from the reference an order counts, by kind of session. Unit: bps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who asks."""

    username: str
    """The person."""
    role: str
    """What the person is here for."""
    by: By
    """How it asks."""
    key_prefix: str | None
    """Which key."""
    scopes: tuple[str, ...]
    """What the key may read; empty: session."""
    expires: datetime | None
    """When the key ends."""
    makers: tuple[str, ...]
    """Slugs of those whose figures it sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order of the maker at a moment."""

    id: str
    """The order's id in its market."""
    side: Side
    """Which side."""
    price: str
    """Its price, decimal, in the market's quote currency."""
    lots: int
    """Its size. Unit: lots."""
    rested_ms: int
    """How long it has rested. Unit: ms."""
    distance_bps: float | None
    """From the reference; null without one. Unit: bps of the reference."""
    weight_ppm: int
    """What a lot of it counts. Unit: parts per million."""
    is_counting: bool
    """Whether it counts."""
    fate: Fate
    """That it counts, or the first hurdle that it failed at."""
    why: str
    """The same as a sentence, with the market's figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A market at a moment, from a maker's side."""

    market: str
    """The market."""
    time_ms: int
    """The moment. Unit: ms since 1970, UTC."""
    time: datetime
    """The same in ISO 8601."""
    kind: SessionKind
    """What kind of session."""
    is_live: bool
    """Whether the market is not halted."""
    is_stressed: bool
    """Whether it is a fast market."""
    reference: str | None
    """The price that distance is taken from, decimal; null for none."""
    band_low: str | None
    """Where weight ends below, decimal."""
    band_high: str | None
    """Where weight ends above, decimal."""
    is_present: bool
    """Whether there are enough lots inside the band on both sides."""
    share_ppm: int
    """Of the market's rate. Unit: parts per million."""
    orders: tuple[Order, ...]
    """The maker's own orders: bids, then asks, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Where a maker's pay of an epoch goes. The root pays it once it is active."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    account: str
    """Who is paid."""
    vault: str | None
    """The vault through which; null: directly."""
    amount_raw: int
    """How much. Unit: the token's smallest unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A programme."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    slug: str
    """Its name in addresses."""
    name: str
    """Its name for people."""
    summary: str
    """What it pays for."""
    chain_id: int
    """The chain."""
    distributor: str
    """The contract that pays."""
    token: str
    """What it pays in."""
    live_epoch: int | None
    """Number of the epoch that runs."""
    next_epoch: int | None
    """Number of the next epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """All that it takes to collect without us; docs/distributor.md says what each is."""

    version: int
    """Of this form."""
    program: str
    """The programme's slug."""
    chain_id: int
    """The chain."""
    distributor: str
    """The contract."""
    token: str
    """The token."""
    token_symbol: str
    """Its symbol."""
    token_decimals: int
    """Its decimals."""
    epoch: int | None
    """The epoch's number in the contract."""
    root: str
    """The root that pays."""
    account: str
    """Whom it pays."""
    cumulative: int
    """What the account may have collected in all. Unit: the token's smallest unit."""
    proof: tuple[str, ...]
    """The Merkle proof."""
    function: str
    """What to call."""
    calldata: str
    """The call, ready to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """How a maker quoted in five minutes, a session or an epoch (docs/statistics.md)."""

    market: str
    """The market's name in the terms."""
    maker: str
    """The maker, with all its addresses."""
    kind: str | None
    """The kind of the session; null over a whole epoch."""
    start_ms: int
    """Where the row's time starts. Unit: ms since 1970."""
    end_ms: int
    """Where it ends, itself not in it. Unit: ms since 1970."""
    live_ms: int
    """Time in which the market was not halted. Unit: ms."""
    lit_ms: int
    """Live time with a reference. Unit: ms."""
    credit: int
    """What the quoting pool is paid by, before the gate. Unit: share * 2^30 * ms."""
    share: float | None
    """Mean part of the market's rate, over live time. Unit: fraction."""
    stress_credit: int
    """Credit inside stress windows. Unit: share * 2^30 * ms."""
    present_ms: int
    """Time of presence, as the uptime gate counts it. Unit: ms."""
    presence: float | None
    """Present_ms of live_ms. Unit: fraction."""
    quality_lots: float | None
    """Mean quality Q in lots at the reference, over lit time. Unit: lots."""
    volume_lot_ticks: int
    """Fills that the fills pool counts, unboosted. Unit: lots * ticks."""
    spread_bps: float | None
    """Mean of own best ask less own best bid, over two_sided_ms. Unit: bps of the reference."""
    bid_distance_bps: float | None
    """Mean of reference less own best bid, over bid_ms. Unit: bps of the reference."""
    ask_distance_bps: float | None
    """Mean of own best ask less reference, over ask_ms. Unit: bps of the reference."""
    bid_ms: int
    """Lit time with a bid of counting size and age. Unit: ms."""
    ask_ms: int
    """Lit time with such an ask. Unit: ms."""
    two_sided_ms: int
    """Lit time with both. Unit: ms."""
    bid_depth_10_bps_lots: float | None
    """Mean lots of counting size and age, bids within 10 bps of the reference, over lit time. Unit: lots."""
    bid_depth_25_bps_lots: float | None
    """Mean lots of counting size and age, bids within 25 bps of the reference, over lit time. Unit: lots."""
    bid_depth_50_bps_lots: float | None
    """Mean lots of counting size and age, bids within 50 bps of the reference, over lit time. Unit: lots."""
    bid_depth_100_bps_lots: float | None
    """Mean lots of counting size and age, bids within 100 bps of the reference, over lit time. Unit: lots."""
    ask_depth_10_bps_lots: float | None
    """Mean lots of counting size and age, asks within 10 bps of the reference, over lit time. Unit: lots."""
    ask_depth_25_bps_lots: float | None
    """Mean lots of counting size and age, asks within 25 bps of the reference, over lit time. Unit: lots."""
    ask_depth_50_bps_lots: float | None
    """Mean lots of counting size and age, asks within 50 bps of the reference, over lit time. Unit: lots."""
    ask_depth_100_bps_lots: float | None
    """Mean lots of counting size and age, asks within 100 bps of the reference, over lit time. Unit: lots."""
    counting_ms: int
    """Time with a quality above 0; with the next seven it sums to the row's time. Unit: ms."""
    halted_ms: int
    """The market was halted. Unit: ms."""
    dark_ms: int
    """The market had no reference. Unit: ms."""
    no_quotes_ms: int
    """The maker had no order. Unit: ms."""
    too_small_ms: int
    """None of its orders was large enough. Unit: ms."""
    too_young_ms: int
    """None of its large enough orders had rested for long enough. Unit: ms."""
    too_far_ms: int
    """None of its large and old enough orders had a weight. Unit: ms."""
    one_sided_ms: int
    """One side alone had a weight, and that was not enough. Unit: ms."""
    single_side_ms: int
    """Part of counting_ms in which one side alone had a weight. Unit: ms."""
    order_counting_ms: int
    """Orders with a weight; with the next five, all its orders. Unit: orders * ms."""
    order_halted_ms: int
    """Orders in a halted market. Unit: orders * ms."""
    order_dark_ms: int
    """Orders in a market without a reference. Unit: orders * ms."""
    order_too_small_ms: int
    """Orders below the least size. Unit: orders * ms."""
    order_too_young_ms: int
    """Large enough orders below the least rest. Unit: orders * ms."""
    order_too_far_ms: int
    """Large and old enough orders without a weight. Unit: orders * ms."""
    start: datetime
    """`start_ms` in ISO 8601."""
    end: datetime
    """`end_ms` in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Consecutive five minutes in which the same held for most of the time (docs/statistics.md)."""

    start_ms: int
    """Where they start. Unit: ms since 1970, UTC."""
    start: datetime
    """The same in ISO 8601."""
    end_ms: int
    """Where they end. Unit: ms since 1970, UTC."""
    end: datetime
    """The same in ISO 8601."""
    reason: QuoteReason
    """What held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result of an epoch; corrections lead to a new one, and the former ones stay."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    revision: int
    """Its number, from 1."""
    is_current: bool
    """Whether it is the one that counts."""
    because: str
    """Why it was replaced; empty for the current one."""
    scored_ms: int | None
    """When it was stored. Unit: ms since 1970, UTC."""
    scored: datetime | None
    """The same in ISO 8601."""
    root: str | None
    """The Merkle root."""
    digest: str | None
    """What the treasury approves."""
    manifest_hash: str | None
    """Hash of the evidence's manifest."""
    paid_raw: int | None
    """What it pays. Unit: the token's smallest unit."""
    unspent_raw: int | None
    """What nobody earned. Unit: the token's smallest unit."""
    carried_out_raw: int | None
    """Small amounts for the next epoch. Unit: the token's smallest unit."""
    evidence_url: str | None
    """All of its evidence as a tar file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a kind of session brought a maker in a market."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    market: str
    """The market."""
    kind: SessionKind
    """What kind of session."""
    boost_percent: int
    """100 is the plain rate. Unit: percent."""
    credit: int
    """What the quoting pool is paid by, before boost and gate. Unit: share * 2^30 * ms."""
    credit_share_ppm: int
    """Of all makers' credit. Unit: parts per million."""
    present_ms: int
    """Present on both sides. Unit: ms."""
    live_ms: int
    """The market traded. Unit: ms."""
    uptime_bps: int
    """Present of live. Unit: parts of 10,000."""
    required_bps: int
    """What the gate asks for, 0: none. Unit: parts of 10,000."""
    is_gated: bool
    """Whether the gate took the credit."""
    pay_raw: int
    """The part of the quoting pay that it brought, before the cap. Unit: the token's smallest unit."""
    pay_per_hour_raw: int
    """The same per hour present. Unit: the token's smallest unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session of the home exchange, with what an hour of it counts."""

    epoch: int
    """The epoch's number."""
    kind: SessionKind
    """What kind of session."""
    start_ms: int
    """Where it starts. Unit: ms since 1970, UTC."""
    start: datetime
    """The same in ISO 8601."""
    end_ms: int
    """Where it ends; this moment is in the next one. Unit: ms since 1970, UTC."""
    end: datetime
    """The same in ISO 8601."""
    boost_percent: int
    """100 is the plain rate. Unit: percent."""
    when: When
    """By the chain's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a maker stands in an epoch over all markets; an estimate while the epoch is live."""

    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    programme: str
    """The programme's slug."""
    epoch: int
    """The epoch's number."""
    maker: str
    """The maker's slug."""
    is_estimate: bool
    """Whether the epoch is not scored yet."""
    rank: int | None
    """From 1, the best paid first; null without any pay."""
    makers: int
    """How many makers there are."""
    payout_raw: int
    """What it gets; while the epoch is live, if it ended now. Unit: the token's smallest unit."""
    accrued_raw: int
    """What of it is safe, even if it stopped quoting now. Unit: the token's smallest unit."""
    share_ppm: int
    """Its part of what all get. Unit: parts per million."""
    carried_out_raw: int
    """Too little to be paid, so taken into the next epoch. Unit: the token's smallest unit."""
    as_of_ms: int
    """What was quoted before this is in. Unit: ms since 1970, UTC."""
    as_of: datetime
    """The same in ISO 8601."""
    age_ms: int
    """How far that is behind the chain. Unit: ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """An epoch's terms, whole."""

    programme: str
    """The programme's slug."""
    epoch: int
    """The epoch's number."""
    sha256: str
    """SHA-256 of `canonical_json`."""
    canonical_json: str
    """The terms, byte for byte as the evidence has them."""
    terms: Mapping[str, Any]
    """The same as an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where notices are posted to. Secrets are never shown."""

    id: int
    """Its number."""
    url: str
    """The address."""
    kinds: tuple[str, ...]
    """Which notices; empty: all."""
    is_on: bool
    """Whether anything is posted."""
    off_reason: str
    """Why it was switched off by itself; may be empty."""
    added_ms: int
    """Since when it is there. Unit: ms since 1970, UTC."""
    added: datetime
    """The same in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfMaker:
    """What a maker would get over all its epochs."""

    before_raw: int
    """By the terms that are compared with. Unit: the token's smallest unit."""
    after_raw: int
    """By the terms that are tried. Unit: the token's smallest unit."""
    difference_raw: int
    """What the tried terms pay more; below 0: less. Unit: the token's smallest unit."""
    maker: str
    """The maker's slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfMarket:
    """What a market would cost over all its epochs."""

    before_raw: int
    """By the terms that are compared with. Unit: the token's smallest unit."""
    after_raw: int
    """By the terms that are tried. Unit: the token's smallest unit."""
    difference_raw: int
    """What the tried terms pay more; below 0: less. Unit: the token's smallest unit."""
    market: str
    """The market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfSession:
    """What a kind of session would bring makers over all its epochs, before caps."""

    before_raw: int
    """By the terms that are compared with. Unit: the token's smallest unit."""
    after_raw: int
    """By the terms that are tried. Unit: the token's smallest unit."""
    difference_raw: int
    """What the tried terms pay more; below 0: less. Unit: the token's smallest unit."""
    kind: SessionKind
    """What kind of session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfTotal:
    """A sum over all its epochs."""

    before_raw: int
    """By the terms that are compared with. Unit: the token's smallest unit."""
    after_raw: int
    """By the terms that are tried. Unit: the token's smallest unit."""
    difference_raw: int
    """What the tried terms pay more; below 0: less. Unit: the token's smallest unit."""
    name: WhatIfTotalName
    """What is summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfAnswer:
    """A what-if with its answer; the lists are empty until it is done."""

    id: int
    """Its number."""
    programme: str
    """The programme's slug."""
    state: WhatIfState
    """`done`, `failed` and `cancelled` are final."""
    asked_by: str
    """Who asked; nobody else cancels it."""
    epochs: tuple[int, ...]
    """Numbers of the epochs."""
    before: str
    """The terms that are compared with, in words."""
    after: str
    """The terms that are tried, in words."""
    epochs_done: int
    """How many epochs are worked out."""
    events_done: int
    """Of the epoch that is being read."""
    events_total: int
    """Of the epoch that is being read; 0 between epochs."""
    error: str | None
    """Why it failed, in sentences."""
    asked_ms: int
    """When it was asked. Unit: ms since 1970, UTC."""
    asked: datetime
    """The same in ISO 8601."""
    ended_ms: int | None
    """When it ended. Unit: ms since 1970, UTC."""
    ended: datetime | None
    """The same in ISO 8601."""
    expires_ms: int | None
    """When it is thrown away; null while it is open. Unit: ms since 1970, UTC."""
    expires: datetime | None
    """The same in ISO 8601."""
    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    totals: tuple[WhatIfTotal, ...]
    """Sums over all its epochs."""
    makers: tuple[WhatIfMaker, ...]
    """By maker, by slug."""
    markets: tuple[WhatIfMarket, ...]
    """By market, by name."""
    sessions: tuple[WhatIfSession, ...]
    """By kind of session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfDetail:
    """What a maker would get of a market in an epoch."""

    before_raw: int
    """By the terms that are compared with. Unit: the token's smallest unit."""
    after_raw: int
    """By the terms that are tried. Unit: the token's smallest unit."""
    difference_raw: int
    """What the tried terms pay more; below 0: less. Unit: the token's smallest unit."""
    token_symbol: str
    """The token's symbol."""
    token_decimals: int
    """How many of an amount's digits are behind the point."""
    epoch: int
    """The epoch's number."""
    maker: str
    """The maker's slug."""
    market: str
    """The market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A what-if: what was asked, and how far it is. An answer is kept until `expires`."""

    id: int
    """Its number."""
    programme: str
    """The programme's slug."""
    state: WhatIfState
    """`done`, `failed` and `cancelled` are final."""
    asked_by: str
    """Who asked; nobody else cancels it."""
    epochs: tuple[int, ...]
    """Numbers of the epochs."""
    before: str
    """The terms that are compared with, in words."""
    after: str
    """The terms that are tried, in words."""
    epochs_done: int
    """How many epochs are worked out."""
    events_done: int
    """Of the epoch that is being read."""
    events_total: int
    """Of the epoch that is being read; 0 between epochs."""
    error: str | None
    """Why it failed, in sentences."""
    asked_ms: int
    """When it was asked. Unit: ms since 1970, UTC."""
    asked: datetime
    """The same in ISO 8601."""
    ended_ms: int | None
    """When it ended. Unit: ms since 1970, UTC."""
    ended: datetime | None
    """The same in ISO 8601."""
    expires_ms: int | None
    """When it is thrown away; null while it is open. Unit: ms since 1970, UTC."""
    expires: datetime | None
    """The same in ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfTerms:
    """Terms that can be tried."""

    key: str
    """What `before` and `after` of a what-if take."""
    label: str
    """What they are, for people."""
