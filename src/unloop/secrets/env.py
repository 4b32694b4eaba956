"""Secrets from environment variables: ``env:NAME``."""

import os

from unloop.errors import SecretError
from unloop.secrets.secret import Secret


def read(reference: str) -> Secret:
    """The value of an environment variable; an unset or empty one is an error."""
    text = os.environ.get(reference, "")
    if not text:
        state = "empty" if reference in os.environ else "not set"
        raise SecretError(f"the environment variable {reference} is {state}")
    return Secret(text)
