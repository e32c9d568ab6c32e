"""Tags that write amounts, times, shares and addresses the same way on every page."""

import datetime as dt
from typing import Protocol

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rewards.views import words

register = template.Library()


class TokenLike(Protocol):
    """Whatever names the token that an amount is in: a programme does."""

    token_symbol: str
    token_decimals: int


@register.simple_tag
def amount(raw: int | None, token: TokenLike) -> SafeString:
    """Write an amount with its symbol; the full number is in the title and in the machine-readable value."""
    if raw is None:
        return _nothing()
    text = words.amount_text(raw=raw, decimals=token.token_decimals)
    return format_html(
        '<data class="amount" value="{}" title="{} {}">{}&nbsp;<span class="unit">{}</span></data>',
        raw, text.full, token.token_symbol, text.short, token.token_symbol,
    )  # fmt: skip


@register.simple_tag
def amount_cell(raw: int | None, token: TokenLike) -> SafeString:
    """Write an amount for a column: two decimals always, the symbol stands in the column's head."""
    if raw is None:
        return _nothing()
    text = words.amount_text(raw=raw, decimals=token.token_decimals, in_column=True)
    return format_html(
        '<data class="amount" value="{}" title="{} {}">{}</data>', raw, text.full, token.token_symbol, text.short
    )


@register.simple_tag
def amount_bare(raw: int, token: TokenLike) -> str:
    """Write an amount's number alone, two decimals always: for a figure whose unit stands beside it."""
    return words.amount_text(raw=raw, decimals=token.token_decimals, in_column=True).short


@register.simple_tag
def amount_brief(raw: int, token: TokenLike) -> SafeString:
    """Write an amount for a crowded table; the full number is in the title."""
    text = words.amount_text(raw=raw, decimals=token.token_decimals)
    brief = words.brief_text(raw=raw, decimals=token.token_decimals)
    return format_html('<data value="{}" title="{} {}">{}</data>', raw, text.full, token.token_symbol, brief)


@register.simple_tag
def amount_full(raw: int | None, token: TokenLike) -> SafeString:
    """Write an amount to the last digit, for Details."""
    if raw is None:
        return _nothing()
    text = words.amount_text(raw=raw, decimals=token.token_decimals)
    return format_html('<data class="amount full" value="{}">{} {}</data>', raw, text.full, token.token_symbol)


@register.simple_tag
def amount_signed(raw: int, token: TokenLike) -> SafeString:
    """Write a difference to the last digit with its sign, plus as well."""
    text = words.amount_text(raw=abs(raw), decimals=token.token_decimals)
    sign = "+" if raw > 0 else "−" if raw < 0 else ""
    return format_html('<data class="amount full" value="{}">{}{} {}</data>', raw, sign, text.full, token.token_symbol)


@register.simple_tag
def moment(time_ms: int | None) -> SafeString:
    """Write a time by New York's clock and, smaller, by UTC."""
    if time_ms is None:
        return _nothing()
    text = words.moment_text(time_ms=time_ms)
    return format_html(
        '<time class="moment" datetime="{}"><span class="local">{}&nbsp;New&nbsp;York</span> '
        '<span class="utc">{}&nbsp;UTC</span></time>',
        text.iso, text.new_york, text.utc,
    )  # fmt: skip


@register.simple_tag
def moment_at(at: dt.datetime | None) -> SafeString:
    """Write a time of this service's own records."""
    return moment(None if at is None else int(at.timestamp() * 1000))


@register.simple_tag
def period(start_ms: int, end_ms: int) -> str:
    """Write a span of New York days: 9 to 15 Nov 2026."""
    return words.period_text(start_ms=start_ms, end_ms=end_ms)


@register.simple_tag
def share(part: int, whole: int) -> str:
    """Write part of whole as per cent."""
    return words.share_text(part=part, whole=whole)


@register.filter
def ppm(parts: int) -> str:
    """Write parts per million as per cent."""
    return words.share_text(part=parts, whole=1_000_000)


@register.filter
def bps(value: int) -> str:
    """Write basis points as per cent."""
    return words.bps_text(bps=value)


@register.filter
def boost(percent: int) -> str:
    """Write a boost as a multiple of the base rate."""
    return words.boost_text(percent=percent)


@register.filter
def duration(ms: int) -> str:
    """Write a length of time in words."""
    return words.duration_text(ms=ms)


@register.filter
def hours(ms: int) -> str:
    """Write a length of time in hours."""
    return words.hours_text(ms=ms)


@register.filter
def kind_name(kind: str) -> str:
    """Name a kind of session as people do."""
    return words.KIND_NAMES.get(kind, kind)


@register.filter
def until(time_ms: int, clock_ms: int) -> int:
    """Say how many ms remain from the clock to a time; none when it has passed."""
    return max(time_ms - clock_ms, 0)


@register.filter
def hexa(text: str) -> SafeString:
    """Show an address or a hash shortened, whole in the title."""
    return format_html('<code class="hex" title="{}">{}</code>', text, words.short_hex(text)) if text else _nothing()


def _nothing() -> SafeString:
    return format_html(
        '<span class="nothing"><span aria-hidden="true">–</span><span class="sr">{}</span></span>', "none"
    )
