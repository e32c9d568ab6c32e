"""What can go wrong with a backup: each a plain sentence with what to do."""

from rewards.errors import RewardsError


class BackupError(RewardsError):
    """Base of what making, checking and restoring a backup raise."""


class ProgramFailedError(BackupError):
    """pg_dump or pg_restore did not do its work."""

    def __init__(self, *, program: str, said: str) -> None:
        self.program, self.said = program, said
        super().__init__(f"{program} failed. It said: {said or 'nothing'}")


class ProgramMissingError(BackupError):
    """pg_dump or pg_restore is not where it should be."""

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(f"There is no program {path}. Set POSTGRES_PROGRAMS to the folder of PostgreSQL's programs.")


class BrokenBackupError(BackupError):
    """A backup is not what its manifest says. faults: one sentence each."""

    def __init__(self, *, folder: str, faults: list[str]) -> None:
        self.folder, self.faults = folder, faults
        super().__init__(f"The backup {folder} can't be used:\n" + "\n".join(f"- {fault}" for fault in faults))


class NotEmptyError(BackupError):
    """Something is where the backup should go."""

    def __init__(self, *, what: str) -> None:
        self.what = what
        super().__init__(f"{what} is not empty, and a backup is restored into empty places only. Nothing was changed.")


class UnfitError(BackupError):
    """This release or server can't take the backup up."""

    def __init__(self, *, reason: str, way_on: str) -> None:
        self.reason = reason
        super().__init__(f"{reason} {way_on} Nothing was changed.")


class HalfRestoredError(BackupError):
    """The database is restored, and a folder beside it could not be."""

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"The database is restored whole, but {path} can't be filled: {reason}. Mend that, make the database and "
            "the folders empty again, and restore anew."
        )


class NotWritableError(BackupError):
    """The backup can't be written where it should be."""

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"The backup can't be written to {path}: {reason}. What was begun there is removed.")
