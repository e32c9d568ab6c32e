"""What a maker and those who review may read, as rows: scores, pay, quotes, orders, webhooks."""

from typing import Any

from rest_framework import serializers

from rewards.analysis.columns import FLOAT, MAKER_COLUMNS
from rewards.api.fields import Flag, Fraction, Hex, Iso, Ms, Raw, Row, Text, Whole
from rewards.api.serializers import KIND_CHOICES, TokenPart
from rewards.selectors.quoted import REASONS

BIG = frozenset({"credit", "stress_credit", "volume_lot_ticks"})
"""Columns of the statistics that may pass 2^53, so that they are decimal strings."""


REASON_CHOICES = [(each, each) for each in REASONS]


class MeRow(Row):
    """Who asks."""

    username = Text("The person.")
    role = Text("What the person is here for.")
    by = serializers.ChoiceField(choices=[("key", "key"), ("session", "session")], help_text="How it asks.")
    key_prefix = Text("Which key.", allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField(), help_text="What the key may read; empty: session.")
    expires = Iso("When the key ends.", allow_null=True)
    makers = serializers.ListField(child=serializers.CharField(), help_text="Slugs of those whose figures it sees.")


class MakerRow(Row):
    """A maker."""

    maker = Text("The maker's slug.")
    name = Text("Its name for people.")


class ScoreRow(TokenPart):
    """What a kind of session brought a maker in a market."""

    market = Text("The market.")
    kind = serializers.ChoiceField(choices=KIND_CHOICES, help_text="What kind of session.")
    boost_percent = Whole("100 is the plain rate.", unit="percent")
    credit = Raw("What the quoting pool is paid by, before boost and gate.", unit="share * 2^30 * ms")
    credit_share_ppm = Whole("Of all makers' credit.", unit="parts per million")
    present_ms = Whole("Present on both sides.", unit="ms")
    live_ms = Whole("The market traded.", unit="ms")
    uptime_bps = Whole("Present of live.", unit="parts of 10,000")
    required_bps = Whole("What the gate asks for, 0: none.", unit="parts of 10,000")
    is_gated = Flag("Whether the gate took the credit.")
    pay_raw = Raw("The part of the quoting pay that it brought, before the cap.")
    pay_per_hour_raw = Raw("The same per hour present.")


class AllocationRow(TokenPart):
    """What a maker gets of a market."""

    market = Text("The market.")
    quoting_raw = Raw("For quotes, before the cap.")
    fills_raw = Raw("For fills, before the cap.")
    stress_raw = Raw("For fast markets, before the cap.")
    payout_raw = Raw("What it gets; an estimate while the epoch is live.")
    accrued_raw = Raw("What of it is safe, even if it stopped quoting now.")
    share_ppm = Whole("Of what all makers get in the market.", unit="parts per million")
    is_estimate = Flag("Whether the epoch is not scored yet.")
    as_of_ms = Ms("What was quoted before this is in.")
    as_of = Iso("The same in ISO 8601.")


class StandingRow(TokenPart):
    """Where a maker stands in an epoch over all markets; an estimate while the epoch is live."""

    programme = Text("The programme's slug.")
    epoch = Whole("The epoch's number.")
    maker = Text("The maker's slug.")
    is_estimate = Flag("Whether the epoch is not scored yet.")
    rank = Whole("From 1, the best paid first; null without any pay.", allow_null=True)
    makers = Whole("How many makers there are.")
    payout_raw = Raw("What it gets; while the epoch is live, if it ended now.")
    accrued_raw = Raw("What of it is safe, even if it stopped quoting now.")
    share_ppm = Whole("Its part of what all get.", unit="parts per million")
    carried_out_raw = Raw("Too little to be paid, so taken into the next epoch.")
    as_of_ms = Ms("What was quoted before this is in.")
    as_of = Iso("The same in ISO 8601.")
    age_ms = Whole("How far that is behind the chain.", unit="ms")


class PaymentRow(TokenPart):
    """Where a maker's pay of an epoch goes. The root pays it once it is active."""

    account = Hex("Who is paid.")
    vault = Hex("The vault through which; null: directly.", allow_null=True)
    amount_raw = Raw("How much.")


class ReasonRow(Row):
    """Consecutive five minutes in which the same held for most of the time (docs/statistics.md)."""

    start_ms = Ms("Where they start.")
    start = Iso("The same in ISO 8601.")
    end_ms = Ms("Where they end.")
    end = Iso("The same in ISO 8601.")
    reason = serializers.ChoiceField(choices=REASON_CHOICES, help_text="What held.")


class OrderRow(Row):
    """An order of the maker at a moment."""

    id = Text("The order's id in its market.")
    side = serializers.ChoiceField(choices=[("bid", "bid"), ("ask", "ask")], help_text="Which side.")
    price = Text("Its price, decimal, in the market's quote currency.")
    lots = Whole("Its size.", unit="lots")
    rested_ms = Whole("How long it has rested.", unit="ms")
    distance_bps = Fraction("From the reference; null without one.", unit="bps of the reference", allow_null=True)
    weight_ppm = Whole("What a lot of it counts.", unit="parts per million")
    is_counting = Flag("Whether it counts.")
    fate = serializers.ChoiceField(
        choices=[(each, each) for each in ("counting", "halted", "dark", "too_small", "too_young", "too_far")],
        help_text="That it counts, or the first hurdle that it failed at.",
    )
    why = Text("The same as a sentence, with the market's figures.")


class MomentRow(Row):
    """A market at a moment, from a maker's side."""

    market = Text("The market.")
    time_ms = Ms("The moment.")
    time = Iso("The same in ISO 8601.")
    kind = serializers.ChoiceField(choices=KIND_CHOICES, help_text="What kind of session.")
    is_live = Flag("Whether the market is not halted.")
    is_stressed = Flag("Whether it is a fast market.")
    reference = Text("The price that distance is taken from, decimal; null for none.", allow_null=True)
    band_low = Text("Where weight ends below, decimal.", allow_null=True)
    band_high = Text("Where weight ends above, decimal.", allow_null=True)
    is_present = Flag("Whether there are enough lots inside the band on both sides.")
    share_ppm = Whole("Of the market's rate.", unit="parts per million")
    orders = OrderRow(many=True, help_text="The maker's own orders: bids, then asks, the best first.")


class WebhookRow(Row):
    """Where notices are posted to. Secrets are never shown."""

    id = Whole("Its number.")
    url = Text("The address.")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Which notices; empty: all.")
    is_on = Flag("Whether anything is posted.")
    off_reason = Text("Why it was switched off by itself; may be empty.")
    added_ms = Ms("Since when it is there.")
    added = Iso("The same in ISO 8601.")


def _column(column: Any) -> serializers.Field:
    options: dict[str, Any] = {"unit": column.unit if column.unit != "text" else ""}
    text = column.meaning[:1].upper() + column.meaning[1:] + "."
    if column.name in BIG:
        return Raw(text, **options)
    if column.name in ("market", "maker", "kind"):
        return Text(text, allow_null=column.name == "kind", **options)
    if column.type == FLOAT:
        return Fraction(text, allow_null=True, **options)
    return Whole(text, **options)


class QuoteRow(Row):
    """How a maker quoted in five minutes, a session or an epoch (docs/statistics.md)."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return the columns of the statistics, with both moments in ISO 8601, too."""
        found = {column.name: _column(column) for column in MAKER_COLUMNS}
        return {**found, "start": Iso("`start_ms` in ISO 8601."), "end": Iso("`end_ms` in ISO 8601.")}
