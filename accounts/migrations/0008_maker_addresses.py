from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_kept_proofs_and_plans"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="makeraddress",
            options={"ordering": ["address", "since_ms"], "verbose_name_plural": "maker addresses"},
        ),
    ]
