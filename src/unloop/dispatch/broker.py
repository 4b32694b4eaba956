"""The broker's URL, with its password where the settings say that there is one."""

from urllib.parse import quote

from unloop.secrets.resolve import resolve
from unloop.settings.schema import Settings


def with_password(url: str, password: str) -> str:
    """A URL with the password of its user; ``password`` is text, percent-encoded here."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return (
        f"{scheme}://{user}:{quote(password, safe='')}@{host}"
        if at
        else f"{scheme}://:{quote(password, safe='')}@{rest}"
    )


def broker_url(settings: Settings) -> str:
    """The URL to connect to; raises SecretError."""
    broker = settings.broker
    if not broker.password:
        return broker.url
    return with_password(broker.url, resolve(broker.password, meaning="the broker's password").reveal())
