"""What holds for the distributor after every call, whoever made it: the five guarantees and what they rest on."""

from collections.abc import Iterator
from typing import Any

from hypothesis.stateful import invariant

from tests.contracts.world import DELAY_S, World

NOTICE_S = 90 * 86_400
IN_FLIGHT = (1, 2)


class Invariants:
    """Each compares what was seen before the last call with what is seen after it."""

    world: World

    def _tokens(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        yield from zip(self.world.tokens, self.world.before["tokens"], self.world.after["tokens"], strict=True)

    def _by(self, role: str) -> bool:
        return self.world.accounts[self.world.step.sender] == self.world.before["roles"][role]

    def _hold(self) -> None:
        """Check all of them between two calls of one rule."""
        for name in dir(type(self)):
            found = getattr(type(self), name)
            if getattr(found, "hypothesis_stateful_invariant", None) is not None:
                found(self)

    @invariant()
    def guarantee_1_paid_is_never_above_approved(self) -> None:
        for _, _, after in self._tokens():
            assert after["paid"] <= after["approved"]

    @invariant()
    def guarantee_1_approved_grows_only_by_what_the_treasury_sent_in_its_approval(self) -> None:
        for _, before, after in self._tokens():
            grown = after["approved"] - before["approved"]
            if grown > 0:
                assert self.world.step.name == "approve"
                assert self._by("treasury")
                sender = self.world.step.sender
                assert before["balances"][sender] - after["balances"][sender] == grown
                assert after["held"] - before["held"] >= grown

    @invariant()
    def guarantee_2_a_root_becomes_active_only_after_its_approval_and_its_delay(self) -> None:
        before, after = self.world.before, self.world.after
        if before["active_root"] != after["active_root"] or before["active_epoch"] != after["active_epoch"]:
            assert self.world.step.name == "activate"
            digest = before["flight"]["digest"]
            epoch, root, parent, *_ = self.world.proposals[digest]
            assert (epoch, root, parent) == (after["active_epoch"], after["active_root"], before["active_root"])
            assert after["time"] >= self.world.approvals[digest] + DELAY_S

    @invariant()
    def guarantee_2_only_proven_leaves_of_the_active_root_are_paid(self) -> None:
        step = self.world.step
        if step.name == "claim" and step.succeeded:
            account, token, cumulative, _ = step.args
            active = "0x" + self.world.before["active_root"].hex()
            (tree, *_) = [tree for tree in self.world.trees if tree.root == active]
            assert (account, token, cumulative) in tree.values

    @invariant()
    def guarantee_3_the_guardian_only_stops(self) -> None:
        step, before, after = self.world.step, self.world.before, self.world.after
        if self._by("guardian") and step.name not in ("claim", "claim_many", "activate", "accept_treasury"):
            assert before["roles"] == after["roles"]
            assert before["active_root"] == after["active_root"]
            for _, old, new in self._tokens():
                assert old["paid"] == new["paid"]
                gone = old["held"] - new["held"]
                if gone:
                    assert step.name == "veto"
                    assert old["approved"] - new["approved"] == gone
                    treasury = self.world.accounts.index(before["roles"]["treasury"])
                    others = [b for number, b in enumerate(new["balances"]) if number != treasury]
                    assert others == [b for number, b in enumerate(old["balances"]) if number != treasury]

    @invariant()
    def guarantee_3_the_proposer_only_proposes_and_takes_back(self) -> None:
        if self._by("proposer") and self.world.step.name not in ("claim", "claim_many", "activate", "accept_treasury"):
            assert self.world.before["tokens"] == self.world.after["tokens"]
            assert self.world.before["roles"] == self.world.after["roles"]
            assert self.world.before["active_root"] == self.world.after["active_root"]

    @invariant()
    def guarantee_4_claimed_never_decreases(self) -> None:
        for _, before, after in self._tokens():
            assert all(old <= new for old, new in zip(before["claimed"], after["claimed"], strict=True))

    @invariant()
    def guarantee_4_what_all_have_claimed_is_what_was_paid(self) -> None:
        for _, _, after in self._tokens():
            assert sum(after["claimed"]) == after["paid"]

    @invariant()
    def guarantee_4_a_claim_pays_exactly_what_claimed_grows_by(self) -> None:
        step = self.world.step
        for _, before, after in self._tokens():
            grown = sum(after["claimed"]) - sum(before["claimed"])
            if grown:
                assert step.name in ("claim", "claim_many")
            if step.name in ("claim", "claim_many"):
                assert before["held"] - after["held"] == grown

    @invariant()
    def guarantee_5_the_contract_holds_what_it_owes_of_every_token(self) -> None:
        for _, _, after in self._tokens():
            assert after["held"] >= after["approved"] - after["paid"]

    @invariant()
    def guarantee_5_a_call_about_one_token_touches_no_other(self) -> None:
        step = self.world.step
        if step.name in ("claim", "claim_many", "sweep", "wind_down"):
            named = step.args[1] if step.name == "claim" else step.args[0]
            for token, before, after in self._tokens():
                assert token == named or before == after

    @invariant()
    def guarantee_5_money_of_an_epoch_in_flight_pays_no_claim(self) -> None:
        flight = self.world.after["flight"]
        if flight["state"] == 2:
            fields = self.world.proposals[flight["digest"]]
            waiting = dict(zip(fields[4], fields[5], strict=True))
            for token, _, after in self._tokens():
                assert after["paid"] <= after["approved"] - waiting.get(token, 0)

    @invariant()
    def a_refused_call_changes_nothing(self) -> None:
        if self.world.step.name and not self.world.step.succeeded:
            clock = {"time": 0, "number": 0}
            before, after = self.world.before | clock, self.world.after | clock
            assert before == after

    @invariant()
    def epochs_follow_one_another(self) -> None:
        assert self.world.after["active_epoch"] - self.world.before["active_epoch"] in (0, 1)

    @invariant()
    def an_epoch_in_flight_is_never_overwritten(self) -> None:
        before, after = self.world.before, self.world.after
        if before["flight"]["state"] in IN_FLIGHT and before["active_epoch"] == after["active_epoch"]:
            assert before["flight"]["digest"] == after["flight"]["digest"]
            moves = {(1, 2): "approve", (1, 5): "withdraw", (1, 4): "veto", (2, 4): "veto"}
            old, new = before["flight"]["state"], after["flight"]["state"]
            assert old == new or moves[old, new] == self.world.step.name

    @invariant()
    def every_role_has_its_own_holder(self) -> None:
        roles = self.world.after["roles"]
        holders = [roles["treasury"], roles["proposer"], roles["guardian"], *self.world.attestors]
        assert len(set(holders)) == len(holders)
        assert all(int(holder, 16) for holder in holders)

    @invariant()
    def only_the_treasury_changes_roles(self) -> None:
        if self.world.before["roles"] != self.world.after["roles"]:
            accepts = self.world.step.name == "accept_treasury" and self._by("next_treasury")
            assert accepts or (self.world.step.name in ("appoint", "offer_treasury") and self._by("treasury"))

    @invariant()
    def while_paused_nothing_is_claimed_proposed_approved_or_activated(self) -> None:
        if self.world.before["paused"]:
            stopped = ("propose", "approve", "activate", "claim", "claim_many", "wind_down")
            assert not (self.world.step.succeeded and self.world.step.name in stopped)

    @invariant()
    def a_wind_down_comes_ninety_days_after_its_announcement(self) -> None:
        before, after = self.world.before, self.world.after
        if before["wind_down_at"] == 0 and after["wind_down_at"] != 0:
            assert after["wind_down_at"] == after["time"] + NOTICE_S
        if self.world.step.name == "wind_down" and self.world.step.succeeded:
            assert 0 < before["wind_down_at"] <= after["time"]
        if before["wind_down_at"] != 0:
            assert after["wind_down_at"] >= before["wind_down_at"]
            assert not (self.world.step.succeeded and self.world.step.name in ("propose", "approve"))
