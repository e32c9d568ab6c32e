"""Notices: finding what happened, telling the people and programs who asked for it, and trying again."""
