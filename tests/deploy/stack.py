"""The processes of docker/compose.yml on this machine: the very commands and environments, without containers.

What differs: folders and ports are free ones, /run/secrets is a folder, and PostgreSQL, Redis and the chain are those
of tests/deploy/servers.py and anvil.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eth_keyfile

from config.embedded.chain import test_key
from config.embedded.layout import free_port
from tests.deploy import compose
from tests.deploy.servers import Database, Queue

HOST = "lamplight.example"
PASSWORD = "lamps-burn-all-night"
PATIENCE_S = 120.0


class Stack:
    """Everything in `root`; `more`: settings that docker/settings.env would give."""

    def __init__(self, root: Path, *, rpc_url: str, more: dict[str, str]) -> None:
        self.root, self.rpc_url, self.more = root, rpc_url, more
        self.secrets, self.web_port = root / "secrets", free_port()
        self.database, self.queue = Database(root), Queue(root)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.services: dict[str, Any] = compose.resolved(compose.example())["services"]

    def set_up(self) -> None:
        """Secrets, servers, roles; static files as the image's recipe collects them; tables."""
        self._make_secrets()
        self.database.make()
        self.database.start()
        self.database.make_roles(self.secrets)
        self.queue.start(self.secrets)
        _collect_static()
        self.run("migrate")

    def tear_down(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()
        self.running.clear()
        self.queue.stop()
        self.database.stop()

    def run(self, name: str) -> None:
        """Run a service that ends by itself, and well."""
        done = self.tried(name)
        assert done.returncode == 0, done.stdout + done.stderr

    def tried(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a service that ends by itself."""
        return subprocess.run(
            self.argv(name), cwd=compose.REPOSITORY, env=self.env(name), capture_output=True, text=True, check=False
        )

    def start(self, *names: str, more: dict[str, str] | None = None) -> None:
        """Start services; `name` may be `service.anything` for another one of the same."""
        for name in names:
            with (self.root / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    self.argv(name.split(".")[0]), cwd=compose.REPOSITORY, stdout=log, stderr=log,
                    env=self.env(name) | (more or {}), start_new_session=True,
                )  # fmt: skip

    def restart_dead(self) -> list[str]:
        """Start again what has ended by itself, as `restart: unless-stopped` does; returns which."""
        dead = [name for name, process in self.running.items() if process.poll() is not None]
        assert all(self.services[name.split(".")[0]]["restart"] == "unless-stopped" for name in dead)
        self.start(*dead)
        return dead

    def stop(self, name: str) -> int:
        """Stop one politely, with no more patience than its grace period; returns its exit status."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(self.grace_s(name))

    def grace_s(self, name: str) -> int:
        return int(self.services[name.split(".")[0]]["stop_grace_period"].removesuffix("s"))

    def is_alive(self, name: str) -> bool:
        """Ask as the container's health check does."""
        test = self.services[name.split(".")[0]]["healthcheck"]["test"]
        assert test[0] == "CMD"
        return subprocess.run(test[1:], cwd=compose.REPOSITORY, env=self.env(name), capture_output=True).returncode == 0

    def argv(self, name: str) -> list[str]:
        """The service's command, its folders and its port being ours."""
        everywhere = "0.0.0.0"  # noqa: S104 - what the container listens on, and this machine shall not
        ours = {everywhere: "127.0.0.1", "8000": str(self.web_port), "/tmp/beat-schedule": str(self.root / "beat")}
        words = [ours.get(word, word) for word in self.services[name]["command"]]
        return [word.replace("/var/lib/lamplight", str(self.root)) for word in words]

    def env(self, name: str) -> dict[str, str]:
        """The service's environment."""
        given = self.services[name.split(".")[0]]["environment"]
        folders = {"/run/secrets": str(self.secrets), "/var/lib/lamplight": str(self.root)}
        own = {}
        for variable, value in given.items():
            for theirs, ours in folders.items():
                value = value.replace(theirs, ours)
            own[variable] = value
        base = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.root)}
        life = {"LIFE_FILE": str(self.root / f"{name}.alive"), "HEALTH_PORT": str(self.web_port)}
        return base | own | life | self.more

    def ask(self, path: str, *, timeout_s: float = 20.0, **headers: str) -> tuple[int, str]:
        """Ask web as the proxy before it does; returns status and body."""
        try:
            with self.open(path, timeout_s=timeout_s, **headers) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def open(self, path: str, *, timeout_s: float = 20.0, data: bytes | None = None, **headers: str) -> Any:
        sent = {
            "Host": HOST,
            "X-Forwarded-Proto": "https",
            **{name.replace("_", "-"): each for name, each in headers.items()},
        }
        request = urllib.request.Request(f"http://127.0.0.1:{self.web_port}{path}", data=data, headers=sent)
        return urllib.request.urlopen(request, timeout=timeout_s)

    def log(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text()

    def _make_secrets(self) -> None:
        done = subprocess.run(
            ["sh", str(compose.REPOSITORY / "docker/secrets.sh"), str(self.secrets)], check=True, capture_output=True,
            text=True, env={**os.environ, "DATABASE_AT": f"127.0.0.1:{self.database.port}",
                            "QUEUE_AT": f"127.0.0.1:{self.queue.port}"},
        )  # fmt: skip
        assert "Fill" in done.stdout
        texts = {"rpc_urls": self.rpc_url, "email_url": "consolemail://"}
        for role in ("proposer", "relayer"):
            key = bytes.fromhex(test_key(role)[2:])
            texts[f"{role}_keystore"] = json.dumps(
                eth_keyfile.create_keyfile_json(key, PASSWORD.encode(), iterations=2)
            )
            texts[f"{role}_keystore_password"] = PASSWORD + "\n"
            (self.secrets / f"{role}_keystore_password").chmod(0o644)
        for name, text in texts.items():
            (self.secrets / name).write_text(text)


def until(
    found: Callable[[], Any], what: str, *, patience_s: float = PATIENCE_S, poke: Callable[[], None] | None = None
) -> Any:
    """Ask until there is an answer."""
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        if (result := found()) is not None and result is not False:
            return result
        if poke is not None:
            poke()
        time.sleep(0.3)
    raise AssertionError(f"{what} did not come about within {patience_s:.0f} seconds")


def _collect_static() -> None:
    """Run the step of the image's recipe that collects the static files."""
    recipe = (compose.REPOSITORY / "docker/Dockerfile").read_text()
    (line,) = [each.strip() for each in recipe.splitlines() if "collectstatic" in each]
    words = line.removeprefix("&& ").removesuffix("\\").replace("/opt/venv/bin/python", sys.executable)
    subprocess.run(["sh", "-c", words], cwd=compose.REPOSITORY, check=True)
