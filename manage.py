#!/usr/bin/env python
"""Django's command line for Lamplight; without any setting it runs on the embedded services."""

import os
import sys

# These start services of their own, each with a data directory of its own, whose database they empty.
STAGED_COMMANDS = {"demo", "flow", "sandbox"}
# These need neither database nor chain, so nothing is started for them.
PLAIN_COMMANDS = STAGED_COMMANDS | {
    "help",
    "--help",
    "-h",
    "version",
    "--version",
    "collectstatic",
    "diffsettings",
    "compress",
    # These ask the node that they are told of; keystore asks nobody.
    "attest",
    "keystore",
    "verify_epoch",
    # Looks at files alone.
    "check_backup",
}


def main(argv: list[str]) -> int:
    """Run a management command with the settings that DJANGO_SETTINGS_MODULE names (default: local)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    if len(argv) > 1 and argv[1] in STAGED_COMMANDS:
        home = os.path.join(os.path.dirname(os.path.abspath(__file__)), ".lamplight", argv[1])
        os.environ.setdefault("LAMPLIGHT_DATA_DIR", home)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from audit.context import at_work
    from config.embedded import EmbeddedError
    from config.observing import NotInstalledError, observe
    from config.start import embedded_services

    try:
        if len(argv) > 1 and argv[1] not in PLAIN_COMMANDS:
            embedded_services()
            observe()
    except (EmbeddedError, ImproperlyConfigured, NotInstalledError) as error:
        print(error, file=sys.stderr)
        return 2
    with at_work(command=" ".join(argv[1:2])):
        execute_from_command_line(argv)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
