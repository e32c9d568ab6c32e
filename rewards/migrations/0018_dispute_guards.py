"""Guards in the database: what was filed, said, attached or replaced stays; corrections go only along their states."""

from django.db import migrations

KEPT = """
CREATE FUNCTION rewards_guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept as it was written; it can''t be changed or deleted.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rewards_guard_kept BEFORE UPDATE OR DELETE ON rewards_epochrevision
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_kept();
CREATE TRIGGER rewards_guard_kept BEFORE UPDATE OR DELETE ON rewards_disputemessage
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_kept();
CREATE TRIGGER rewards_guard_kept BEFORE UPDATE OR DELETE ON rewards_disputefile
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_kept();
"""
UNKEPT = """
DROP TRIGGER rewards_guard_kept ON rewards_epochrevision;
DROP TRIGGER rewards_guard_kept ON rewards_disputemessage;
DROP TRIGGER rewards_guard_kept ON rewards_disputefile;
DROP FUNCTION rewards_guard_kept();
"""
# Said or attached only while the dispute is open.
OPEN_ONLY = """
CREATE FUNCTION rewards_guard_dispute_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    dispute_state text;
BEGIN
    SELECT state INTO dispute_state FROM rewards_dispute WHERE id = NEW.dispute_id;
    IF dispute_state <> 'open' THEN
        RAISE EXCEPTION 'Dispute % is %; nothing can be added to it.', NEW.dispute_id, dispute_state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_dispute_open BEFORE INSERT ON rewards_disputemessage
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_dispute_open();
CREATE TRIGGER rewards_guard_dispute_open BEFORE INSERT ON rewards_disputefile
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_dispute_open();
"""
NOT_OPEN_ONLY = """
DROP TRIGGER rewards_guard_dispute_open ON rewards_disputemessage;
DROP TRIGGER rewards_guard_dispute_open ON rewards_disputefile;
DROP FUNCTION rewards_guard_dispute_open();
"""
DISPUTES = """
CREATE FUNCTION rewards_guard_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Dispute % is kept; it can''t be deleted.', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'Dispute % is %; it can''t be changed.', OLD.id, OLD.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.epoch_id, OLD.maker_id, OLD.revision, OLD.market, OLD.from_ms, OLD.to_ms, OLD.kind, OLD.text,
            OLD.refers_to, OLD.opened_by_id, OLD.opened_at) IS DISTINCT FROM (NEW.epoch_id, NEW.maker_id,
            NEW.revision, NEW.market, NEW.from_ms, NEW.to_ms, NEW.kind, NEW.text, NEW.refers_to, NEW.opened_by_id,
            NEW.opened_at) THEN
        RAISE EXCEPTION 'What dispute % says can''t be changed.', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_dispute BEFORE UPDATE OR DELETE ON rewards_dispute
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_dispute();
"""
# From a state to those that may follow.
TRANSITIONS = {"entered": ["confirmed", "withdrawn"], "confirmed": ["applied", "too_late"]}
ALLOWED = ", ".join(f"('{before}', '{after}')" for before, many in TRANSITIONS.items() for after in many)
CORRECTIONS = f"""
CREATE FUNCTION rewards_guard_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Correction % is kept; it can''t be deleted.', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.epoch_id, OLD.dispute_id, OLD.kind, OLD.data, OLD.reason, OLD.entered_by_id, OLD.entered_at)
            IS DISTINCT FROM (NEW.epoch_id, NEW.dispute_id, NEW.kind, NEW.data, NEW.reason, NEW.entered_by_id,
            NEW.entered_at) THEN
        RAISE EXCEPTION 'What correction % says can''t be changed.', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.state, NEW.state) NOT IN ({ALLOWED}) THEN
        RAISE EXCEPTION 'Correction % is %; it can''t become %.', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'entered' AND (OLD.confirmed_by_id, OLD.confirmed_at)
            IS DISTINCT FROM (NEW.confirmed_by_id, NEW.confirmed_at) THEN
        RAISE EXCEPTION 'Who confirmed correction % can''t be changed.', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_correction BEFORE UPDATE OR DELETE ON rewards_correction
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_correction();
"""


def _drop(name: str, table: str) -> str:
    return f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}();"


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0017_disputes")]

    operations = [
        migrations.RunSQL(sql=KEPT, reverse_sql=UNKEPT),
        migrations.RunSQL(sql=OPEN_ONLY, reverse_sql=NOT_OPEN_ONLY),
        migrations.RunSQL(sql=DISPUTES, reverse_sql=_drop("rewards_guard_dispute", "rewards_dispute")),
        migrations.RunSQL(sql=CORRECTIONS, reverse_sql=_drop("rewards_guard_correction", "rewards_correction")),
    ]
