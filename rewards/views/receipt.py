"""The receipt of one collection: how much, when, where to, what for; made to be printed."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rewards.selectors.collections import collection_get, paid_for
from rewards.selectors.treasury import maker_names
from rewards.views.pages import missing_is_404
from rewards.views.tax_files import decimal_text, price_of


@require_safe
@missing_is_404
def receipt(request: HttpRequest, account: str, tx_hash: str, log_index: int) -> HttpResponseBase:
    """Show one collection of an address, for whoever has the link: all of it is public."""
    row = collection_get(account=account, tx_hash=tx_hash, log_index=log_index)
    names = maker_names()
    price = price_of(row)
    worth = price and decimal_text(price.worth(raw=row.amount, decimals=row.token_decimals))
    return render(
        request,
        "claims/receipt.html",
        {
            "section": "collect",
            "account": account,
            "row": row,
            "paid_for": [
                {"row": each, "maker": names.get(each.maker, each.maker)} for each in paid_for(collection=row)
            ],
            "worth": worth,
            "currency": price.currency if price else "",
        },
    )
