"""What-ifs as rows: what can be tried, what was asked, how far it is, and what came of it."""

from rest_framework import serializers

from rewards.api.fields import Iso, Ms, Raw, Row, Text, Whole
from rewards.api.serializers import KIND_CHOICES, TokenPart
from rewards.engine.whatif_report import TOTALS
from rewards.models import WhatIfJob

STATES = [(state.value, state.value) for state in WhatIfJob.State]
TOTAL_CHOICES = [(each, each) for each in TOTALS]


class WhatIfTermsRow(Row):
    """Terms that can be tried."""

    key = Text("What `before` and `after` of a what-if take.")
    label = Text("What they are, for people.")


class WhatIfRow(Row):
    """A what-if: what was asked, and how far it is. An answer is kept until `expires`."""

    id = Whole("Its number.")
    programme = Text("The programme's slug.")
    state = serializers.ChoiceField(choices=STATES, help_text="`done`, `failed` and `cancelled` are final.")
    asked_by = Text("Who asked; nobody else cancels it.")
    epochs = serializers.ListField(child=serializers.IntegerField(), help_text="Numbers of the epochs.")
    before = Text("The terms that are compared with, in words.")
    after = Text("The terms that are tried, in words.")
    epochs_done = Whole("How many epochs are worked out.")
    events_done = Whole("Of the epoch that is being read.")
    events_total = Whole("Of the epoch that is being read; 0 between epochs.")
    error = Text("Why it failed, in sentences.", allow_null=True)
    asked_ms = Ms("When it was asked.")
    asked = Iso("The same in ISO 8601.")
    ended_ms = Ms("When it ended.", allow_null=True)
    ended = Iso("The same in ISO 8601.", allow_null=True)
    expires_ms = Ms("When it is thrown away; null while it is open.", allow_null=True)
    expires = Iso("The same in ISO 8601.", allow_null=True)


class Compared(Row):
    """Two amounts side by side."""

    before_raw = Raw("By the terms that are compared with.")
    after_raw = Raw("By the terms that are tried.")
    difference_raw = Raw("What the tried terms pay more; below 0: less.")


class WhatIfTotalRow(Compared):
    """A sum over all its epochs."""

    name = serializers.ChoiceField(choices=TOTAL_CHOICES, help_text="What is summed up.")


class WhatIfMakerRow(Compared):
    """What a maker would get over all its epochs."""

    maker = Text("The maker's slug.")


class WhatIfMarketRow(Compared):
    """What a market would cost over all its epochs."""

    market = Text("The market.")


class WhatIfSessionRow(Compared):
    """What a kind of session would bring makers over all its epochs, before caps."""

    kind = serializers.ChoiceField(choices=KIND_CHOICES, help_text="What kind of session.")


class WhatIfAnswerRow(WhatIfRow, TokenPart):
    """A what-if with its answer; the lists are empty until it is done."""

    totals = WhatIfTotalRow(many=True, help_text="Sums over all its epochs.")
    makers = WhatIfMakerRow(many=True, help_text="By maker, by slug.")
    markets = WhatIfMarketRow(many=True, help_text="By market, by name.")
    sessions = WhatIfSessionRow(many=True, help_text="By kind of session.")


class WhatIfDetailRow(Compared, TokenPart):
    """What a maker would get of a market in an epoch."""

    epoch = Whole("The epoch's number.")
    maker = Text("The maker's slug.")
    market = Text("The market.")
