"""Forms of the pages."""

from django import forms
from django.core.validators import RegexValidator
from eth_utils.address import is_checksum_address

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
