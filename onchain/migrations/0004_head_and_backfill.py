"""Who follows the head, ranges of history, providers' health, and how far blocks are verified."""

from django.db import migrations, models

import onchain.fields


class Migration(migrations.Migration):
    dependencies = [
        ("onchain", "0003_publishing"),
    ]

    operations = [
        migrations.CreateModel(
            name="HeadLease",
            fields=[
                ("chain_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("token", models.BigIntegerField()),
                ("holder", models.CharField(help_text="Host and process, for people.", max_length=120)),
                (
                    "renewed_at",
                    models.DateTimeField(help_text="By the database's clock; one that is too old may be taken over."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ProviderHealth",
            fields=[
                (
                    "name",
                    models.CharField(
                        help_text="The host; URLs carry keys.", max_length=120, primary_key=True, serialize=False
                    ),
                ),
                ("answered", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                (
                    "resting",
                    models.BooleanField(default=False, help_text="Its breaker is open: it is not asked for a while."),
                ),
                ("latency_ms", models.IntegerField(default=0, help_text="Of its newest answer.")),
                ("last_error", models.TextField(blank=True, default="")),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="alarm",
            name="stops",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="block",
            name="live_error_ms",
            field=models.IntegerField(help_text="How far from live_time_ms the true time can be.", null=True),
        ),
        migrations.AddField(
            model_name="cursor",
            name="verified_block",
            field=models.BigIntegerField(
                default=0,
                help_text="Every block up to here is verified; with several providers that takes two that agree.",
            ),
            preserve_default=False,
        ),
        # Until now a block was stored only once its receipts root had been rebuilt.
        migrations.RunSQL("UPDATE onchain_cursor SET verified_block = block_number", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="BackfillRange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_block", models.BigIntegerField()),
                ("last_block", models.BigIntegerField()),
                ("addresses", models.JSONField(help_text="The contracts whose logs are stored.")),
                ("ahead", models.BooleanField(help_text="Ahead of the cursor; the blocks count once it gets there.")),
                ("done", models.BooleanField(default=False)),
                (
                    "absorbed",
                    models.BooleanField(default=False, help_text="The cursor, or the contracts, have passed it."),
                ),
                (
                    "last_hash",
                    onchain.fields.HexField(default=b"", help_text="Of the range's last block, once it is done."),
                ),
                ("logs", models.BigIntegerField(default=0)),
                ("failures", models.IntegerField(default=0)),
                ("last_error", models.TextField(blank=True, default="")),
            ],
            options={
                "ordering": ["first_block", "id"],
                "indexes": [
                    models.Index(condition=models.Q(("absorbed", False)), fields=["first_block"], name="backfill_open")
                ],
            },
        ),
    ]
