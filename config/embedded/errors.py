"""What can go wrong with the embedded services, each as one sentence with a way on."""


class EmbeddedError(Exception):
    """An embedded service can't be started; the message says what, where and what to do."""
