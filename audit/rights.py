"""What the role of this connection could do that an application must not be able to."""

from django.db import connection

_SUPER = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
_OWNED = """
    SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND pg_has_role(current_user, relowner, 'MEMBER')
"""
_WRITES = """
    SELECT right_name FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS right_name
    WHERE has_table_privilege(current_user, 'audit_auditentry', right_name)
"""
_CREATES = "SELECT has_schema_privilege(current_user, 'public', 'CREATE')"


def faults() -> list[str]:
    """Return a sentence for each right that the connection's role should not have; empty when it is as it should be."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        role = cursor.fetchone()[0]
        cursor.execute(_SUPER)
        if cursor.fetchone()[0]:
            found.append(f"The database role {role} is a superuser or may make roles.")
        cursor.execute(_OWNED)
        if owned := cursor.fetchone()[0]:
            found.append(f"The database role {role} owns {owned} tables, so it can alter them and drop their guards.")
        cursor.execute(_CREATES)
        if cursor.fetchone()[0]:
            found.append(f"The database role {role} may create tables and functions.")
        cursor.execute(_WRITES)
        if rights := [name for (name,) in cursor.fetchall()]:
            found.append(f"The database role {role} may {', '.join(rights)} on the audit log.")
    return found
