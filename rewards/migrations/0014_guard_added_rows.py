"""A scored epoch gets no more rows either: neither added nor moved there from another epoch."""

from django.db import migrations

GUARD = """
CREATE FUNCTION rewards_guard_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    epoch_state text;
BEGIN
    SELECT state INTO epoch_state FROM rewards_epoch WHERE id = NEW.epoch_id;
    IF epoch_state <> ALL (TG_ARGV::text[]) THEN
        RAISE EXCEPTION '% of an epoch that is % can''t be added to.', TG_TABLE_NAME, epoch_state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
GUARDED = ("rewards_score", "rewards_allocation", "rewards_carry", "rewards_entitlement", "rewards_payment")


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0013_evidence_heads")]

    operations = [
        migrations.RunSQL(sql=GUARD, reverse_sql="DROP FUNCTION rewards_guard_added();"),
        *(
            migrations.RunSQL(
                sql=f"CREATE TRIGGER rewards_guard_added BEFORE INSERT OR UPDATE OF epoch_id ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION rewards_guard_added('scheduled', 'live');",
                reverse_sql=f"DROP TRIGGER rewards_guard_added ON {table};",
            )
            for table in GUARDED
        ),
    ]
