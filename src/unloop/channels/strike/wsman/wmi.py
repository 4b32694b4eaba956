"""WMI over one conversation: queries, pulled to their end, and method calls."""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from unloop.channels.strike.exchange import Messages
from unloop.channels.strike.wsman.conversation import Asking, Conversation
from unloop.channels.strike.wsman.soap import Requests, local
from unloop.errors import ProtocolError

MOST = 50_000
"""Instances that are taken; a directory of more would take longer than any window."""
Queried = Messages[tuple[ET.Element, ...]]


class Wmi:
    """Asks the host's WMI; raises ChannelError."""

    def __init__(self, conversation: Conversation, requests: Requests) -> None:
        self._conversation, self._requests = conversation, requests

    @property
    def is_open(self) -> bool:
        """Whether more can be asked."""
        return self._conversation.is_open

    def query(self, text: str) -> Queried:
        """Every instance that a query means, or the properties of it that were asked for."""
        found, context = _batch((yield from self._conversation.ask(self._requests.enumerate(text))))
        while context is not None:
            more, context = _batch((yield from self._conversation.ask(self._requests.pull(context))))
            found += more
            if not more and context is not None:
                raise ProtocolError("the host says that there is more, and gives none")
            if len(found) > MOST:
                raise ProtocolError(f"the host lists more than {MOST:,} instances")
        return tuple(found)

    def invoke(self, kind: str, method: str, arguments: Mapping[str, str], *, name: str = "") -> Asking:
        """What a method gave back: of the class, or of the instance of that name."""
        answer = yield from self._conversation.ask(self._requests.invoke(kind, method, arguments, name=name))
        if local(answer) != f"{method}_OUTPUT":
            raise ProtocolError("the host's answer fits no question")
        return answer


def _batch(answer: ET.Element) -> tuple[list[ET.Element], str | None]:
    """The instances in an answer, and what to ask for the rest by; None when there are no more (DSP0226 8.2, 8.4)."""
    if local(answer) not in {"EnumerateResponse", "PullResponse"}:
        raise ProtocolError("the host's answer fits no question")
    parts = {local(child): child for child in answer}
    found = list(parts["Items"]) if "Items" in parts else []
    if "EndOfSequence" in parts:
        return found, None
    context = parts["EnumerationContext"].text if "EnumerationContext" in parts else None
    if not context:
        raise ProtocolError("the host says neither that there is more nor that this is all")
    return found, context
