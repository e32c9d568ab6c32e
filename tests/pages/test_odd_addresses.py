"""Addresses with odd parts: whoever types them gets a page that says no, never a failure of the server."""

import pytest
from django.test import Client

from tests.pages.factories import PASSWORD, scene

pytestmark = pytest.mark.django_db
HUGE = "9" * 30
ODD = (
    *("%00", "a%00b", "%0d%0aSet-Cookie:%20a=b", "..%2f..", "%F0%9F%92%B8", "x" * 3000, "%22%3E%3Cscript%3E", "%ff"),
    "-1",
)
PATHS = (
    "makers/aurora/us-equity-perps/3/{odd}/series.json",
    "makers/aurora/us-equity-perps/3/{odd}/by-five-minutes.csv",
    "makers/aurora/us-equity-perps/3/{odd}/at/1764183720000/",
    "makers/aurora/us-equity-perps/3/?market={odd}",
    "makers/aurora/us-equity-perps/3/dispute/?market={odd}&from={odd}&to={odd}&kind={odd}",
    "programmes/us-equity-perps/epochs/1/evidence/{odd}",
    "notices/stop/{odd}/",
    "treasury/audit/?who={odd}&what={odd}&which={odd}&from={odd}&to={odd}&page={odd}",
    "treasury/audit.jsonl?who={odd}&from={odd}",
    "treasury/programmes/us-equity-perps/?before={odd}&after={odd}",
    "roles/?q={odd}",
    "collect/?account={odd}",
    "programmes/us-equity-perps/?market={odd}&maker={odd}",
    "sign-in/?next={odd}",
)  # fmt: skip
NUMBERS = (
    "makers/aurora/us-equity-perps/{huge}/",
    "makers/aurora/us-equity-perps/{huge}/live",
    "makers/aurora/us-equity-perps/{huge}/dispute/",
    "makers/aurora/us-equity-perps/3/AAPL-PERP/at/{huge}/",
    "makers/aurora/us-equity-perps/3/AAPL-PERP/at/0/",
    "makers/aurora/us-equity-perps/{huge}/AAPL-PERP/series.json",
    "programmes/us-equity-perps/epochs/{huge}/",
    "programmes/us-equity-perps/epochs/1/results/{huge}/evidence.tar",
    "enrolment/{huge}/",
    "disputes/{huge}/",
    "disputes/{huge}/files/{huge}/",
    "treasury/epochs/us-equity-perps/{huge}/",
    "treasury/epochs/us-equity-perps/{huge}/corrections/",
    "treasury/programmes/us-equity-perps/terms/{huge}/",
    "webhooks/{huge}/",
    "proofs/us-equity-perps/0x" + "12" * 20 + ".json",
)


@pytest.fixture
def browsers() -> list[Client]:
    scene()
    found = []
    for name in ("maker", "operator", "treasurer"):
        client = Client()
        assert client.login(username=name, password=PASSWORD), name
        found.append(client)
    return found


def test_no_odd_address_makes_the_server_fail(browsers):
    addresses = [path.format(odd=odd) for path in PATHS for odd in ODD] + [path.format(huge=HUGE) for path in NUMBERS]
    failed = {}
    for client in browsers:
        for address in addresses:
            try:
                answer = client.get("/" + address)
            except Exception as error:  # what the server would answer with a 500
                failed[address[:90]] = repr(error)[:200]
            else:
                assert answer.status_code < 500, address
                assert "Set-Cookie: a=b" not in str(answer.headers)
    assert not failed, "\n".join(f"{a} {e}" for a, e in failed.items())


@pytest.mark.parametrize("address", ["/treasury/makers/", "/enrolment/", "/makers/aurora/members/", "/sign-in/"])
def test_a_form_with_a_nul_is_refused_in_a_sentence(browsers, address):
    answer = browsers[1].post(address, {"reason": "because\0", "person": "a\0b", "name": "\0"})
    assert (answer.status_code, answer.content) == (400, b"An address or a form has a NUL character.")
