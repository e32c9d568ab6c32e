"""`manage.py first_operator NAME`: make the first operator, for whom nobody else can."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.errors import AccountsError
from accounts.members import first_operator_make
from accounts.models import User


class Command(BaseCommand):
    """Gives one person the operator's role, as long as nobody has it."""

    help = "Make somebody the first operator. Further roles are given on the page Roles."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the person's account name."""
        parser.add_argument("name", help="the account name of who becomes the operator")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the operator, or say in a sentence why not."""
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"No account is called {options['name']}. They have to sign in once before.")
        try:
            first_operator_make(person=person)
        except AccountsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{person.username} is an operator now.")
