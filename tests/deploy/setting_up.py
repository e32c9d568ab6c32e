"""Registers a market, two makers, a programme and somebody with an API key, as a program with production's settings.

    python tests/deploy/setting_up.py '{"exchange": …, "token": …, "distributor": …, "start_block": …, "first_s": …}'

Prints the API key.
"""

import datetime as dt
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

MARKET, SLUG = "AAPL-PERP", "perps"
EPOCHS_S = (300, 864_000)
MAKERS = ("alice", "bob")


def main(where: dict[str, str]) -> None:
    """Register everything."""
    from accounts.api_keys import api_key_make
    from accounts.models import Maker, User
    from accounts.services import maker_enrol, maker_payouts_set
    from config.embedded.chain import CHAIN_ID
    from onchain.services import market_register
    from rewards.demo.makers import address_of
    from rewards.demo.programme import SET_UP
    from rewards.services.programs import epoch_schedule, program_create

    market_register(
        name=MARKET, adapter="lamplight", address=where["exchange"], start_block=int(where["start_block"]),
        config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": 1}},
        tick_size="0.01", lot_size="1", base_symbol="AAPL",
    )  # fmt: skip
    for name in MAKERS:
        maker = maker_enrol(by=SET_UP, slug=name, name=name.title(), addresses=[address_of(name)], since_ms=0)
        maker_payouts_set(by=SET_UP, maker=maker, shares=[(address_of(f"{name} pay"), 1_000_000)], since_ms=0)
    program = program_create(
        slug=SLUG, name="Equity perpetuals", chain_id=CHAIN_ID, distributor=where["distributor"], token=where["token"],
        token_symbol="LAMP", start_block=int(where["start_block"]),
    )  # fmt: skip
    start_s = int(where["first_s"])
    for number, length_s in enumerate(EPOCHS_S, start=1):
        epoch_schedule(program=program, terms=terms_of(number, where["token"], start_s, start_s + length_s))
        start_s += length_s
    person = User.objects.create_user(username="al", role="maker")
    Maker.objects.get(slug="alice").members.add(person)
    _, key = api_key_make(by=person, name="bot", scopes=["read:own"], days=1, now=dt.datetime.now(tz=dt.UTC))
    print(key)


def terms_of(number: int, token: str, start_s: int, end_s: int) -> bytes:
    from rewards.demo.realflow import terms

    document = json.loads(terms(token=token, start_ms=start_s * 1000, end_ms=end_s * 1000))
    (market,) = document["markets"].values()
    document |= {"program": SLUG, "markets": {MARKET: market}}
    document["epoch"]["number"] = number
    return json.dumps(document).encode()


if __name__ == "__main__":
    import django

    django.setup()
    from django.conf import settings

    # Here no person sets things up: nobody whose second factor could be asked for.
    settings.SECOND_FACTOR_REQUIRED = False
    main(json.loads(sys.argv[1]))
