"""The real processes of the service, with traces and reports switched on: what they write, send and count."""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from config.embedded.layout import free_port
from rewards.models import ProcessSeen, Tally, WorkerSeen
from tests.watching.promtools import REPOSITORY
from tests.watching.test_alarms_for_real import environment

TRACE = "0af7651916cd43dd8448eb211c80319c"
TOKEN = "an-operators-metrics-token"
WORKER = """
import sys
from config.celery import app
import tests.watching.tasks_for_test
app.worker_main(["worker", "--pool", "solo", "--queues", "celery", "--without-gossip", "--without-mingle"])
"""


class Collector:
    """Takes what OpenTelemetry and Sentry send over HTTP, and keeps it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.envelopes: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kept = self

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path == "/v1/traces":
                    sent = ExportTraceServiceRequest.FromString(body)
                    kept.spans += [
                        span for of in sent.resource_spans for scope in of.scope_spans for span in scope.spans
                    ]
                else:
                    kept.envelopes.append(body.decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Taker


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def processes(collector, tmp_path, transactional_db):
    """A web process and a worker as they run in production, but for TLS; gives the address and the two logs."""
    port = free_port(18_100)
    env = environment(
        RPC_URLS="http://127.0.0.1:9", LAMPLIGHT_DATA_DIR=str(tmp_path / "data"), METRICS_TOKEN=TOKEN,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}", OTEL_BSP_SCHEDULE_DELAY="200",
        SENTRY_DSN=f"http://public@{collector.address}/1", DJANGO_SETTINGS_MODULE="tests.watching.settings_for_test",
    )  # fmt: skip
    commands = {
        "web": [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off"],
        "worker": [sys.executable, "-c", WORKER],
    }
    running = {}
    for name, argv in commands.items():
        with (tmp_path / f"{name}.log").open("wb") as log:
            running[name] = subprocess.Popen(argv, cwd=REPOSITORY, env=env, stdout=log, stderr=log)
    yield f"http://127.0.0.1:{port}", tmp_path, running
    for each in running.values():
        each.kill()
        each.wait()


def test_lines_traces_reports_and_counts_of_real_processes(collector, processes):
    address, folder, running = processes
    _wait(lambda: _status(f"{address}/healthz") == 200)
    headers = {
        "X-Request-ID": "edge-7f3a.0001", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        "Authorization": "Bearer lamp_aaaaaaaa_secretbbbb", "Cookie": "sessionid=cookie-secret-value",
    }  # fmt: skip
    assert _status(f"{address}/asks-a-task/?q=query-secret", headers) == 200
    assert _status(f"{address}/breaks/?q=query-secret", headers) == 500
    _wait(lambda: WorkerSeen.objects.filter(queue="from a page").exists())
    _wait(lambda: any(each.name == "tests.watching.fails" for each in collector.spans))
    _wait(lambda: sum('"type":"event"' in each for each in collector.envelopes) >= 2)
    # By themselves, within ten seconds; a worker also when it ends.
    _wait(lambda: Tally.objects.filter(name="breaks").exists())
    for each in running.values():
        each.send_signal(signal.SIGTERM)
    assert {name: each.wait(timeout=60) for name, each in running.items()}["worker"] == 0

    lines = {name: _lines(folder / f"{name}.log") for name in running}
    _says(lines, collector)
    _traces(collector.spans)
    _reports(collector.envelopes)
    _counts()


def _says(lines: dict[str, list[dict]], collector: Collector) -> None:
    """Check that every line is an object, with the id of the request that began it all, and no secret."""
    assert {"uvicorn.error"} <= {line["logger"] for line in lines["web"]}
    assert any(line["logger"].startswith("celery.") for line in lines["worker"])
    assert all({"event", "level", "timestamp"} <= set(line) for found in lines.values() for line in found)
    (failed,) = [line for line in lines["web"] if line["event"] == "request_failed"]
    assert (failed["request_id"], "RuntimeError" in failed["exception"]) == ("edge-7f3a.0001", True)
    in_task = [line for line in lines["worker"] if line["event"] == "in the task"]
    assert [line["request_id"] for line in in_task] == ["edge-7f3a.0001"]
    assert in_task[0]["task"] == "tests.watching.does"
    assert in_task[0]["task_id"]
    everything = json.dumps(lines) + "".join(collector.envelopes) + str(collector.spans)
    for secret in ("secretbbbb", "cookie-secret-value", "query-secret", TOKEN):
        assert secret not in everything


def _traces(spans: list[Span]) -> None:
    """Check that the trace goes from the proxy through the page and the queue into the task and to the node."""
    mine = {span.name: span for span in spans if span.trace_id.hex() == TRACE}
    page, task, failing = mine["GET asks-a-task"], mine["tests.watching.does"], mine["tests.watching.fails"]
    assert page.parent_span_id.hex() == "b7ad6b7169203331"
    assert (page.kind, task.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER)
    assert task.parent_span_id == page.span_id
    facts = {each.key: each.value for each in page.attributes}
    assert facts["http.response.status_code"].int_value == 200
    assert facts["lamplight.request_id"].string_value == "edge-7f3a.0001"
    assert mine["rpc eth_chainId"].parent_span_id == task.span_id
    assert mine["rpc eth_chainId"].status.code == 2
    assert failing.status.message == "RuntimeError: Authorization: [hidden]"
    assert mine["GET breaks"].status.code == 2


def _reports(envelopes: list[str]) -> None:
    """Check that the page's and the task's failures are reported, without who asked and what they sent."""
    events = [json.loads(line) for each in envelopes for line in each.splitlines() if '"exception"' in line]
    page = next(event for event in events if event.get("request"))
    assert set(page["request"]) == {"method", "url"}
    assert page["request"]["url"].endswith("/breaks/")
    assert "user" not in page
    frames = [frame for event in events for each in event["exception"]["values"]
              for frame in each["stacktrace"]["frames"]]  # fmt: skip
    assert frames
    assert not any("vars" in frame for frame in frames)
    assert any(event["exception"]["values"][-1]["value"] == "Authorization: [hidden]" for event in events)


def _counts() -> None:
    """Check that both processes have added their counts."""
    found = {(row.name, row.outcome): row.count for row in Tally.objects.all()}
    assert (found["asks-a-task", "2xx"], found["breaks", "5xx"]) == (1, 1)
    assert (found["tests.watching.does", "succeeded"], found["tests.watching.fails", "failed"]) == (1, 1)
    assert sorted(ProcessSeen.objects.values_list("kind", flat=True)) == ["request", "task"]


def _lines(log: Path) -> list[dict]:
    # What Celery's handler of signals writes past all loggers.
    own = {"", "worker: Warm shutdown (MainProcess)"}
    return [json.loads(line) for line in log.read_text().splitlines() if line not in own]


def _status(url: str, headers: dict[str, str] | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _wait(done) -> None:
    ends = time.monotonic() + 120
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.3)


@pytest.mark.parametrize(
    ("setting", "package", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry", "http://127.0.0.1:9"),
        ("SENTRY_DSN", "sentry_sdk", "http://a@b/1"),
    ],
)
def test_a_setting_without_its_package_is_said_in_a_sentence(setting, package, value):
    hide = f"import sys; sys.modules[{package!r}] = None; import manage; sys.exit(manage.main(['manage.py', 'check']))"
    env = {**os.environ, setting: value, "DATABASE_URL": "postgres://a@127.0.0.1:9/a", "RPC_URLS": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", hide], cwd=REPOSITORY, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        f"{setting} is set, but {package} is not installed. Install requirements-production.txt, or leave {setting} "
        "unset.\n"
    )


def test_without_the_settings_neither_package_is_imported():
    code = "import config.asgi, sys; print([name for name in sys.modules if name in ('opentelemetry', 'sentry_sdk')])"
    env = {**os.environ, "DATABASE_URL": "postgres://a@127.0.0.1:9/a", "RPC_URLS": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=env, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
