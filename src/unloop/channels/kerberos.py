"""What a failure to get a Kerberos ticket means: the domain controller judged the credential, or nobody did."""

import importlib.util
import re

from unloop.errors import ChannelError, LogonRefused, LogonUndecided

JUDGED = ("preauthentication failed", "credentials have been revoked", "password has expired", "not found in kerberos")
"""Words of MIT Kerberos for the errors PREAUTH_FAILED, CLIENT_REVOKED, KEY_EXPIRED and C_PRINCIPAL_UNKNOWN (RFC 4120)."""

UNKNOWN_HOST = re.compile(r"server \S+ not found in kerberos")
"""S_PRINCIPAL_UNKNOWN: it says nothing of the account."""


def is_installed() -> bool:
    """Whether this machine can speak Kerberos at all (the extra ``kerberos``)."""
    return importlib.util.find_spec("gssapi") is not None


def client_failure(text: str) -> ChannelError:
    """What an error on our side of the log-on means; its text may name the account, and is not passed on."""
    lowered = text.lower()
    if UNKNOWN_HOST.search(lowered):
        return LogonUndecided("the domain knows no host of that name; set server_name, or another way to log on")
    for words in JUDGED:
        if words in lowered:
            return LogonRefused(f"the domain controller refused: {words}")
    if not is_installed():
        return LogonUndecided("no log-on came about on our side; Kerberos needs the extra unloop[kerberos]")
    return LogonUndecided("no log-on came about on our side: no ticket, or no domain controller to give one")
