"""Answers carry which of the browser's powers our pages use: none."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

POWERS = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation"),
    *("gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment"),
    *("picture-in-picture", "screen-wake-lock", "serial", "sync-xhr", "usb", "xr-spatial-tracking"),
)
"""Passkeys are not among them: signing in may ask for one, on our own pages."""
POLICY = ", ".join([*(f"{power}=()" for power in POWERS), "publickey-credentials-get=(self)"])


class PermissionsPolicyMiddleware:
    """Sets Permissions-Policy; Django sets the other headers of its kind."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the header."""
        response = self.get_response(request)
        response["Permissions-Policy"] = POLICY
        return response
