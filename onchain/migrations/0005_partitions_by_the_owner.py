"""Partitions are made with the owner's rights: the application, which owns no table, calls this one function."""

from django.db import migrations

ENSURE = """
CREATE FUNCTION onchain_ensure_partitions(first_block bigint, last_block bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    -- Partitions that exist are of this size: it never changes.
    size CONSTANT bigint := 1000000;
    parent text;
    part text;
BEGIN
    IF first_block < 0 OR last_block < first_block OR last_block - first_block > 100 * size THEN
        RAISE EXCEPTION 'Blocks % to % are no range to make partitions for.', first_block, last_block
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR index IN first_block / size .. last_block / size LOOP
        FOREACH parent IN ARRAY ARRAY['onchain_rawlog', 'onchain_marketevent'] LOOP
            part := format('%s_p%s', parent, index);
            -- Asking first: even a skipped CREATE takes a lock that would wait for every reader.
            IF to_regclass('public.' || part) IS NULL THEN
                EXECUTE format('CREATE TABLE IF NOT EXISTS public.%I PARTITION OF public.%I FOR VALUES FROM (%s) TO (%s)',
                    part, parent, index * size, (index + 1) * size);
            END IF;
        END LOOP;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION onchain_ensure_partitions(bigint, bigint) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    """Adds the function."""

    dependencies = [("onchain", "0004_head_and_backfill")]

    operations = [
        migrations.RunSQL(sql=ENSURE, reverse_sql="DROP FUNCTION onchain_ensure_partitions(bigint, bigint)"),
    ]
