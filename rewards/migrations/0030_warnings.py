"""New kinds of notices: warnings to a maker's people. Only names change here, no column."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0029_covering_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="mailchoice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("terms.waiting", "New terms wait for a second person"),
                    ("epoch.scored", "An epoch has been scored"),
                    ("epoch.rescored", "An epoch has been scored again"),
                    ("review.open", "An epoch can be looked at and objected to"),
                    ("dispute.opened", "A result is disputed"),
                    ("dispute.answered", "Somebody wrote in a dispute"),
                    ("dispute.closed", "A dispute has ended"),
                    ("correction.waiting", "A correction waits for a second person"),
                    ("approval.needed", "An epoch waits for the treasury's approval"),
                    ("root.active", "An epoch pays"),
                    ("epoch.paid", "Your pay of an epoch can be collected"),
                    ("uptime.low", "Your uptime is below what is needed"),
                    ("market.quarantined", "A market stands still"),
                    ("claim.collected", "Money was collected"),
                    ("pay.changed", "Your maker's pay goes elsewhere"),
                    ("people.changed", "Who belongs to your maker has changed"),
                    ("webhook.off", "A webhook was switched off"),
                    ("webhook.test", "A test of a webhook"),
                ],
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("terms.waiting", "New terms wait for a second person"),
                    ("epoch.scored", "An epoch has been scored"),
                    ("epoch.rescored", "An epoch has been scored again"),
                    ("review.open", "An epoch can be looked at and objected to"),
                    ("dispute.opened", "A result is disputed"),
                    ("dispute.answered", "Somebody wrote in a dispute"),
                    ("dispute.closed", "A dispute has ended"),
                    ("correction.waiting", "A correction waits for a second person"),
                    ("approval.needed", "An epoch waits for the treasury's approval"),
                    ("root.active", "An epoch pays"),
                    ("epoch.paid", "Your pay of an epoch can be collected"),
                    ("uptime.low", "Your uptime is below what is needed"),
                    ("market.quarantined", "A market stands still"),
                    ("claim.collected", "Money was collected"),
                    ("pay.changed", "Your maker's pay goes elsewhere"),
                    ("people.changed", "Who belongs to your maker has changed"),
                    ("webhook.off", "A webhook was switched off"),
                    ("webhook.test", "A test of a webhook"),
                ],
                max_length=24,
            ),
        ),
    ]
