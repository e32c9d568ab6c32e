"""Every route of the API's first version."""

from django.urls import path

from rewards.api import description, epochs, live, makers, programmes, quotes, what_ifs
from rewards.api.base import route

_EPOCH = "programmes/<slug:programme>/epochs/<int:number>"
_MAKER = "makers/<slug:maker>/programmes/<slug:programme>/epochs/<int:number>"
_MARKET = _MAKER + "/markets/<str:market>"

urlpatterns = [
    path("programmes", route(programmes.Programmes), name="programmes"),
    path("programmes/<slug:programme>", route(programmes.Programme), name="programme"),
    path("programmes/<slug:programme>/sessions", route(programmes.Sessions), name="sessions"),
    path("programmes/<slug:programme>/actions", route(programmes.Actions), name="actions"),
    path("programmes/<slug:programme>/claims", route(programmes.Claims), name="claims"),
    path("programmes/<slug:programme>/accounts/<account:account>/proof", route(programmes.Proof), name="proof"),
    path("programmes/<slug:programme>/markets", route(programmes.Markets), name="markets"),
    path("programmes/<slug:programme>/what-if-terms", route(what_ifs.WhatIfTerms), name="what-if-terms"),
    path("programmes/<slug:programme>/what-ifs", route(what_ifs.WhatIfs), name="what-ifs"),
    path("programmes/<slug:programme>/epochs", route(epochs.Epochs), name="epochs"),
    path(_EPOCH, route(epochs.OneEpoch), name="epoch"),
    path(_EPOCH + "/terms", route(epochs.Terms), name="terms"),
    path(_EPOCH + "/results", route(epochs.Results), name="results"),
    path(_EPOCH + "/evidence", route(epochs.Evidence), name="evidence"),
    path(_EPOCH + "/leaderboard", route(epochs.Leaderboard), name="leaderboard"),
    path("accounts/<account:account>", route(epochs.Account), name="account"),
    path("me", route(makers.Me), name="me"),
    path("makers", route(makers.Makers), name="makers"),
    path("makers/<slug:maker>/webhooks", route(makers.MakerWebhooks), name="maker-webhooks"),
    path("treasury/webhooks", route(makers.TreasuryWebhooks), name="treasury-webhooks"),
    path(_MAKER + "/standing", route(makers.Standing), name="standing"),
    path(_MAKER + "/live", live.stream, name="live"),
    path(_MAKER + "/scores", route(makers.Scores), name="scores"),
    path(_MAKER + "/allocations", route(makers.Allocations), name="allocations"),
    path(_MAKER + "/payments", route(makers.Payments), name="payments"),
    path(_MARKET + "/quotes", route(quotes.Quotes), name="quotes"),
    path(_MARKET + "/reasons", route(quotes.Reasons), name="reasons"),
    path(_MARKET + "/orders", route(quotes.Orders), name="orders"),
    path("what-ifs/<int:what_if>", route(what_ifs.WhatIf), name="what-if"),
    path("what-ifs/<int:what_if>/rows", route(what_ifs.WhatIfRows), name="what-if-rows"),
    path("openapi.json", route(description.Description), name="openapi"),
]
