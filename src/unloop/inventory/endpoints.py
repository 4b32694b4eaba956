"""From a row's fields to the endpoints of a host: channels, ports, credentials and channel options."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from unloop import plugins
from unloop.channels.base import Target, parse_options
from unloop.errors import InputError, did_you_mean
from unloop.inventory import values
from unloop.inventory.fields import (
    BMC,
    CHANNELS,
    DSRM,
    OF_ENDPOINT,
    channel_class,
    is_in_band,
    is_out_of_band,
    option_names,
)
from unloop.inventory.judge import Judged
from unloop.inventory.trust import trusting
from unloop.inventory.values import Unfit
from unloop.model.host import Endpoint, Role, System
from unloop.settings.schema import Settings

USUAL: Mapping[System, tuple[str, ...]] = {System.WINDOWS: ("smb", "winrm"), System.LINUX: ("ssh",)}

_Options = tuple[tuple[str, str], ...]


class EndpointReader:
    """Makes endpoints by the settings' defaults; remembers what it has judged, since hosts are much alike."""

    def __init__(self, settings: Settings) -> None:
        self._known = settings.credentials
        self._defaults = settings.defaults
        self._trust = settings.trust
        self._default_names = lru_cache(self._default_credentials)
        self._named = lru_cache(maxsize=10_000)(self._named_credentials)
        self._channels = lru_cache(maxsize=1000)(_channels)
        self._check_options = lru_cache(maxsize=10_000)(_check_options)

    def read(
        self, judged: Judged, *, address: str, system: System, role: Role
    ) -> tuple[tuple[Endpoint, ...], Endpoint | None, list[Unfit]]:
        """The in-band endpoints, the BMC's, and what is wrong with them."""
        wrong: list[Unfit] = []
        endpoints: list[Endpoint] = []
        names, unfit = self._channels(judged.values.get("channels", ""), system)
        own, more = self._named("credential", judged.values.get("credential", ""))
        wrong += (*unfit, *more, *_misplaced(judged, names))
        for name in names:
            parts = {**_usual_options(name, system), **judged.parts.get(name, {})}
            endpoint = Endpoint(name, address, 0, own or self._default_names(name, role))
            endpoints.append(self._with_parts(endpoint, name, parts, wrong) if parts else endpoint)
        if role is Role.DOMAIN_CONTROLLER:
            wrong += self._only_local(endpoints)
        bmc = self._bmc(judged, wrong)
        trusted = tuple(trusting(endpoint, self._trust) for endpoint in endpoints)
        return trusted, trusting(bmc, self._trust) if bmc else None, wrong

    def dsrm_credentials(self, judged: Judged, role: Role, wrong: list[Unfit]) -> tuple[str, ...]:
        """The credentials of a domain controller in directory services repair mode."""
        text = judged.values.get("dsrm_credential", "")
        names, unfit = self._named("dsrm_credential", text)
        wrong += unfit
        if role is not Role.DOMAIN_CONTROLLER:
            if text:
                wrong.append(Unfit("dsrm_credential: given, but the host is no domain controller", "set role"))
            return ()
        return names or self._defaults.credentials.get(DSRM, ())

    def _bmc(self, judged: Judged, wrong: list[Unfit]) -> Endpoint | None:
        parts = judged.parts.get(BMC, {})
        address = judged.values.get(BMC, "")
        if not address:
            return None
        channel = judged.values.get("bmc_channel", "") or self._defaults.bmc_channel
        if channel not in plugins.names(CHANNELS) or not is_out_of_band(channel):
            known = [name for name in plugins.names(CHANNELS) if is_out_of_band(name)]
            wrong.append(Unfit(f"bmc_channel: no channel to BMCs is called {channel!r}", did_you_mean(channel, known)))
            return None
        endpoint = Endpoint(channel, address, 0, self._default_names(BMC, Role.PLAIN))
        return self._with_parts(endpoint, BMC, parts, wrong) if parts else endpoint

    def _with_parts(self, endpoint: Endpoint, field: str, parts: Mapping[str, str], wrong: list[Unfit]) -> Endpoint:
        """The endpoint with what a row says of it alone. ``field`` is what its fields begin with."""
        options = {part: text for part, text in parts.items() if part not in OF_ENDPOINT}
        wrong += self._check_options(endpoint.channel, field, tuple(options.items()))
        credentials, unfit = self._named(f"{field}_credential", parts.get("credential", ""))
        wrong += unfit
        address, port = endpoint.address, 0
        try:
            address = values.address(parts["address"]) if "address" in parts else address
            port = values.port(parts["port"]) if "port" in parts else 0
        except Unfit as error:
            wrong.append(Unfit(f"{field}: {error.what}", error.hint))
        return Endpoint(endpoint.channel, address, port, credentials or endpoint.credentials, options)

    def _named_credentials(self, field: str, text: str) -> tuple[tuple[str, ...], tuple[Unfit, ...]]:
        """The credentials that a text names. Without any credential in the settings there is nothing to compare with."""
        names = tuple(text.split())
        unknown = [name for name in names if self._known and name not in self._known]
        return names, tuple(
            Unfit(f"{field}: unloop.toml has no credential {name!r}", did_you_mean(name, self._known))
            for name in unknown
        )

    def _only_local(self, endpoints: Sequence[Endpoint]) -> list[Unfit]:
        """Credentials that were named for a domain controller, which has no local accounts (design section 7, rule 6)."""
        named = dict.fromkeys(
            endpoint.credentials
            for endpoint in endpoints
            if endpoint.credentials
            and all(name in self._known and self._known[name].is_local for name in endpoint.credentials)
        )
        hint = "name a domain's account; the account of its repair mode goes into dsrm_credential"
        return [
            Unfit(f"credential: {' '.join(names)}: a domain controller has no local account", hint) for names in named
        ]

    def _default_credentials(self, channel: str, role: Role) -> tuple[str, ...]:
        """Local accounts before domain ones, but on domain controllers, which have none (design section 7, rule 6)."""
        names = self._defaults.credentials.get(channel, ())
        if channel == BMC:
            return names
        local = tuple(name for name in names if self._known[name].is_local)
        domain = tuple(name for name in names if not self._known[name].is_local)
        return domain if role is Role.DOMAIN_CONTROLLER else local + domain


def _usual_options(channel: str, system: System) -> dict[str, str]:
    """Options that a channel has by itself on a system: OpenSSH for Windows gives PowerShell or cmd, and no sh."""
    return {"shell": "powershell"} if channel == "ssh" and system is System.WINDOWS else {}


def _channels(text: str, system: System) -> tuple[tuple[str, ...], tuple[Unfit, ...]]:
    """The in-band channels that a text names, or the usual ones of the system."""
    names = tuple(text.split()) or USUAL[system]
    installed = plugins.names(CHANNELS)
    wrong = [
        Unfit(f"channels: no channel is called {name!r}", did_you_mean(name, installed))
        for name in names
        if name not in installed
    ]
    wrong += [
        Unfit(f"channels: {name} reaches no system", "channels to a BMC go into bmc and bmc_channel")
        for name in names
        if name in installed and not is_in_band(name)
    ]
    if len(set(names)) < len(names):
        wrong.append(Unfit(f"channels: one is named twice in {text!r}"))
    return (USUAL[system] if wrong else names), tuple(wrong)


def _misplaced(judged: Judged, names: tuple[str, ...]) -> list[Unfit]:
    """Fields of channels that the host hasn't."""
    wrong: list[Unfit] = []
    for channel, parts in judged.parts.items():
        fields = ", ".join(f"{channel}_{part}" for part in parts)
        if channel == BMC and BMC not in judged.values:
            wrong.append(Unfit(f"{fields}: given, but no bmc", "add the BMC's address in bmc"))
        elif channel not in (BMC, *names):
            wrong.append(Unfit(f"{fields}: given, but the host's channels are {' '.join(names)}", "add it to channels"))
    return wrong


def _check_options(channel: str, field: str, options: _Options) -> tuple[Unfit, ...]:
    """What is wrong with a channel's options."""
    if not options:
        return ()
    known = option_names(channel)
    unknown = tuple(
        Unfit(f"{field}_{name}: channel {channel} has no option {name!r}", did_you_mean(name, known) or "it has none")
        for name, _ in options
        if name not in known
    )
    if unknown:
        return unknown
    try:
        parse_options(
            channel, channel_class(channel).Options, Target(host="", address="", port=0, options=dict(options))
        )
    except InputError as error:
        return tuple(Unfit(problem.what, problem.hint) for problem in error.problems)
    return ()
