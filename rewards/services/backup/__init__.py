"""Backups: one consistent folder of database, evidence and proofs, its check, and its restore on an empty machine."""

from rewards.services.backup.checking import backup_check
from rewards.services.backup.errors import BackupError
from rewards.services.backup.making import backup_make
from rewards.services.backup.restoring import backup_restore

__all__ = ["BackupError", "backup_check", "backup_make", "backup_restore"]
