"""The sums of a whole session stand beside its cells, so that pages compare sessions without unpacking any."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0027_terms_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="quotecells",
            name="sums",
            field=models.JSONField(
                help_text="Of the whole session (analysis/means.py); null: not added up yet.", null=True
            ),
        ),
    ]
