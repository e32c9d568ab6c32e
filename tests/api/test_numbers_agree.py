"""One maker's pay is the same number on the scorecard, in the API, in its CSV, in the evidence and in the wallets."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Maker, User
from rewards.models import Program
from rewards.services.claims import claim_request
from tests.api.asking import Caller
from tests.rewards.conftest import ALICE_LP, ALICE_PAY, house, one_process
from tests.rewards.test_publishing import activated, poke, proposed

__all__ = ["house", "one_process", "proposed"]
pytestmark = pytest.mark.django_db


def test_one_makers_pay_is_the_same_number_everywhere(house, proposed):
    activated(house, proposed)
    for account in (ALICE_PAY, ALICE_LP):
        claim_request(program=house.program, account=account)
    poke(house)
    poke(house)
    # Whole tokens on the page are then smallest units.
    Program.objects.update(token_decimals=0)
    person = User.objects.create_user(username="alice's member", role="maker")
    Maker.objects.get(slug="alice").members.add(person)
    caller = Caller(Client())
    caller.client.force_login(person)
    where = {"maker": "alice", "programme": house.program.slug, "number": proposed.number}

    def api(name: str, **more: str) -> object:
        return caller.get(reverse(f"api:{name}", kwargs=where), **more)

    contract = house.balance(ALICE_PAY) + house.balance(ALICE_LP)
    assert contract > 0
    folder = Path(settings.EVIDENCE_DIR) / proposed.evidence_name
    rows = list(csv.DictReader((folder / "allocations.csv").read_text().splitlines()))
    evidence = sum(int(row["payout"]) for row in rows if row["maker"] == "alice")
    text = api("allocations", accept="text/csv").content.decode()
    page = caller.client.get(reverse("scorecard", args=["alice", house.program.slug, proposed.number])).content.decode()
    shown = {int(number.replace(",", "")) for number in re.findall(r"\b\d{1,3}(?:,\d{3})+\b", page)}
    assert {
        "evidence": evidence,
        "standing": int(api("standing").json()["payout_raw"]),
        "allocations": sum(int(row["payout_raw"]) for row in api("allocations").json()["items"]),
        "csv": sum(int(row["payout_raw"]) for row in csv.DictReader(io.StringIO(text))),
        "payments": sum(int(row["amount_raw"]) for row in api("payments").json()["items"]),
        "collected": sum(
            int(caller.get(f"accounts/{each}").json()["items"][0]["collected_raw"]) for each in (ALICE_PAY, ALICE_LP)
        ),
        "scorecard": contract if contract in shown else sorted(shown),
    } == dict.fromkeys(
        ("evidence", "standing", "allocations", "csv", "payments", "collected", "scorecard"), contract
    ), json.dumps(sorted(shown))
