"""Commands of the chain side for manage.py."""
