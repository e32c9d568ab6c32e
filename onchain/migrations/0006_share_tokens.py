"""Contracts that need all logs since their deployment, and ranges of blocks before the first indexed one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("onchain", "0005_partitions_by_the_owner"),
    ]

    operations = [
        migrations.AddField(
            model_name="backfillrange",
            name="below",
            field=models.BooleanField(
                default=False,
                help_text="Before the first indexed block; the blocks count once those above hang on them.",
            ),
        ),
        migrations.AddField(
            model_name="watchedcontract",
            name="whole",
            field=models.BooleanField(
                default=False,
                help_text="All logs since start_block are needed, also from before the first indexed block.",
            ),
        ),
    ]
