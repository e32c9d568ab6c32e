"""Who may call what: every function that is not for everybody refuses everybody else, and no one holds two roles."""

import pytest
from eth.exceptions import Revert

from tests.contracts.stage import DELAY_S, MANIFEST, NOBODY, Stage, boa, deploy, refused

ROOT = b"\x01" * 32
EVERYBODY = ("treasury", "proposer", "guardian", "attestor", "anyone")


def calls(stage: Stage) -> dict[str, tuple[tuple[str, ...], tuple[object, ...]]]:
    """Return function -> (who may, arguments)."""
    token = stage.token.address
    return {
        "propose": (("proposer",), (1, ROOT, bytes(32), MANIFEST, [token], [5])),
        "withdraw": (("proposer",), (1,)),
        "attest": (("attestor",), (1, bytes(32))),
        "approve": (("treasury",), (1, bytes(32))),
        "veto": (("guardian",), (1, "")),
        "pause": (("guardian", "treasury"), ()),
        "unpause": (("treasury",), ()),
        "offer_treasury": (("treasury",), (stage.anyone,)),
        "accept_treasury": ((), ()),
        "appoint": (("treasury",), (stage.proposer, stage.guardian, stage.attestors, 0)),
        "sweep": (("treasury",), (token, stage.sink)),
        "announce_wind_down": (("treasury",), ()),
        "wind_down": (("treasury",), (token, stage.sink)),
    }


@pytest.mark.parametrize("name", calls(Stage()))
def test_a_function_refuses_everybody_whose_role_it_is_not(name):
    with boa.env.anchor():
        stage = Stage(attestors=1)
        people = {who: getattr(stage, who) for who in EVERYBODY if who != "attestor"} | {"attestor": stage.attestors[0]}
        may, arguments = calls(stage)[name]
        for who in EVERYBODY:
            if who not in may:
                with refused("not your role"):
                    getattr(stage.as_(people[who]), name)(*arguments)


def test_no_function_that_changes_something_is_missing_from_these_tests():
    for_everybody = {"activate", "claim", "claim_many", "set_recipient", "set_recipient_with_sig"}
    changing = {
        entry["name"]
        for entry in Stage().contract.abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    }
    assert changing == for_everybody | set(calls(Stage()))


def test_the_roles_of_construction_are_readable_and_announced(attested_stage):
    stage = attested_stage
    contract = stage.contract
    assert (contract.treasury(), contract.proposer(), contract.guardian()) == (
        stage.treasury, stage.proposer, stage.guardian,
    )  # fmt: skip
    assert contract.attestor_list() == stage.attestors
    assert contract.quorum() == 2
    assert contract.delay_s() == DELAY_S
    assert contract.main_token() == stage.token.address


@pytest.mark.parametrize(
    ("proposer", "guardian", "attestors", "quorum", "reason"),
    [
        ("treasury", "guardian", [], 0, "roles must differ"),
        ("proposer", "treasury", [], 0, "roles must differ"),
        ("proposer", "proposer", [], 0, "roles must differ"),
        (NOBODY, "guardian", [], 0, "roles must differ"),
        ("proposer", NOBODY, [], 0, "roles must differ"),
        ("proposer", "guardian", ["treasury"], 0, "roles must differ"),
        ("proposer", "guardian", ["proposer"], 0, "roles must differ"),
        ("proposer", "guardian", ["guardian"], 0, "roles must differ"),
        ("proposer", "guardian", ["anyone", "anyone"], 1, "attestors not ascending"),
        ("proposer", "guardian", [NOBODY], 0, "attestors not ascending"),
        ("proposer", "guardian", ["anyone"], 2, "quorum too large"),
    ],
)
def test_roles_that_overlap_or_are_empty_are_refused(stage, proposer, guardian, attestors, quorum, reason):
    def person(name):
        return name if name == NOBODY else getattr(stage, name)

    with refused(reason):
        stage.as_(stage.treasury).appoint(
            person(proposer), person(guardian), [person(name) for name in attestors], quorum
        )


def test_a_constructor_refuses_what_an_appointment_refuses(stage):
    roles = (stage.treasury, stage.proposer, stage.guardian)
    for arguments in (
        (stage.treasury, stage.treasury, stage.guardian, [], 0, DELAY_S, NOBODY),
        (NOBODY, stage.proposer, stage.guardian, [], 0, DELAY_S, NOBODY),
        (*roles, [], 1, DELAY_S, NOBODY),
        (*roles, [], 0, 0, NOBODY),
        (*roles, [], 0, 30 * 86_400 + 1, NOBODY),
    ):
        with refused():
            deploy("rewards_distributor", *arguments)


def test_the_treasury_appoints_and_the_old_holder_is_out(stage):
    stage.as_(stage.treasury).appoint(stage.anyone, stage.people[0], [stage.people[1]], 1)
    event = stage.event("RolesChanged")
    assert (event.treasury, event.proposer, event.guardian, event.attestors, event.quorum) == (
        stage.treasury, stage.anyone, stage.people[0], [stage.people[1]], 1,
    )  # fmt: skip
    with refused("not your role"):
        stage.as_(stage.proposer).propose(1, ROOT, bytes(32), MANIFEST, [], [])
    with refused("not your role"):
        stage.as_(stage.guardian).pause()


def test_the_treasury_changes_hands_in_two_steps(stage):
    stage.as_(stage.treasury).offer_treasury(stage.anyone)
    assert stage.contract.treasury() == stage.treasury
    with refused("not your role"):
        stage.as_(stage.sink).accept_treasury()
    stage.as_(stage.anyone).accept_treasury()
    assert stage.contract.treasury() == stage.anyone
    assert stage.contract.next_treasury() == NOBODY
    with refused("not your role"):
        stage.as_(stage.treasury).offer_treasury(stage.treasury)


def test_an_offer_can_be_taken_back(stage):
    stage.as_(stage.treasury).offer_treasury(stage.anyone)
    stage.as_(stage.treasury).offer_treasury(NOBODY)
    with refused("not your role"):
        stage.as_(stage.anyone).accept_treasury()


@pytest.mark.parametrize("name", ["proposer", "guardian"])
def test_who_holds_another_role_can_not_become_the_treasury(stage, name):
    holder = getattr(stage, name)
    stage.as_(stage.treasury).offer_treasury(holder)
    with refused("roles must differ"):
        stage.as_(holder).accept_treasury()


def test_an_attestor_can_not_become_the_treasury(attested_stage):
    attestor = attested_stage.attestors[0]
    attested_stage.as_(attested_stage.treasury).offer_treasury(attestor)
    with refused("roles must differ"):
        attested_stage.as_(attestor).accept_treasury()


def test_no_function_takes_ether(stage):
    boa.env.set_balance(stage.anyone, 10)
    with pytest.raises(Revert):
        boa.env.raw_call(stage.contract.address, sender=stage.anyone, value=1)
    with refused():
        stage.contract.activate(1, value=1, sender=stage.anyone)
    assert boa.env.get_balance(stage.contract.address) == 0
