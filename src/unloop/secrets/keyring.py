"""Secrets from the desktop's or the service account's keyring: ``keyring:SERVICE/USERNAME``."""

import importlib

from unloop.errors import SecretError
from unloop.secrets.secret import Secret


def read(reference: str) -> Secret:
    """The password that the keyring keeps for a user of a service."""
    service, separator, username = reference.partition("/")
    if not (service and separator and username):
        raise SecretError("a keyring reference is keyring:SERVICE/USERNAME")
    try:
        library = importlib.import_module("keyring")
    except ImportError as error:
        raise SecretError("references to a keyring need the keyring library: pip install 'unloop[keyring]'") from error
    try:
        text: str | None = library.get_password(service, username)
    except library.errors.KeyringError as error:
        raise SecretError(f"the keyring can't be read: {type(error).__name__}") from error
    if not text:
        raise SecretError(f"the keyring holds no password of {username} for {service}")
    return Secret(text)
