"""Hosts that can't all be what the inventory says: the same name, address, UUID, MAC or BMC twice."""

from collections.abc import Iterable, Iterator, Sequence

from unloop.errors import Problem
from unloop.inventory.row import Row
from unloop.model.host import Host

Pair = tuple[Row, Host]


def find_duplicates(pairs: Sequence[Pair]) -> list[Problem]:
    """One problem for each later host that claims what an earlier one has."""
    seen: dict[tuple[object, ...], Row] = {}
    problems: list[Problem] = []
    for row, host in pairs:
        told: set[str] = set()
        for kind, key, shown in _claims(host):
            first = seen.setdefault((kind, key), row)
            if first is not row and kind not in told:
                told.add(kind)
                problems.append(
                    row.problem(
                        f"{kind} {shown} is also that of {first.values.get('name') or 'a host'} ({first.place})"
                    )
                )
    return problems


def find_shared_bmcs(pairs: Iterable[Pair]) -> list[Problem]:
    """A warning for each BMC of several hosts that are not all marked ``bmc_shared``: a reset would hit the wrong one."""
    users: dict[tuple[str, int], list[Pair]] = {}
    for row, host in pairs:
        if host.bmc is not None:
            users.setdefault((host.bmc.address.casefold(), host.bmc.port), []).append((row, host))
    return [
        _shared(several)
        for several in users.values()
        if len(several) > 1 and not all(_is_shared(row) for row, _ in several)
    ]


def _claims(host: Host) -> Iterator[tuple[str, object, str]]:
    if host.name:
        yield "name", host.name.casefold(), host.name
    places = {(endpoint.address, endpoint.port) for endpoint in host.endpoints}
    for address, port in places:
        if address:
            yield "address", (address.casefold(), port), address
    if host.uuid:
        yield "uuid", host.uuid, host.uuid
    for mac in host.macs:
        yield "mac", mac, mac


def _is_shared(row: Row) -> bool:
    return row.values.get("bmc_shared", "").lower() in {"true", "yes", "1"}


def _shared(several: list[Pair]) -> Problem:
    row, host = several[-1]
    names = ", ".join(host.name for _, host in several[:5]) + (", …" if len(several) > 5 else "")
    address = host.bmc.address if host.bmc else ""
    hint = "set bmc_shared if that is meant; they are never reset unless each host's UUID is proven"
    return Problem(f"the BMC {address} is that of {len(several)} hosts: {names}", row.path, row.line, hint=hint)
