"""The API on the real server: the documents' own commands work, and a live standing is sent as it changes."""

import json
import os
import re
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import transaction

from rewards.models import LiveStanding
from rewards.services.announcing import announce, epoch_topic
from tests.api.asking import by_key
from tests.api.test_access_of_api import url_of
from tests.pages.factories import BOOSTS, make_terms_version
from tests.pages.test_live_pages import server

__all__ = ["server"]
pytestmark = pytest.mark.django_db(transaction=True)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_documents_commands_and_live_events_work_on_a_running_server(stage, server):
    key = by_key("own maker", "read:own").key
    make_terms_version(stage.program, boosts={**BOOSTS, "weekend": 150})
    surroundings = {
        "URL": f"http://127.0.0.1:{server}", "KEY": key, "TREASURY_KEY": by_key("treasurer", "ask:what-ifs").key,
        "PATH": os.environ["PATH"],
    }  # fmt: skip
    assert len(commands()) == 10
    for command in commands():
        done = subprocess.run(["sh", "-c", command], env=surroundings, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stderr)
        assert (
            "us-equity-perps" in done.stdout
            or "aurora" in done.stdout
            or '"kind":"weekend"' in done.stdout
            or ("AAPL-PERP" in done.stdout)
            or '"version-1"' in done.stdout
        ), command
    stream = HTTPConnection("127.0.0.1", server, timeout=30)
    stream.request("GET", url_of("live", number=3), headers={"Authorization": f"Bearer {key}"})
    answer = stream.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")

    def following() -> dict:
        while line := answer.readline().decode():
            if line.startswith("data: "):
                return json.loads(line[6:])
        raise EOFError

    first = following()
    with transaction.atomic():
        LiveStanding.objects.filter(maker="aurora", market="AAPL-PERP").update(estimate=first["makers"])
        announce(epoch_topic(stage.live.pk))
    second = following()
    others = LiveStanding.objects.filter(maker="aurora").exclude(market="AAPL-PERP")
    assert second["payout_raw"] == str(first["makers"] + sum(others.values_list("estimate", flat=True)))
    assert second["payout_raw"] != first["payout_raw"]
    stream.close()


def test_every_route_is_in_the_document():
    from rewards.api.kinds import KINDS
    from tests.api.test_access_of_api import ROUTES

    text = DOCUMENT.read_text()
    for name in ROUTES:
        last = {"programme": "programmes/{programme}", "epoch": "epochs/{number}", "account": "accounts/{account}",
                "maker-webhooks": "{maker}/webhooks", "treasury-webhooks": "treasury/webhooks",
                "openapi": "openapi.json", "what-if": "what-ifs/{what_if}",
                "what-if-rows": "{what_if}/rows"}.get(name, name)  # fmt: skip
        assert last in text, name
    rows = re.findall(r'^\| <a id="(\w+)"></a>`(\w+)` \| (\d+) \| (.+) \| (.+) \|$', text, re.MULTILINE)
    assert rows == [(code, code, str(kind.status), kind.means, kind.to_do) for code, kind in KINDS.items()]
