"""The navigation of the treasury's desk, on each of its pages."""

from typing import Any

from django import template

from rewards.views.desk_rooms import rooms

register = template.Library()


@register.inclusion_tag("treasury/_rooms.html", takes_context=True)
def desk_rooms(context: dict[str, Any]) -> dict[str, Any]:
    """Draw the rooms where the page is one of the desk's, else nothing."""
    request = context.get("request")
    return {"rooms": rooms(request) if request is not None else []}
