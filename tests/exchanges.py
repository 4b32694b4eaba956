"""Carrying exchanges out by hand: proofs are let pass."""

from typing import TypeVar

from unloop.channels.strike.exchange import PROOF, Messages, Pause

T = TypeVar("T")


def begun(messages: Messages[T]) -> bytes | Pause:
    """What an exchange sends first."""
    return beyond(messages, next(messages))


def told(messages: Messages[T], answer: bytes) -> bytes | Pause:
    """What an exchange sends when it is told an answer."""
    return beyond(messages, messages.send(answer))


def beyond(messages: Messages[T], outgoing: object) -> bytes | Pause:
    """What comes behind a proof that is let pass."""
    while outgoing is PROOF:
        outgoing = messages.send(b"")
    assert isinstance(outgoing, bytes | Pause)
    return outgoing
