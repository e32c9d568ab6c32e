"""Guards in the database: begun terms stay, an epoch moves only along its states, scored rows are not rewritten."""

from django.db import migrations

# From a state to those that may follow. Backward steps beside a new scoring mirror a reorg of the chain.
TRANSITIONS = {
    "scheduled": ["live"],
    "live": ["scored", "empty"],
    "scored": ["live", "proposed", "approved", "active", "vetoed"],
    "proposed": ["scored", "approved", "active", "vetoed"],
    "approved": ["scored", "proposed", "active", "vetoed"],
    "active": ["scored", "proposed", "approved"],
    "vetoed": ["live", "scored", "proposed", "approved", "active"],
    "empty": ["live"],
}
ALLOWED = ", ".join(f"('{before}', '{after}')" for before, many in TRANSITIONS.items() for after in many)

EPOCHS = f"""
CREATE FUNCTION rewards_guard_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'scheduled' THEN
            RAISE EXCEPTION 'Epoch % has begun; it can''t be deleted.', OLD.number USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.state <> 'scheduled' AND (OLD.program_id, OLD.number, OLD.start_ms, OLD.end_ms, OLD.terms_json,
            OLD.terms_sha256, OLD.budget) IS DISTINCT FROM (NEW.program_id, NEW.number, NEW.start_ms, NEW.end_ms,
            NEW.terms_json, NEW.terms_sha256, NEW.budget) THEN
        RAISE EXCEPTION 'Epoch % has begun; its terms can''t be changed.', OLD.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN ({ALLOWED}) THEN
        RAISE EXCEPTION 'Epoch % is %; it can''t become %.', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_epoch BEFORE UPDATE OR DELETE ON rewards_epoch
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_epoch();
"""

ROWS = """
CREATE FUNCTION rewards_guard_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    epoch_state text;
BEGIN
    SELECT state INTO epoch_state FROM rewards_epoch WHERE id = OLD.epoch_id;
    IF epoch_state <> ALL (TG_ARGV::text[]) THEN
        RAISE EXCEPTION '% of an epoch that is % can''t be changed.', TG_TABLE_NAME, epoch_state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
"""
# Which tables, and the states of the epoch in which their rows may still be changed or deleted.
GUARDED = {
    "rewards_epochsession": ["scheduled"],
    "rewards_score": ["live"],
    "rewards_allocation": ["live"],
    "rewards_carry": ["live"],
    "rewards_entitlement": ["live"],
    "rewards_payment": ["live"],
}


def _trigger(table: str, states: list[str]) -> str:
    arguments = ", ".join(f"'{state}'" for state in states)
    return (
        f"CREATE TRIGGER rewards_guard_rows BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION rewards_guard_rows({arguments});"
    )


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0002_live_states_and_retries")]

    operations = [
        migrations.RunSQL(
            sql=EPOCHS,
            reverse_sql="DROP TRIGGER rewards_guard_epoch ON rewards_epoch; DROP FUNCTION rewards_guard_epoch();",
        ),
        migrations.RunSQL(sql=ROWS, reverse_sql="DROP FUNCTION rewards_guard_rows();"),
        *(
            migrations.RunSQL(sql=_trigger(table, states), reverse_sql=f"DROP TRIGGER rewards_guard_rows ON {table};")
            for table, states in GUARDED.items()
        ),
    ]
