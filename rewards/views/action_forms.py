"""The forms with which a split, a halt or a closure is entered, by the exchange's clock."""

from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict

from rewards.calendars import calendar_zone
from rewards.models import MarketAction, Program
from rewards.services.actions import ActionDraft, closure_draft

Kind = MarketAction.Kind
_MOMENT = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


def _moment(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")
    return forms.DateTimeField(label=label, input_formats=_MOMENT, widget=widget)


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class Words(TypedDict):
    """What every entry says."""

    reason: str
    source: str


class ActionForm(forms.Form):
    """What every entry has."""

    kind = ""
    title = ""
    reason = forms.CharField(label="Why", max_length=300, help_text="Everybody who checks the epoch reads it.")
    source = forms.URLField(label="Link to the news", max_length=500, required=False, assume_scheme="https")
    field_order = ("market", "at", "begins", "ends", "first", "last", "new", "old", "reason", "source")

    def __init__(self, data: QueryDict | None = None, *, program: Program, markets: list[str]) -> None:
        """Take the markets to choose from. program: whose exchange's clock the times are by."""
        super().__init__(data, prefix=self.kind)
        self.program = program
        self.zone: ZoneInfo = calendar_zone(program.calendar)
        if "market" in self.fields:
            self.fields["market"] = forms.ChoiceField(label="Market", choices=[(name, name) for name in markets])
            self.order_fields(self.field_order)

    def draft(self) -> ActionDraft:
        """Return what a valid form says. Raises ActionRefusedError."""
        raise NotImplementedError

    def _ms(self, name: str) -> int:
        """Return a moment of the exchange's clock in ms UTC."""
        at: datetime = self.cleaned_data[name]
        return int(at.replace(tzinfo=self.zone).timestamp()) * 1000

    def _words(self) -> Words:
        return {"reason": self.cleaned_data["reason"], "source": self.cleaned_data["source"]}


class SplitForm(ActionForm):
    """A split of one market."""

    kind, title = Kind.SPLIT.value, "A split"
    market = forms.ChoiceField()
    at = _moment("From this moment on")
    new = forms.IntegerField(label="New lots", min_value=1, help_text="4 for 1: 4 new …")
    old = forms.IntegerField(label="for old lots", min_value=1, help_text="… for 1 old.")

    def draft(self) -> ActionDraft:
        """Return the split."""
        said = self.cleaned_data
        return ActionDraft(
            kind=self.kind, subject=said["market"], from_ms=self._ms("at"), new_shares=said["new"],
            old_shares=said["old"], **self._words(),
        )  # fmt: skip


class HaltForm(ActionForm):
    """A halt of one market."""

    kind, title = Kind.HALT.value, "A halt"
    market = forms.ChoiceField()
    begins = _moment("Stands still from")
    ends = _moment("until")

    def draft(self) -> ActionDraft:
        """Return the halt."""
        return ActionDraft(
            kind=self.kind, subject=self.cleaned_data["market"], from_ms=self._ms("begins"), to_ms=self._ms("ends"),
            **self._words(),
        )  # fmt: skip


class ClosureForm(ActionForm):
    """Days on which the programme's exchange is closed."""

    kind, title = Kind.CLOSURE.value, "A closure of the exchange"
    first = _day("First closed day")
    last = _day("Last closed day")

    def draft(self) -> ActionDraft:
        """Return the closure. Raises ActionRefusedError."""
        said = self.cleaned_data
        return closure_draft(calendar=self.program.calendar, first=said["first"], last=said["last"], **self._words())


FORMS: dict[str, type[ActionForm]] = {form.kind: form for form in (SplitForm, HaltForm, ClosureForm)}
