"""The WS-Management service of one host: a message in, the body of its answer out, or something to wait for."""

from unloop.rehearsal.winrm import config, fault, names
from unloop.rehearsal.winrm.enumerations import Enumerations, asked
from unloop.rehearsal.winrm.fault import Fault
from unloop.rehearsal.winrm.remote_shell import Host
from unloop.rehearsal.winrm.shells import Receiving, Shells
from unloop.rehearsal.winrm.soap import Message
from unloop.rehearsal.winrm.wmi import Wmi, is_wmi


class WsMan:
    """What all connections to a host share."""

    def __init__(self, host: Host, *, takes_basic: bool = False) -> None:
        self.host, self._takes_basic = host, takes_basic
        self._wmi = Wmi(host.machine, host.later)
        self._begin()

    def _begin(self) -> None:
        """Neither shells nor enumerations outlive a boot."""
        self._boot = self.host.machine.boots
        self._shells = Shells(self.host)
        self._enumerations = Enumerations()

    def handle(self, message: Message) -> str | Receiving:
        """Carry out one message; raises Fault."""
        if self._boot != self.host.machine.boots:
            self._begin()
        if message.is_identify:
            return config.identity(is_proven=True, takes_basic=self._takes_basic)
        if message.action == names.GET:
            return self._get(message)
        if message.action == names.ENUMERATE:
            return self._enumerate(message)
        if message.action == names.PULL:
            return self._enumerations.pull(message)
        if message.action == names.RELEASE:
            return self._enumerations.release(message)
        if is_wmi(message.resource) and message.action.lower().startswith(f"{message.resource.lower()}/"):
            return self._wmi.invoke(message)
        return self._speak(message)

    def _speak(self, message: Message) -> str | Receiving:
        """What shells are asked."""
        shells = self._shells
        if message.action == names.RECEIVE:
            return shells.receive(message)
        known = {
            names.CREATE: shells.create,
            names.COMMAND: shells.command,
            names.SEND: shells.send,
            names.SIGNAL: shells.signal,
            names.DELETE: shells.delete,
        }
        if message.action not in known:
            raise Fault(fault.ACTION_NOT_SUPPORTED)
        return known[message.action](message)

    def _get(self, message: Message) -> str:
        resource = message.resource.lower()
        if resource == names.CONFIG:
            return config.configuration(takes_basic=self._takes_basic)
        if is_wmi(resource):
            return self._wmi.get(message)
        if resource.startswith((names.SHELL, names.POWERSHELL)):
            return self._shells.get(message)
        raise Fault(fault.INVALID_URI)

    def _enumerate(self, message: Message) -> str:
        wanted = asked(message)
        if is_wmi(message.resource):
            items = self._wmi.enumerate(message, wanted.dialect, wanted.filter)
            return self._enumerations.begin(items, wanted.at_once, message.room)
        if message.resource.lower() in {names.SHELL, names.CMD_SHELL}:
            if wanted.dialect:
                raise Fault(fault.NO_PROPERTY_FILTER)
            return self._enumerations.begin(self._shells.listed(), wanted.at_once, message.room)
        raise Fault(fault.INVALID_URI)
