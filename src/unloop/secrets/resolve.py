"""From a credential's name in the settings to the credential itself, read once and kept in memory only."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence

from unloop import plugins
from unloop.errors import SecretError, did_you_mean
from unloop.model.host import Host
from unloop.secrets.secret import Credential, Secret
from unloop.settings.schema import CredentialSettings, Settings

GROUP = "unloop.secrets"
HOST = "{host}"
_QUICK = ("env:", "file:")
_TRIED = 20
"""Hosts for which a secret is fetched from elsewhere before a campaign begins: a keyring takes its time."""
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
    known = settings.credentials
    return frozenset(
        account(known[name], host.name, of_bmc=of_bmc)
        for host in hosts
        for name, of_bmc in _names_of(host)
        if name in known
    )


def unreadable(settings: Settings, hosts: Sequence[Host]) -> tuple[str, ...]:
    """What is wrong with the secrets that these hosts and their BMCs need, read here and now, each told once.

    A reference that names the host is read for the first hosts only, unless it is a file or the environment.
    """
    credentials, found = Credentials(settings), dict[str, None]()
    for number, host in enumerate(hosts):
        for name, of_bmc in _names_of(host):
            entry = settings.credentials.get(name)
            is_slow = entry is not None and not (entry.password or entry.key).startswith(_QUICK)
            if entry is None or (is_slow and number >= _TRIED):
                continue
            try:
                credentials.get(name, host.name, of_bmc=of_bmc)
            except SecretError as error:
                found[str(error)] = None
    return tuple(found)


def _names_of(host: Host) -> Iterator[tuple[str, bool]]:
    """The credentials of a host, and whether they are its BMC's."""
    names = [*host.dsrm_credentials, *(name for endpoint in host.endpoints for name in endpoint.credentials)]
    yield from ((name, False) for name in dict.fromkeys(names))
    yield from ((name, True) for name in (host.bmc.credentials if host.bmc else ()))


def account(entry: CredentialSettings, host_name: str, *, of_bmc: bool = False) -> str:
    """What can be locked out: a domain account wherever it is used, a local one on its host or BMC alone.

    A domain account has one key for each way of writing it, so write ``DOMAIN\\name`` and ``name@realm`` not both.
    """
    username = entry.username.casefold()
    if not entry.is_local:
        return username
    where = f"{host_name}/bmc" if of_bmc else host_name
    return "\\".join((where.casefold(), username.removeprefix(".\\")))
