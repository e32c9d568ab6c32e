"""What everybody may read, as rows: programmes, epochs, sessions, evidence, claims."""

from rest_framework import serializers

from rewards.api.fields import Flag, Hex, Iso, Ms, Raw, Row, Text, Whole
from rewards.models import Epoch
from rewards.selectors.rows import KINDS

STATES = [(state.value, state.value) for state in Epoch.State]
ACTION_KINDS = [(each, each) for each in ("split", "halt", "closure")]
KIND_CHOICES = [(kind, kind) for kind in KINDS]


class TokenPart(Row):
    """What the row's amounts are of."""

    token_symbol = Text("The token's symbol.")
    token_decimals = Whole("How many of an amount's digits are behind the point.")


class ProgrammeRow(TokenPart):
    """A programme."""

    slug = Text("Its name in addresses.")
    name = Text("Its name for people.")
    summary = Text("What it pays for.")
    chain_id = Whole("The chain.")
    distributor = Hex("The contract that pays.")
    token = Hex("What it pays in.")
    live_epoch = Whole("Number of the epoch that runs.", allow_null=True)
    next_epoch = Whole("Number of the next epoch.", allow_null=True)


class MarketRow(Row):
    """A market of a programme: where it trades, and what an order there needs to count."""

    market = Text("The market's name.")
    base_symbol = Text("What is traded.")
    venue = Text("The order book's protocol.")
    chain_id = Whole("The chain.")
    contract = Hex("The order book.")
    venue_settings = serializers.DictField(help_text="What tells the market apart in that contract; by venue.")
    tick_size = Text("One tick, decimal.", unit="quote currency")
    lot_size = Text("One lot, decimal.", unit="base")
    epoch = Whole("Whose terms the following is from.")
    weight_bps = Whole("Its part of the budget.", unit="parts of 10,000")
    min_order_lots = Whole("The smallest order that counts.", unit="lots")
    min_rest_ms = Whole("How long an order has to rest before it counts.", unit="ms")
    presence_lots = Whole("Makes a maker present, on each side.", unit="lots")
    target_lots = Whole("The full rate is paid once makers reach this at the reference, on both sides.", unit="lots")
    max_spread_bps = serializers.DictField(
        child=serializers.IntegerField(), help_text="How far from the reference an order counts, by kind of session. "
        "Unit: bps.",
    )  # fmt: skip


class EpochRow(TokenPart):
    """An epoch: how far it has come, and its result. Amounts are null before it is scored, roots before they are."""

    programme = Text("The programme's slug.")
    number = Whole("Its number, from 1.")
    start_ms = Ms("Where it starts.")
    start = Iso("The same in ISO 8601.")
    end_ms = Ms("Where it ends; this moment is in the next one.")
    end = Iso("The same in ISO 8601.")
    state = serializers.ChoiceField(choices=STATES, help_text="How far it has come.")
    terms_sha256 = Text("SHA-256 of its terms in canonical JSON.")
    budget_raw = Raw("The most that it pays.")
    paid_raw = Raw("What it pays.", allow_null=True)
    unspent_raw = Raw("What nobody earned.", allow_null=True)
    carried_in_raw = Raw("Small amounts from the epoch before.", allow_null=True)
    carried_out_raw = Raw("Small amounts for the next epoch.", allow_null=True)
    root = Hex("The Merkle root.", allow_null=True)
    parent_root = Hex("The root that it continues.", allow_null=True)
    manifest_hash = Hex("Hash of the evidence's manifest.", allow_null=True)
    digest = Hex("What the treasury approves.", allow_null=True)
    chain_epoch = Whole("Its number in the contract.", allow_null=True)
    activatable_ms = Ms("From when it can pay.", allow_null=True)
    activatable = Iso("The same in ISO 8601.", allow_null=True)
    review_until_ms = Ms("Until when makers can object.", allow_null=True)
    review_until = Iso("The same in ISO 8601.", allow_null=True)
    evidence_url = Text("All of its evidence as a tar file.", allow_null=True)


class TermsRow(Row):
    """An epoch's terms, whole."""

    programme = Text("The programme's slug.")
    epoch = Whole("The epoch's number.")
    sha256 = Text("SHA-256 of `canonical_json`.")
    canonical_json = Text("The terms, byte for byte as the evidence has them.")
    terms = serializers.DictField(help_text="The same as an object.")


class SessionRow(Row):
    """A session of the home exchange, with what an hour of it counts."""

    epoch = Whole("The epoch's number.")
    kind = serializers.ChoiceField(choices=KIND_CHOICES, help_text="What kind of session.")
    start_ms = Ms("Where it starts.")
    start = Iso("The same in ISO 8601.")
    end_ms = Ms("Where it ends; this moment is in the next one.")
    end = Iso("The same in ISO 8601.")
    boost_percent = Whole("100 is the plain rate.", unit="percent")
    when = serializers.ChoiceField(
        choices=[(each, each) for each in ("past", "now", "coming")], help_text="By the chain's clock."
    )


class ResultRow(TokenPart):
    """One result of an epoch; corrections lead to a new one, and the former ones stay."""

    revision = Whole("Its number, from 1.")
    is_current = Flag("Whether it is the one that counts.")
    because = Text("Why it was replaced; empty for the current one.")
    scored_ms = Ms("When it was stored.", allow_null=True)
    scored = Iso("The same in ISO 8601.", allow_null=True)
    root = Hex("The Merkle root.", allow_null=True)
    digest = Hex("What the treasury approves.", allow_null=True)
    manifest_hash = Hex("Hash of the evidence's manifest.", allow_null=True)
    paid_raw = Raw("What it pays.", allow_null=True)
    unspent_raw = Raw("What nobody earned.", allow_null=True)
    carried_out_raw = Raw("Small amounts for the next epoch.", allow_null=True)
    evidence_url = Text("All of its evidence as a tar file.", allow_null=True)


class EvidenceRow(Row):
    """A file of an epoch's evidence."""

    name = Text("The file's name.")
    size_bytes = Whole("Its length.", unit="bytes")
    url = Text("Where to get it.")


class LeaderRow(TokenPart):
    """A maker's place in an epoch."""

    rank = Whole("From 1, the best paid first.")
    maker = Text("The maker's slug.")
    name = Text("Its name for people.")
    payout_raw = Raw("What it gets; an estimate while the epoch is live.")
    accrued_raw = Raw("What of it is safe, even if it stopped quoting now.")
    share_ppm = Whole("Its part of what all get.", unit="parts per million")
    is_estimate = Flag("Whether the epoch is not scored yet.")
    as_of_ms = Ms("What was quoted before this is in.")
    as_of = Iso("The same in ISO 8601.")


class ActionRow(Row):
    """A split, a halt or a closure that two people have entered and confirmed."""

    id = Whole("Its number.")
    kind = serializers.ChoiceField(choices=ACTION_KINDS, help_text="What happened.")
    subject = Text("The market; of a closure, the exchange's calendar.")
    from_ms = Ms("Since when; of a split, its instant.")
    to_ms = Ms("Until when; a split has none.", allow_null=True)
    to = Iso("The same in ISO 8601.", allow_null=True)
    new_shares = Whole("4 for 1: 4.", allow_null=True)
    old_shares = Whole("4 for 1: 1.", allow_null=True)
    reason = Text("Why it was entered.")
    source = Text("Where it can be looked up; may be empty.")
    confirmed_ms = Ms("Since when it counts.")
    confirmed = Iso("The same in ISO 8601.")
    withdrawn_ms = Ms("When it was withdrawn.", allow_null=True)
    withdrawn = Iso("The same in ISO 8601.", allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add `from`."""
        return {**super().get_fields(), "from": Iso("`from_ms` in ISO 8601.")}


class ClaimRow(TokenPart):
    """A collection, as the chain recorded it."""

    account = Hex("Whose.")
    amount_raw = Raw("What was collected.")
    cumulative_raw = Raw("What the account has collected in all, with this.")
    recipient = Hex("Where it was sent.")
    caller = Hex("Who sent the transaction.")
    chain_epoch = Whole("The epoch that paid, by its number in the contract.")
    block_number = Whole("The block.")
    time_ms = Ms("The block's time.")
    time = Iso("The same in ISO 8601.")
    tx_hash = Hex("The transaction.")


class PendingRow(Row):
    """Money on its way."""

    epoch = Whole("The epoch's number.")
    stage = serializers.ChoiceField(
        choices=[(each, each) for each in ("adding-up", "checking", "waiting", "delay")], help_text="How far it is."
    )
    amount_raw = Raw("How much.")
    is_estimate = Flag("Whether it may still change.")
    ready_ms = Ms("When it can be collected at the earliest.", allow_null=True)
    ready = Iso("The same in ISO 8601.", allow_null=True)


class AccountRow(TokenPart):
    """What an account can collect from a programme."""

    programme = Text("The programme's slug.")
    ready_raw = Raw("What can be collected now.")
    collected_raw = Raw("What was collected, by the chain's word.")
    pending_raw = Raw("The sum of `pending`.")
    pending = PendingRow(many=True, help_text="What is still on its way.")
    is_paused = Flag("Whether the contract is paused.")


class ProofRow(Row):
    """All that it takes to collect without us; docs/distributor.md says what each is."""

    version = Whole("Of this form.")
    program = Text("The programme's slug.")
    chain_id = Whole("The chain.")
    distributor = Hex("The contract.")
    token = Hex("The token.")
    token_symbol = Text("Its symbol.")
    token_decimals = Whole("Its decimals.")
    epoch = Whole("The epoch's number in the contract.", allow_null=True)
    root = Hex("The root that pays.")
    account = Hex("Whom it pays.")
    cumulative = Raw("What the account may have collected in all.")
    proof = serializers.ListField(child=serializers.CharField(), help_text="The Merkle proof.")
    function = Text("What to call.")
    calldata = Hex("The call, ready to be sent.")
