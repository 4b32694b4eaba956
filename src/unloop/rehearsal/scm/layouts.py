"""The structures of service control on the wire ([MS-SCMR] 2.2)."""

from collections.abc import Iterable

from unloop.rehearsal.rpc.ndr import POINTER, numbers, text
from unloop.rehearsal.scm.database import RUNNING, Service

_STOPS = 1
"""SERVICE_ACCEPT_STOP."""
_LOCAL_SYSTEM = "LocalSystem"
ENTRY = 36


def status(service: Service, state: int) -> bytes:
    """SERVICE_STATUS (2.2.47): kind, state, what it accepts, how it ended, no checkpoint, no hint."""
    is_running = state == RUNNING
    return numbers(service.kind, state, _STOPS if is_running else 0, 0 if is_running else service.exit_code, 0, 0, 0)


def status_process(service: Service, state: int) -> bytes:
    """SERVICE_STATUS_PROCESS (2.2.49); which process it is in, nobody knows here."""
    return status(service, state) + numbers(0, 0)


def configuration(service: Service) -> bytes:
    """QUERY_SERVICE_CONFIGW (2.2.15), with the strings that its pointers mean."""
    strings = (service.command_line, "", None, "", _LOCAL_SYSTEM, service.display_name)
    pointers = [POINTER + 4 * place for place in range(len(strings))]
    path, group, _, dependencies, account, shown = pointers
    head = numbers(
        service.kind, service.start_type, service.error_control, path, group, 0, dependencies, account, shown
    )
    return head + b"".join(text(value) for value in strings if value is not None)


def configuration_length(service: Service) -> int:
    """How many bytes a caller of the API needs for it (3.1.4.17)."""
    strings = (service.command_line, "", "", _LOCAL_SYSTEM, service.display_name)
    return ENTRY + sum(len(encoded(value)) for value in strings)


def listing(found: Iterable[tuple[Service, int]], room: int) -> tuple[bytes, int, int]:
    """ENUM_SERVICE_STATUSW records (2.2.11) as far as there is room, how many, and the bytes that the others need."""
    records: list[tuple[int, int, bytes]] = []
    strings, used, missing = b"", 0, 0
    for service, state in found:
        name, shown = encoded(service.name), encoded(service.display_name)
        needed = ENTRY + len(name) + len(shown)
        if missing or used + needed > room:
            missing += needed
            continue
        used += needed
        # Strings lie at the end of the buffer, the last record's first.
        strings = name + shown + strings
        start = room - len(strings)
        records.append((start, start + len(name), status(service, state)))
    head = b"".join(numbers(name, shown) + told for name, shown, told in records)
    return head + bytes(room - len(head) - len(strings)) + strings, len(records), missing


def encoded(value: str) -> bytes:
    """A string with its end, as it lies in a buffer."""
    return (value + "\0").encode("utf-16-le", "surrogatepass")
