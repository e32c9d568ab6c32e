"""`manage.py keystore`: make an encrypted keystore file for a hot key."""

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from eth_account import Account

from onchain.signers import KeySigner, SignerError


class Command(BaseCommand):
    """Make a new key, or take one from standard input; the password is asked for or read from a file."""

    help = "Write an encrypted keystore file for a hot key (proposer, relayer, attestor) and print its account."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("file", type=Path, help="the file to write; it must not exist")
        parser.add_argument("--import", dest="takes", action="store_true", help="take the key from standard input")
        parser.add_argument("--password-file", type=Path, help="read the password here instead of asking for it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, readable by its owner alone."""
        path: Path = options["file"]
        key = sys.stdin.readline().strip() if options["takes"] else "0x" + os.urandom(32).hex()
        try:
            KeySigner(key)
        except SignerError:
            raise CommandError("Standard input has no private key: 32 bytes as 0x hex.") from None
        account = Account.from_key(key)
        content = json.dumps(Account.encrypt(account.key, self._password(options["password_file"])))
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} can't be written: {error.strerror}. Nothing was changed.") from error
        with os.fdopen(handle, "w") as file:
            file.write(content)
        self.stdout.write(f"{account.address.lower()} is in {path}. Keep a copy of the file and of its password.")

    def _password(self, path: Path | None) -> str:
        try:
            password = path.read_text().rstrip("\r\n") if path else getpass.getpass("Password of the keystore: ")
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from error
        if len(password) < 12:
            raise CommandError("A keystore's password has at least 12 characters.")
        return password
