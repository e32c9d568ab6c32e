"""What the services of makers tell others, inside the transaction of the change: who fails to hear it undoes it."""

from django.dispatch import Signal

people_changed = Signal()
"""Somebody was removed from a maker, or became an admin of it or no longer one.

maker: Maker. by: Person. person: User, whom it is about. what: it in a sentence. told: list of User: the person, and
every member before and after the change.
"""
