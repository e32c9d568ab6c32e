"""PostgreSQL 18 and Redis as servers of their own, on free ports of this machine, set up as docker/compose.yml does.

PostgreSQL is that of the wheel (Debian's is older than what Lamplight needs); it asks for passwords over TCP as the
image's does. Redis is Debian's, and speaks what Valkey speaks.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import redis

from config.embedded import postgres
from config.embedded.layout import free_port, log_dir
from tests.deploy import compose


class Database:
    """The service db of compose.yml."""

    def __init__(self, root: Path) -> None:
        self.root, self.cluster, self.port = root, root / "postgres", free_port()
        self.sockets = root / "sockets"

    def make(self) -> None:
        for folder in (self.cluster, self.sockets):
            folder.mkdir(parents=True)
        log_dir(self.root)
        if os.geteuid() == 0:
            postgres._prepare_account(self.cluster)
            shutil.chown(self.sockets, postgres.ACCOUNT, postgres.ACCOUNT)
        service = compose.document()["services"]["db"]
        asked = service["environment"]["POSTGRES_INITDB_ARGS"].split()
        self._run("initdb", "--auth-local=trust", "-U", "postgres", "-D", str(self.cluster), *asked)

    def start(self) -> None:
        given = compose.document()["services"]["db"]["command"][1:]
        ours = ["-p", str(self.port), "-k", str(self.sockets), "-c", "listen_addresses=127.0.0.1",
                "-c", "shared_buffers=64MB", "-c", "fsync=off"]  # fmt: skip
        log = log_dir(self.root) / "server.log"
        log.touch()
        log.chmod(0o666)
        self._run("pg_ctl", "-w", "-l", str(log), "-o", " ".join([*given, *ours]), "-D", str(self.cluster), "start")

    def stop(self) -> None:
        if (self.cluster / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.cluster), "stop")

    def make_roles(self, secrets: Path) -> None:
        """Run the script that the image runs when its data are new."""
        programs = str(postgres.programs())
        subprocess.run(
            ["sh", str(compose.REPOSITORY / "docker/db/roles.sh")], check=True,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PGHOST": str(self.sockets),
                 "PGPORT": str(self.port), "POSTGRES_USER": "postgres",
                 "OWNER_URL_FILE": str(secrets / "database_owner_url"),
                 "APPLICATION_URL_FILE": str(secrets / "database_url")},
        )  # fmt: skip

    def session(self) -> psycopg.Connection:
        """A superuser's session."""
        return psycopg.connect(host=str(self.sockets), port=self.port, user="postgres", dbname="lamplight")

    def _run(self, program: str, *words: str) -> None:
        postgres._run(program, words, root=self.root)


class Queue:
    """The service queue of compose.yml."""

    def __init__(self, root: Path) -> None:
        self.root, self.port = root, free_port()
        self._process: subprocess.Popen | None = None

    def start(self, secrets: Path) -> None:
        self._secrets = secrets
        program, conf, *options = compose.document()["services"]["queue"]["command"]
        assert (program, conf) == ("valkey-server", "/run/secrets/queue_conf")
        words = [str(secrets / "queue_conf"), *options, "--port", str(self.port), "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            ["redis-server", *words], cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def client(self) -> redis.Redis:
        return redis.Redis.from_url((self._secrets / "queue_url").read_text())
