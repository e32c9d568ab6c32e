from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_api_keys"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="makeraddress",
            options={"ordering": ["address", "since_ms"], "verbose_name_plural": "maker addresses"},
        ),
    ]
