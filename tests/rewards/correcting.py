"""People and steps that the tests of disputes and corrections share."""

from accounts.models import Maker, User
from rewards.models import Correction, Dispute, Epoch
from rewards.services.corrections import correction_confirm, correction_enter
from rewards.services.disputes import dispute_open
from rewards.services.programs import epoch_schedule
from tests.rewards.conftest import ALICE, BOB
from tests.rewards.test_scoring import HOUR_S, START_S, quote, terms_of

END_S = START_S + 2 * HOUR_S


def person(role: str, *, maker: str = "") -> User:
    """Somebody with a role, and a member of a maker if one is named; the same one each time."""
    user, _ = User.objects.get_or_create(username=f"{maker} {role}".strip(), defaults={"role": role})
    if maker:
        Maker.objects.get(slug=maker).members.add(user)
    return user


def two_hours(house, *, more_s: int = 0) -> Epoch:
    """Alice quotes for two hours, Bob's address for the second one: 833,333 to Alice, 166,666 to Bob (test_scoring)."""
    epoch = epoch_schedule(
        program=house.program, terms=terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    )
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    quote(house.exchange, BOB, 11)
    house.exchange.submit(time_s=START_S + HOUR_S)
    house.anvil.mine(time_s=END_S + more_s, blocks=5)
    return epoch


def disputed(epoch: Epoch, *, now_s: int, **changes) -> Dispute:
    """Alice's dispute: Bob's address is hers."""
    fields = {
        "by": person("maker", maker="alice"), "epoch": epoch, "maker": Maker.objects.get(slug="alice"),
        "market": "AAPL-PERP", "from_ms": START_S * 1000, "to_ms": END_S * 1000, "kind": Dispute.Kind.LINK,
        "text": "The address that Bob is paid for is ours.", "now_ms": now_s * 1000,
    }  # fmt: skip
    return dispute_open(**fields | changes)


def linked_to_alice(epoch: Epoch, *, dispute: Dispute | None = None) -> Correction:
    """Two people move Bob's address to Alice."""
    given = {"addresses": BOB, "maker": "alice"}
    entered = correction_enter(
        by=person("treasurer"), epoch=epoch, kind="link", given=given, reason="Alice proved it.", dispute=dispute
    )
    return correction_confirm(by=person("reviewer"), correction=entered)
