"""Who is at work: what a request, a task or a command says of itself, for the entries of the audit log."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token

Facts = Mapping[str, object]
_FACTS: ContextVar[Callable[[], Facts] | None] = ContextVar("audit_facts", default=None)


def begin(facts: Callable[[], Facts]) -> Token[Callable[[], Facts] | None]:
    """Have the writes from here on carry what `facts` returns at the time of each; returns what `end` takes."""
    return _FACTS.set(facts)


def end(token: Token[Callable[[], Facts] | None]) -> None:
    """Go back to what was before."""
    _FACTS.reset(token)


@contextmanager
def at_work(**facts: object) -> Iterator[None]:
    """Have the writes inside carry these facts, for example command="migrate"."""
    token = begin(lambda: facts)
    try:
        yield
    finally:
        end(token)


def facts_now() -> Facts:
    """Return what the writes of this moment carry; empty outside of any request, task or command."""
    facts = _FACTS.get()
    return {} if facts is None else facts()
