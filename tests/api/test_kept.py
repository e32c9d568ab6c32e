"""Kept answers are the same bytes for as long as they hold, for whoever may have them, and for nobody else."""

import asyncio
import datetime as dt
from collections.abc import Iterator

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
from rewards.api.keptstore import Asked, Kept, Store
from rewards.models import Allocation, Epoch, LiveStanding, Program
from tests.api.asking import by_key

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
    before = server.fresh(path, key=key).json()
    server.kept(path, key=key)
    rows = list(LiveStanding.objects.filter(epoch=stage.live))
    LiveStanding.objects.filter(epoch=stage.live).delete()
    for row in rows:
        row.pk, row.estimate = None, row.estimate + 1
    LiveStanding.objects.bulk_create(rows)
    after = server.fresh(path, key=key).json()
    assert [int(row["payout_raw"]) for row in after["items"]] == [int(row["payout_raw"]) + 1 for row in before["items"]]


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


def test_the_store_never_holds_more_than_it_may_and_forgets_the_longest_unasked():
    store = Store(most_bytes=10)

    def asked(name: str) -> Asked:
        return Asked(name, b"", b"", "", b"", b"", False)

    for name in "abc":
        store.put(asked(name), Kept(("v",), [], b"t", b"1234"))
        store.get(asked("a"))
    assert store.size_bytes == 8
    assert [store.get(asked(name)) is not None for name in "abc"] == [True, False, True]
    store.put(asked("a"), Kept(("v",), [], b"t", b"x" * 11))
    assert store.size_bytes == 4
    assert store.get(asked("a")) is None
