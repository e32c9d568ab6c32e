"""Proof packs from their files before Django: the same answers as Django's, packed for those who unpack."""

import asyncio
import gzip
import json
import logging

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.owner import as_owner
from rewards.models import Entitlement, Epoch, Tally
from rewards.services.proofs import proof_packs_write
from rewards.services.tallies import tallies
from rewards.views import packs
from rewards.views.packs import LAST_KNOWN_S, Packs
from tests.pages.factories import hash_, scene
from tests.watching.lines import lines_written

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """Packs, and behind them an application that has nothing; counts the requests that reached it."""

    def __init__(self) -> None:
        self.reached = 0
        self.application = Packs(self._nothing)

    async def _nothing(self, scope, receive, send) -> None:
        self.reached += 1
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def get(self, path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as asking:
                given = {"accept-encoding": "identity", **{n.replace("_", "-"): v for n, v in headers.items()}}
                return await asking.get(path, headers=given)

        return asyncio.run(ask())


@pytest.fixture
def stage(settings, tmp_path):
    settings.PROOFS_DIR, settings.ALLOWED_HOSTS = tmp_path / "proofs", ["testserver"]
    made = scene()
    assert proof_packs_write(program=made.program) is not None
    return made


@pytest.fixture
def leaf(stage) -> Entitlement:
    return Entitlement.objects.filter(epoch=stage.paying).first()


def test_what_is_sent_before_django_is_what_django_sends(stage, leaf):
    server, slug = Server(), stage.program.slug
    for path in (f"/proofs/{slug}/{leaf.account}.json", f"/proofs/{slug}/{stage.paying.root}/{leaf.account}.json"):
        ours, theirs = server.get(path), Client().get(path)
        assert (ours.status_code, ours.content) == (200, b"".join(theirs.streaming_content))
        for name in ("ETag", "Cache-Control", "Content-Type", "Access-Control-Allow-Origin"):
            assert ours.headers[name] == theirs.headers[name], name
        capitals = path.replace(leaf.account, "0x" + leaf.account[2:].upper())
        assert server.get(capitals).content == ours.content
    assert server.reached == 0
    assert json.loads(ours.content)["account"] == leaf.account


def test_a_pack_travels_packed_and_who_has_it_gets_no_body(stage, leaf):
    server, path = Server(), f"/proofs/{stage.program.slug}/{leaf.account}.json"
    plain = server.get(path)
    packed = server.get(path, accept_encoding="br, gzip;q=0.5")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content  # the client has unpacked it
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["etag"] != plain.headers["etag"]
    assert {plain.headers["vary"], packed.headers["vary"]} == {"Accept-Encoding"}
    for answer, coding in ((plain, "identity"), (packed, "gzip")):
        known = server.get(path, accept_encoding=coding, if_none_match=f'"other", W/{answer.headers["etag"]}')
        assert (known.status_code, known.content) == (304, b"")
    assert server.get(path, if_none_match=packed.headers["etag"]).status_code == 200
    assert "content-encoding" not in server.get(path, accept_encoding="gzip;q=0").headers
    file = next(path for path in (stage_folder(stage)).glob(f"{leaf.account}.json.gz"))
    assert gzip.decompress(file.read_bytes()) == plain.content


def stage_folder(stage):
    return proof_packs_write(program=stage.program)


def test_a_pack_is_counted_and_said_in_the_log_as_djangos_are(stage, leaf):
    server, slug = Server(), stage.program.slug
    of_root = f"/proofs/{slug}/{stage.paying.root}/{leaf.account}.json"
    tallies.forget()
    with lines_written(level=logging.DEBUG) as written:
        first = server.get(f"/proofs/{slug}/{leaf.account}.json")
        known = server.get(of_root, if_none_match=first.headers["etag"], x_request_id="edge-7f3a.0001")
        theirs = Client().get(of_root)
        server.get(f"/proofs/{slug}/0x{'9' * 40}.json")
    b"".join(theirs.streaming_content)
    tallies.store(now=timezone.now())
    rows = Tally.objects.filter(kind="request").values_list("name", "method", "outcome", "count")
    # What goes on to Django is counted there alone.
    assert sorted(rows) == [
        ("proof", "GET", "2xx", 1), ("proof-of-root", "GET", "2xx", 1), ("proof-of-root", "GET", "3xx", 1)
    ]  # fmt: skip
    ours, of_known, of_django = written.of("request_finished")
    assert (ours["request_id"], ours["route"], ours["status"]) == (first.headers["x-request-id"], "proof", 200)
    assert (known.headers["x-request-id"], len(of_known["own_id"])) == ("edge-7f3a.0001", 32)
    assert set(ours) == set(of_django)
    assert {n: of_known[n] for n in ("level", "logger", "method", "path", "route")} == {
        n: of_django[n] for n in ("level", "logger", "method", "path", "route")
    }


def test_packs_by_the_thousand_write_no_lines_unless_asked_to(stage, leaf):
    with lines_written() as written:
        Server().get(f"/proofs/{stage.program.slug}/{leaf.account}.json")
    assert written.of("request_finished") == []


def test_whatever_is_no_file_here_goes_on_to_django(stage, leaf):
    server, slug = Server(), stage.program.slug
    nobody = "0x" + "9" * 40
    paths = (
        f"/proofs/{slug}/{nobody}.json", f"/proofs/nowhere/{leaf.account}.json",
        f"/proofs/{slug}/{hash_(77)}/{leaf.account}.json", f"/proofs/{slug}/..%2f..%2f{leaf.account}.json",
        f"/proofs/../proofs/{slug}/x.json", f"/proofs/{slug}/{leaf.account}.json.gz",
    )  # fmt: skip
    assert [server.get(path).status_code for path in paths] == [404] * len(paths)
    assert server.reached == len(paths)


def test_when_another_root_pays_its_pack_is_sent_within_a_second(stage, leaf):
    server, path = Server(), f"/proofs/{stage.program.slug}/{leaf.account}.json"
    assert json.loads(server.get(path).content)["root"] == stage.paying.root
    Epoch.objects.filter(pk=stage.waiting.pk).update(state="active")
    proof_packs_write(program=stage.program)
    # The second is over.
    server.application._asked_at -= 2
    assert json.loads(server.get(path).content)["root"] == stage.waiting.root


def test_names_that_nobody_has_do_not_ask_the_database_and_wait_for_nobody(stage, leaf, monkeypatch):
    server, asked, ask = Server(), [], packs._paying_roots
    monkeypatch.setattr(packs, "KNOWN_S", 3_600)
    monkeypatch.setattr(packs, "_paying_roots", lambda: asked.append(1) or ask())
    for number in range(20):
        assert server.get(f"/proofs/nobody-{number}/{leaf.account}.json").status_code == 404
    assert server.get(f"/proofs/{stage.program.slug}/{leaf.account}.json").status_code == 200
    assert asked == [1]


def alter(statement: str) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_while_the_database_is_away_the_last_known_root_counts_for_a_minute(stage, leaf):
    server, path = Server(), f"/proofs/{stage.program.slug}/{leaf.account}.json"
    first = server.get(path)
    alter("ALTER TABLE rewards_epoch RENAME TO away")
    try:
        server.application._asked_at -= 2
        assert server.get(path).content == first.content
        assert server.reached == 0
        server.application._asked_at -= LAST_KNOWN_S
        server.application._answered_at -= LAST_KNOWN_S
        assert server.get(path).status_code == 404
        assert server.reached == 1
    finally:
        alter("ALTER TABLE away RENAME TO rewards_epoch")
    server.application._asked_at -= 2
    assert server.get(path).content == first.content


def test_in_production_a_plain_http_request_is_led_to_https(stage, leaf, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    server, path = Server(), f"/proofs/{stage.program.slug}/{leaf.account}.json"
    assert server.get(path).status_code != 200
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    answer = server.get(path, x_forwarded_proto="https")
    assert answer.status_code == 200
    assert "max-age=60" in answer.headers["strict-transport-security"]
