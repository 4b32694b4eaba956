"""From rows of text to an inventory, whatever format the rows came from: all problems at once, or all hosts."""

from collections.abc import Iterable, Sequence

from unloop import plugins
from unloop.errors import Problem, did_you_mean
from unloop.inventory import values
from unloop.inventory.duplicates import find_duplicates, find_shared_bmcs
from unloop.inventory.endpoints import EndpointReader
from unloop.inventory.fields import BMC, CHANNELS, DSRM
from unloop.inventory.inventory import Inventory, refuse
from unloop.inventory.judge import Judge, Judged
from unloop.inventory.row import Row
from unloop.inventory.values import Unfit
from unloop.model.host import Host, Role, System
from unloop.settings.schema import Settings


def build(
    rows: Iterable[Row],
    settings: Settings,
    *,
    source: str,
    problems: Sequence[Problem] = (),
    warnings: Sequence[Problem] = (),
) -> Inventory:
    """The inventory that rows make; raises InputError with all problems, those that the reader found included."""
    builder = _Builder(settings)
    found = [(row, builder.host(row)) for row in rows]
    all_problems = [*problems, *builder.problems, *find_duplicates(found)]
    if not found and not all_problems:
        all_problems.append(Problem("the inventory holds no host", source))
    if all_problems:
        raise refuse(all_problems)
    more = [*warnings, *_odd_defaults(settings), *find_shared_bmcs(found)]
    return Inventory(tuple(host for _, host in found), source, tuple(more))


def _odd_defaults(settings: Settings) -> list[Problem]:
    """Defaults for channels that don't exist."""
    known = (BMC, DSRM, *plugins.names(CHANNELS))
    path = str(settings.sources[0]) if settings.sources else ""
    return [
        Problem(f"defaults.credentials.{name}: no channel is called {name!r}", path, hint=did_you_mean(name, known))
        for name in settings.defaults.credentials
        if name not in known
    ]


class _Builder:
    """Makes a host of each row; what is wrong leaves the default in its place and a problem."""

    def __init__(self, settings: Settings) -> None:
        self._judge = Judge()
        self._endpoints = EndpointReader(settings)
        self.problems = self._judge.problems

    def host(self, row: Row) -> Host:
        judged = self._judge.judge(row)
        given = judged.values
        system, role = given.get("system", System.WINDOWS), given.get("role", Role.PLAIN)
        if not row.values.get("name", ""):
            self.problems.append(row.problem("the name is empty"))
        address = given.get("address", "") or self._name_as_address(row, judged)
        endpoints, bmc, wrong = self._endpoints.read(judged, address=address, system=system, role=role)
        dsrm = self._endpoints.dsrm_credentials(judged, role, wrong)
        self.problems += [row.problem(unfit.what, unfit.hint) for unfit in wrong]
        return Host(
            name=given.get("name", ""),
            address=address,
            system=system,
            endpoints=endpoints,
            bmc=bmc,
            macs=given.get("mac", ()),
            uuid=given.get("uuid", ""),
            model=given.get("model", ""),
            site=given.get("site", ""),
            rack=given.get("rack", ""),
            power_domain=given.get("power_domain", ""),
            tier=given.get("tier"),
            role=role,
            bitlocker=given.get("bitlocker", False),
            reported_broken_at=given.get("reported_broken_at", ""),
            dsrm_credentials=dsrm,
            bmc_accepted=given.get("bmc_accepted", False),
            labels=judged.labels,
            source=row.place,
        )

    def _name_as_address(self, row: Row, judged: Judged) -> str:
        """A host without an address is reached by its name; one with a wrong address has its problem already."""
        name: str = judged.values.get("name", "")
        if not name or row.values.get("address", ""):
            return ""
        try:
            return values.address(name)
        except Unfit as unfit:
            what = f"the name stands for the address, but {unfit.what}"
            self.problems.append(row.problem(what, "give an address"))
            return ""
