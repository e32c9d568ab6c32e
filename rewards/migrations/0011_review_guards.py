"""Guards in the database: verdicts, flags and comments are only added to, and nobody approves what they put forward."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION rewards_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only added to; what stands there can''t be changed.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""
ADDED_TO = ("rewards_epochverdict", "rewards_epochcomment", "rewards_flagverdict", "rewards_flag")

# The epoch's row is locked first, so that of two verdicts at once the second sees the first.
VERDICTS = """
CREATE FUNCTION rewards_guard_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_of record;
    last record;
    refusal text;
BEGIN
    SELECT number, state, root, manifest_hash INTO now_of FROM rewards_epoch WHERE id = NEW.epoch_id
        FOR NO KEY UPDATE;
    SELECT kind, person_id INTO last FROM rewards_epochverdict
        WHERE epoch_id = NEW.epoch_id AND root = NEW.root AND manifest_hash = NEW.manifest_hash AND kind <> 'approve'
        ORDER BY id DESC LIMIT 1;
    refusal := CASE
        WHEN (NEW.root, NEW.manifest_hash) IS DISTINCT FROM (now_of.root, now_of.manifest_hash)
            THEN 'it has been scored again; look at it anew'
        WHEN NEW.kind = 'put_forward' AND now_of.state <> 'proposed' THEN 'it does not wait for the treasury'
        WHEN NEW.kind = 'put_forward' AND last.kind = 'put_forward' THEN 'it is put forward already'
        WHEN NEW.kind = 'put_forward' AND last.kind = 'send_back' THEN 'it was sent back'
        WHEN NEW.kind = 'put_forward' AND EXISTS (SELECT FROM rewards_epochverdict WHERE epoch_id = NEW.epoch_id
            AND root = NEW.root AND person_id = NEW.person_id AND kind = 'approve') THEN 'the same person has approved it'
        WHEN NEW.kind = 'send_back' AND now_of.state NOT IN ('scored', 'proposed') THEN 'it waits for no decision'
        WHEN NEW.kind = 'send_back' AND last.kind = 'send_back' THEN 'it was sent back already'
        WHEN NEW.kind = 'lift' AND last.kind IS DISTINCT FROM 'send_back' THEN 'it was not sent back'
        WHEN NEW.kind = 'lift' AND last.person_id = NEW.person_id THEN 'the same person has sent it back'
        WHEN NEW.kind = 'approve' AND last.kind IS DISTINCT FROM 'put_forward' THEN 'nobody has put it forward'
        WHEN NEW.kind = 'approve' AND EXISTS (SELECT FROM rewards_epochverdict WHERE epoch_id = NEW.epoch_id
            AND root = NEW.root AND person_id = NEW.person_id AND kind = 'put_forward')
            THEN 'the same person has put it forward'
    END;
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION 'Epoch % takes no verdict of this kind: %.', now_of.number, refusal
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_verdict BEFORE INSERT ON rewards_epochverdict
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_verdict();
"""


def _append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=f"CREATE TRIGGER rewards_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION rewards_append_only();",
        reverse_sql=f"DROP TRIGGER rewards_append_only ON {table};",
    )


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0010_review")]

    operations = [
        migrations.RunSQL(sql=APPEND_ONLY, reverse_sql="DROP FUNCTION rewards_append_only();"),
        *(_append_only(table) for table in ADDED_TO),
        migrations.RunSQL(
            sql=VERDICTS,
            reverse_sql="DROP TRIGGER rewards_guard_verdict ON rewards_epochverdict;"
            " DROP FUNCTION rewards_guard_verdict();",
        ),
    ]
