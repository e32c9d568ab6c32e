"""Forms of disputes and corrections; times are typed as UTC, and services check everything again."""

import datetime as dt
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from accounts.models import Maker
from rewards.models import Dispute
from rewards.services.attachments import ENDINGS, MOST_BYTES, MOST_FILES
from rewards.services.correction_kinds import KINDS

_TIME = {"type": "datetime-local", "step": "1"}
_FORMAT = "%Y-%m-%dT%H:%M:%S"
_READ = (_FORMAT, "%Y-%m-%dT%H:%M")
_ACCEPT = ",".join(f".{ending}" for ending in ENDINGS)
_CHOSEN = [(kind.code, kind.label) for kind in KINDS.values() if not kind.is_offered]
FILES_HELP = f"Up to {MOST_FILES} files of {MOST_BYTES >> 20} MiB each: {', '.join(ENDINGS)}."


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; what each may be is the service's to say."""

    widget = _FilesInput(attrs={"multiple": True, "accept": _ACCEPT})

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[bytes]]":
        """Return the files that were sent."""
        return [file for file in data or [] if file]


class DisputeForm(forms.Form):
    """What is wrong, where, from when to when."""

    kind = forms.ChoiceField(label="What is wrong?", choices=Dispute.Kind.choices)
    market = forms.ChoiceField(label="Market")
    from_utc = forms.DateTimeField(
        label="From (UTC)", widget=forms.DateTimeInput(attrs=_TIME, format=_FORMAT), input_formats=_READ
    )  # fmt: skip
    to_utc = forms.DateTimeField(
        label="To (UTC)", widget=forms.DateTimeInput(attrs=_TIME, format=_FORMAT), input_formats=_READ
    )  # fmt: skip
    text = forms.CharField(
        label="Say it in your words", widget=forms.Textarea(attrs={"rows": 6}),
        help_text="What happened, what we made of it, and what would be right.",
    )  # fmt: skip
    refers_to = forms.CharField(
        label="Orders or blocks (if you know them)", required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For example: orders 0x12ab and 0x12ac, block 4815162.",
    )  # fmt: skip
    attachments = FilesField(label="Files (if you have any)", required=False, help_text=FILES_HELP)

    def __init__(self, *args: Any, markets: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["market"]
        assert_choice(field).choices = [(market, market) for market in markets]

    @property
    def from_ms(self) -> int:
        """The beginning, ms UTC."""
        return _ms(self.cleaned_data["from_utc"])

    @property
    def to_ms(self) -> int:
        """The end, ms UTC."""
        return _ms(self.cleaned_data["to_utc"])


class MessageForm(forms.Form):
    """A question or an answer, with files."""

    text = forms.CharField(label="Write to the other side", widget=forms.Textarea(attrs={"rows": 3}))
    attachments = FilesField(label="Files", required=False, help_text=FILES_HELP)


class CorrectionForm(forms.Form):
    """What is to be put right, and why. Which fields count follows from the kind."""

    kind = forms.ChoiceField(label="What is put right?", choices=_CHOSEN)
    addresses = forms.CharField(
        label="Addresses", required=False, widget=forms.Textarea(attrs={"rows": 2, "class": "mono"}),
        help_text="Only for addresses of another maker: one or more, with spaces between.",
    )  # fmt: skip
    maker = forms.ChoiceField(
        label="Belonged in this epoch to", required=False,
        help_text="For this epoch alone; for the epochs to come, change the maker’s addresses.",
    )  # fmt: skip
    reason = forms.CharField(
        label="Why", widget=forms.Textarea(attrs={"rows": 3}), help_text="Everybody reads this beside the difference."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        makers = [(maker.slug, maker.name) for maker in Maker.objects.all()]
        assert_choice(self.fields["maker"]).choices = [("", "no maker"), *makers]


def assert_choice(field: forms.Field) -> forms.ChoiceField:
    """Return the field as what it was declared as."""
    if not isinstance(field, forms.ChoiceField):
        raise TypeError(f"{field.label} is no choice.")
    return field


def utc_initial(time_ms: int) -> dt.datetime:
    """Return a time as the forms show it."""
    return dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC)


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * 1000
