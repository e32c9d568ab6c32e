"""Tags that write the entries of the form of terms: in Python, since a form of 200 markets has seven thousand."""

from html import escape

from django import template
from django.utils.safestring import SafeString

from rewards.views.terms_form import FieldView

register = template.Library()


@register.simple_tag
def entry(field: FieldView) -> SafeString:
    """Write one entry: label, text, unit, what is wrong with it, and its hint."""
    name, wrong = escape(field.name), bool(field.errors)
    unit = f'<span class="unit">{escape(field.unit)}</span>' if field.unit else ""
    errors = "".join(f'<span class="error">{escape(error)}</span>' for error in field.errors)
    hint = f'<span class="help">{escape(field.hint)}</span>' if field.hint else ""
    return SafeString(
        f'<div class="entry{" wrong" if wrong else ""}"><label for="{name}">{escape(field.label)}</label>'
        f'<span class="with-unit"><input id="{name}" name="{name}" value="{escape(field.value)}" inputmode="decimal" '
        f'autocomplete="off"{_INVALID if wrong else ""} aria-describedby="{name}-says">{unit}</span>'
        f'<span id="{name}-says" class="says">{errors}{hint}</span></div>'
    )


@register.simple_tag
def cell(field: FieldView, row: str) -> SafeString:
    """Write one entry of the table of sessions; `row` names the session in what is wrong with it."""
    name = escape(field.name)
    opened = (
        f'<input id="{name}" name="{name}" value="{escape(field.value)}" inputmode="decimal" autocomplete="off" '
        f'aria-label="{escape(field.label)}, in {escape(field.unit)}"'
    )
    if not field.errors:
        return SafeString(f'<span class="cell">{opened}></span>')
    return SafeString(
        f'<span class="cell wrong">{opened}{_INVALID} aria-describedby="{name}-says">'
        f'<span id="{name}-says" class="error">{escape(row)}: {escape(" ".join(field.errors))}</span></span>'
    )


_INVALID = ' aria-invalid="true"'
