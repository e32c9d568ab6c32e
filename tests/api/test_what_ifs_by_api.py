"""A what-if by the API: asked, followed, read to the last row, and cancelled; the numbers are the engine's own."""

import json

import pytest

from accounts.models import User
from rewards.models import WhatIfJob
from rewards.services.terms_versions import terms_draft
from tests.api.asking import Caller, by_key
from tests.rewards.test_what_ifs import answered, by_the_engine, other, program

__all__ = ["program"]
pytestmark = pytest.mark.django_db
QUESTION = {"epochs": [38, 39], "after": "version-1"}


@pytest.fixture
def treasury(program) -> Caller:
    """A treasurer's program, where a version of the terms is drafted that is the engine's own test's."""
    drafter = User.objects.create_user(username="drafter", role="treasurer")
    document = json.loads(other().template) | {"program": program.slug}
    terms_draft(by=drafter, program=program, document=document, epoch_days=7)
    return by_key("treasurer", "ask:what-ifs")


def send(caller: Caller, method: str, path: str, content: object = None, **how: object) -> tuple[int, dict, dict]:
    given = {"data": content if isinstance(content, str) else json.dumps(content)} if content is not None else {}
    headers = {"HTTP_AUTHORIZATION": f"Bearer {caller.key}"}
    answer = getattr(caller.client, method)(
        path if path.startswith("http") else f"/api/v1/{path}",
        **given,
        content_type="application/json",
        **headers,
        **how,
    )
    return answer.status_code, answer.json(), answer.headers


def ask(caller: Caller, **changes: object) -> tuple[int, dict, dict]:
    return send(caller, "post", "programmes/vectors/what-ifs", {**QUESTION, **changes})


def test_a_what_if_is_asked_followed_and_read_to_the_last_row(treasury, tmp_path, capsys):
    choices = treasury.get("programmes/vectors/what-if-terms").json()["items"]
    assert {"as-it-was", "version-1"} <= {row["key"] for row in choices}
    status, asked, headers = ask(treasury)
    assert (status, asked["state"], asked["epochs"], asked["totals"]) == (202, "waiting", [38, 39], [])
    # The same question, while it is open, is no second one.
    assert ask(treasury)[1]["id"] == asked["id"]
    where = headers["Location"].removeprefix("http://testserver")
    waiting = treasury.get(f"{where}/rows")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "not_available")
    answered(WhatIfJob.objects.get())
    done, expected = treasury.get(where).json(), by_the_engine(tmp_path, capsys)
    assert (done["state"], done["epochs_done"], done["error"]) == ("done", 2, None)
    # Both epochs have the same evidence, so every sum is twice the engine's figure.
    assert {row["name"]: row["difference_raw"] for row in done["totals"]} == {
        name: str(2 * int(row["difference"])) for name, row in expected["totals"].items()
    }
    assert {row["maker"]: row["after_raw"] for row in done["makers"]} == {
        row["maker"]: str(2 * int(row["after"])) for row in expected["makers"]
    }
    rows = treasury.get(f"{where}/rows?limit=1000").json()["items"]
    assert sorted(
        (row["maker"], row["market"], row["after_raw"]) for row in rows if row["epoch"] == rows[0]["epoch"]
    ) == sorted((row["maker"], row["market"], row["after"]) for row in expected["rows"])
    assert treasury.get(f"{where}/rows", accept="text/csv").content.count(b"\r\n") == 1 + len(rows)
    listed = treasury.get("programmes/vectors/what-ifs").json()["items"]
    assert [row["id"] for row in listed] == [done["id"]]
    assert send(treasury, "delete", where.removeprefix("/api/v1/"))[1]["code"] == "refused"


def test_who_asked_cancels_and_nobody_else_does(treasury):
    where = f"what-ifs/{ask(treasury)[1]['id']}"
    status, problem, _ = send(by_key("reviewer", "ask:what-ifs"), "delete", where)
    assert (status, problem["code"]) == (409, "refused")
    assert "a treasurer" in problem["detail"]
    status, cancelled, _ = send(treasury, "delete", where)
    assert (status, cancelled["state"]) == (200, "cancelled")
    rows = treasury.get(f"{where}/rows").json()
    assert rows["detail"] == "It ended without one: cancelled."


@pytest.mark.parametrize(("content", "status", "code", "said"), [
    ({"epochs": [], "after": "version-1"}, 400, "invalid_parameter", "epochs"),
    ({"epochs": ["x"], "after": "version-1"}, 400, "invalid_parameter", "Item 1:"),
    ({"epochs": [38]}, 400, "invalid_parameter", "after"),
    ({"epochs": [38], "after": "version-9"}, 409, "refused", "what-if-terms lists the keys"),
    ({"epochs": [38], "after": "version-1", "befor": "x"}, 400, "invalid_parameter", "no such field"),
    ({"epochs": [38], "after": "as-it-was"}, 409, "refused", "the same"),
    ({"epochs": [7], "after": "version-1"}, 409, "refused", "epoch 7"),
    ([1], 400, "malformed", "object"),
    ("{", 400, "malformed", "JSON"),
    ("[" * 100_000, 400, "malformed", "nested"),
])  # fmt: skip
def test_what_can_not_be_asked_is_refused_and_said_why(treasury, content, status, code, said):
    answer = send(treasury, "post", "programmes/vectors/what-ifs", content)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert said in answer[1]["detail"]
    assert not WhatIfJob.objects.exists()


def test_content_in_another_form_is_refused(treasury):
    answer = treasury.client.post(
        "/api/v1/programmes/vectors/what-ifs", {"after": "version-1"}, HTTP_AUTHORIZATION=f"Bearer {treasury.key}"
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
