"""The lines that defend a guarantee, each taken out or altered, and the test that then has to fail."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """`old` occurs once in the source and becomes `new`. guarantee: its number in the spec, 0 for what all rest on."""

    name: str
    guarantee: int
    old: str
    new: str
    test: str


def _off(condition: str) -> tuple[str, str]:
    """Return a refusal whose condition never holds."""
    return f"if {condition}:\n", f"if False and ({condition}):\n"


MUTATIONS = (
    # 1: per token paid <= approved, and approved grows only by what the treasury sent in the same transaction
    Mutation("no cap", 1, *_off("sums >> 160 < amount"),
             "test_claims.py::test_a_root_that_promises_more_than_was_approved_pays_no_more_than_was_approved"),
    Mutation("paid is not counted", 1, "    self.ledger[token] = entry\n", "    pass\n",
             "test_claims.py::test_anyone_may_send_a_claim_and_only_the_account_gains"),
    Mutation("what is left is not lowered", 1, "unsafe_sub(sums, amount << 160)", "sums",
             "test_claims.py::test_a_root_that_promises_more_than_was_approved_pays_no_more_than_was_approved"),
    Mutation("paid is not carried through a batch", 1, "    return entry\n", "    return sums\n",
             "test_claim_many.py::test_a_batch_stops_at_the_cap_and_pays_nobody"),
    Mutation("a fee is not noticed", 1, *_off("self._held(token) < due"),
             "test_hostile_tokens.py::test_an_approval_refuses_a_token_that_takes_a_fee"),
    Mutation("a refused pull is not noticed", 1,
             *_off("not extcall IERC20(token).transferFrom(msg.sender, self, increment, default_return_value=True)"),
             "test_hostile_tokens.py::test_an_approval_refuses_a_token_that_does_not_answer_true"),
    Mutation("nothing is pulled", 1,
             "extcall IERC20(token).transferFrom(msg.sender, self, increment, default_return_value=True)", "True",
             "test_epochs.py::test_an_approval_pulls_exactly_the_increments_and_raises_approved"),
    Mutation("sums overflow", 1, *_off("self._funded(token) + increment > MASK_96"),
             "test_epochs.py::test_the_sum_of_all_epochs_stays_inside_96_bits"),
    Mutation("increments of any size", 1, *_off("unsafe_sub(increment, 1) >= MASK_96"),
             "test_epochs.py::test_a_proposal_is_well_formed"),
    Mutation("a token twice", 1, *_off("convert(token, uint256) <= last"),
             "test_epochs.py::test_a_proposal_is_well_formed"),
    Mutation("an account as a token", 1, *_off("not token.is_contract"),
             "test_epochs.py::test_a_proposal_is_well_formed"),
    # 2: no root is claimable before the treasury approved exactly these fields and the delay has passed
    Mutation("no delay", 2, *_off("block.timestamp < unsafe_add(self.epochs[epoch].approved_at, delay_s)"),
             "test_epochs.py::test_the_delay_counts_to_the_second"),
    Mutation("unapproved epochs become active", 2, "digest: bytes32 = self._move(epoch, APPROVED, ACTIVE)",
             "digest: bytes32 = self._move(epoch, self.epochs[epoch].state, ACTIVE)",
             "test_epochs.py::test_nothing_but_an_approved_epoch_becomes_active_and_only_once"),
    Mutation("any digest is approved", 2, *_off("self.epochs[epoch].digest != digest"),
             "test_epochs.py::test_nothing_but_the_proposed_digest_can_be_approved_and_only_once"),
    Mutation("approved twice", 2, *_off("self.epochs[epoch].state != PROPOSED"),
             "test_epochs.py::test_nothing_but_the_proposed_digest_can_be_approved_and_only_once"),
    Mutation("anyone approves", 2, '''    self._treasury_only()
    self._open()
    self._is_proposed(epoch, digest)
''', '''    self._open()
    self._is_proposed(epoch, digest)
''', "test_roles.py::test_a_function_refuses_everybody_whose_role_it_is_not"),
    Mutation("no quorum", 2, *_off("self._attestations(digest) < self.quorum"),
             "test_epochs.py::test_an_approval_waits_for_the_quorum_of_todays_attestors"),
    Mutation("one attestor counts twice", 2, *_off("self.attested[digest][msg.sender]"),
             "test_epochs.py::test_an_approval_waits_for_the_quorum_of_todays_attestors"),
    Mutation("an epoch in flight is overwritten", 2, *_off("state == PROPOSED or state == APPROVED"),
             "test_epochs.py::test_an_epoch_in_flight_is_not_overwritten"),
    Mutation("any epoch number", 2, *_off("epoch != unsafe_add(self._open(), 1)"),
             "test_epochs.py::test_an_epoch_in_flight_is_not_overwritten"),
    Mutation("another past", 2, *_off("parent_root != self.epochs[unsafe_sub(epoch, 1)].root"),
             "test_epochs.py::test_a_root_is_computed_on_the_active_one"),
    Mutation("a digest returns", 2, *_off("self.used[digest]"),
             "test_epochs.py::test_a_withdrawn_number_is_proposed_again_under_another_digest_only"),
    Mutation("no proof in a claim", 2, *_off("node != self.claimable_root"),
             "test_claims.py::test_a_proof_of_another_root_account_token_or_amount_is_refused"),
    Mutation("no proof in a batch", 2, *_off("done != n"),
             "test_claim_many.py::test_a_wrong_item_stops_the_whole_batch"),
    Mutation("the digest forgets the contract", 2, "abi_encode(chain.id, self, epoch, root,",
             "abi_encode(chain.id, epoch, root,", "test_epochs.py::test_the_digest_is_the_one_of_the_specification"),
    # 3: the guardian can stop and nothing else, the proposer can propose and nothing else
    Mutation("the guardian vetoes what is active", 3, "        before = APPROVED\n    digest",
             "        before = APPROVED\n    else:\n        before = self.epochs[epoch].state\n    digest",
             "test_veto.py::test_an_active_epoch_is_beyond_a_veto"),
    Mutation("the guardian starves a refund", 3, *_off("msg.gas < REFUND_GAS + REFUND_GAS // 32"),
             "test_veto.py::test_the_guardian_can_not_starve_a_refund_of_gas"),
    Mutation("a veto refunds nobody", 3, "                token,\n                abi_encode(to, amount,",
             "                token,\n                abi_encode(to, empty(uint256),",
             "test_veto.py::test_a_veto_gives_back_every_token_and_lowers_approved"),
    Mutation("a hostile token burns the veto's gas", 3, "                gas=REFUND_GAS,\n", "",
             "test_veto.py::test_a_token_that_refuses_its_refund_keeps_no_root_alive_and_no_other_token_back"),
    Mutation("a refused refund stops the veto", 3,
             "            sent = sent and (len(answer) == 0",
             "            assert sent\n            sent = sent and (len(answer) == 0",
             "test_veto.py::test_a_token_that_refuses_its_refund_keeps_no_root_alive_and_no_other_token_back"),
    Mutation("the guardian unpauses", 3, '''    self._treasury_only()
    since: uint256''', '''    since: uint256''',
             "test_roles.py::test_a_function_refuses_everybody_whose_role_it_is_not"),
    Mutation("the proposer withdraws what is approved", 3, "self._move(epoch, PROPOSED, WITHDRAWN)",
             "self._move(epoch, self.epochs[epoch].state, WITHDRAWN)",
             "test_epochs.py::test_an_approved_epoch_is_not_the_proposers_to_withdraw"),
    Mutation("roles overlap", 3,
             "holder == empty(address) or same != 1 or", "False or",
             "test_roles.py::test_roles_that_overlap_or_are_empty_are_refused"),
    Mutation("attestors hold roles", 3, " or holder in attestors:", ":",
             "test_roles.py::test_roles_that_overlap_or_are_empty_are_refused"),
    Mutation("an attestor twice", 3, *_off("convert(attestor, uint256) <= last"),
             "test_roles.py::test_roles_that_overlap_or_are_empty_are_refused"),
    # 4: claimed never decreases, and claiming twice pays once, in one call or in many
    Mutation("claimed twice", 4, "        self.accounts[account] = unsafe_add(mine, amount)\n",
             "        pass\n",
             "test_claims.py::test_claiming_twice_pays_once"),
    Mutation("claimed twice of another token", 4, "        self.others[account][token] = cumulative\n", "",
             "test_claim_many.py::test_a_token_beside_the_programmes_is_collected_in_a_batch_of_its_own"),
    Mutation("a smaller sum is paid", 4, "    if cumulative <= before:\n", "    if cumulative == before:\n",
             "test_claims.py::test_a_root_that_promises_less_than_was_claimed_takes_nothing_back"),
    Mutation("the whole sum is paid again", 4, "unsafe_sub(cumulative, before)", "cumulative",
             "test_claims.py::test_a_second_epoch_pays_the_difference"),
    Mutation("a recipient wipes what was claimed", 4,
             "(convert(recipient, uint256) << 96) | ((self.accounts[account] << 160) >> 160)",
             "convert(recipient, uint256) << 96",
             "test_recipients.py::test_a_claim_goes_to_the_recipient_that_the_account_set"),
    Mutation("no lock", 4, "# pragma nonreentrancy on\n", "",
             "test_hostile_tokens.py::test_no_function_can_be_entered_from_a_tokens_callback"),
    Mutation("an unpaid claim is written", 4,
             *_off("not extcall IERC20(token).transfer(to, amount, default_return_value=True)"),
             "test_hostile_tokens.py::test_a_claim_that_the_token_does_not_pay_is_not_written"),
    # 5: money of one token or epoch never pays for another
    Mutation("waiting money is claimable", 5, "    log EpochApproved(", '''    for entry: uint256 in self.money:
        self.ledger[convert(entry >> 96, address)] += entry << 160
    log EpochApproved(''',
             "test_claims.py::test_the_money_of_a_waiting_epoch_pays_no_claim_of_the_active_one"),
    Mutation("a sweep takes what is owed", 5, "self._take(token, to, self._owed(token))", "self._take(token, to, 0)",
             "test_stops.py::test_the_treasury_can_not_sweep_what_people_have_not_collected"),
    Mutation("a sweep takes what waits", 5, "unsafe_add(self.ledger[token] >> 160, self._pending(token))",
             "self.ledger[token] >> 160",
             "test_stops.py::test_the_treasury_can_not_sweep_what_an_epoch_in_flight_was_paid"),
    Mutation("no notice", 5, *_off("self.wind_down_at == 0 or block.timestamp < self.wind_down_at"),
             "test_stops.py::test_a_wind_down_takes_ninety_days_in_which_people_collect"),
    Mutation("a wind-down leaves claims open", 5, "    self.ledger[token] = (self.ledger[token] << 96) >> 96\n", "",
             "test_stops.py::test_a_wind_down_takes_ninety_days_in_which_people_collect"),
    Mutation("a wind-down takes a waiting epoch's money", 5,
             "    self._none_in_flight(unsafe_add(self._running(), 1))\n",
             "    self._running()\n", "test_stops.py::test_an_epoch_in_flight_ends_before_a_wind_down"),
    Mutation("a pause eats the notice", 5,
             "unsafe_sub(unsafe_add(self.wind_down_at, block.timestamp), since)", "self.wind_down_at",
             "test_stops.py::test_a_pause_makes_the_notice_longer_by_itself"),
    # What all rest on: a pause, and that only an account says where its money goes
    Mutation("claims go on in a pause", 0, "    self.claimable_root = empty(bytes32)\n", "",
             "test_stops.py::test_a_pause_stops_claims_proposals_approvals_and_activations"),
    Mutation("nothing stops in a pause", 0, *_off("self.status >> 64 != 0"),
             "test_stops.py::test_a_pause_stops_claims_proposals_approvals_and_activations"),
    Mutation("mirrored signatures", 0, "s <= MAX_S and ", "",
             "test_recipients.py::test_the_mirror_image_of_a_signature_is_refused"),
    Mutation("nobody signs", 0, " and account != empty(address)", "",
             "test_recipients.py::test_nobody_signs_for_the_zero_address"),
    Mutation("signatures for ever", 0, *_off("block.timestamp > deadline"),
             "test_recipients.py::test_a_signature_counts_until_its_deadline"),
    Mutation("signatures of every chain", 0, "DOMAIN_VERSION, chain.id, self)", "DOMAIN_VERSION, self)",
             "test_recipients.py::test_anyone_may_send_an_accounts_signature_once"),
    Mutation("signatures again and again", 0, "    self.nonces[account] = unsafe_add(nonce, 1)\n", "",
             "test_recipients.py::test_anyone_may_send_an_accounts_signature_once"),
    Mutation("any wallet answer", 0, " and answer == ERC1271_YES", "",
             "test_recipients.py::test_a_contract_wallet_signs_by_erc_1271_and_only_by_its_exact_answer"),
    Mutation("the distributor as a recipient", 0, *_off("recipient == self"),
             "test_recipients.py::test_the_distributor_is_nobodys_recipient"),
)  # fmt: skip
