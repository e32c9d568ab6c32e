"""The form of a request for enrolment; services check again what it says."""

from typing import Any

from django import forms

from accounts import eligibility
from rewards.views.forms import AddressForm

_ADDRESS = AddressForm.base_fields["address"]


class EnrolmentForm(forms.Form):
    """Name, id, contact, country, the account to be paid, and the terms that are accepted."""

    name = forms.CharField(label="Name of the maker", max_length=80, error_messages={"required": "Say its name."})
    slug = forms.CharField(
        label="Short id",
        max_length=50,
        help_text="Small letters, digits and hyphens, such as north-star. It stands in the public evidence for good.",
        error_messages={"required": "Choose a short id."},
    )
    contact = forms.CharField(
        label="Contact",
        max_length=200,
        help_text="How an operator reaches you. Only operators and reviewers see it.",
        error_messages={"required": "Say how we can reach you."},
    )
    region = forms.ChoiceField(
        label="Established in",
        error_messages={"required": "Choose a country.", "invalid_choice": "Choose a country of the list."},
    )
    payout_account = forms.CharField(
        label="Account to be paid",
        max_length=80,
        strip=True,
        help_text="Gets all of the pay at first. Once you are enrolled you can name several, with shares.",
        validators=_ADDRESS.validators,
        error_messages={"required": "Name the account that is to be paid."},
        widget=forms.TextInput(
            attrs={"class": "mono", "placeholder": "0x…", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    accepted = forms.BooleanField(
        label="I have read these terms and accept them for the maker",
        error_messages={"required": "The request needs your yes to the terms."},
    )
    terms_version = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        excluded = eligibility.excluded_regions().regions
        names = eligibility.countries().items()
        choices = [("", "Choose…"), *((code, name) for code, name in names if code not in excluded)]
        region = self.fields["region"]
        assert isinstance(region, forms.ChoiceField)  # noqa: S101 - tells the type checker what stands above
        region.choices = choices
        self.fields["terms_version"].initial = eligibility.enrolment_terms().version

    @property
    def asked(self) -> dict[str, str]:
        """What the service takes."""
        wanted = ("name", "slug", "contact", "region", "payout_account", "terms_version")
        return {field: self.cleaned_data[field] for field in wanted}
