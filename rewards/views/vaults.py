"""The page on which a maker's admins name the vault that its pay goes through."""

from contextlib import closing

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.errors import AccountsError
from accounts.models import Maker, User
from accounts.roles import names_payouts
from accounts.selectors import signed_in_recently
from onchain.errors import OnchainError
from onchain.indexer import node
from rewards.errors import RewardsError
from rewards.selectors.vaults import vaults_chosen
from rewards.services.vaults import vault_end, vault_name
from rewards.views import access
from rewards.views.forms import VaultForm
from rewards.views.pages import page_now_ms

_SIGN_IN_AGAIN = "You signed in more than an hour ago. Sign out, sign in again, and then change where pay goes."


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def vault(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Show a maker's vault, name another one, or go back to payout accounts."""
    maker = Maker.objects.filter(slug=slug).first()
    if maker is None:
        raise Http404(f"There is no maker called {slug}.")
    if not names_payouts(person=request.user, maker=maker):
        return access.refuse(request=request, sentence=f"The vault of {maker.name} is named by its admins.")
    if request.method != "POST":
        return _show(request, maker, VaultForm())
    if not _signed_in_lately(request):
        messages.error(request, _SIGN_IN_AGAIN)
        return redirect("maker-vault", slug=maker.slug)
    if request.POST.get("action") == "end":
        vault_end(by=request.user, maker=maker, now_ms=page_now_ms())
        messages.success(request, "Epochs that begin from now on pay the payout accounts again.")
        return redirect("maker-vault", slug=maker.slug)
    form = VaultForm(request.POST)
    if form.is_valid() and _name(request, maker, form):
        return redirect("maker-vault", slug=maker.slug)
    return _show(request, maker, form)


def _name(request: HttpRequest, maker: Maker, form: VaultForm) -> bool:
    try:
        with closing(node()) as client:
            named = vault_name(
                by=request.user, maker=maker, now_ms=page_now_ms(), client=client,
                vault=form.cleaned_data["vault"], operator=form.cleaned_data["operator"],
            )  # fmt: skip
    except (RewardsError, AccountsError, OnchainError) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"Epochs that begin from now on pay the holders of {named.name or named.vault}.")
    return True


def _signed_in_lately(request: HttpRequest) -> bool:
    """Where pay goes is changed after a sign-in of at most an hour ago, as on the page of payout accounts."""
    person, key = request.user, request.session.session_key or ""
    return isinstance(person, User) and signed_in_recently(person=person, session_key=key, now=timezone.now())


def _show(request: HttpRequest, maker: Maker, form: VaultForm) -> HttpResponse:
    chosen = vaults_chosen(maker=maker)
    context = {
        "section": "makers",
        "maker": maker,
        "form": form,
        "newest": chosen[0] if chosen and chosen[0].vault else None,
        "chosen": chosen,
    }
    return render(request, "makers/vault.html", context)
