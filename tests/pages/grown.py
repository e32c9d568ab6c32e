"""The scene with much more of everything: long names, large amounts, many makers, markets, epochs and people."""

import json
from datetime import timedelta

from django.utils import timezone

from accounts.models import Enrolment, SignIn, User, Wallet
from onchain.models_tx import ChainDistributor
from rewards.models import (
    Delivery,
    EpochComment,
    MarketAction,
    Notice,
    WebhookEndpoint,
)
from tests.pages.dispute_rows import make_correction, make_dispute
from tests.pages.factories import (
    HOUR_MS,
    MARKETS,
    PROFILES,
    TOKEN,
    WEEKS,
    Scene,
    address,
    make_claim,
    make_live_epoch,
    make_terms_version,
    propose,
    score,
    settle,
)

LONG = "The Most Honourable Company of Merchants Trading Into the Levant Seas and Beyond, Market Making Division LLP"


def many_makers(number: int) -> dict:
    """Return the profiles of the scene and further ones with names of all lengths."""
    further = {
        f"maker-{each}": (f"{LONG[: 12 + each * 5 % 64]} {each}", (80, 70, 60, 50, 40, 30), 3 + each % 9)
        for each in range(len(PROFILES), number)
    }
    return {**PROFILES, **further}


def many_markets(number: int) -> tuple[str, ...]:
    """Return the markets of the scene and further ones."""
    return (*MARKETS, *(f"STOCK{each:03d}-PERP" for each in range(len(MARKETS), number)))


GROWN = {"markets": many_markets(12), "profiles": many_makers(12)}
STRESS = {"markets": many_markets(200), "profiles": many_makers(40)}


def grow(made: Scene, *, profiles: dict, number: int) -> None:
    """Add so many epochs, disputes, people, notices and so on to a stage."""
    for each in range(number):
        add_epoch(made, 4 + each, profiles)
        add_people(made, each)
        add_notice(made, each)
        make_correction(made.waiting, dispute=make_dispute(made.waiting, text=f"{LONG} {each}"))
        make_terms_version(made.program, budget=str((300_000 + each) * TOKEN))
        add_action(made, each)
        EpochComment.objects.create(epoch=made.waiting, person=made.people["treasurer"], text=f"{LONG} {each}")
        make_claim(
            ChainDistributor.objects.get(), made.payout_account("aurora"), TOKEN, TOKEN * (each + 2),
            time_ms=made.paying.end_ms + (31 + each) * HOUR_MS, log_index=each + 1,
        )  # fmt: skip


def add_epoch(made: Scene, number: int, profiles: dict) -> None:
    """Add a later week that pays."""
    week = WEEKS[3] - WEEKS[2]
    start = WEEKS[3] + (number - 4) * week
    markets = tuple(json.loads(made.paying.terms_json)["markets"])
    epoch = make_live_epoch(made.program, number, start, start + week, markets)
    score(epoch, profiles)
    settle(epoch, profiles)
    propose(epoch, ChainDistributor.objects.get())


def add_people(made: Scene, number: int) -> None:
    """Add a member, a person who asks to be a maker, and what the first ones have of their own."""
    member = User.objects.create_user(username=f"member-{number}-{LONG[:40].replace(' ', '')}", role="maker")
    made.makers["aurora"].members.add(member)
    User.objects.create_user(username=f"watcher {number}", role="auditor")
    Enrolment.objects.create(
        slug=f"lantern-{number}", name=f"{LONG[:70]} {number}", contact="mail", region="CH",
        payout_account=address(0x9000 + number), terms_version="1", terms_text="text", asked_by=member,
    )  # fmt: skip
    for person in User.objects.filter(username__startswith="a "):
        Wallet.objects.create(address=address(0x9100 + 100 * number + person.pk), owner=person, is_contract=False)
        SignIn.objects.create(person=person, how="password", browser="A browser")


def add_notice(made: Scene, number: int) -> None:
    """Add an endpoint, a notice, and what was told of it."""
    maker = made.makers["aurora"]
    first = WebhookEndpoint.objects.filter(maker=maker).earliest("id")
    for owner in (maker, None):
        WebhookEndpoint.objects.create(maker=owner, url=f"https://maker.example/{LONG[:30]}/{number}", secret=b"")
    notice = Notice.objects.create(
        kind=Notice.Kind.EPOCH_SCORED, key=f"grown {number}", program=made.program, epoch=made.paying, maker=maker,
        data={"epoch": made.paying.number, "earned": str(7**40)}, at=timezone.now() - timedelta(hours=number),
    )  # fmt: skip
    Delivery.objects.create(notice=notice, endpoint=first, next_at=timezone.now())
    for person in User.objects.filter(makers=maker):
        Delivery.objects.create(notice=notice, person=person, next_at=timezone.now())


def add_action(made: Scene, number: int) -> None:
    """Add a halt that waits for a second person."""
    start = made.live.start_ms + number * HOUR_MS
    MarketAction.objects.create(
        kind="halt", subject=MARKETS[0], from_ms=start, to_ms=start + HOUR_MS, reason=LONG,
        entered_by=made.people["treasurer"], entered_as="treasurer", entered_at=timezone.now(),
    )  # fmt: skip
