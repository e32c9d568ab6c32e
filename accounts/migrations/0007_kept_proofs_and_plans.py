"""Guards in the database: what an address signed stays as it was, and a payout plan is replaced, never rewritten."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION accounts_guard_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(OLD) - TG_ARGV[0]) IS DISTINCT FROM (to_jsonb(NEW) - TG_ARGV[0]) THEN
        RAISE EXCEPTION '% is kept as it was written; only % changes.', TG_TABLE_NAME, TG_ARGV[0]
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_guard_kept BEFORE UPDATE OR DELETE ON accounts_quotingproof
    FOR EACH ROW EXECUTE FUNCTION accounts_guard_kept('is_claim');
CREATE TRIGGER accounts_guard_kept BEFORE UPDATE OR DELETE ON accounts_payoutplan
    FOR EACH ROW EXECUTE FUNCTION accounts_guard_kept('replaced_at');

CREATE FUNCTION accounts_guard_replaced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.replaced_at IS NOT NULL THEN
        RAISE EXCEPTION 'Payout plan % was replaced; that can''t be undone.', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_guard_replaced BEFORE UPDATE ON accounts_payoutplan
    FOR EACH ROW EXECUTE FUNCTION accounts_guard_replaced();
CREATE TRIGGER accounts_guard_kept BEFORE UPDATE OR DELETE ON accounts_payoutaccount
    FOR EACH ROW EXECUTE FUNCTION accounts_guard_kept('label');
"""
UNDO = """
DROP TRIGGER accounts_guard_kept ON accounts_payoutaccount;
DROP TRIGGER accounts_guard_replaced ON accounts_payoutplan;
DROP FUNCTION accounts_guard_replaced();
DROP TRIGGER accounts_guard_kept ON accounts_payoutplan;
DROP TRIGGER accounts_guard_kept ON accounts_quotingproof;
DROP FUNCTION accounts_guard_kept();
"""


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("accounts", "0006_api_keys")]

    operations = [migrations.RunSQL(sql=GUARDS, reverse_sql=UNDO)]
