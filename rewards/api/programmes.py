"""Routes about programmes: what is paid when, and what happened to their markets."""

from typing import Any

from rest_framework.request import Request

from onchain.models_tx import ChainClaim
from rewards.api.base import ApiView as _Single
from rewards.api.base import ListView, now_ms
from rewards.api.fields import moment, raw, stamp
from rewards.api.paging import cut, cut_query
from rewards.api.params import ClaimsParams, Paged, SessionsParams
from rewards.api.serializers import ActionRow, ClaimRow, MarketRow, ProgrammeRow, ProofRow, SessionRow
from rewards.errors import NotFoundError
from rewards.models import Entitlement, Epoch, MarketAction, Program
from rewards.selectors.actions import program_actions
from rewards.selectors.markets import MarketInTerms, program_markets
from rewards.selectors.programs import ProgramRow, program_get, program_list
from rewards.selectors.sessions import program_sessions
from rewards.services.proofs import proof_pack

PUBLIC = "Everybody"
Page = tuple[list[dict[str, Any]], str | None]


def token_part(program: Program) -> dict[str, Any]:
    """Return what a row's amounts are of."""
    return {"token_symbol": program.token_symbol, "token_decimals": program.token_decimals}


class Programmes(ListView):
    """All programmes, by slug."""

    name, tag, row, params = "programmes", PUBLIC, ProgrammeRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        rows, cursor = cut(
            program_list(now_ms=now_ms()), key=lambda row: [row.slug], like=[""], cursor=given["cursor"],
            limit=given["limit"],
        )  # fmt: skip
        return [_programme(row) for row in rows], cursor


class Programme(_Single):
    """One programme."""

    name, tag, row = "programme", PUBLIC, ProgrammeRow

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return it."""
        found = next((row for row in program_list(now_ms=now_ms()) if row.slug == path["programme"]), None)
        if found is None:
            raise NotFoundError(kind="programme", name=path["programme"])
        return _programme(found)


def _programme(row: ProgramRow) -> dict[str, Any]:
    return {
        "slug": row.slug, "name": row.name, "summary": row.summary, "chain_id": row.chain_id,
        "distributor": row.distributor, "token": row.token, "token_symbol": row.token_symbol,
        "token_decimals": row.token_decimals, "live_epoch": row.live_epoch.number if row.live_epoch else None,
        "next_epoch": row.next_epoch.number if row.next_epoch else None,
    }  # fmt: skip


class Sessions(ListView):
    """Sessions of the home exchange and what an hour of each counts, past and coming, by time."""

    name, tag, row, params = "sessions", PUBLIC, SessionRow, SessionsParams

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        clock = now_ms()
        found = program_sessions(
            program=program_get(slug=path["programme"]), from_ms=given.get("from_ms"), to_ms=given.get("to_ms"),
            epoch=given.get("epoch"),
        )  # fmt: skip
        kind = given.get("kind")
        wanted = [row for row in found if kind is None or row.kind == kind]
        rows, cursor = cut(
            wanted, key=lambda row: [row.start_ms], like=[0], cursor=given["cursor"], limit=given["limit"]
        )
        return [
            {
                "epoch": row.epoch, "kind": row.kind, **moment("start", row.start_ms), **moment("end", row.end_ms),
                "boost_percent": row.boost_percent,
                "when": "past" if row.end_ms <= clock else "coming" if row.start_ms > clock else "now",
            }
            for row in rows
        ], cursor  # fmt: skip


class Actions(ListView):
    """Splits, halts and closures that count or counted, by time."""

    name, tag, row, params = "actions", PUBLIC, ActionRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        found = program_actions(program=program_get(slug=path["programme"]))
        entered = sorted((row for row in found if row.confirmed_at), key=lambda row: (row.from_ms, row.pk))
        rows, cursor = cut(
            entered, key=lambda row: [row.from_ms, row.pk], like=[0, 0], cursor=given["cursor"], limit=given["limit"]
        )
        return [_action(row) for row in rows], cursor


def _action(row: MarketAction) -> dict[str, Any]:
    return {
        "id": row.pk, "kind": row.kind, "subject": row.subject, **moment("from", row.from_ms),
        **moment("to", row.to_ms), "new_shares": row.new_shares, "old_shares": row.old_shares, "reason": row.reason,
        "source": row.source, **stamp("confirmed", row.confirmed_at), **stamp("withdrawn", row.withdrawn_at),
    }  # fmt: skip


class Markets(ListView):
    """The markets of a programme: where each trades, and what an order there needs, by the terms of the live epoch, or
    else the next or the last one."""

    name, tag, row, params = "markets", PUBLIC, MarketRow, Paged

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them, by name."""
        program = program_get(slug=path["programme"])
        rows, cursor = cut(
            program_markets(program=program), key=lambda row: [row.market.name], like=[""], cursor=given["cursor"],
            limit=given["limit"],
        )  # fmt: skip
        return [_market(row, program) for row in rows], cursor


def _market(row: MarketInTerms, program: Program) -> dict[str, Any]:
    facts, terms = row.market, row.terms
    return {
        "market": facts.name, "base_symbol": facts.base_symbol, "venue": facts.adapter, "chain_id": program.chain_id,
        "contract": facts.address, "venue_settings": facts.config.get(facts.adapter, {}),
        "tick_size": facts.tick_size, "lot_size": facts.lot_size, "epoch": row.epoch,
        "weight_bps": terms["weight_bps"], "min_order_lots": terms["min_order_lots"],
        "min_rest_ms": terms["min_rest_ms"], "presence_lots": terms["presence_lots"],
        "target_lots": terms["target_lots"], "max_spread_bps": terms["max_spread_bps"],
    }  # fmt: skip


class Claims(ListView):
    """What was collected from a programme, as the chain recorded it, the newest first."""

    name, tag, row, params = "claims", PUBLIC, ClaimRow, ClaimsParams

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> Page:
        """Return a page of them."""
        program = program_get(slug=path["programme"])
        found = ChainClaim.objects.filter(
            distributor__chain_id=program.chain_id, distributor__address=program.distributor, token=program.token
        )
        if "account" in given:
            found = found.filter(account=given["account"].lower())
        if "from_ms" in given:
            found = found.filter(time_ms__gte=given["from_ms"])
        if "to_ms" in given:
            found = found.filter(time_ms__lt=given["to_ms"])
        rows, cursor = cut_query(
            found, field="pk", like=[0], cursor=given["cursor"], limit=given["limit"], descending=True
        )
        return [{**_claim(row), **token_part(program)} for row in rows], cursor


def _claim(row: ChainClaim) -> dict[str, Any]:
    return {
        "account": row.account, "amount_raw": raw(row.amount), "cumulative_raw": raw(row.cumulative),
        "recipient": row.recipient, "caller": row.caller, "chain_epoch": row.epoch, "block_number": row.block_number,
        **moment("time", row.time_ms), "tx_hash": row.tx_hash,
    }  # fmt: skip


class Proof(_Single):
    """What an account needs to collect from the root that pays now."""

    name, tag, row = "proof", PUBLIC, ProofRow

    def answer(self, request: Request, given: dict[str, Any], **path: Any) -> dict[str, Any]:
        """Return it."""
        program = program_get(slug=path["programme"])
        active = program.epochs.filter(state=Epoch.State.ACTIVE).order_by("-number").first()
        leaf = Entitlement.objects.filter(epoch=active, account=path["account"], token=program.token).first()
        if active is None or leaf is None:
            raise NotFoundError(kind="proof of an account", name=path["account"])
        return proof_pack(program=program, epoch=active, leaf=leaf)
