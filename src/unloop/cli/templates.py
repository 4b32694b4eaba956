"""What ``unloop init`` writes: every setting with its meaning, as a comment, and an inventory of three examples."""

from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from unloop.settings.schema import Settings

_HEAD = """\
# Settings of unloop. Everything is optional; what is commented out shows the default.
# Secrets never stand here: write where they are, 'env:NAME', 'file:PATH' (only you may read it) or 'keyring:SERVICE/USER'.

# A credential: [credentials.NAME]. The inventory and [defaults.credentials] call it by NAME.
# [credentials.local-admin]
# username = "Administrator"
# password = "file:secrets/local-admin"     # or "file:secrets/{host}" for one password per host
# [credentials.bmc]
# username = "admin"
# password = "env:UNLOOP_BMC_PASSWORD"

# [defaults.credentials]
# smb = ["local-admin"]
# winrm = ["local-admin"]
# bmc = ["bmc"]
"""

HOSTS = """\
# One host a line. Only name is needed. 'unloop inventory check hosts.csv' tells what is wrong with it.
name,address,system,channels,credential,bmc,bmc_channel,bmc_credential,mac,uuid,site,rack,power_domain,tier,role,label.hold
ws-0001,192.0.2.11,windows,smb winrm,,192.0.2.111,redfish,,00:00:5e:00:53:01,,LHR,A1,PDU1,2,,
dc-01,192.0.2.12,windows,,,192.0.2.112,ipmi,,,,LHR,A2,PDU1,0,domain_controller,yes
db-01,192.0.2.13,linux,ssh,,,,,,,AMS,,,1,,
"""


def _settings() -> str:
    lines = [_HEAD]
    hints = get_type_hints(Settings)
    for table in fields(Settings):
        if table.name in ("credentials", "sources"):
            continue
        lines.append(f"[{table.name}]  # {(hints[table.name].__doc__ or '').rstrip('.')}")
        for setting in fields(hints[table.name]):
            if setting.default is not MISSING:
                lines += [f"# {setting.metadata['doc']}", f"# {setting.name} = {_toml(setting)}"]
        lines.append("")
    return "\n".join(lines)


def _toml(setting: "Field[Any]") -> str:
    default = setting.default
    if isinstance(default, bool):
        return str(default).lower()
    if default is None:
        return "true"
    if isinstance(default, float):
        return f"{default:g}"
    return f'"{default}"' if isinstance(default, str) else str(default)


SETTINGS = _settings()
