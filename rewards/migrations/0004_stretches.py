"""Stretches, and the running state in the form that goes on from them; the old form held nothing but derived data."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the one table and makes the other anew."""

    dependencies = [("rewards", "0003_guards")]

    operations = [
        migrations.DeleteModel(name="LiveState"),
        migrations.CreateModel(
            name="LiveState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=64)),
                ("key", models.CharField(help_text="As a stretch's.", max_length=64)),
                ("base", models.CharField(help_text="The digest of the stretch that it goes on from.", max_length=64)),
                (
                    "until_ms",
                    models.BigIntegerField(help_text="The events of all blocks before this time (ms, UTC) are in."),
                ),
                ("before", models.BinaryField(help_text="The score of the stretches before, the engine's own form.")),
                ("state", models.BinaryField(help_text="The engine's own form; one that it can't use is thrown away.")),
                (
                    "epoch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="live_states", to="rewards.epoch"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("epoch", "market"), name="live_state_once")],
            },
        ),
        migrations.CreateModel(
            name="Stretch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=64)),
                ("number", models.PositiveIntegerField(help_text="From 0, without a gap within a market.")),
                (
                    "until_ms",
                    models.BigIntegerField(help_text="The events of all blocks before this time (ms, UTC) are in."),
                ),
                ("through_block", models.BigIntegerField(help_text="The last of those blocks.")),
                ("key", models.CharField(help_text="Hash of all that it depends on beside the events.", max_length=64)),
                ("events", models.BigIntegerField(help_text="How many events it was fed.")),
                (
                    "digest",
                    models.CharField(help_text="Hash of all events since the epoch's start, chained.", max_length=64),
                ),
                ("score", models.BinaryField(help_text="The score of this stretch alone, the engine's own form.")),
                ("state", models.BinaryField(help_text="Where the market stands at its end, the engine's own form.")),
                (
                    "epoch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="stretches", to="rewards.epoch"
                    ),
                ),
            ],
            options={
                "ordering": ["epoch", "market", "number"],
                "constraints": [models.UniqueConstraint(fields=("epoch", "market", "number"), name="stretch_once")],
            },
        ),
    ]
