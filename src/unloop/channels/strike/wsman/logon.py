"""The way to log on that a target's options and credential ask for, as far as our own exchange knows it."""

from unloop.channels.base import Target
from unloop.channels.ntlm.initiator import NtlmAccount
from unloop.channels.strike.wsman.authenticator import Authenticator, Bare, Ntlm
from unloop.channels.strike.wsman.kerberos import Kerberos
from unloop.channels.winrm_options import WinrmOptions
from unloop.errors import LogonUndecided, Unsupported
from unloop.secrets.secret import Credential


def credential_of(target: Target) -> Credential:
    """The credential of a target; raises LogonUndecided when it has none."""
    if target.credential is None:
        raise LogonUndecided("no credential is given")
    return target.credential


def authenticator_of(target: Target, options: WinrmOptions) -> Authenticator:
    """A new log-on. For Kerberos it asks the domain controller, and waits; raises ChannelError."""
    credential = credential_of(target)
    mechanism = options.mechanism(credential)
    if mechanism == "ntlm":
        return Ntlm(NtlmAccount.of(credential))
    if mechanism == "basic":
        return Bare.basic(credential)
    if mechanism == "certificate":
        return Bare.certificate()
    if mechanism == "kerberos":
        return Kerberos(credential, options.server_name or target.address)
    raise Unsupported(f"our own exchange does not log on by {mechanism}")
