"""Vaults: makers' choices, what each epoch found there, and through which vault an account was paid; with guards."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.fields
import onchain.fields

CHOICES = """
CREATE FUNCTION rewards_guard_makervault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Who named it may be forgotten with their account; what was named, and from when, stays.
    IF TG_OP = 'UPDATE' AND (OLD.maker_id, OLD.vault, OLD.operator, OLD.name, OLD.since_ms, OLD.named_at, OLD.reason)
            IS NOT DISTINCT FROM
            (NEW.maker_id, NEW.vault, NEW.operator, NEW.name, NEW.since_ms, NEW.named_at, NEW.reason) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A choice of a vault can''t be changed; make a new one.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rewards_guard_makervault BEFORE UPDATE OR DELETE ON rewards_makervault
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_makervault();
CREATE TRIGGER rewards_guard_rows BEFORE UPDATE OR DELETE ON rewards_epochvault
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_rows('live');
"""
NO_CHOICES = """
DROP TRIGGER rewards_guard_rows ON rewards_epochvault;
DROP TRIGGER rewards_guard_makervault ON rewards_makervault;
DROP FUNCTION rewards_guard_makervault();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_makers"),
        ("rewards", "0014_guard_added_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EpochVault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("maker", models.CharField(max_length=64)),
                ("vault", accounts.fields.AddressField(max_length=42)),
                ("operator", accounts.fields.AddressField(max_length=42)),
                ("name", models.CharField(blank=True, default="", max_length=40)),
                ("holders", models.PositiveIntegerField(help_text="Accounts with any weight.")),
                (
                    "supply",
                    onchain.fields.ExactIntegerField(
                        help_text="Shares after the epoch's last block, by transfers and by the token itself."
                    ),
                ),
                ("amount", onchain.fields.ExactIntegerField(help_text="What was split.")),
                ("dust", onchain.fields.ExactIntegerField(help_text="What the floors left to the operator.")),
                ("contracts", models.JSONField(help_text="Holders that are contracts after the epoch's last block.")),
                (
                    "balances_checked",
                    models.PositiveIntegerField(help_text="How many balances the token itself was asked for."),
                ),
            ],
            options={
                "ordering": ["epoch", "maker"],
            },
        ),
        migrations.CreateModel(
            name="MakerVault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "vault",
                    accounts.fields.AddressField(
                        blank=True,
                        default="",
                        help_text="The share token; empty: payout accounts again.",
                        max_length=42,
                    ),
                ),
                (
                    "operator",
                    accounts.fields.AddressField(
                        blank=True, default="", help_text="Gets what can't be split over the holders.", max_length=42
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, default="", help_text="The token's own name for itself.", max_length=40
                    ),
                ),
                (
                    "since_ms",
                    models.BigIntegerField(help_text="Counts in epochs that begin at or after this time (ms, UTC)."),
                ),
                (
                    "reason",
                    models.TextField(
                        blank=True, default="", help_text="Why an operator dropped it in the middle of an epoch."
                    ),
                ),
                ("named_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["maker", "-since_ms", "-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="payment",
            name="payment_once",
        ),
        migrations.AddField(
            model_name="payment",
            name="vault",
            field=accounts.fields.AddressField(
                blank=True, default="", help_text="The vault through which; empty: directly.", max_length=42
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(fields=("epoch", "maker", "account", "vault"), name="payment_once"),
        ),
        migrations.AddField(
            model_name="epochvault",
            name="epoch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="vaults", to="rewards.epoch"
            ),
        ),
        migrations.AddField(
            model_name="makervault",
            name="maker",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="vaults", to="accounts.maker"
            ),
        ),
        migrations.AddField(
            model_name="makervault",
            name="named_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="epochvault",
            constraint=models.UniqueConstraint(fields=("epoch", "maker", "vault"), name="epoch_vault_once"),
        ),
        migrations.RunSQL(sql=CHOICES, reverse_sql=NO_CHOICES),
    ]
