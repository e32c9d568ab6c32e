"""Django's admin over reference data: facts to look up, and the few words for people that may be corrected.

A site of its own instead of the stock one, which other packages fill with what gives roles and ways in. Nothing can
be added or deleted here, and no money, role, terms, verdict or log is editable (tests/pages/test_reference.py).
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Maker, MakerAddress, User
from accounts.roles import lacks_second_factor, role_of
from onchain import models as chain
from rewards.models import Epoch, EpochSession, Program, Rederivation


class ReferenceSite(admin.AdminSite):
    """Open to staff who are operators and have the second factor that the settings ask of them."""

    site_header = "Lamplight: reference data"
    site_title = "Reference data"
    index_title = "Facts to look up"

    def has_permission(self, request: HttpRequest) -> bool:
        """Ask for both: `is_staff`, which only a shell on the server sets, and the operator's role."""
        person = request.user
        return (
            isinstance(person, User)
            and person.is_staff
            and role_of(person=person) == User.Role.OPERATOR
            and not lacks_second_factor(person=person)
        )

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Lead to one's own account: ways in are changed there, by its rules."""
        return redirect("accounts:account")


site = ReferenceSite(name="admin")


class LookUp(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows to read. changeable: the columns that only people read and that no epoch, root or payment depends on."""

    changeable: Sequence[str] = ()
    actions = None
    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever is let in sees every table; Django's own permissions play no part, so nobody can be given more."""
        return site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever is let in reads."""
        return site.has_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds here: the services do, which check."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only where something is changeable at all."""
        return bool(self.changeable) and site.has_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[str]:
        """Return all columns but the changeable ones."""
        return [field.name for field in self.model._meta.fields if field.name not in self.changeable]


class MarketAdmin(LookUp):
    """A market's tick, lot and symbol in words for people; what decides its events is fixed at registration."""

    changeable = ("tick_size", "lot_size", "base_symbol")
    list_display = ("name", "adapter", "address", "derived_through", "quarantined_block")
    search_fields = ("name", "address")


class WatchedContractAdmin(LookUp):
    """What a watched contract is called."""

    changeable = ("label",)
    list_display = ("address", "label", "start_block", "stored_through")
    search_fields = ("address", "label")


def _look_up(model: type[models.Model], *columns: str) -> None:
    site.register(model, type(f"{model.__name__}LookUp", (LookUp,), {"list_display": columns}))


site.register(chain.Market, MarketAdmin)
site.register(chain.WatchedContract, WatchedContractAdmin)
_look_up(chain.Cursor, "chain_id", "block_number", "verified_block", "final_block", "head_number", "updated_at")
_look_up(chain.Alarm, "kind", "block_number", "raised_at", "resolved_at")
_look_up(chain.BackfillRange, "first_block", "last_block", "done", "absorbed", "failures")
_look_up(chain.ProviderHealth, "name", "answered", "failed", "resting", "updated_at")
_look_up(chain.ChainDistributor, "address", "chain_id", "paused", "active_epoch")
_look_up(Maker, "slug", "name", "created_at")
_look_up(MakerAddress, "address", "maker", "since_ms", "until_ms")
_look_up(Program, "slug", "name", "chain_id", "distributor")
_look_up(Epoch, "program", "number", "state", "start_ms", "end_ms")
_look_up(EpochSession, "epoch", "kind", "start_ms", "end_ms")
_look_up(Rederivation, "market", "block_number", "asked_by", "asked_at", "done_at")
