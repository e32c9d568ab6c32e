"""What people do meanwhile: a treasury approves, two people correct an epoch, one asks a what-if, accounts collect."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db.models import F
from django.utils import timezone

from accounts.models import Maker, User
from accounts.services import maker_enrol, maker_payouts_set
from config.embedded.chain import CHAIN_ID
from onchain.models import Market, WatchedContract
from onchain.models_tx import ChainClaim, OutgoingTransaction
from onchain.rpc import connect
from onchain.services import contract_watch, market_register
from rewards.demo.chain import LocalChain
from rewards.demo.makers import address_of
from rewards.demo.programme import SET_UP, stand_in_reviewer, stand_in_treasurer
from rewards.demo.reviewer import put_forward
from rewards.demo.stage import deploy
from rewards.engine.jsontext import canonical_json
from rewards.errors import ApprovalRefusedError, NothingToCollectError
from rewards.models import (
    AutoCollect,
    ClaimRequest,
    Correction,
    Entitlement,
    Epoch,
    EpochStatistics,
    Notice,
    Rederivation,
    SamplingLuck,
    WhatIfJob,
)
from rewards.selectors.whatif import AS_IT_WAS, TermsChoice
from rewards.services.approval import approve_with_local_node
from rewards.services.checks import approval_is_safe
from rewards.services.claims import claim_request
from rewards.services.corrections import correction_confirm, correction_enter
from rewards.services.programs import epoch_schedule, program_create
from rewards.services.quarantine import rederivation_ask
from rewards.services.whatif import whatif_ask
from tests.faults import flow

STATE = Epoch.State
OTHER_MARKET = "TSLA-PERP"
"""Traded by nobody and in no terms: it is quarantined once, and derived again."""


class People:
    """All who are not the service, and what they have done so far."""

    def __init__(self, chain: LocalChain, *, url: str, epochs: int) -> None:
        self.chain, self.epochs = chain, epochs
        self.made = deploy(chain=chain, first_s=flow.FIRST_S, markets=(flow.MARKET, OTHER_MARKET))
        self.client = connect(urls=[url])
        self.program = self._register()
        self.asked: set[tuple[int, str]] = set()
        self.approved: set[str] = set()
        self.did: set[str] = set()

    def _register(self) -> Any:
        for number, name in enumerate((flow.MARKET, OTHER_MARKET), start=1):
            market_register(
                name=name, adapter="lamplight", address=self.made.exchange, start_block=self.made.start_block,
                config={"tick_raw": "1", "lot_raw": "1", "lamplight": {"market_id": number}},
                tick_size="0.01", lot_size="1", base_symbol=name.split("-")[0],
            )  # fmt: skip
        for name in flow.MAKERS:
            maker = maker_enrol(by=SET_UP, slug=name, name=name.title(), addresses=[address_of(name)], since_ms=0)
            shares = [(address_of(f"{name} pay"), 700_000), (address_of(f"{name} provider"), 300_000)]
            maker_payouts_set(by=SET_UP, maker=maker, shares=shares, since_ms=0)
            person = User.objects.create(username=name, role="maker", password=make_password(None))
            Maker.objects.get(slug=name).members.add(person)
        User.objects.create(username="tess", role="treasurer", email="tess@example.org", password=make_password(None))
        program = program_create(
            slug=flow.SLUG, name="Equity perpetuals", chain_id=CHAIN_ID, distributor=self.made.distributor,
            token=self.made.token, token_symbol="LAMP", start_block=self.made.start_block,
        )  # fmt: skip
        for number in range(1, self.epochs + 1):
            epoch_schedule(program=program, terms=flow.terms(number=number, token=self.made.token))
        AutoCollect.objects.create(program=program, account=address_of(f"{flow.MAKERS[0]} pay"))
        return program

    def act(self) -> bool:
        """Do what can be done now; returns whether nothing is left to be done by anybody."""
        epochs = list(self.program.epochs.order_by("number"))
        self._late_contract(epochs)
        self._quarantine(epochs)
        for epoch in epochs:
            epoch.program = self.program
            if epoch.number == 1 and epoch.state == STATE.PROPOSED and "corrected" not in self.did:
                self._correct(epoch)
            elif epoch.state == STATE.PROPOSED and epoch.digest not in self.approved:
                self._approve(epoch)
            elif epoch.state == STATE.ACTIVE:
                self._collect(epoch)
        self._ask_what_if(epochs)
        return all(epoch.state == STATE.ACTIVE for epoch in epochs) and not self.left()

    def left(self) -> list[str]:
        """Return what is not done yet by the service, in words."""
        last = self.program.epochs.order_by("-number").first()
        found = {
            "balances": self.balances() != self.owed(),
            "requests": ClaimRequest.objects.exclude(state=ClaimRequest.State.DONE).exists(),
            "transactions": OutgoingTransaction.objects.exclude(state=OutgoingTransaction.State.FINAL).exists(),
            "claims seen": ChainClaim.objects.count() < len({account for _, account in self.asked}),
            "facts": self._with_facts() < self.epochs,
            "luck": SamplingLuck.objects.exclude(makers=None).count() < self.epochs,
            "what-if": WhatIfJob.objects.exclude(state=WhatIfJob.State.DONE).exists(),
            "derived again": Rederivation.objects.filter(done_at=None).exists(),
            "corrections": Correction.objects.exclude(state=Correction.State.APPLIED).exists(),
            "notices": Notice.objects.filter(kind=Notice.Kind.ROOT_ACTIVE).count() < self.epochs,
            "proofs": last is None or not self.packs(last),
            "late contract": WatchedContract.objects.filter(stored_through__lt=last.to_block or 0).exists(),
        }
        return [what for what, lacks in found.items() if lacks]

    def _with_facts(self) -> int:
        """Return how many epochs have the facts of their present evidence; those of what was put right may lack."""
        done = EpochStatistics.objects.exclude(document=None)
        return done.filter(epoch__program=self.program, manifest_hash=F("epoch__manifest_hash")).count()

    def state(self) -> str:
        """Say where it stands, for an error message."""
        rows = self.program.epochs.order_by("number").values_list("number", "state", "note", "retry_at")
        return f"{list(rows)}; left: {self.left()}; did: {sorted(self.did)}"

    def owed(self) -> dict[str, int]:
        """Return what each account is due in all, by the newest tree."""
        last = self.program.epochs.filter(state=STATE.ACTIVE).order_by("-number").first()
        return dict(Entitlement.objects.filter(epoch=last).values_list("account", "cumulative"))

    def balances(self) -> dict[str, int]:
        """Return what the token's contract says that each of them has."""
        return {
            account: self.chain.read_int(name="reward_token", to=self.made.token, function="balanceOf", args=[account])
            for account in self.owed()
        }

    def packs(self, epoch: Epoch) -> list[str]:
        """Return the names of the proof packs of an epoch's root."""
        folder = Path(settings.PROOFS_DIR) / self.program.slug / epoch.root
        return sorted(path.name for path in folder.glob("*.json")) if epoch.root and folder.is_dir() else []

    def _once(self, what: str, when: bool) -> bool:
        if not when or what in self.did:
            return False
        self.did.add(what)
        return True

    def _late_contract(self, epochs: list[Epoch]) -> None:
        """The token is followed only from now on, so that its past is fetched in ranges."""
        if self._once("late contract", epochs[0].state != STATE.SCHEDULED):
            contract_watch(address=self.made.token, start_block=self.made.start_block, label="token")

    def _quarantine(self, epochs: list[Epoch]) -> None:
        if not self._once("quarantined", epochs[0].state == STATE.LIVE):
            return
        market = Market.objects.get(name=OTHER_MARKET)
        Market.objects.filter(pk=market.pk).update(quarantined_block=market.start_block, quarantine_reason="A test.")
        rederivation_ask(by=stand_in("operator"), market_id=market.pk, reason="Look.", now=timezone.now())

    def _correct(self, epoch: Epoch) -> None:
        given = {"addresses": flow.STRANGER, "maker": flow.MAKERS[0]}
        reason = "The maker proved that the address is its own."
        waiting = Correction.objects.filter(epoch=epoch).first() or correction_enter(
            by=stand_in_treasurer(), epoch=epoch, kind="link", given=given, reason=reason
        )
        correction_confirm(by=stand_in_reviewer(), correction=waiting)
        self.did.add("corrected")

    def _approve(self, epoch: Epoch) -> None:
        waiting = Correction.objects.exclude(state=Correction.State.APPLIED)
        if waiting.exists() or not approval_is_safe(epoch=epoch) or put_forward(epoch) is None:
            return
        with suppress(ApprovalRefusedError):
            approve_with_local_node(self.client, epoch=epoch, by=stand_in_treasurer())
            self.approved.add(epoch.digest)

    def _collect(self, epoch: Epoch) -> None:
        """Everybody asks, twice; one account has it done by itself."""
        for account in Entitlement.objects.filter(epoch=epoch, increment__gt=0).values_list("account", flat=True):
            if (epoch.number, account) not in self.asked:
                for _ in range(2):
                    with suppress(NothingToCollectError):
                        if account != address_of(f"{flow.MAKERS[0]} pay"):
                            claim_request(program=self.program, account=account)
                self.asked.add((epoch.number, account))

    def _ask_what_if(self, epochs: list[Epoch]) -> None:
        if not self._once("asked what if", epochs[0].state == STATE.ACTIVE):
            return
        document = json.loads(epochs[0].terms_json)
        del document["epoch"]
        half = canonical_json(document | {"budget": str(flow.BUDGET // 2)}).decode()
        whatif_ask(
            by=stand_in_treasurer(), program=self.program, numbers=[1], now=timezone.now(),
            before=TermsChoice(key=AS_IT_WAS, label="as it was", template=""),
            after=TermsChoice(key="half", label="half the budget", template=half),
        )  # fmt: skip


def stand_in(role: str) -> User:
    """Return a person of a role whom nobody can sign in as."""
    found, _ = User.objects.get_or_create(username=f"the {role}", defaults={"role": role, "password": "!"})
    return found
