"""The terms of epochs that differ in nothing but their times are told by one key, worked out by the database."""

from django.db import migrations, models

import rewards.models.programs


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0026_archived_evidence"),
    ]

    operations = [
        migrations.AddField(
            model_name="epoch",
            name="terms_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=rewards.models.programs.TermsKey("terms_json"),
                help_text="Equal for epochs whose terms differ in their `epoch` alone.",
                output_field=models.CharField(max_length=32),
            ),
        ),
    ]
