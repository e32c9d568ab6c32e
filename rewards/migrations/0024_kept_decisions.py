"""Guards in the database: decisions about an epoch's money, and the log that its evidence names, stay as they were."""

from django.db import migrations

GUARDS = """
CREATE TRIGGER rewards_guard_kept BEFORE UPDATE OR DELETE ON rewards_evidencehead
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_kept();

CREATE FUNCTION rewards_guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(OLD) - ARRAY['reason', 'account', 'given_by', 'decided_by'])
            IS DISTINCT FROM (to_jsonb(NEW) - ARRAY['reason', 'account', 'given_by', 'decided_by']) THEN
        RAISE EXCEPTION 'A decision of % is kept; its reason can be given again, no more.', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_decision BEFORE UPDATE OR DELETE ON rewards_checkwaiver
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_decision();
CREATE TRIGGER rewards_guard_decision BEFORE UPDATE OR DELETE ON rewards_withholding
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_decision();
"""
UNDO = """
DROP TRIGGER rewards_guard_decision ON rewards_withholding;
DROP TRIGGER rewards_guard_decision ON rewards_checkwaiver;
DROP FUNCTION rewards_guard_decision();
DROP TRIGGER rewards_guard_kept ON rewards_evidencehead;
"""


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0023_begin_guards")]

    operations = [migrations.RunSQL(sql=GUARDS, reverse_sql=UNDO)]
