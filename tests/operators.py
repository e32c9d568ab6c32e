"""The operator who sets tests up by program: never stored, so that no test counts them among its people."""

from accounts.models import User

OPERATOR = User(username="set-up", role=User.Role.OPERATOR)
