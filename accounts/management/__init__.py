"""Commands of Lamplight for manage.py."""
