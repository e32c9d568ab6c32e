"""Local settings, with two pages and two tasks that only tests have."""

from config.settings.local import *  # noqa: F403

ROOT_URLCONF = "tests.watching.urls_for_test"
