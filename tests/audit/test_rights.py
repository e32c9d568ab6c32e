"""What the application's own database role can't do, asked of the database itself and through the ORM."""

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from audit.models import AuditEntry
from audit.rights import faults
from rewards.models import Epoch, Program

pytestmark = pytest.mark.django_db(transaction=True)
DENIED = psycopg.errors.InsufficientPrivilege
LOG = ("audit_auditentry", "audit_pending", "audit_turn")
FORBIDDEN = [
    *(f"UPDATE audit_auditentry SET {column} = {column}" for column in ("hash", "after", "at")),
    "DELETE FROM audit_auditentry",
    "DELETE FROM audit_pending",
    "INSERT INTO audit_auditentry SELECT * FROM audit_auditentry",
    "INSERT INTO audit_pending (transaction) VALUES (pg_current_xact_id())",
    "DO $$ BEGIN LOCK TABLE audit_turn IN EXCLUSIVE MODE; END $$",
    *(f"TRUNCATE {table}" for table in LOG),
    *(f"DROP TABLE {table}" for table in LOG),
    *(f"ALTER TABLE {table} ADD COLUMN more text" for table in LOG),
    "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
    "ALTER TABLE audit_auditentry DISABLE TRIGGER audit_guard",
    "ALTER TABLE audit_pending DISABLE TRIGGER audit_chain",
    "ALTER TABLE audit_auditentry OWNER TO CURRENT_USER",
    "DROP TRIGGER audit_guard ON audit_auditentry",
    "ALTER TABLE accounts_user DISABLE TRIGGER ALL",
    "ALTER TABLE accounts_user DISABLE TRIGGER pgtrigger_zz_audit_accounts_user",
    "DROP TRIGGER pgtrigger_zz_audit_accounts_user ON accounts_user",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_record() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
    "DROP FUNCTION audit_record() CASCADE",
    "CREATE TABLE mine (n int)",
    # Entries of one's own making, by way of a table of the same name.
    "CREATE TEMPORARY TABLE accounts_user (id int); CREATE TRIGGER forged AFTER INSERT ON pg_temp.accounts_user"
    " FOR EACH ROW EXECUTE FUNCTION public.audit_record('id', '', '')",
    "SELECT audit_json('{}')",
    "TRUNCATE rewards_epoch CASCADE",
    "ALTER TABLE rewards_epoch DISABLE TRIGGER rewards_guard_epoch",
    "DROP TRIGGER rewards_guard_rows ON rewards_entitlement",
    "DROP TABLE rewards_entitlement",
    "DELETE FROM django_migrations",
    "SET ROLE lamplight_owner",
]


@pytest.fixture
def person() -> User:
    return User.objects.create_user(username="ada", role="treasurer")


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_applications_role_is_refused(connect, person, statement):
    before = AuditEntry.objects.count()
    assert before > 0
    with pytest.raises(DENIED):
        connect("application").execute(statement)
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: AuditEntry.objects.update(after="{}"),
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.latest("sequence").save(),
        lambda: AuditEntry.objects.create(sequence=10**9, at="2025-11-26T00:00Z", table_name="x", action="insert"),
    ],
)
def test_the_orm_is_refused_too(person, attempt):
    with pytest.raises(DatabaseError, match="permission denied for table audit_auditentry"):
        attempt()


def test_the_tests_and_the_service_run_as_that_role(person):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (settings.DATABASE_ROLE,)
    assert faults() == []


def test_the_owner_too_has_to_take_the_guard_away_first(connect, person):
    owner = connect("owner")
    for statement in (
        "UPDATE audit_auditentry SET after = ''",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="only ever added to"):
            owner.execute(statement)


def test_the_applications_role_cant_go_around_the_guards_of_a_begun_epoch(connect):
    program = Program.objects.create(
        slug="perps", name="Perps", chain_id=1, distributor="0x" + "d" * 40, token="0x" + "7" * 40, token_symbol="LAMP"
    )
    Epoch.objects.create(
        program=program,
        number=1,
        start_ms=0,
        end_ms=1000,
        terms_json="{}",
        terms_sha256="0" * 64,
        budget=5,
        state="live",
    )
    application = connect("application")
    for statement in ("UPDATE rewards_epoch SET terms_json = '[]'", "DELETE FROM rewards_epoch"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            application.execute(statement)


def test_partitions_are_made_by_the_one_function_that_may(connect):
    application = connect("application")
    application.execute("SELECT onchain_ensure_partitions(7000000, 8000000)")
    made = application.execute("SELECT count(*) FROM pg_inherits WHERE inhrelid::regclass::text ~ '_p[78]$'").fetchone()
    assert made == (4,)
    application.execute(
        "INSERT INTO onchain_marketevent (block_number, market_id, log_index, kind) VALUES (7500000, 1, 0, 4)"
    )
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="no range"):
        application.execute("SELECT onchain_ensure_partitions(5, 4)")
    with pytest.raises(DENIED):
        application.execute("DROP TABLE onchain_marketevent_p7")
    # Emptying the tables, as is done after every test, would leave the partitions.
    for number in (7, 8):
        connect("owner").execute(f"DROP TABLE onchain_rawlog_p{number}, onchain_marketevent_p{number}")


def test_who_may_too_much_is_told_so(connect, settings):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
    from audit.owner import as_owner

    with as_owner():
        sentences = " ".join(faults())
    assert "owns" in sentences
    assert "may INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER on the audit log" in sentences
