"""pg_dump and pg_restore, run as the tables' owner; a password never stands on a command line."""

import os
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.conninfo import make_conninfo

from rewards.services.backup.errors import ProgramFailedError, ProgramMissingError

NOT_FOR_PROGRAMS = ("password", "options", "cursor_factory", "context", "prepare_threshold", "client_encoding")
"""The limits in `options` are for pages and tasks; a dump takes as long as it takes."""


def run(program: str, *arguments: str, using: str = DEFAULT_DB_ALIAS, with_database: bool = True) -> str:
    """Run one of PostgreSQL's programs against Django's database and return what it printed.

    Call it inside audit.owner.as_owner. Raises ProgramMissingError, ProgramFailedError.
    """
    path = programs_folder() / program
    if not path.exists():
        raise ProgramMissingError(path=str(path))
    given: dict[str, Any] = connections[using].get_connection_params()
    target = make_conninfo(**{name: value for name, value in given.items() if name not in NOT_FOR_PROGRAMS})
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, no shell
        [str(path), *arguments, *([f"--dbname={target}"] if with_database else [])],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "PGPASSWORD": str(given.get("password") or "")},
    )  # fmt: skip
    if done.returncode != 0:
        raise ProgramFailedError(program=program, said=done.stderr.strip()[-2000:])
    return done.stdout


def programs_folder() -> Path:
    """Return where the programs are: POSTGRES_PROGRAMS, or those of the PostgreSQL 18 that came with the packages."""
    if settings.POSTGRES_PROGRAMS:
        return Path(settings.POSTGRES_PROGRAMS)
    from config.embedded.postgres import programs

    return programs()
