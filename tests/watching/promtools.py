"""A real Prometheus of Debian's package: scrapes what a test shows it, once a second, and evaluates expressions."""

import json
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from config.embedded.layout import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
SETUP = REPOSITORY / "docker" / "prometheus"
RULES = sorted((SETUP / "rules").glob("*.yml"))
MISSING = "The tests of alarms need prometheus and promtool: make prometheus."
TURN = "test_page_number"


def promtool(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    assert shutil.which("promtool"), MISSING
    return subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, check=False)


def rules() -> list[dict]:
    """Every alarm of the rule files."""
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


class Prometheus:
    """A server of its own for one module; a context manager. Between two pages at least one scrape goes by."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.page, self.turn = folder, free_port(19_000), b"", 0
        self._pages = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> "Prometheus":
        assert shutil.which("prometheus"), MISSING
        threading.Thread(target=self._pages.serve_forever, daemon=True).start()
        target = f"127.0.0.1:{self._pages.server_port}"
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": "lamplight", "static_configs": [{"targets": [target]}]}],
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder / 'prometheus.yml'}", "--log.level=error",
             f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"],
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._pages.shutdown()
        self._pages.server_close()

    def show(self, page: str) -> None:
        """Serve this page from now on, and come back when it has been scraped."""
        self.turn += 1
        self.page = page.encode() + f"# TYPE {TURN} gauge\n{TURN} {self.turn}\n".encode()
        ends = time.monotonic() + 60
        while not self.query(f"{TURN} == {self.turn}"):
            assert time.monotonic() < ends, "Prometheus has not scraped the page."
            time.sleep(0.2)

    def query(self, expression: str) -> list[dict]:
        """Return the samples that an expression gives now."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}") as answer:
                return json.load(answer)["data"]["result"]
        except (urllib.error.URLError, ConnectionError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code != 503:
                raise AssertionError(error.read().decode()) from error
            return []  # not up yet

    def ringing(self) -> dict[str, list[dict]]:
        """Return the labels of whatever each alarm's expression finds now, by alarm; the time it waits is left out."""
        found = {rule["alert"]: self.query(rule["expr"]) for rule in rules()}
        return {name: [each["metric"] for each in samples] for name, samples in found.items() if samples}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shown = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.end_headers()
                self.wfile.write(shown.page)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Page
