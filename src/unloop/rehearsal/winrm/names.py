"""The names of WS-Management: namespaces, actions and resources ([MS-WSMV] 2.2.1, 3.1.4; DSP0226 annex A)."""

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1"
MICROSOFT_WSMAN = f"{MICROSOFT}/wsman.xsd"
FAULT = f"{MICROSOFT}/wsmanfault"
SHELL = f"{MICROSOFT}/windows/shell"
CONFIG = f"{MICROSOFT}/config"
POWERSHELL = "http://schemas.microsoft.com/powershell"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/common"

GET, CREATE, DELETE = f"{TRANSFER}/Get", f"{TRANSFER}/Create", f"{TRANSFER}/Delete"
ENUMERATE, PULL, RELEASE = f"{ENUMERATION}/Enumerate", f"{ENUMERATION}/Pull", f"{ENUMERATION}/Release"
COMMAND, SEND, RECEIVE, SIGNAL = (f"{SHELL}/{verb}" for verb in ("Command", "Send", "Receive", "Signal"))
ANONYMOUS = f"{ADDRESSING}/role/anonymous"

CMD_SHELL = f"{SHELL}/cmd"
POWERSHELL_SHELL = f"{POWERSHELL}/Microsoft.PowerShell"
WMI = f"{MICROSOFT}/wmi/root/cimv2/"
WQL = f"{MICROSOFT}/WQL"

MAX_ENVELOPE = 500 * 1024
"""MaxEnvelopeSizekb of Windows Server 2012 and later ([MS-WSMV] 2.2.4.10)."""
MAX_TIMEOUT = 60.0
"""MaxTimeoutms ([MS-WSMV] 2.2.4.10)."""
