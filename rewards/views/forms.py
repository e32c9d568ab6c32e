"""Forms of the pages."""

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from eth_utils.address import is_checksum_address

from rewards.views.audit_words import table_choices

_SHAPE = RegexValidator(
    r"^0x[0-9a-fA-F]{40}$",
    "An address is 0x and then 40 letters and digits (0 to 9, a to f). Copy it from your wallet in one piece.",
)


def _address_field(*, label: str, help_text: str) -> forms.CharField:
    attrs = {
        "class": "mono",
        "placeholder": "0x…",
        "autocomplete": "off",
        "autocapitalize": "off",
        "spellcheck": "false",
    }
    return forms.CharField(
        label=label, help_text=help_text, max_length=80, strip=True, validators=[_SHAPE],
        error_messages={"required": "Paste an address."}, widget=forms.TextInput(attrs=attrs),
    )  # fmt: skip


def _checked(given: str) -> str:
    """Return an address in lower case; mixed case is a checksum, and a wrong one is a typing error."""
    digits = given[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(given):
        raise forms.ValidationError("A letter or digit in this address is wrong. Copy it again.")
    return given.lower()


class VaultForm(forms.Form):
    """The share token whose holders get a maker's pay, and who gets what can't be split."""

    vault = _address_field(label="The vault’s share token", help_text="An ERC-20 or ERC-4626 token.")
    operator = _address_field(
        label="The vault’s operator", help_text="Gets the few smallest units that can’t be split over the holders."
    )

    def clean_vault(self) -> str:
        """Return the address in lower case."""
        return _checked(self.cleaned_data["vault"])

    def clean_operator(self) -> str:
        """Return the address in lower case."""
        return _checked(self.cleaned_data["operator"])


class AddressForm(forms.Form):
    """Whose money to look up. Mixed case is a checksum, and a wrong one is a typing error that we can catch."""

    address = forms.CharField(
        label="Your address",
        max_length=80,
        strip=True,
        validators=[_SHAPE],
        error_messages={"required": "Paste the address that you are paid at."},
        widget=forms.TextInput(
            attrs={
                "class": "mono",
                "placeholder": "0x…",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "inputmode": "text",
            }
        ),
    )

    def clean_address(self) -> str:
        """Return the address in lower case."""
        given: str = self.cleaned_data["address"]
        digits = given[2:]
        if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(given):
            raise forms.ValidationError("A letter or digit in this address is wrong. Copy it again from your wallet.")
        return given.lower()


class AuditFilterForm(forms.Form):
    """Which entries of the audit log to show; whatever can't be understood is said at its field and left out."""

    who = forms.CharField(
        label="Who", required=False, max_length=150, help_text="An account’s name, a task or a command"
    )
    what = forms.ChoiceField(label="What", required=False)
    subject = forms.CharField(label="Which", required=False, max_length=150, help_text="Its number")
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")
        self.fields["what"].choices = [("", "Everything"), *table_choices()]  # type: ignore[attr-defined]

    def filters(self) -> dict[str, Any]:
        """Return the arguments of audit.selectors.entries; `until` includes its day."""
        self.is_valid()
        given = self.cleaned_data
        found: dict[str, Any] = {name: given[name] for name in ("who", "subject") if given.get(name)}
        if given.get("what"):
            found["table"] = given["what"]
        if since := given.get("since"):
            found["since"] = dt.datetime.combine(since, dt.time(), tzinfo=dt.UTC)
        if until := given.get("until"):
            found["until"] = dt.datetime.combine(until, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=1)
        return found

    def before(self) -> int | None:
        """Return the entry below which the page begins, None for the newest."""
        text = str(self.data.get("before", ""))
        return int(text) if text.isdecimal() and len(text) < 19 else None
