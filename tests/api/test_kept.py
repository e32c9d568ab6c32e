"""Kept answers are the same bytes for as long as they hold, for whoever may have them, and for nobody else."""

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest
from django.core.asgi import get_asgi_application
from django.db import connections
from django.utils import timezone

from accounts.api_keys import api_key_revoke
from accounts.models import ApiKey, Maker, User
from accounts.throttle import WINDOW_S
from rewards.api import keptcheck
from rewards.api.kept import KeptAnswers
from rewards.api.keptstore import ENTRY_BYTES, LONGEST_ACCEPT_BYTES, LONGEST_QUERY_BYTES, Asked, Kept, Store
from rewards.engine.evidence import read_inputs
from rewards.engine.terms import BPS
from rewards.models import Allocation, Epoch, LiveStanding, LiveState, Program, Score, Tally
from rewards.services.live import live_score
from rewards.services.tallies import tallies
from tests.api.asking import by_key
from tests.engine.random_epochs import write_random_bundle
from tests.rows import blocks_of, put_epoch, settle_through
from tests.watching.lines import lines_written

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/makers/aurora/programmes/us-equity-perps/epochs/{}/scores"


class Server:
    """The application with and without kept answers; counts the requests that reached Django."""

    def __init__(self) -> None:
        self.reached = 0
        self.application = KeptAnswers(self._count, most_bytes=1 << 20)
        self._django = get_asgi_application()

    async def _count(self, scope, receive, send) -> None:
        self.reached += 1
        await self._django(scope, receive, send)

    def get(self, path: str, *, key: str = "", client: str = "127.0.0.1", **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.application, client=(client, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as asking:
                given = {name.replace("_", "-"): value for name, value in headers.items()}
                if key:
                    given["authorization"] = f"Bearer {key}"
                return await asking.get(path, headers=given)

        return asyncio.run(ask())

    def kept(self, path: str, **options: str) -> httpx.Response:
        """Ask, and hold that Django was not asked."""
        before = self.reached
        answer = self.get(path, **options)
        assert self.reached == before, "Django was asked"
        return answer

    def fresh(self, path: str, **options: str) -> httpx.Response:
        """Ask, and hold that Django was asked."""
        before = self.reached
        answer = self.get(path, **options)
        assert self.reached == before + 1, "a kept answer was sent"
        return answer


@pytest.fixture
def server(settings) -> Iterator[Server]:
    settings.ALLOWED_HOSTS = ["testserver"]
    keptcheck.forget()
    made = Server()
    yield made
    made.application._thread.submit(connections.close_all).result()
    made.application._thread.shutdown()
    keptcheck.forget()


def test_an_answer_is_sent_again_byte_for_byte_with_headers_of_its_own(stage, server):
    key = by_key("own maker", "read:own").key
    first = server.fresh(PATH.format(2), key=key)
    again = server.kept(PATH.format(2), key=key)
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    left = [int(each.headers["ratelimit"].split(";r=")[1].split(";")[0]) for each in (first, again)]
    assert left[1] == left[0] - 1
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    for name in ("etag", "cache-control", "content-type", "content-encoding", "x-content-type-options", "vary"):
        assert again.headers.get(name) == first.headers.get(name), name
    known = server.kept(PATH.format(2), key=key, if_none_match=first.headers["etag"])
    assert (known.status_code, known.content) == (304, b"")
    # Another form, another query and another route are other answers.
    server.fresh(PATH.format(2), key=key, accept="text/csv")
    server.fresh(PATH.format(2) + "?limit=3", key=key)
    server.fresh(PATH.format(2).replace("scores", "allocations"), key=key)
    assert server.kept(PATH.format(2), key=key, accept="text/csv").headers["content-type"].startswith("text/csv")


def test_an_answer_is_not_sent_again_once_the_epoch_is_scored_anew(stage, server):
    key = by_key("own maker", "read:own").key
    path = PATH.format(2).replace("scores", "allocations")
    first = server.fresh(path, key=key)
    later = timezone.now() + dt.timedelta(seconds=1)
    Epoch.objects.filter(pk=stage.waiting.pk).update(scored_at=later)
    second = server.fresh(path, key=key)
    assert second.json() == first.json()
    server.kept(path, key=key)
    Program.objects.update(token_symbol="LUX")
    assert server.fresh(path, key=key).json()["items"][0]["token_symbol"] == "LUX"
    assert Allocation.objects.filter(epoch=stage.waiting).exists()


def test_a_live_epochs_answer_holds_until_its_standings_are_written_again(stage, server):
    key = by_key("own maker", "read:own").key
    path = PATH.format(3).replace("scores", "allocations")
    state = LiveState.objects.create(epoch=stage.live, market="SPY-PERP", until_ms=1, before=b"", state=b"")
    before = server.fresh(path, key=key).json()
    server.kept(path, key=key)
    rows = list(LiveStanding.objects.filter(epoch=stage.live))
    LiveStanding.objects.filter(epoch=stage.live).delete()
    for row in rows:
        row.pk, row.estimate = None, row.estimate + 1
    LiveStanding.objects.bulk_create(rows)
    state.delete()
    state.save()
    after = server.fresh(path, key=key).json()
    assert [int(row["payout_raw"]) for row in after["items"]] == [int(row["payout_raw"]) + 1 for row in before["items"]]


def epoch_with_a_gate_that_nobody_passes(folder: Path) -> Epoch:
    write_random_bundle(folder, 4, size=3)
    terms = json.loads((folder / "terms.json").read_text())
    for market in terms["markets"].values():
        market["min_uptime_bps"] = dict.fromkeys(market["min_uptime_bps"], BPS)
    (folder / "terms.json").write_text(json.dumps(terms))
    inputs = read_inputs(folder)
    place, times = blocks_of(inputs, Random(4))
    return put_epoch(inputs, place=place, times=times)


def test_a_live_epochs_scores_are_read_anew_after_each_run_though_nobody_is_above_the_gate(server, tmp_path):
    epoch = epoch_with_a_gate_that_nobody_passes(tmp_path)
    length_ms = epoch.end_ms - epoch.start_ms
    settle_through(epoch.start_ms + length_ms // 2)
    live_score(epoch_id=epoch.pk)
    maker = Score.objects.filter(epoch=epoch).values_list("maker", flat=True)[0]
    assert not LiveStanding.objects.exists()
    key = by_key("auditor", "read:all").key
    path = f"/api/v1/makers/{maker}/programmes/{epoch.program.slug}/epochs/{epoch.number}/scores"
    before = server.fresh(path, key=key)
    assert server.kept(path, key=key).content == before.content
    settle_through(epoch.start_ms + length_ms * 3 // 4)
    live_score(epoch_id=epoch.pk)
    assert not LiveStanding.objects.exists()
    assert server.fresh(path, key=key).json() != before.json()


@pytest.mark.parametrize("coding", ["gzip;q=0", "x-gzip"])
def test_who_does_not_unpack_gets_no_packed_answer_that_somebody_else_was_sent(stage, server, coding):
    key = by_key("own maker", "read:own").key
    packed = server.fresh(PATH.format(2), key=key, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    odd = server.fresh(PATH.format(2), key=key, accept_encoding=coding)
    plain = server.kept(PATH.format(2), key=key, accept_encoding="identity")
    assert "content-encoding" not in {**odd.headers, **plain.headers}
    assert odd.content == plain.content == packed.content


def test_one_key_is_one_grant_however_its_header_is_written(stage, server):
    key = by_key("own maker", "read:own").key
    server.fresh(PATH.format(2), key=key)
    for header in (f"Bearer {key}", f"bearer {key}", f"BEARER   {key}", f"bEaReR  {key}"):
        assert server.kept(PATH.format(2), authorization=header).status_code == 200
    assert len(keptcheck._grants) == 1


def revoke(caller) -> None:
    key = ApiKey.objects.get(prefix=caller.key.split("_")[1])
    api_key_revoke(by=key.person, number=key.pk, now=timezone.now())


REFUSED = {
    "its key is revoked": (revoke, 401),
    "its key expires": (lambda _: ApiKey.objects.update(expires_at=timezone.now()), 401),
    "its key loses the scope": (lambda _: ApiKey.objects.update(scopes=["webhooks"]), 403),
    "its key is for another network": (lambda _: ApiKey.objects.update(networks=["203.0.113.0/24"]), 401),
    "its person is switched off": (lambda _: User.objects.filter(username="a own maker").update(is_active=False), 401),
    "its person is no longer a member": (
        lambda _: Maker.objects.get(slug="aurora").members.remove(User.objects.get(username="a own maker")), 403
    ),
    "its person has another role": (
        lambda _: User.objects.filter(username="a own maker").update(role=User.Role.PROVIDER), 403
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_nobody_gets_a_kept_answer_once(stage, server, why):
    caller = by_key("own maker", "read:own")
    path = PATH.format(2)
    server.fresh(path, key=caller.key)
    assert server.kept(path, key=caller.key).status_code == 200
    change, status = REFUSED[why]
    change(caller)
    assert server.fresh(path, key=caller.key).status_code == status


def test_another_maker_a_stranger_and_a_key_that_is_wrong_get_no_kept_answer(stage, server):
    path = PATH.format(2)
    server.fresh(path, key=by_key("own maker", "read:own").key)
    assert server.fresh(path, key=by_key("other maker", "read:own").key).status_code == 403
    assert server.fresh(path).status_code == 401
    assert server.fresh(path, key="lamp_" + "a" * 12 + "_" + "b" * 43).status_code == 401
    assert server.fresh(path, authorization="Basic x").status_code == 401


def test_kept_answers_count_against_the_limit(stage, server, settings):
    settings.API_LIMIT_SIGNED_IN = 40
    key = by_key("own maker", "read:own").key
    answers = [server.get(PATH.format(2), key=key) for _ in range(42)]
    assert [each.status_code for each in answers] == [200] * 40 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) <= WINDOW_S


def test_a_kept_answer_is_counted_and_said_in_the_log_as_djangos_are(stage, server):
    key = by_key("own maker", "read:own").key
    tallies.forget()
    with lines_written() as written:
        answers = [server.fresh(PATH.format(2), key=key), server.kept(PATH.format(2), key=key)]
        tag = answers[0].headers["etag"]
        answers.append(server.kept(PATH.format(2), key=key, if_none_match=tag, x_request_id="edge-7f3a.0001"))
        answers.append(server.kept(PATH.format(2), key=key, x_request_id="no id"))
    tallies.store(now=timezone.now())
    rows = {(row.name, row.method, row.outcome): row for row in Tally.objects.filter(kind="request")}
    assert {name: row.count for name, row in rows.items()} == {
        ("api:scores", "GET", "2xx"): 3, ("api:scores", "GET", "3xx"): 1,
    }  # fmt: skip
    assert [sum(row.buckets) for row in rows.values()] == [row.count for row in rows.values()]
    django, *ours = written.of("request_finished")
    assert [line["request_id"] for line in (django, *ours)] == [each.headers["x-request-id"] for each in answers]
    assert answers[2].headers["x-request-id"] == "edge-7f3a.0001"
    assert answers[3].headers["x-request-id"] != "no id"
    of_one = ("timestamp", "duration_ms", "request_id", "own_id", "status")
    for line in ours:
        assert {n: v for n, v in line.items() if n not in of_one} == {
            n: v for n, v in django.items() if n not in of_one
        }
    assert [(line["status"], "own_id" in line) for line in ours] == [(200, False), (304, True), (200, False)]
    assert django["user_id"] == User.objects.get(username="a own maker").pk


def asked_for(name: str = "", *, query: bytes = b"", accept: bytes = b"") -> Asked:
    return Asked(name, query, b"", "", b"", accept, False)


def test_the_store_never_holds_more_than_it_may_and_forgets_the_longest_unasked():
    # An entry: a path of 1, a version of 1, a tag of 1, a header of 2 + 3, a body of 4.
    entry_bytes = ENTRY_BYTES + 12
    store = Store(most_bytes=2 * entry_bytes)

    def kept(body: bytes) -> Kept:
        return Kept(("v",), [(b"ab", b"cde")], b"t", body)

    for name in "abc":
        store.put(asked_for(name), kept(b"1234"))
        store.get(asked_for("a"))
    assert store.size_bytes == 2 * entry_bytes
    assert [store.get(asked_for(name)) is not None for name in "abc"] == [True, False, True]
    store.put(asked_for("a"), kept(b"x" * 2 * entry_bytes))
    assert store.size_bytes == entry_bytes
    assert store.get(asked_for("a")) is None


def test_callers_who_ask_in_ever_new_ways_do_not_fill_the_memory():
    store, answer = Store(most_bytes=100_000), Kept(("v",), [], b"t", b"")
    for number in range(1_000):
        query = b"x=%0490d" % number
        store.put(asked_for(query=query), answer)
    # 100,000 by 2,000 and the query's 492, the version's and the tag's 2.
    assert len(store._kept) == 40
    assert store.size_bytes <= 100_000


@pytest.mark.parametrize(
    "asked",
    [
        asked_for(query=b"q" * (LONGEST_QUERY_BYTES + 1)), asked_for(accept=b"a" * (LONGEST_ACCEPT_BYTES + 1)),
    ],
)  # fmt: skip
def test_what_is_asked_for_at_length_is_not_kept(asked):
    store = Store(most_bytes=100_000)
    store.put(asked, Kept(("v",), [], b"t", b""))
    assert store.get(asked) is None
    assert store.size_bytes == 0
