"""Blocks, raw logs, market events and cursors; the two big tables are natively partitioned by block number."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import onchain.fields

ADDRESS_RULE = django.core.validators.RegexValidator(
    "^0x[0-9a-f]{40}$", "An address is 0x and 40 lower-case hex digits."
)
STATUSES = [(0, "Fetched"), (1, "Receipts root rebuilt"), (2, "Verified and final")]
KINDS = [(0, "place"), (1, "cancel"), (2, "fill"), (3, "anchor"), (4, "halt"), (5, "resume")]

# Partitions are made by the indexer (onchain/partitions.py). No foreign keys: rows arrive by COPY, in bulk.
CREATE_RAW_LOG = """
CREATE TABLE onchain_rawlog (
    block_number bigint NOT NULL,
    log_index integer NOT NULL,
    transaction_index integer NOT NULL,
    block_hash bytea NOT NULL,
    transaction_hash bytea NOT NULL,
    address varchar(42) NOT NULL,
    topics bytea NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (block_number, block_hash, log_index)
) PARTITION BY RANGE (block_number)
"""
CREATE_MARKET_EVENT = """
CREATE TABLE onchain_marketevent (
    block_number bigint NOT NULL,
    price bigint,
    size bigint,
    time_ms bigint,
    market_id integer NOT NULL,
    log_index integer NOT NULL,
    kind smallint NOT NULL,
    is_bid boolean,
    order_id text,
    address varchar(42),
    taker varchar(42),
    PRIMARY KEY (block_number, market_id, log_index)
) PARTITION BY RANGE (block_number)
"""


class Migration(migrations.Migration):
    """The first tables of the indexer."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("chain_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("first_block", models.BigIntegerField(help_text="The lowest block that is stored.")),
                ("block_number", models.BigIntegerField()),
                ("block_hash", onchain.fields.HexField()),
                (
                    "final_block",
                    models.BigIntegerField(
                        help_text="Every block up to here is verified and final; first_block - 1: none."
                    ),
                ),
                ("head_number", models.BigIntegerField(help_text="The node's head when we last looked.")),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="Market",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=64, unique=True)),
                ("adapter", models.CharField(max_length=32)),
                ("address", models.CharField(max_length=42, validators=[ADDRESS_RULE])),
                ("start_block", models.BigIntegerField()),
                (
                    "config",
                    models.JSONField(help_text="tick_raw, lot_raw and the adapter's own table, as in the market file."),
                ),
                (
                    "tick_size",
                    models.CharField(help_text="For people: one tick in quote currency, decimal.", max_length=40),
                ),
                (
                    "lot_size",
                    models.CharField(help_text="For people: one lot in units of the base, decimal.", max_length=40),
                ),
                ("base_symbol", models.CharField(max_length=16)),
                (
                    "derived_through",
                    models.BigIntegerField(help_text="Events are derived through this block."),
                ),
                (
                    "quarantined_block",
                    models.BigIntegerField(
                        help_text="The block with an impossible event; no event is derived from it on.",
                        null=True,
                    ),
                ),
                (
                    "quarantine_reason",
                    models.TextField(blank=True, default="", help_text="Block, log index and rule, in one sentence."),
                ),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="WatchedContract",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("address", models.CharField(max_length=42, unique=True, validators=[ADDRESS_RULE])),
                ("label", models.CharField(blank=True, default="", max_length=80)),
                ("start_block", models.BigIntegerField(help_text="No log before this block is wanted.")),
                (
                    "stored_through",
                    models.BigIntegerField(
                        help_text="Its logs are stored from start_block through this block; start_block - 1 at first."
                    ),
                ),
            ],
            options={"ordering": ["address"]},
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("kind", models.CharField(max_length=40)),
                ("block_number", models.BigIntegerField(null=True)),
                ("message", models.TextField()),
                ("raised_at", models.DateTimeField(auto_now_add=True)),
                ("resolved_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at", None)),
                        fields=("kind",),
                        name="one_open_alarm_a_kind",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                ("hash", onchain.fields.HexField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("parent_hash", onchain.fields.HexField()),
                ("receipts_root", onchain.fields.HexField()),
                ("timestamp_s", models.BigIntegerField()),
                (
                    "time_ms",
                    models.BigIntegerField(
                        help_text="By the spec's Time section; may change until the block is settled."
                    ),
                ),
                (
                    "time_error_ms",
                    models.IntegerField(help_text="How far from time_ms the block's true time can be."),
                ),
                (
                    "live_time_ms",
                    models.BigIntegerField(
                        help_text="The node's own finer stamp, where it gave one; no later call returns it.",
                        null=True,
                    ),
                ),
                (
                    "settled",
                    models.BooleanField(help_text="A block of a later second exists, so time_ms stays."),
                ),
                ("status", models.SmallIntegerField(choices=STATUSES)),
                ("canonical", models.BooleanField(help_text="False: on a branch that a reorg left.")),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("canonical", True)),
                        fields=["time_ms"],
                        name="canonical_block_by_time",
                    ),
                    models.Index(
                        condition=models.Q(("canonical", True), models.Q(("status", 2), _negated=True)),
                        fields=["number"],
                        name="canonical_block_not_final",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("canonical", True)),
                        fields=("number",),
                        name="one_canonical_block_a_number",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AdapterState",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("block_number", models.BigIntegerField()),
                ("state", models.BinaryField(help_text="The adapter's state, as its save() wrote it.")),
                (
                    "book",
                    models.BinaryField(help_text="Arrow stream of the carry-in at the end of the block (selectors)."),
                ),
                (
                    "market",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="states",
                        to="onchain.market",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("market", "block_number"), name="one_adapter_state_a_block")
                ]
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(sql=CREATE_RAW_LOG, reverse_sql="DROP TABLE onchain_rawlog"),
                migrations.RunSQL(sql=CREATE_MARKET_EVENT, reverse_sql="DROP TABLE onchain_marketevent"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="RawLog",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "block_number",
                                "block_hash",
                                "log_index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("block_number", models.BigIntegerField()),
                        (
                            "log_index",
                            models.IntegerField(help_text="The chain's, counted over the whole block."),
                        ),
                        ("transaction_index", models.IntegerField()),
                        ("block_hash", onchain.fields.HexField()),
                        ("transaction_hash", onchain.fields.HexField()),
                        ("address", models.CharField(max_length=42)),
                        (
                            "topics",
                            onchain.fields.HexField(help_text="Up to four topics of 32 bytes, one after the other."),
                        ),
                        ("data", onchain.fields.HexField()),
                    ],
                ),
                migrations.CreateModel(
                    name="MarketEvent",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "block_number",
                                "market_id",
                                "log_index",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("block_number", models.BigIntegerField()),
                        ("price", models.BigIntegerField(null=True)),
                        ("size", models.BigIntegerField(null=True)),
                        ("time_ms", models.BigIntegerField(null=True)),
                        ("market_id", models.IntegerField()),
                        ("log_index", models.IntegerField()),
                        ("kind", models.SmallIntegerField(choices=KINDS)),
                        ("is_bid", models.BooleanField(null=True)),
                        ("order_id", models.TextField(null=True)),
                        ("address", models.CharField(max_length=42, null=True)),
                        ("taker", models.CharField(max_length=42, null=True)),
                    ],
                ),
            ],
        ),
    ]
