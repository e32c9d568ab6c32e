"""The API's routes as methods.

Made from the API's description by generate.py (`make client`); don't edit it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from lamplight_client.http import Query, seg
from lamplight_client.rows import (
    Account,
    Action,
    Allocation,
    Claim,
    Epoch,
    Evidence,
    Leader,
    Maker,
    Market,
    Me,
    Moment,
    Payment,
    Programme,
    Proof,
    Quote,
    Reason,
    Result,
    Score,
    Session,
    Standing,
    Terms,
    Webhook,
    WhatIf,
    WhatIfAnswer,
    WhatIfDetail,
    WhatIfTerms,
)
from lamplight_client.tables import Rows

T = TypeVar("T")


class Routes:
    """A method for each route of the API. What a list method returns is asked for while one iterates over it."""

    def _one(self, kind: type[T], path: str, query: Query) -> T:
        raise NotImplementedError

    def _rows(self, kind: type[T], path: str, query: Query) -> Rows[T]:
        raise NotImplementedError

    def _send(self, kind: type[T], method: str, path: str, content: dict[str, Any] | None = None) -> T:
        raise NotImplementedError

    def account(self, account: str, *, limit: int | None = None) -> Rows[Account]:
        """What an account can collect, has collected, and what is on its way, by programme.

        limit: Rows a page.
        """
        return self._rows(Account, f"accounts/{seg(account)}", {"limit": limit})

    def makers(self, *, limit: int | None = None) -> Rows[Maker]:
        """The makers whose figures you see, by slug.

        limit: Rows a page.
        """
        return self._rows(Maker, "makers", {"limit": limit})

    def allocations(
        self, maker: str, programme: str, number: int, *, limit: int | None = None, market: str | None = None
    ) -> Rows[Allocation]:
        """What a maker gets of each market of an epoch: final, or estimated while it is live.

        limit: Rows a page.
        market: Only of this market.
        """
        return self._rows(
            Allocation,
            f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/allocations",
            {"limit": limit, "market": market},
        )

    def orders(
        self, maker: str, programme: str, number: int, market: str, *, at_ms: int | datetime | None = None
    ) -> Moment:
        """Whether each of a maker's orders in a market counts at a moment, and why not; a session is replayed
        for it.

        at_ms: The moment; without it, the newest that is known. Unit: ms since 1970, UTC.
        """
        return self._one(
            Moment,
            f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/markets/{seg(market)}/orders",
            {"at_ms": at_ms},
        )

    def quotes(
        self,
        maker: str,
        programme: str,
        number: int,
        market: str,
        *,
        by: Literal["five_minutes", "session", "epoch"] | None = None,
        from_ms: int | datetime | None = None,
        limit: int | None = None,
        to_ms: int | datetime | None = None,
    ) -> Rows[Quote]:
        """How a maker quoted in a market: by five minutes, by session, or over the epoch.

        by: What a row is over.
        from_ms: Only rows that end after this. Unit: ms since 1970, UTC.
        limit: Rows a page; a week has some 2,050.
        to_ms: Only rows that start before this. Unit: ms since 1970, UTC.
        """
        return self._rows(
            Quote,
            f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/markets/{seg(market)}/quotes",
            {"by": by, "from_ms": from_ms, "limit": limit, "to_ms": to_ms},
        )

    def reasons(
        self, maker: str, programme: str, number: int, market: str, *, limit: int | None = None
    ) -> Rows[Reason]:
        """When a maker's quotes in a market counted, and why not when they did not.

        limit: Rows a page.
        """
        return self._rows(
            Reason,
            f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/markets/{seg(market)}/reasons",
            {"limit": limit},
        )

    def payments(self, maker: str, programme: str, number: int, *, limit: int | None = None) -> Rows[Payment]:
        """Where a maker's pay of a scored epoch goes.

        limit: Rows a page.
        """
        return self._rows(
            Payment, f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/payments", {"limit": limit}
        )

    def scores(
        self, maker: str, programme: str, number: int, *, limit: int | None = None, market: str | None = None
    ) -> Rows[Score]:
        """What each kind of session brought a maker in each market of an epoch.

        limit: Rows a page.
        market: Only of this market.
        """
        return self._rows(
            Score,
            f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/scores",
            {"limit": limit, "market": market},
        )

    def standing(self, maker: str, programme: str, number: int) -> Standing:
        """Where a maker stands in an epoch: its pay, or the live estimate of it."""
        return self._one(Standing, f"makers/{seg(maker)}/programmes/{seg(programme)}/epochs/{number}/standing", {})

    def maker_webhooks(self, maker: str, *, limit: int | None = None) -> Rows[Webhook]:
        """Where a maker's notices are posted to, for those who look after that.

        limit: Rows a page.
        """
        return self._rows(Webhook, f"makers/{seg(maker)}/webhooks", {"limit": limit})

    def me(self) -> Me:
        """Who you are to the API, and which makers' figures you see."""
        return self._one(Me, "me", {})

    def programmes(self, *, limit: int | None = None) -> Rows[Programme]:
        """All programmes, by slug.

        limit: Rows a page.
        """
        return self._rows(Programme, "programmes", {"limit": limit})

    def programme(self, programme: str) -> Programme:
        """One programme."""
        return self._one(Programme, f"programmes/{seg(programme)}", {})

    def proof(self, programme: str, account: str) -> Proof:
        """What an account needs to collect from the root that pays now."""
        return self._one(Proof, f"programmes/{seg(programme)}/accounts/{seg(account)}/proof", {})

    def actions(self, programme: str, *, limit: int | None = None) -> Rows[Action]:
        """Splits, halts and closures that count or counted, by time.

        limit: Rows a page.
        """
        return self._rows(Action, f"programmes/{seg(programme)}/actions", {"limit": limit})

    def claims(
        self,
        programme: str,
        *,
        account: str | None = None,
        from_ms: int | datetime | None = None,
        limit: int | None = None,
        to_ms: int | datetime | None = None,
    ) -> Rows[Claim]:
        """What was collected from a programme, as the chain recorded it, the newest first.

        account: Only of this account.
        from_ms: Only at this time or later. Unit: ms since 1970, UTC.
        limit: Rows a page.
        to_ms: Only before this time. Unit: ms since 1970, UTC.
        """
        return self._rows(
            Claim,
            f"programmes/{seg(programme)}/claims",
            {"account": account, "from_ms": from_ms, "limit": limit, "to_ms": to_ms},
        )

    def epochs(
        self,
        programme: str,
        *,
        from_ms: int | datetime | None = None,
        limit: int | None = None,
        state: Literal["scheduled", "live", "scored", "proposed", "approved", "active", "vetoed", "empty"]
        | None = None,
        to_ms: int | datetime | None = None,
    ) -> Rows[Epoch]:
        """A programme's epochs, the newest first.

        from_ms: Only those that end after this. Unit: ms since 1970, UTC.
        limit: Rows a page.
        state: Only those in this state.
        to_ms: Only those that start before this. Unit: ms since 1970, UTC.
        """
        return self._rows(
            Epoch,
            f"programmes/{seg(programme)}/epochs",
            {"from_ms": from_ms, "limit": limit, "state": state, "to_ms": to_ms},
        )

    def epoch(self, programme: str, number: int) -> Epoch:
        """One epoch."""
        return self._one(Epoch, f"programmes/{seg(programme)}/epochs/{number}", {})

    def evidence(self, programme: str, number: int, *, limit: int | None = None) -> Rows[Evidence]:
        """The files of an epoch's evidence, by name; none before the epoch is scored.

        limit: Rows a page.
        """
        return self._rows(Evidence, f"programmes/{seg(programme)}/epochs/{number}/evidence", {"limit": limit})

    def leaderboard(self, programme: str, number: int, *, limit: int | None = None) -> Rows[Leader]:
        """The makers of an epoch, the best paid first.

        limit: Rows a page.
        """
        return self._rows(Leader, f"programmes/{seg(programme)}/epochs/{number}/leaderboard", {"limit": limit})

    def results(self, programme: str, number: int, *, limit: int | None = None) -> Rows[Result]:
        """All results of an epoch, former and current, in their order.

        limit: Rows a page.
        """
        return self._rows(Result, f"programmes/{seg(programme)}/epochs/{number}/results", {"limit": limit})

    def terms(self, programme: str, number: int) -> Terms:
        """The terms of an epoch."""
        return self._one(Terms, f"programmes/{seg(programme)}/epochs/{number}/terms", {})

    def markets(self, programme: str, *, limit: int | None = None) -> Rows[Market]:
        """The markets of a programme: where each trades, and what an order there needs, by the terms of the live
        epoch, or else the next or the last one.

        limit: Rows a page.
        """
        return self._rows(Market, f"programmes/{seg(programme)}/markets", {"limit": limit})

    def sessions(
        self,
        programme: str,
        *,
        epoch: int | None = None,
        from_ms: int | datetime | None = None,
        kind: Literal["regular", "pre", "post", "overnight", "weekend", "holiday"] | None = None,
        limit: int | None = None,
        to_ms: int | datetime | None = None,
    ) -> Rows[Session]:
        """Sessions of the home exchange and what an hour of each counts, past and coming, by time.

        epoch: Only of this epoch.
        from_ms: Only those that end after this. Unit: ms since 1970, UTC.
        kind: Only of this kind.
        limit: Rows a page.
        to_ms: Only those that start before this. Unit: ms since 1970, UTC.
        """
        return self._rows(
            Session,
            f"programmes/{seg(programme)}/sessions",
            {"epoch": epoch, "from_ms": from_ms, "kind": kind, "limit": limit, "to_ms": to_ms},
        )

    def what_if_terms(self, programme: str, *, limit: int | None = None) -> Rows[WhatIfTerms]:
        """The terms that a what-if can try: versions, drafts, and what held in the past; in the order of the
        pages.

        limit: Rows a page.
        """
        return self._rows(WhatIfTerms, f"programmes/{seg(programme)}/what-if-terms", {"limit": limit})

    def what_ifs(self, programme: str, *, limit: int | None = None) -> Rows[WhatIf]:
        """What was asked, by everybody, the newest first.

        limit: Rows a page.
        """
        return self._rows(WhatIf, f"programmes/{seg(programme)}/what-ifs", {"limit": limit})

    def what_if_ask(
        self, programme: str, *, epochs: Sequence[int], before: str | None = None, after: str
    ) -> WhatIfAnswer:
        """Ask what other terms would have paid in past epochs.

        Nobody is paid by it. It is worked out in turn: ask for the address in `Location` until `state` is final.
        The same question, while open, is the same what-if.

        epochs: Numbers of epochs that are scored.
        before: Key of the terms to compare with, from what-if-terms.
        after: Key of the terms to try, from what-if-terms.
        """
        return self._send(
            WhatIfAnswer,
            "POST",
            f"programmes/{seg(programme)}/what-ifs",
            {"epochs": list(epochs), "before": before, "after": after},
        )

    def treasury_webhooks(self, *, limit: int | None = None) -> Rows[Webhook]:
        """Where the treasury's notices are posted to, for those who look after that.

        limit: Rows a page.
        """
        return self._rows(Webhook, "treasury/webhooks", {"limit": limit})

    def what_if(self, what_if: int) -> WhatIfAnswer:
        """A what-if: how far it is, or its answer."""
        return self._one(WhatIfAnswer, f"what-ifs/{what_if}", {})

    def what_if_cancel(self, what_if: int) -> WhatIfAnswer:
        """Cancel your own what-if while it is open; whoever is at it stops within moments."""
        return self._send(WhatIfAnswer, "DELETE", f"what-ifs/{what_if}")

    def what_if_rows(self, what_if: int, *, limit: int | None = None) -> Rows[WhatIfDetail]:
        """What each maker would get of each market in each epoch of a what-if that is done.

        limit: Rows a page.
        """
        return self._rows(WhatIfDetail, f"what-ifs/{what_if}/rows", {"limit": limit})
