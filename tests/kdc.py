"""A realm of MIT Kerberos on loopback: its KDC, one account, and the keys of services."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import servers
from unloop.channels.strike.tickets import account_of

REALM, PASSWORD = "UNLOOP.TEST", "canary-Passw0rd"


@contextlib.contextmanager
def realm(home: Path, account: str, *services: str) -> Iterator[Path]:
    """Run a KDC for the length of a with block, with this process as its client; yields the keytab of the services."""
    servers.require_library("gssapi", "the extra unloop[kerberos] is not installed")
    programs = {name: servers.require(name) for name in ("krb5kdc", "kdb5_util", "kadmin.local")}
    port = servers.free_port()
    _configure(home, port)
    environment = {
        "KRB5_CONFIG": f"{home}/krb5.conf",
        "KRB5_KDC_PROFILE": f"{home}/kdc.conf",
        "KRB5CCNAME": f"{home}/none",
    }
    keytab = home / "keytab"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        _run(programs["kdb5_util"], "create", "-s", "-r", REALM, "-P", "m")
        commands = [f"addprinc +requires_preauth -pw {PASSWORD} {account}"]
        for service in services:
            commands += [f"addprinc -randkey {service}", f"ktadd -k {keytab} {service}"]
        for command in commands:
            _run(programs["kadmin.local"], "-r", REALM, "-q", command)
        arguments = [programs["krb5kdc"], "-n", "-r", REALM]
        with servers.running(arguments, log=home / "kdc.log", env=dict(os.environ)):
            servers.wait_until(lambda: servers.answers("127.0.0.1", port), what="the KDC")
            account_of.cache_clear()
            yield keytab


def _configure(home: Path, port: int) -> None:
    """Nothing is looked up in DNS; tickets hold no PAC, which only a Windows domain has whole."""
    (home / "krb5.conf").write_text(
        f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\nrdns = false\n"
        f"dns_canonicalize_hostname = false\n[realms]\n{REALM} = {{\nkdc = 127.0.0.1:{port}\n}}\n"
        f"[domain_realm]\n.unloop.test = {REALM}\n"
    )
    (home / "kdc.conf").write_text(
        f"[kdcdefaults]\nkdc_ports = {port}\nkdc_tcp_ports = {port}\n[realms]\n{REALM} = {{\n"
        f"database_name = {home}/principal\nkey_stash_file = {home}/stash\nacl_file = {home}/acl\n"
        f"disable_pac = true\n}}\n"
    )


def _run(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True)
