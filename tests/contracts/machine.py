"""Random play with everything the distributor can be asked, by people, role holders and hostile tokens.

python -m tests.contracts.machine --calls 200000 [--log FILE] plays on until that many transactions were sent.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.contracts.gas import chain
from tests.contracts.invariants import Invariants
from tests.contracts.world import DELAY_S, FIRST_ATTESTOR, OUTSIDER, PEOPLE, SECOND_ATTESTOR, Node, World

DAY_S = 86_400
NOBODY = "0x" + "00" * 20
anybody = st.integers(0, 9)
token_numbers = st.integers(0, 2)
amounts = st.integers(1, 1000)
leaves = st.lists(st.tuples(st.sampled_from(PEOPLE[:4]), token_numbers, amounts), min_size=1, max_size=9)


class Play(Invariants, RuleBasedStateMachine):
    """The rules; what has to hold after each is in `Invariants`."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.begin()

    def _who(self, role: str, stranger: int, *, seldom: int) -> int:
        """Return the role's holder, or once in a while a stranger."""
        return stranger if seldom == 0 else self.world.holder(role)

    # --- epochs

    @rule(leaves=leaves, money=st.dictionaries(token_numbers, st.integers(1, 3000), max_size=3),
          salt=st.integers(0, 2), who=anybody, seldom=st.integers(0, 9))  # fmt: skip
    def propose(self, leaves: Any, money: Any, salt: int, who: int, seldom: int) -> None:
        self.world.propose(leaves, money, salt=salt, sender=self._who("proposer", who, seldom=seldom))

    @rule(grow=amounts, short=st.integers(0, 3), hostile=st.booleans())
    def propose_what_follows(self, grow: int, short: int, hostile: bool) -> None:
        """As the engine does: everybody's sum grows and is paid for (or, if `short`, not in full)."""
        seen, kinds = self.world.after["tokens"], range(3 if hostile else 2)
        leaves = [(who, t, seen[t]["claimed"][who] + grow) for who in PEOPLE[:4] for t in kinds]
        money = {t: max(1, 4 * grow - short) for t in kinds}
        self.world.propose(leaves, money, salt=9, sender=self.world.holder("proposer"))

    @initialize(grow=amounts)
    def the_first_epoch(self, grow: int) -> None:
        self.a_whole_epoch(grow=grow, short=0, hostile=True)

    @rule(grow=amounts, short=st.integers(0, 3), hostile=st.booleans())
    def a_whole_epoch(self, grow: int, short: int, hostile: bool) -> None:
        """From proposal to active, as far as it goes; what has to hold is looked at after each call of it."""
        world = self.world
        self.propose_what_follows(grow=grow, short=short, hostile=hostile)
        self._hold()
        if world.after["flight"]["state"] == 1:
            for attestor in (FIRST_ATTESTOR, SECOND_ATTESTOR) if world.after["quorum"] else ():
                self.attest(who=attestor)
                self._hold()
            self.approve(who=0, seldom=1, wrong=1)
            self._hold()
        if world.after["flight"]["state"] == 2:
            self.wait(wait_s=DELAY_S)
            self.activate(who=OUTSIDER, ahead=1)

    @rule(who=anybody, seldom=st.integers(0, 4))
    def withdraw(self, who: int, seldom: int) -> None:
        sender = self._who("proposer", who, seldom=min(seldom, 1))
        self.world.call("withdraw", self.world.after["active_epoch"] + 1, sender=sender)

    @rule(who=anybody)
    def attest(self, who: int) -> None:
        flight = self.world.after["flight"]
        self.world.call("attest", self.world.after["active_epoch"] + 1, flight["digest"], sender=who)

    @rule(who=anybody, seldom=st.integers(0, 9), wrong=st.integers(0, 9))
    def approve(self, who: int, seldom: int, wrong: int) -> None:
        world, flight = self.world, self.world.after["flight"]
        digest = bytes(32) if wrong == 0 else flight["digest"]
        if world.call(
            "approve", world.after["active_epoch"] + 1, digest, sender=self._who("treasury", who, seldom=seldom)
        ):
            world.approvals[digest] = world.after["time"]

    @precondition(lambda self: self.world.after["flight"]["state"] in (1, 2))
    @rule(who=anybody, seldom=st.integers(0, 3))
    def veto(self, who: int, seldom: int) -> None:
        sender = self._who("guardian", who, seldom=seldom)
        self.world.call("veto", self.world.after["active_epoch"] + 1, "no", sender=sender)

    @rule(who=anybody, ahead=st.sampled_from([1, 1, 1, 0, 2]))
    def activate(self, who: int, ahead: int) -> None:
        self.world.call("activate", self.world.after["active_epoch"] + ahead, sender=who)

    @rule(wait_s=st.sampled_from([1, DELAY_S // 2, DELAY_S, DELAY_S, 91 * DAY_S]))
    def wait(self, wait_s: int) -> None:
        self.world.besides(wait_s=wait_s)

    # --- claims

    @precondition(lambda self: self.world.trees)
    @rule(tree=st.integers(0, 3), picks=st.lists(st.integers(0, 11), min_size=1, max_size=6),
          more=st.sampled_from([0, 0, 0, 1]), who=anybody)  # fmt: skip
    def claim(self, tree: int, picks: list[int], more: int, who: int) -> None:
        for pick in picks:
            account, token, cumulative, proof = self.world.leaf(self._tree(tree), pick)
            self.world.call("claim", account, token, cumulative + more, proof, sender=who)
            self._hold()

    @precondition(lambda self: self.world.trees)
    @rule(tree=st.integers(0, 3), picks=st.lists(st.integers(0, 11), min_size=1, max_size=12), who=anybody,
          token=token_numbers)  # fmt: skip
    def claim_many(self, tree: int, picks: list[int], who: int, token: int) -> None:
        found = [self.world.leaf(self._tree(tree), pick) for pick in picks]
        of_token = [leaf for leaf in found if leaf[1] == self.world.tokens[token]]
        items = [(account, cumulative) for account, _, cumulative, _ in of_token]
        nodes = [node for *_, proof in of_token for node in proof]
        self.world.call("claim_many", self.world.tokens[token], items, nodes, sender=who)

    def _tree(self, number: int) -> Any:
        """Return the active root's tree mostly (0 to 2), else the latest proposal's."""
        active = "0x" + self.world.after["active_root"].hex()
        found = [tree for tree in self.world.trees if tree.root == active]
        return found[0] if found and number < 3 else self.world.trees[-1]

    @rule(who=st.sampled_from(PEOPLE), to=anybody, how=st.integers(0, 9))
    def set_recipient(self, who: int, to: int, how: int) -> None:
        recipient = {0: NOBODY, 1: self.world.distributor, 2: self.world.tokens[0]}.get(how, self.world.accounts[to])
        self.world.call("set_recipient", recipient, sender=who)

    @rule(who=st.sampled_from(PEOPLE), to=anybody)
    def forge_a_signature(self, who: int, to: int) -> None:
        accounts = self.world.accounts
        self.world.call("set_recipient_with_sig", accounts[who], accounts[to], 2**40, bytes(65), sender=OUTSIDER)

    # --- roles and stops

    @rule(who=anybody, seldom=st.integers(0, 3))
    def pause(self, who: int, seldom: int) -> None:
        # Mostly a stranger: nothing else happens in a pause.
        self.world.call("pause", sender=self.world.holder("guardian") if seldom == 3 else who)

    @precondition(lambda self: self.world.after["paused"])
    @rule(who=anybody, seldom=st.integers(0, 3))
    def unpause(self, who: int, seldom: int) -> None:
        self.world.call("unpause", sender=self._who("treasury", who, seldom=seldom))

    @rule(to=anybody, who=anybody, seldom=st.integers(0, 3))
    def offer_treasury(self, to: int, who: int, seldom: int) -> None:
        self.world.call("offer_treasury", self.world.accounts[to], sender=self._who("treasury", who, seldom=seldom))

    @rule(who=st.sampled_from([0, 0, 1, *range(10)]))
    def accept_treasury(self, who: int) -> None:
        self.world.call("accept_treasury", sender=who)

    @rule(proposer=anybody, guardian=anybody, quorum=st.integers(0, 3), sorted_=st.booleans(), who=anybody,
          seldom=st.integers(0, 3))  # fmt: skip
    def appoint(self, proposer: int, guardian: int, quorum: int, sorted_: bool, who: int, seldom: int) -> None:
        accounts = self.world.accounts
        attestors = self.world.attestors if sorted_ else self.world.attestors[::-1]
        sender = self._who("treasury", who, seldom=seldom)
        self.world.call("appoint", accounts[proposer], accounts[guardian], attestors, quorum, sender=sender)

    @rule(token=token_numbers, amount=amounts, to=st.sampled_from(PEOPLE), who=anybody, seldom=st.integers(0, 3))
    def give_and_sweep(self, token: int, amount: int, to: int, who: int, seldom: int) -> None:
        world = self.world
        world.send(world.tokens[token], "hostile_token", "mint", world.distributor, amount % 3)
        world.besides()
        world.call("sweep", world.tokens[token], world.accounts[to], sender=self._who("treasury", who, seldom=seldom))

    @rule(who=anybody, seldom=st.integers(0, 5))
    def announce_wind_down(self, who: int, seldom: int) -> None:
        # Seldom: nothing is proposed after it.
        self.world.call("announce_wind_down", sender=self.world.holder("treasury") if seldom == 5 else who)

    @rule(token=token_numbers, to=st.sampled_from(PEOPLE), who=anybody, seldom=st.integers(0, 3))
    def wind_down(self, token: int, to: int, who: int, seldom: int) -> None:
        sender = self._who("treasury", who, seldom=seldom)
        self.world.call("wind_down", self.world.tokens[token], self.world.accounts[to], sender=sender)

    # --- the hostile token changes its mind

    @rule(
        answer=st.sampled_from([0, 0, 2, 1, 3]),
        fee=st.sampled_from([0, 0, 1, 500]),
        blocked=anybody,
        blocks=st.booleans(),
    )
    def misbehave(self, answer: int, fee: int, blocked: int, blocks: bool) -> None:
        world, token = self.world, self.world.tokens[2]
        for name, args in (
            ("set_answer", (answer,)),
            ("set_fee", (fee,)),
            ("set_blocked", (world.accounts[blocked], blocks)),
        ):
            world.send(token, "hostile_token", name, *args)
        world.besides()

    @rule(index=st.integers(0, 11), how=st.sampled_from(["claim", "activate", "nothing"]))
    def call_back(self, index: int, how: str) -> None:
        world = self.world
        target, payload = world.distributor, b""
        if how == "claim" and world.trees:
            payload = world.payload("claim", *world.leaf(self._tree(0), index))
        elif how == "activate":
            payload = world.payload("activate", world.after["active_epoch"] + 1)
        else:
            target = NOBODY
        world.send(world.tokens[2], "hostile_token", "set_reentry", target, payload)
        world.besides()


def play(*, examples: int, steps: int, derandomize: bool) -> None:
    """Play `examples` games of at most `steps` rules; raises on the first broken invariant."""
    run_state_machine_as_test(
        Play,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=derandomize,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink], print_blob=False,
        ),
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    with chain(mining=True) as anvil:
        Play.world = World(Node(anvil.url))
        begun = time.monotonic()
        while Play.world.calls < args.calls:
            play(examples=200, steps=60, derandomize=False)
            seconds = time.monotonic() - begun
            line = (
                f"{Play.world.calls} calls in {seconds:.0f} s ({Play.world.calls / seconds:.0f}/s), no invariant broken"
            )
            print(line, flush=True)
        passed = ", ".join(f"{name} {count}" for name, count in sorted(Play.world.passed.items()))
        print(f"went through: {passed}")
        if args.log:
            args.log.write_text(f"{line}\nwent through: {passed}\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
