"""The treasury's page on which a programme is opened."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.errors import NotPermittedError
from accounts.roles import Deed, may
from onchain.errors import OnchainError
from onchain.rpc import Policy, connect
from rewards.calendars import calendar_names
from rewards.errors import ProgramRefusedError
from rewards.models import Program
from rewards.services.program_opening import NewProgram, program_open
from rewards.services.terms_versions import MOST_DAYS
from rewards.views import access

_PATIENCE_S = 5.0
_MONO: dict[str, Any] = {"class": "mono", "placeholder": "0x…", "autocomplete": "off", "spellcheck": "false"}


class ProgramForm(forms.Form):
    """What a programme is called and what it pays with; the chain says the rest."""

    name = forms.CharField(label="Name", max_length=120, help_text="As makers and providers read it.")
    slug = forms.SlugField(
        label="Short name", max_length=50, help_text="For addresses and evidence, as us-equity-perps; it never changes."
    )
    summary = forms.CharField(
        label="In one sentence", max_length=300, required=False, help_text="What it pays for; shown on its page."
    )
    distributor = forms.CharField(
        label="Distributor contract",
        max_length=80,
        help_text="The contract that pays; one for each programme.",
        widget=forms.TextInput(attrs=_MONO),
    )
    start_block = forms.IntegerField(
        label="Block that deployed it",
        help_text="Or one before; we read the contract from there on.",
        validators=[MinValueValidator(0), MaxValueValidator(2**62)],
    )
    token = forms.CharField(
        label="Token",
        max_length=80,
        help_text="Its symbol and decimals are read from the chain.",
        widget=forms.TextInput(attrs=_MONO),
    )
    calendar = forms.ChoiceField(label="Home exchange", help_text="Its calendar says when which session is.")
    epoch_days = forms.IntegerField(
        label="Length of an epoch, in days",
        initial=7,
        help_text="Terms may change it later.",
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        calendars = cast(forms.ChoiceField, self.fields["calendar"])
        calendars.choices = [(name, name) for name in sorted(calendar_names(), key=lambda name: name != "XNYS")]


@require_http_methods(["GET", "HEAD", "POST"])
def programme_new(request: HttpRequest) -> HttpResponseBase:
    """Open a programme. It pays nothing until terms for it are drafted and accepted by two people."""
    if not may(person=request.user, deed=Deed.OPEN_PROGRAM):
        return access.refuse(request=request, sentence="Programmes are opened by treasurers.")
    form = ProgramForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        program = _opened(request, form)
        if program is not None:
            messages.success(
                request, f"{program.name} is open, and pays in {program.token_symbol}. Draft its terms next."
            )
            return redirect("treasury-programme", slug=program.slug)
    return render(request, "treasury/programme_new.html", {"section": "treasury", "form": form})


def _opened(request: HttpRequest, form: ProgramForm) -> Program | None:
    """Open it, or put what is wrong at the entry that it concerns."""
    try:
        client = connect(urls=settings.RPC_URLS, policy=Policy(attempts=1, timeout_s=_PATIENCE_S))
    except OnchainError as error:
        form.add_error(None, f"The chain could not be asked: {error}")
        return None
    try:
        return program_open(client, by=request.user, new=NewProgram(**form.cleaned_data))
    except ProgramRefusedError as error:
        form.add_error(error.field or None, str(error))
    except NotPermittedError as error:
        form.add_error(None, str(error))
    finally:
        client.close()
    return None
