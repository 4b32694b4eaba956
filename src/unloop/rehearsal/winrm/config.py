"""What WinRM tells of itself: Identify and its configuration (DSP0226 11; [MS-WSMV] 2.2.4.10, 2.2.4.36, 2.2.4.42)."""

from unloop.rehearsal.cmd.surroundings import VERSION
from unloop.rehearsal.winrm import names

_BUILD = VERSION.split(".")[2]
_PROFILES = ("http/spnego-kerberos", "https/spnego-kerberos")
_PROFILE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/"


def identity(*, is_proven: bool, takes_basic: bool = False) -> str:
    """The answer to Identify; who is not proven learns no version ([MS-WSMV] 3.1.4.1.23)."""
    version = f"OS: 10.0.{_BUILD} SP: 0.0 Stack: 3.0" if is_proven else "OS: 0.0.0 SP: 0.0 Stack: 3.0"
    profiles = (*_PROFILES, "https/basic") if takes_basic else _PROFILES
    told = "".join(f"<wsmid:SecurityProfileName>{_PROFILE}{name}</wsmid:SecurityProfileName>" for name in profiles)
    return (
        f'<wsmid:IdentifyResponse xmlns:wsmid="{names.IDENTITY}">'
        f"<wsmid:ProtocolVersion>{names.WSMAN}</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{version}</wsmid:ProductVersion>"
        f"{f'<wsmid:SecurityProfiles>{told}</wsmid:SecurityProfiles>' if is_proven else ''}</wsmid:IdentifyResponse>"
    )


def configuration(*, takes_basic: bool) -> str:
    """The configuration of the service, with the defaults of Windows Server 2012 and later."""
    basic = str(takes_basic).lower()
    return f'<cfg:Config xmlns:cfg="{names.CONFIG}">' + _elements(
        ("MaxEnvelopeSizekb", names.MAX_ENVELOPE // 1024),
        ("MaxTimeoutms", int(names.MAX_TIMEOUT * 1000)),
        ("MaxBatchItems", 32000),
        ("MaxProviderRequests", 4294967295),
    ) + (
        "<cfg:Client>"
        + _elements(("NetworkDelayms", 5000), ("URLPrefix", "wsman"), ("AllowUnencrypted", "false"))
        + "</cfg:Client><cfg:Service>"
        + _elements(
            ("MaxConcurrentOperations", 4294967295),
            ("MaxConcurrentOperationsPerUser", 1500),
            ("EnumerationTimeoutms", 240000),
            ("MaxConnections", 300),
            ("MaxPacketRetrievalTimeSeconds", 120),
            ("AllowUnencrypted", "false"),
        )
        + "<cfg:Auth>"
        + _elements(
            ("Basic", basic),
            ("Kerberos", "false"),
            ("Negotiate", "true"),
            ("Certificate", "false"),
            ("CredSSP", "false"),
            ("CbtHardeningLevel", "Relaxed"),
        )
        + "</cfg:Auth><cfg:DefaultPorts>"
        + _elements(("HTTP", 5985), ("HTTPS", 5986))
        + "</cfg:DefaultPorts>"
        + _elements(("IPv4Filter", "*"), ("IPv6Filter", "*"), ("AllowRemoteAccess", "true"))
        + "</cfg:Service><cfg:Winrs>"
        + _elements(
            ("AllowRemoteShellAccess", "true"),
            ("IdleTimeout", 7200000),
            ("MaxConcurrentUsers", 2147483647),
            ("MaxShellRunTime", 2147483647),
            ("MaxProcessesPerShell", 2147483647),
            ("MaxMemoryPerShellMB", 2147483647),
            ("MaxShellsPerUser", 30),
        )
        + "</cfg:Winrs></cfg:Config>"
    )  # fmt: skip


def _elements(*pairs: tuple[str, object]) -> str:
    return "".join(f"<cfg:{name}>{value}</cfg:{name}>" for name, value in pairs)
