"""Which fleets are refused before a port is taken."""

from dataclasses import replace
from pathlib import Path

import pytest

from unloop.errors import InputError
from unloop.model.host import System
from unloop.rehearsal import scenario
from unloop.rehearsal.certificate import issue
from unloop.rehearsal.fleet import Fleet
from unloop.rehearsal.spec import Kind, MachineSpec, Service


def host(*services: Service) -> MachineSpec:
    """A healthy Windows host with these services and no BMC."""
    drawn = scenario.generate(1, 1, systems=(System.WINDOWS,))[0]
    return replace(drawn, kind=Kind.HEALTHY, services=services, bmc_channel="")


@pytest.mark.parametrize(
    ("service", "has_certificate", "reason"),
    [
        (Service("winrm", 5986, is_tls=True), False, "winrm through TLS needs a certificate"),
        (Service("smb", 445, is_tls=True), True, "smb does not speak TLS"),
        (Service("telnet", 23), True, "channel telnet can't be simulated"),
    ],
)
def test_services_that_can_not_be(tmp_path: Path, service: Service, has_certificate: bool, reason: str) -> None:
    """A service that can't be simulated, or not so, is named together with the reason."""
    certificate = tmp_path / "server.pem"
    certificate.write_bytes(issue(["127.0.0.1"]).server)
    with pytest.raises(InputError, match=reason):
        Fleet([host(service)], {}, certificate=certificate if has_certificate else None)
