"""Every setting of unloop.toml: its type, its default and what it is for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def setting(doc: str, default: Any = None, *, kind: str = "", least: float = 0) -> Any:
    """A documented setting.

    ``kind`` is ``duration``, ``reference``, ``path``, ``url``, ``fingerprints`` or '' for the plain type.
    A reference says where a secret is (``env:NAME``); it is left out of the repr, in case somebody wrote the secret there.
    ``least`` is the smallest number that it takes, in seconds where it is a duration.
    """
    metadata = {"doc": doc, "kind": kind, "least": least}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata, repr=kind != "reference")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where campaigns are kept."""

    url: str = setting(
        "SQLAlchemy URL: sqlite:///file or postgresql+psycopg://user@host/name; default: unloop.db in the state directory",
        "",
        kind="url",
    )
    password: str = setting("reference to the password of the database user", "", kind="reference")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """How workers are told that work is due."""

    url: str = setting("memory:// for one machine, redis://host:6379/0 for many", "memory://", kind="url")
    password: str = setting("reference to the broker's password", "", kind="reference")


@dataclass(frozen=True, slots=True)
class CredentialSettings:
    """One credential: an account, and where its secret is."""

    username: str = setting("account to log on with: name, DOMAIN\\name or name@realm", "")
    password: str = setting("reference to the password; {host} stands for the host's name", "", kind="reference")
    key: str = setting("reference to a private key (SSH, or WinRM certificate log-on)", "", kind="reference")
    certificate: str = setting("path of the client certificate for WinRM certificate log-on", "", kind="path")
    local: bool | None = setting(
        "true: an account of each host; false: one domain account; default: local unless the name holds a domain", None
    )

    @property
    def is_local(self) -> bool:
        """Whether each host has its own account of this name, so that only that host's can be locked out."""
        if self.local is not None:
            return self.local
        domain, separator, _ = self.username.partition("\\")
        return domain == "." if separator else "@" not in self.username


@dataclass(frozen=True, slots=True)
class DefaultSettings:
    """What holds for hosts of which the inventory says nothing else."""

    credentials: Mapping[str, tuple[str, ...]] = setting(
        "credentials for each channel, in the order to try: winrm = ['local-admin'], bmc = ['bmc'], dsrm = ['dsrm']", {}
    )
    bmc_channel: str = setting("channel to BMCs of which the inventory gives only the address", "redfish")


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How many at once; 0 means no limit."""

    in_flight: int = setting("hosts that one process works on at once, as far as its machine carries them", 5000)
    per_rack: int = setting("hosts of one rack that may be between power-off and power-on", 4)
    per_power_domain: int = setting("the same for one power domain", 16)
    per_site: int = setting("the same for one site", 100)
    power: int = setting("power operations of one worker process that may be under way at once", 200)
    bmc_spacing: float = setting(
        "least time between two commands to one BMC that change something", 5.0, kind="duration"
    )


@dataclass(frozen=True, slots=True)
class RaceSettings:
    """How windows are raced."""

    resets: int = setting("resets of one host before it climbs", 15)
    watch: float = setting("how long one boot is watched for a window", 300.0, kind="duration")
    spacing: float = setting("least time between two resets of one host", 30.0, kind="duration")
    observe: float = setting("how long a host is observed for evidence of a crash loop", 600.0, kind="duration")
    elapsed: float = setting("budget of a host without power control", 7200.0, kind="duration")
    silent_boots: int = setting("boots in a row without an open port after which a host counts as parked", 3)
    look: float = setting("how long each visit looks for an open port", 5.0, kind="duration")
    interval: float = setting(
        "between two probes of one port, where nothing is known of when it opens", 0.25, kind="duration", least=0.001
    )
    hot: float = setting(
        "the same while the port is due, and once the host gave a sign", 0.05, kind="duration", least=0.001
    )
    cold: float = setting("the same while the port can't be open yet", 1.0, kind="duration", least=0.001)
    ping: bool = setting("ping hosts as well, where this machine permits it: the first sign often comes so", True)
    windows_per_second: int = setting(
        "windows that one worker lets open in one second, by spreading resets", 100, least=1
    )
    strikes: int = setting("strikes that one worker has under way at once", 128, least=1)
    window: float = setting(
        "how long after its first open port a host is watched for its crash", 120.0, kind="duration"
    )
    crash_silence: float = setting(
        "how long a host must stay silent after an open port for that to count as a crash", 15.0, kind="duration"
    )
    strike: float = setting("the time allowed to one strike", 20.0, kind="duration")
    power: float = setting("the time allowed to one off-and-on sequence", 120.0, kind="duration")
    power_poll: float = setting("between two looks at the power state during a reset", 1.0, kind="duration")
    lease: float = setting("how long a worker may hold a host without a sign of life", 30.0, kind="duration", least=1)
    drain: float = setting(
        "how long hosts in work may end by themselves once a worker or a campaign is stopped; then others continue them",
        20.0,
        kind="duration",
    )
    threads: int = setting("threads for strikes of libraries that block", 16, least=1)


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """How a repair is proven."""

    timeout: float = setting("how long proof is waited for before the outcome is unverified", 1800.0, kind="duration")
    poll: float = setting("between two looks at a host whose remedy has landed", 10.0, kind="duration")
    restart_after: float = setting(
        "a host still up in the boot in which the remedy landed is restarted in an orderly way after this time",
        180.0,
        kind="duration",
    )


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Whom unloop believes to be the host it wants."""

    known_hosts: str = setting("SSH host keys in OpenSSH's format; default: ~/.ssh/known_hosts", "", kind="path")
    tls_ca: str = setting("PEM file of the authorities that signed hosts' and BMCs' certificates", "", kind="path")
    tls_fingerprints: Mapping[str, str] = setting(
        "SHA-256 of the certificate expected of a host or BMC address", {}, kind="fingerprints"
    )
    insecure: bool = setting("true: accept any certificate and host key; credentials can be stolen then", False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that unloop.toml says. ``sources`` are the files read; relative paths start at the file's directory."""

    store: StoreSettings = field(default_factory=StoreSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    credentials: Mapping[str, CredentialSettings] = field(default_factory=dict)
    defaults: DefaultSettings = field(default_factory=DefaultSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    race: RaceSettings = field(default_factory=RaceSettings)
    verify: VerifySettings = field(default_factory=VerifySettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    sources: tuple[Path, ...] = ()
