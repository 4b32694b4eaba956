"""Redfish: power and one-time boot through a BMC's HTTPS service (DMTF DSP0266, ComputerSystem schema)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from unloop.channels.base import Channel, Deadline, Target
from unloop.channels.mapping import placed
from unloop.channels.redfish_http import RedfishHttp
from unloop.channels.redfish_quirks import quirk_of
from unloop.channels.tls import TlsPolicy
from unloop.channels.uuid import canonical
from unloop.errors import ChannelError, ConnectionLost, DeadlineExceeded, LogonUndecided, ProtocolError, Unsupported
from unloop.model.power import BootDevice, PowerState

ROOT = "/redfish/v1"
STATES = {"on": PowerState.ON, "off": PowerState.OFF}
TARGETS = {BootDevice.NETWORK: "Pxe", BootDevice.MEDIA: "Cd", BootDevice.DISK: "Hdd"}


@dataclass(frozen=True, slots=True)
class RedfishOptions:
    """How to reach a BMC over Redfish.

    ``system``: the id of the computer system, where a service has several. ``tls_ca``, ``tls_fingerprint`` and
    ``insecure``: whom to trust (a PEM file, the SHA-256 of the certificate, or anybody).
    """

    system: str = ""
    tls_ca: str = ""
    tls_fingerprint: str = ""
    insecure: bool = False


class RedfishChannel(Channel):
    """Power over Redfish. Basic log-on with every request, so that no session is left behind on a BMC."""

    name: ClassVar[str] = "redfish"
    default_port: ClassVar[int] = 443
    title: ClassVar[str] = "Power and one-time boot over Redfish (HTTPS)"
    Options: ClassVar[type[RedfishOptions]] = RedfishOptions

    def __init__(self, target: Target, deadline: Deadline) -> None:
        super().__init__(target, deadline)
        self._settings: RedfishOptions = self.options
        self._http: RedfishHttp | None = None
        self._path = ""

    def open(self) -> None:
        """Find the computer system; the first request proves the log-on."""
        settings = self._settings
        policy = TlsPolicy(settings.tls_ca, settings.tls_fingerprint, settings.insecure)
        with self._placed():
            if self.target.credential is None:
                raise LogonUndecided("no credential is given")
            self._http = RedfishHttp(
                self.target.address,
                self.port,
                credential=self.target.credential,
                policy=policy,
                deadline=self.deadline,
            )
            self._http.check_peer()
            self._path = self._find_system()

    def close(self) -> None:
        """End the connection."""
        http, self._http = self._http, None
        if http is not None:
            http.close()

    def power_state(self) -> PowerState:
        """What the service says; PoweringOn and PoweringOff are changes under way."""
        with self._placed():
            told = str(self._system()[0].get("PowerState", "")).lower()
            return STATES.get(told, PowerState.CHANGING)

    def power_off(self) -> None:
        """Order ForceOff, once."""
        self._reset("ForceOff", PowerState.OFF)

    def power_on(self) -> None:
        """Order On, once."""
        self._reset("On", PowerState.ON)

    def system_uuid(self) -> str:
        """The system's UUID, '' when the service does not tell."""
        with self._placed():
            return canonical(str(self._system()[0].get("UUID") or ""))

    def set_boot_once(self, device: BootDevice) -> None:
        """Set BootSourceOverride for one boot."""
        self._override({"BootSourceOverrideTarget": TARGETS[device], "BootSourceOverrideEnabled": "Once"})

    def clear_boot_once(self) -> None:
        """Take the override back."""
        self._override({"BootSourceOverrideTarget": "None", "BootSourceOverrideEnabled": "Disabled"})

    @property
    def _service(self) -> RedfishHttp:
        if self._http is None:
            raise ConnectionLost("the channel is not open")
        return self._http

    def _find_system(self) -> str:
        wanted = self._settings.system
        if wanted:
            return f"{ROOT}/Systems/{wanted}"
        collection, _ = self._service.get(f"{ROOT}/Systems")
        try:
            members = [str(member["@odata.id"]) for member in collection["Members"]]
        except (KeyError, TypeError) as error:
            raise ProtocolError("the service lists no computer systems") from error
        if len(members) != 1:
            names = ", ".join(member.rpartition("/")[2] for member in members) or "none"
            raise Unsupported(f"the service has {len(members)} computer systems ({names}); name one (bmc_system)")
        return members[0]

    def _system(self) -> tuple[dict[str, Any], str]:
        return self._service.get(self._path)

    def _reset(self, kind: str, wanted: PowerState) -> None:
        """Order a reset of one kind. A refusal counts as success when the host is already as wanted.

        Dell iDRAC10 answers 409 to On just after off, and many answer 400 or 409 to an order that changes nothing.
        """
        with self._placed():
            system, _ = self._system()
            action = _action(system, kind)
            try:
                self._service.send_once("POST", action, {"ResetType": kind})
            except (ConnectionLost, DeadlineExceeded):
                raise
            except ProtocolError:
                if STATES.get(str(self._system()[0].get("PowerState", "")).lower()) is not wanted:
                    raise

    def _override(self, boot: dict[str, str]) -> None:
        """Change the boot override with the ETag just read; a service whose ETags do not match its own gets none."""
        with self._placed():
            system, etag = self._system()
            quirk = quirk_of(str(system.get("Manufacturer") or ""), str(system.get("Model") or ""))
            if quirk.needs_mode:
                boot = {
                    **boot,
                    "BootSourceOverrideMode": str(system.get("Boot", {}).get("BootSourceOverrideMode", "UEFI")),
                }
            try:
                self._service.send_once("PATCH", self._path, {"Boot": boot}, etag=etag)
            except ProtocolError as error:
                if ": 412:" not in error.message:
                    raise
                self._service.send_once("PATCH", self._path, {"Boot": boot})

    @contextmanager
    def _placed(self) -> Iterator[None]:
        try:
            yield
        except ChannelError as error:
            raise error if error.host else placed(error, self.target, self.name) from error


def _action(system: dict[str, Any], kind: str) -> str:
    """Where a reset of a kind is ordered; raises Unsupported when the system says that it can't."""
    try:
        action = system["Actions"]["#ComputerSystem.Reset"]
        target = str(action["target"])
    except (KeyError, TypeError) as error:
        raise Unsupported("the system has no reset action") from error
    permitted = action.get("ResetType@Redfish.AllowableValues")
    if isinstance(permitted, list) and kind not in permitted:
        raise Unsupported(f"the system permits {', '.join(map(str, permitted))}, not {kind}")
    return target
