"""What may stand in an address of the site, beyond Django's own kinds."""


class TextConverter:
    """A text of one form, handed on as it is."""

    regex: str

    def to_python(self, value: str) -> str:
        """Hand views the text."""
        return value

    def to_url(self, value: str) -> str:
        """Write the text."""
        return value


class AddressConverter(TextConverter):
    """An account on the chain; capitals are welcome and become lower case."""

    regex = "0x[0-9a-fA-F]{40}"

    def to_python(self, value: str) -> str:
        """Hand views lower case."""
        return value.lower()

    def to_url(self, value: str) -> str:
        """Write lower case."""
        return value.lower()


class RootConverter(TextConverter):
    """A Merkle root, 0x hex."""

    regex = "0x[0-9a-f]{64}"


class TableConverter(TextConverter):
    """The form of a table that is downloaded."""

    regex = "csv|parquet"


class TermsFormConverter(TextConverter):
    """The two forms of a file of terms."""

    regex = "json|toml"
