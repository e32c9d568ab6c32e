"""Commands of the audit log and of the database roles that guard it."""
