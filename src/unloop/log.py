"""Structured log lines: an event in past tense plus fields, as text for people or JSON for machines."""

import json
import logging
from typing import Any

LIBRARIES = ("paramiko", "pypsrp", "smbprotocol", "spnego", "urllib3")
"""They log with a traceback what they also raise; the channels turn that into one error of ours."""

_PLAIN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


def get_logger(name: str) -> logging.Logger:
    """The logger of a module."""
    return logging.getLogger(name)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that were given with ``extra``."""
    return {key: value for key, value in record.__dict__.items() if key not in _PLAIN}


class TextFormatter(logging.Formatter):
    """``time level event field=value …`` on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line for people."""
        line = super().format(record)
        return " ".join([line, *(f"{key}={value}" for key, value in fields_of(record).items())])


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line for machines."""
        document = {"at": record.created, "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps({**document, **fields_of(record)}, default=str)


def configure(*, verbose: bool = False, as_json: bool = False) -> None:
    """Send our log lines to stderr; those of libraries only from warning up, and never their debug output."""
    handler = logging.StreamHandler()
    text = TextFormatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonFormatter() if as_json else text)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL)
    logging.getLogger("unloop").setLevel(logging.DEBUG if verbose else logging.WARNING)
