"""Which rungs one host can climb with one order, and why it can't climb safe mode."""

from unloop.channels.base import abilities
from unloop.channels.strike.registry import strike_for
from unloop.model.host import Endpoint, Host, Role, System
from unloop.model.host_run import Rung
from unloop.model.options import CampaignOptions
from unloop.model.order import Order
from unloop.plugins import load
from unloop.runner.strike import striking_endpoints

_NEEDED = frozenset({"service_command", "files"})


def rungs_for(host: Host, order: Order, options: CampaignOptions) -> tuple[Rung, ...]:
    """The campaign's ladder without the rungs that this host can't climb; people are always left."""
    ladder = tuple(Rung(name) for name in options.ladder)
    if not striking_endpoints(host, order):
        return tuple(rung for rung in ladder if rung is Rung.HANDS_ON)
    return tuple(rung for rung in ladder if rung is not Rung.SAFE_MODE or not why_no_safe_mode(host, order, options))


def why_no_safe_mode(host: Host, order: Order, options: CampaignOptions) -> str:
    """Why safe mode is not offered to a host, '' when it is."""
    if host.system is not System.WINDOWS:
        return "it is Windows' own"
    endpoint = safe_boot_endpoint(host)
    if endpoint is None:
        return "no channel of the host runs a command through service control (smb does)"
    strike = strike_for(endpoint.channel)
    if strike is None or not strike.can_carry(order):
        return f"{endpoint.channel} can't carry this remedy, and no other channel is there in safe mode"
    if host.role is Role.DOMAIN_CONTROLLER and not options.dsrepair:
        return "a domain controller, and the playbook does not say safe_mode: {dsrepair: true}"
    if host.role is Role.DOMAIN_CONTROLLER and not host.dsrm_credentials:
        return "a domain controller without a DSRM credential (dsrm_credential)"
    return ""


def safe_boot_endpoint(host: Host) -> Endpoint | None:
    """The endpoint over which the safe boot flag can be set: it moves files and starts commands."""
    found = (endpoint for endpoint in host.endpoints if endpoint.credentials and abilities_of(endpoint) >= _NEEDED)
    return next(found, None)


def abilities_of(endpoint: Endpoint) -> frozenset[str]:
    """The abilities of an endpoint's channel by name."""
    channel = load("unloop.channels", endpoint.channel)
    return frozenset(abilities(channel)) if isinstance(channel, type) else frozenset()
