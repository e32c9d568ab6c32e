"""The operators' page of markets that stand still: what contradicts what, and having one derived again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import NotPermittedError
from rewards.errors import RederivationRefusedError
from rewards.selectors.quarantine import quarantined_markets, rederivations
from rewards.services.quarantine import rederivation_ask
from rewards.views import access
from rewards.views.pages import page_now_ms

_FOR_WHOM = "How the service runs is for treasurers, reviewers, guardians, operators and auditors."
_WHO_DOES = "Only an operator has a market derived again."


@require_safe
@never_cache
def listed(request: HttpRequest) -> HttpResponseBase:
    """Show the markets that stand still, what waits for them, and what was done before."""
    if not access.sees_running(user=request.user):
        return access.refuse(request=request, sentence=_FOR_WHOM)
    context = {
        "section": "status",
        "markets": quarantined_markets(now_ms=page_now_ms()),
        "past": rederivations(),
        "may_do": access.derives_again(user=request.user),
    }
    return render(request, "operators/quarantine.html", context)


@require_POST
def derive_again(request: HttpRequest, market_id: int) -> HttpResponseBase:
    """Have a market derived again from its raw logs, for the reason given."""
    if not access.derives_again(user=request.user):
        return access.refuse(request=request, sentence=_WHO_DOES)
    try:
        asked = rederivation_ask(
            by=request.user, market_id=market_id, reason=request.POST.get("reason", ""), now=timezone.now()
        )
    except (RederivationRefusedError, NotPermittedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{asked.market.name} is derived again from its raw logs, within seconds.")
    return redirect("quarantine")
