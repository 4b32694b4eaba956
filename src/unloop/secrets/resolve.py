"""From a credential's name in the settings to the credential itself, read once and kept in memory only."""

import re
import threading
from collections.abc import Iterable

from unloop import plugins
from unloop.errors import SecretError, did_you_mean
from unloop.model.host import Host
from unloop.secrets.secret import Credential, Secret
from unloop.settings.schema import CredentialSettings, Settings

GROUP = "unloop.secrets"
HOST = "{host}"
_SAFE_NAME = re.compile(r"\w[\w.-]*")


def resolve(reference: str, *, meaning: str = "the reference") -> Secret:
    """Read the secret that a reference (``env:NAME``, ``file:PATH``, …) points to. ``meaning`` names it in errors."""
    source, separator, rest = reference.partition(":")
    if not separator or source not in plugins.names(GROUP):
        sources = ", ".join(f"{name}:" for name in plugins.names(GROUP))
        raise SecretError(
            f"{meaning} is not a reference to a secret (it is not shown); it must start with one of: {sources}"
        )
    try:
        secret: Secret = plugins.load(GROUP, source)(rest)
    except SecretError as error:
        raise SecretError(f"{meaning}: {error}") from error
    return secret


class Credentials:
    """Resolves the settings' credentials. Each secret is read when first needed; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secrets: dict[str, Secret] = {}
        self._lock = threading.Lock()

    def get(self, name: str, host_name: str, *, of_bmc: bool = False) -> Credential:
        """The credential for a host, or with ``of_bmc`` for its BMC, whose accounts are not those of the system."""
        known = self._settings.credentials
        if name not in known:
            hint = did_you_mean(name, known) or "the settings hold none: unloop.toml needs [credentials.NAME]"
            raise SecretError(f"no credential is called {name!r}; {hint}")
        entry = known[name]
        return Credential(
            name=name,
            username=entry.username,
            password=self._secret(entry.password, f"the password of credential {name!r}", host_name) or Secret(""),
            account=account(entry, host_name, of_bmc=of_bmc),
            is_local=entry.is_local,
            key=self._secret(entry.key, f"the key of credential {name!r}", host_name),
            certificate=entry.certificate,
        )

    def _secret(self, reference: str, meaning: str, host_name: str) -> Secret | None:
        if not reference:
            return None
        if HOST in reference:
            if not _SAFE_NAME.fullmatch(host_name):
                raise SecretError(f"{meaning}: the host name {host_name!r} can't stand for {HOST}")
            reference = reference.replace(HOST, host_name)
        with self._lock:
            if reference not in self._secrets:
                self._secrets[reference] = resolve(reference, meaning=meaning)
            return self._secrets[reference]


def accounts_of(settings: Settings, hosts: Iterable[Host]) -> frozenset[str]:
    """Every account with which one of these hosts or its BMC may be logged on to."""
    known, found = settings.credentials, set[str]()
    for host in hosts:
        names = {*host.dsrm_credentials, *(name for endpoint in host.endpoints for name in endpoint.credentials)}
        found |= {account(known[name], host.name) for name in names if name in known}
        of_bmc = host.bmc.credentials if host.bmc else ()
        found |= {account(known[name], host.name, of_bmc=True) for name in of_bmc if name in known}
    return frozenset(found)


def account(entry: CredentialSettings, host_name: str, *, of_bmc: bool = False) -> str:
    """What can be locked out: a domain account wherever it is used, a local one on its host or BMC alone.

    A domain account has one key for each way of writing it, so write ``DOMAIN\\name`` and ``name@realm`` not both.
    """
    username = entry.username.casefold()
    if not entry.is_local:
        return username
    where = f"{host_name}/bmc" if of_bmc else host_name
    return "\\".join((where.casefold(), username.removeprefix(".\\")))
