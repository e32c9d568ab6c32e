"""Tags that write the entries of the form of terms: in Python, since a form of forty markets has two thousand."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rewards.views.terms_form import FieldView

register = template.Library()
_INVALID = SafeString(' aria-invalid="true"')
_NOTHING = SafeString("")


@register.simple_tag
def entry(field: FieldView) -> SafeString:
    """Write one entry: label, text, unit, what is wrong with it, and its hint."""
    wrong = bool(field.errors)
    return format_html(
        '<div class="entry{}"><label for="{}">{}</label><span class="with-unit"><input id="{}" name="{}" value="{}" '
        'inputmode="decimal" autocomplete="off"{} aria-describedby="{}-says">{}</span>'
        '<span id="{}-says" class="says">{}{}</span></div>',
        " wrong" if wrong else "", field.name, field.label, field.name, field.name, field.value,
        _INVALID if wrong else _NOTHING, field.name,
        format_html('<span class="unit">{}</span>', field.unit) if field.unit else "",
        field.name, format_html_join("", '<span class="error">{}</span>', ((error,) for error in field.errors)),
        format_html('<span class="help">{}</span>', field.hint) if field.hint else "",
    )  # fmt: skip


@register.simple_tag
def cell(field: FieldView, row: str) -> SafeString:
    """Write one entry of the table of sessions; `row` names the session in what is wrong with it."""
    if not field.errors:
        return format_html(
            '<span class="cell"><input id="{}" name="{}" value="{}" inputmode="decimal" autocomplete="off" '
            'aria-label="{}, in {}"></span>',
            field.name, field.name, field.value, field.label, field.unit,
        )  # fmt: skip
    return format_html(
        '<span class="cell wrong"><input id="{}" name="{}" value="{}" inputmode="decimal" autocomplete="off" '
        'aria-label="{}, in {}" aria-invalid="true" aria-describedby="{}-says">'
        '<span id="{}-says" class="error">{}: {}</span></span>',
        field.name, field.name, field.value, field.label, field.unit, field.name, field.name, row,
        " ".join(field.errors),
    )  # fmt: skip
