"""The dated list of market actions, and guards in the database: nothing in it is changed or deleted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARD = """
CREATE FUNCTION rewards_guard_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'Market actions are never deleted; withdraw it.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.id, OLD.kind, OLD.subject, OLD.from_ms, OLD.to_ms, OLD.new_shares, OLD.old_shares, OLD.reason, OLD.source,
            OLD.entered_by_id, OLD.entered_as, OLD.entered_at)
        IS DISTINCT FROM (NEW.id, NEW.kind, NEW.subject, NEW.from_ms, NEW.to_ms, NEW.new_shares, NEW.old_shares,
            NEW.reason, NEW.source, NEW.entered_by_id, NEW.entered_as, NEW.entered_at) THEN
        RAISE EXCEPTION 'Market action % can''t be changed; withdraw it and enter it again.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.confirmed_at IS NOT NULL AND (OLD.confirmed_by_id, OLD.confirmed_as, OLD.confirmed_at)
        IS DISTINCT FROM (NEW.confirmed_by_id, NEW.confirmed_as, NEW.confirmed_at) THEN
        RAISE EXCEPTION 'Market action % is confirmed; that can''t be changed.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.withdrawn_at IS NOT NULL THEN
        RAISE EXCEPTION 'Market action % is withdrawn; that can''t be changed.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_action BEFORE UPDATE OR DELETE ON rewards_marketaction
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_action();

CREATE FUNCTION rewards_guard_new_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.confirmed_at IS NOT NULL OR NEW.withdrawn_at IS NOT NULL THEN
        RAISE EXCEPTION 'A market action is entered first and confirmed later.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_new_action BEFORE INSERT ON rewards_marketaction
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_new_action();
"""
UNDO = """
DROP TRIGGER rewards_guard_new_action ON rewards_marketaction;
DROP TRIGGER rewards_guard_action ON rewards_marketaction;
DROP FUNCTION rewards_guard_new_action();
DROP FUNCTION rewards_guard_action();
"""


class Migration(migrations.Migration):
    """Makes the table and its triggers."""

    dependencies = [
        ("rewards", "0015_vaults"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MarketAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("split", "Split"), ("halt", "Halt"), ("closure", "Closure of the exchange")],
                        max_length=8,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        help_text="The market's name; of a closure, the calendar's, as XNYS.", max_length=64
                    ),
                ),
                ("from_ms", models.BigIntegerField(help_text="Since when, ms UTC; of a split, its instant.")),
                (
                    "to_ms",
                    models.BigIntegerField(help_text="Until when, itself not in it; a split has none.", null=True),
                ),
                ("new_shares", models.PositiveIntegerField(help_text="4 for 1: 4.", null=True)),
                ("old_shares", models.PositiveIntegerField(help_text="4 for 1: 1.", null=True)),
                ("reason", models.CharField(max_length=300)),
                ("source", models.URLField(blank=True, default="", max_length=500)),
                ("entered_as", models.CharField(help_text="The person's role then.", max_length=16)),
                ("entered_at", models.DateTimeField()),
                ("confirmed_as", models.CharField(blank=True, default="", max_length=16)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("withdrawn_why", models.CharField(blank=True, default="", max_length=300)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "entered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["from_ms", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "split"),
                                ("new_shares__gte", 1),
                                ("new_shares__isnull", False),
                                ("old_shares__gte", 1),
                                ("old_shares__isnull", False),
                                ("to_ms", None),
                            ),
                            models.Q(
                                models.Q(("kind", "split"), _negated=True),
                                ("new_shares", None),
                                ("old_shares", None),
                                ("to_ms__gt", models.F("from_ms")),
                                ("to_ms__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="action_split_has_a_ratio_others_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at", None), ("confirmed_by", None)),
                            models.Q(
                                ("confirmed_at__isnull", False),
                                ("confirmed_by__isnull", False),
                                models.Q(("confirmed_by", models.F("entered_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="action_confirmed_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("withdrawn_at", None), ("withdrawn_by", None)),
                            models.Q(("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="action_withdrawn_by_somebody",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "split"), ("withdrawn_at", None)),
                        fields=("subject", "from_ms"),
                        name="action_one_split_at_a_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(sql=GUARD, reverse_sql=UNDO),
    ]
