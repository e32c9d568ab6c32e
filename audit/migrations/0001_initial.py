"""The audit log, written by the database alone: what is noted in a transaction is chained at its end (docs/audit.md)."""

from django.db import migrations, models

TABLES = """
CREATE TABLE audit_auditentry (
    sequence bigint PRIMARY KEY CHECK (sequence > 0),
    at timestamptz NOT NULL,
    table_name text NOT NULL,
    action text NOT NULL CHECK (action IN ('insert', 'update', 'delete')),
    subject text NOT NULL,
    context text NOT NULL,
    before text,
    after text,
    previous_hash text NOT NULL,
    hash text NOT NULL
);
CREATE INDEX audit_auditentry_subject ON audit_auditentry (table_name, subject);
CREATE INDEX audit_auditentry_at ON audit_auditentry (at);
-- What a running transaction has noted; at its end the rows move into the chain, so nobody ever sees one. Unlogged: a
-- crash takes the running transactions with it anyway. A row without a table name marks that chaining is due.
CREATE UNLOGGED TABLE audit_pending (
    id bigint GENERATED ALWAYS AS IDENTITY,
    transaction xid8 NOT NULL,
    table_name text,
    action text,
    subject text,
    context text,
    before text,
    after text
);
CREATE INDEX audit_pending_transaction ON audit_pending (transaction);
CREATE UNIQUE INDEX audit_pending_mark ON audit_pending (transaction) WHERE table_name IS NULL;
-- Nothing is in it. Whoever chains holds its lock, which nobody without rights on it can take.
CREATE TABLE audit_turn ();
"""

# JSON in one form: keys by code point, no spaces, numbers and texts as PostgreSQL writes them.
CANONICAL = """
CREATE FUNCTION audit_json(value jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'object' THEN '{' || coalesce((
            SELECT string_agg(to_json(each.key)::text || ':' || CASE
                WHEN jsonb_typeof(each.value) IN ('object', 'array') THEN public.audit_json(each.value)
                ELSE each.value::text END, ',' ORDER BY each.key COLLATE "C")
            FROM jsonb_each(value) AS each), '') || '}'
        WHEN 'array' THEN '[' || coalesce((
            SELECT string_agg(public.audit_json(item.value), ',' ORDER BY item.place)
            FROM jsonb_array_elements(value) WITH ORDINALITY AS item (value, place)), '') || ']'
        ELSE value::text
    END;
END $$;
"""

# Arguments of the trigger: the primary key's column, columns to hide, columns to leave out (comma-separated).
RECORD = """
CREATE FUNCTION audit_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
DECLARE
    left_out text[] := string_to_array(TG_ARGV[2], ',');
    old_row jsonb;
    new_row jsonb;
    subject jsonb;
    given text := current_setting('audit.context', true);
    context jsonb := '{}';
    hidden text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        old_row := to_jsonb(OLD) - left_out;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_row := to_jsonb(NEW) - left_out;
    END IF;
    IF old_row = new_row THEN
        RETURN NULL;
    END IF;
    subject := coalesce(old_row, new_row) -> TG_ARGV[0];
    IF TG_OP = 'UPDATE' THEN
        -- Only what has changed: the rest stands in the entries before.
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, n.value) INTO old_row, new_row
        FROM jsonb_each(old_row) AS o JOIN jsonb_each(new_row) AS n USING (key)
        WHERE o.value IS DISTINCT FROM n.value;
    END IF;
    FOREACH hidden IN ARRAY string_to_array(TG_ARGV[1], ',') LOOP
        old_row := CASE WHEN old_row ? hidden THEN old_row || jsonb_build_object(hidden, '(hidden)') ELSE old_row END;
        new_row := CASE WHEN new_row ? hidden THEN new_row || jsonb_build_object(hidden, '(hidden)') ELSE new_row END;
    END LOOP;
    IF given IS JSON OBJECT THEN
        context := given::jsonb;
    END IF;
    -- What the database itself knows can't be claimed otherwise.
    context := context || jsonb_build_object('database_role', session_user);
    INSERT INTO public.audit_pending (transaction, table_name, action, subject, context, before, after)
    VALUES (pg_current_xact_id(), TG_TABLE_NAME, lower(TG_OP), public.audit_json(subject), public.audit_json(context),
            public.audit_json(old_row), public.audit_json(new_row));
    RETURN NULL;
END $$;
"""

# At the transaction's end, in two steps. Deferred triggers fire in rounds: the first round, in which the foreign keys
# are checked too, only sets the mark; the mark's own trigger fires in the round after it. So the turn is the last lock
# that a transaction takes, and who waits for it is waited for by nobody whom the holder could still need.
CHAIN = """
CREATE FUNCTION audit_mark() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.audit_pending
                   WHERE transaction = pg_current_xact_id() AND table_name IS NULL) THEN
        INSERT INTO public.audit_pending (transaction) VALUES (pg_current_xact_id());
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number bigint;
    link text;
    moment timestamptz;
    noted record;
    entry_hash text;
BEGIN
    LOCK TABLE public.audit_turn IN EXCLUSIVE MODE;
    SELECT sequence, hash, at INTO number, link, moment FROM public.audit_auditentry ORDER BY sequence DESC LIMIT 1;
    number := coalesce(number, 0);
    link := coalesce(link, repeat('0', 64));
    moment := greatest(clock_timestamp(), moment);
    FOR noted IN SELECT * FROM public.audit_pending
                 WHERE transaction = pg_current_xact_id() AND table_name IS NOT NULL ORDER BY id LOOP
        number := number + 1;
        entry_hash := encode(sha256(convert_to(concat_ws(E'\\n', 'lamplight audit 1', number::text,
            (extract(epoch FROM moment) * 1000000)::bigint::text, noted.table_name, noted.action, noted.subject,
            noted.context, coalesce(noted.before, ''), coalesce(noted.after, ''), link), 'UTF8')), 'hex');
        INSERT INTO public.audit_auditentry (sequence, at, table_name, action, subject, context, before, after,
            previous_hash, hash)
        VALUES (number, moment, noted.table_name, noted.action, noted.subject, noted.context, noted.before,
            noted.after, link, entry_hash);
        link := entry_hash;
    END LOOP;
    DELETE FROM public.audit_pending WHERE transaction = pg_current_xact_id();
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_mark AFTER INSERT ON audit_pending DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.table_name IS NOT NULL) EXECUTE FUNCTION audit_mark();
CREATE CONSTRAINT TRIGGER audit_chain AFTER INSERT ON audit_pending DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.table_name IS NULL) EXECUTE FUNCTION audit_chain();
"""

# The application's role has no right to any of this. The guard is for whoever has more.
GUARD = """
CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is only ever added to; % is refused.', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();
"""

# Else anybody could hang audit_record on a temporary table of theirs and write entries of their own making.
RIGHTS = """
REVOKE ALL ON FUNCTION audit_json(jsonb), audit_record(), audit_mark(), audit_chain(), audit_guard() FROM PUBLIC;
REVOKE ALL ON TABLE audit_auditentry, audit_pending, audit_turn FROM PUBLIC;
"""
UNDO = """
DROP TABLE audit_auditentry, audit_pending, audit_turn;
DROP FUNCTION audit_record() CASCADE;
DROP FUNCTION audit_mark(), audit_chain(), audit_guard(), audit_json(jsonb);
"""


class Migration(migrations.Migration):
    """Makes tables, functions and guards; the triggers on tracked tables come with every `migrate` (audit/triggers.py)."""

    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "sequence",
                    models.BigIntegerField(help_text="From 1, without a gap.", primary_key=True, serialize=False),
                ),
                (
                    "at",
                    models.DateTimeField(
                        help_text="When it became part of the log, by the database's clock; never goes back."
                    ),
                ),
                ("table_name", models.TextField()),
                (
                    "action",
                    models.TextField(choices=[("insert", "Added"), ("update", "Changed"), ("delete", "Deleted")]),
                ),
                ("subject", models.TextField(help_text="The row's primary key.")),
                (
                    "context",
                    models.TextField(help_text="Who was at work: person, request, task or command, and database role."),
                ),
                ("before", models.TextField(null=True)),
                ("after", models.TextField(null=True)),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "db_table": "audit_auditentry",
                "ordering": ["sequence"],
                "managed": False,
                "verbose_name_plural": "audit entries",
            },
        ),
        migrations.RunSQL(sql=TABLES + CANONICAL + RECORD + CHAIN + GUARD + RIGHTS, reverse_sql=UNDO),
    ]
