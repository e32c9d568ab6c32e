"""What a maker scored and got in an epoch is read from indexes that hold it, not from all rows of the epoch."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0028_session_sums"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="allocation",
            name="rewards_all_epoch_i_b92bd9_idx",
        ),
        migrations.RemoveIndex(
            model_name="score",
            name="rewards_sco_epoch_i_3332cc_idx",
        ),
        migrations.AlterField(
            model_name="allocation",
            name="epoch",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="allocations",
                to="rewards.epoch",
            ),
        ),
        migrations.AlterField(
            model_name="score",
            name="epoch",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="scores", to="rewards.epoch"
            ),
        ),
        migrations.AddIndex(
            model_name="allocation",
            index=models.Index(
                fields=["epoch", "maker"],
                include=("market", "quoting", "fills", "stress", "payout"),
                name="allocation_of_a_maker",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                fields=["epoch", "maker"],
                include=("market", "kind", "credit", "present_ms", "live_ms"),
                name="score_of_a_maker",
            ),
        ),
    ]
