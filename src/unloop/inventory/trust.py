"""The settings' trust becomes options of the endpoints, where an inventory says nothing else."""

from collections.abc import Mapping
from dataclasses import replace

from unloop.model.host import Endpoint
from unloop.settings.schema import TrustSettings


def trusting(endpoint: Endpoint, trust: TrustSettings) -> Endpoint:
    """The endpoint with the options that the settings' trust means for its channel; its own options win."""
    means = _MEANINGS.get(endpoint.channel)
    if means is None:
        return endpoint
    told = {name: text for name, text in means(endpoint, trust).items() if text}
    return replace(endpoint, options={**told, **endpoint.options}) if told else endpoint


def _redfish(endpoint: Endpoint, trust: TrustSettings) -> Mapping[str, str]:
    return {
        "tls_ca": trust.tls_ca,
        "tls_fingerprint": trust.tls_fingerprints.get(endpoint.address, ""),
        "insecure": "true" if trust.insecure else "",
    }


def _ssh(_endpoint: Endpoint, trust: TrustSettings) -> Mapping[str, str]:
    return {"known_hosts": trust.known_hosts, "host_keys": "accept_new" if trust.insecure else ""}


def _winrm(_endpoint: Endpoint, trust: TrustSettings) -> Mapping[str, str]:
    return {"cert_validation": "false" if trust.insecure else trust.tls_ca}


_MEANINGS = {"redfish": _redfish, "ssh": _ssh, "winrm": _winrm}
