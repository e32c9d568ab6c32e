"""Guards in the database: a correction begins as entered and a dispute as open, whichever program writes the row."""

from django.db import migrations

BEGINNINGS = """
CREATE FUNCTION rewards_guard_new_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'entered' OR NEW.confirmed_by_id IS NOT NULL OR NEW.confirmed_at IS NOT NULL THEN
        RAISE EXCEPTION 'A correction is entered first and confirmed later.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_new_correction BEFORE INSERT ON rewards_correction
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_new_correction();

CREATE FUNCTION rewards_guard_new_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'open' OR NEW.closed_by_id IS NOT NULL OR NEW.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'A dispute is opened first and closed later.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_new_dispute BEFORE INSERT ON rewards_dispute
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_new_dispute();
"""
UNDO = """
DROP TRIGGER rewards_guard_new_dispute ON rewards_dispute;
DROP FUNCTION rewards_guard_new_dispute();
DROP TRIGGER rewards_guard_new_correction ON rewards_correction;
DROP FUNCTION rewards_guard_new_correction();
"""


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0022_running")]

    operations = [migrations.RunSQL(sql=BEGINNINGS, reverse_sql=UNDO)]
