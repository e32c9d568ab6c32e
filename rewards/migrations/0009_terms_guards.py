"""Guards of terms in the database: handed in is fixed, scheduled is future, begun stays, nothing is deleted."""

from django.db import migrations

# From a state to those that may follow.
TRANSITIONS = {
    "draft": ["in_review", "withdrawn"],
    "in_review": ["sent_back", "scheduled", "withdrawn"],
    "scheduled": ["withdrawn"],
}
ALLOWED = ", ".join(f"('{before}', '{after}')" for before, many in TRANSITIONS.items() for after in many)

# Epochs begin by the chain's clock, so that is the clock by which something is future. NULL before the first block.
CLOCK = """
CREATE FUNCTION rewards_clock_ms() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT time_ms FROM onchain_block WHERE canonical ORDER BY number DESC LIMIT 1
$$;
CREATE FUNCTION rewards_epoch_has_begun(program bigint, first integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM rewards_epoch WHERE program_id = program AND number >= first
        AND (state <> 'scheduled' OR start_ms <= rewards_clock_ms()))
$$;
"""

VERSIONS = """
CREATE FUNCTION rewards_guard_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    clock bigint := COALESCE(rewards_clock_ms(), (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'Terms % are kept for ever; they can''t be deleted.', OLD.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.terms_sha256 <> encode(sha256(convert_to(NEW.terms_json, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'The hash of terms % is not that of their text.', NEW.number USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.reviewer_id IS NOT NULL THEN
            RAISE EXCEPTION 'Terms % have to begin as a draft.', NEW.number USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.program_id, OLD.number, OLD.author_id, OLD.created_at)
            IS DISTINCT FROM (NEW.program_id, NEW.number, NEW.author_id, NEW.created_at) THEN
        RAISE EXCEPTION 'Whose terms % are can''t be changed.', OLD.number USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (OLD.state = 'draft' AND NEW.state = 'draft') AND
            (OLD.terms_json, OLD.terms_sha256, OLD.epoch_days, OLD.first_start_ms)
            IS DISTINCT FROM (NEW.terms_json, NEW.terms_sha256, NEW.epoch_days, NEW.first_start_ms) THEN
        RAISE EXCEPTION 'Terms % are handed in; what they say can''t be changed.', OLD.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN ({ALLOWED}) THEN
        RAISE EXCEPTION 'Terms % are %; they can''t become %.', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (OLD.reviewer_id, OLD.reviewed_at, OLD.from_epoch, OLD.from_ms, OLD.replaced)
            IS DISTINCT FROM (NEW.reviewer_id, NEW.reviewed_at, NEW.from_epoch, NEW.from_ms, NEW.replaced)
            AND NOT (OLD.state = 'in_review' AND NEW.state IN ('sent_back', 'scheduled')) THEN
        RAISE EXCEPTION 'Who reviewed terms % and from when they hold can''t be changed.', OLD.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'scheduled' AND OLD.state <> 'scheduled' THEN
        IF NEW.from_ms <= clock OR rewards_epoch_has_begun(NEW.program_id, NEW.from_epoch) THEN
            RAISE EXCEPTION 'Terms % can only be scheduled for an epoch that has not begun.', NEW.number
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF EXISTS (SELECT 1 FROM rewards_epoch WHERE program_id = NEW.program_id AND number = NEW.from_epoch
                AND start_ms <> NEW.from_ms) THEN
            RAISE EXCEPTION 'Epoch % does not begin when terms % say.', NEW.from_epoch, NEW.number
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF OLD.state = 'scheduled' AND NEW.state = 'withdrawn'
            AND (OLD.from_ms <= clock OR rewards_epoch_has_begun(OLD.program_id, OLD.from_epoch)) THEN
        RAISE EXCEPTION 'Epoch % has begun; its terms can''t be withdrawn.', OLD.from_epoch
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_terms BEFORE INSERT OR UPDATE OR DELETE ON rewards_termsversion
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_terms();
""".replace("{ALLOWED}", ALLOWED)

COMMENTS = """
CREATE FUNCTION rewards_guard_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A comment on terms can''t be changed or deleted.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rewards_guard_comment BEFORE UPDATE OR DELETE ON rewards_termscomment
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_comment();
"""

# An epoch that a scheduled version covers says what the version says; one whose start has passed stays as it is, even
# before anything has turned it live.
EPOCHS = r"""
CREATE FUNCTION rewards_guard_epoch_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ruling text;
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.start_ms, OLD.end_ms, OLD.terms_json, OLD.terms_sha256, OLD.budget)
            IS NOT DISTINCT FROM (NEW.start_ms, NEW.end_ms, NEW.terms_json, NEW.terms_sha256, NEW.budget) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.start_ms <= rewards_clock_ms() THEN
        RAISE EXCEPTION 'Epoch % has begun; its terms can''t be changed.', OLD.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT terms_json INTO ruling FROM rewards_termsversion
        WHERE program_id = NEW.program_id AND state = 'scheduled' AND from_epoch <= NEW.number
        ORDER BY from_epoch DESC LIMIT 1;
    -- Both are canonical, and before `epoch` stand only boosts and the budget: without it they are the same text.
    IF ruling IS NOT NULL AND regexp_replace(NEW.terms_json,
            '"epoch":\{"end_ms":[0-9]+,"number":[0-9]+,"start_ms":[0-9]+\},', '') <> ruling THEN
        RAISE EXCEPTION 'Epoch % has to have the terms that were accepted for it.', NEW.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rewards_guard_epoch_terms BEFORE INSERT OR UPDATE ON rewards_epoch
    FOR EACH ROW EXECUTE FUNCTION rewards_guard_epoch_terms();
"""


def _drop(trigger: str, table: str) -> str:
    return f"DROP TRIGGER {trigger} ON {table}; DROP FUNCTION {trigger}();"


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("rewards", "0008_terms_versions"), ("onchain", "0004_head_and_backfill")]

    operations = [
        migrations.RunSQL(
            sql=CLOCK,
            reverse_sql="DROP FUNCTION rewards_epoch_has_begun(bigint, integer); DROP FUNCTION rewards_clock_ms();",
        ),
        migrations.RunSQL(sql=VERSIONS, reverse_sql=_drop("rewards_guard_terms", "rewards_termsversion")),
        migrations.RunSQL(sql=COMMENTS, reverse_sql=_drop("rewards_guard_comment", "rewards_termscomment")),
        migrations.RunSQL(sql=EPOCHS, reverse_sql=_drop("rewards_guard_epoch_terms", "rewards_epoch")),
    ]
