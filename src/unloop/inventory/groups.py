"""Ansible's model of hosts and groups: who is in what, which variables win, and what host that makes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from unloop.errors import Problem
from unloop.inventory.ansible_fields import FieldMapper
from unloop.inventory.build import build
from unloop.inventory.inventory import Inventory
from unloop.inventory.row import Row
from unloop.settings.schema import Settings

_EVERYONE = ("all", "ungrouped")


@dataclass
class _Group:
    variables: dict[str, object] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)


@dataclass
class _Member:
    line: int | None
    groups: set[str] = field(default_factory=set)
    variables: dict[str, object] = field(default_factory=dict)


class Groups:
    """Collects what an Ansible inventory says, in any order, and then makes hosts of it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._groups: dict[str, _Group] = {"all": _Group()}
        self._members: dict[str, _Member] = {}
        self._problems: list[Problem] = []

    @property
    def group_names(self) -> tuple[str, ...]:
        """Every group named so far."""
        return tuple(self._groups)

    @property
    def host_names(self) -> tuple[str, ...]:
        """Every host named so far."""
        return tuple(self._members)

    def add_group(self, name: str) -> None:
        """Name a group; again does nothing."""
        self._groups.setdefault(name, _Group())

    def add_child(self, parent: str, child: str) -> None:
        """Put one group into another."""
        self.add_group(parent)
        self.add_group(child)
        if child != "all":
            self._groups[child].parents.add(parent)

    def add_host(self, name: str, group: str | None, *, line: int | None = None) -> None:
        """Name a host, in a group."""
        member = self._members.setdefault(name, _Member(line))
        if group is not None:
            self.add_group(group)
            member.groups.add(group)

    def set_host_variables(self, name: str, variables: Mapping[str, object]) -> None:
        """Give a host variables; later ones win."""
        self._members[name].variables.update(variables)

    def set_group_variables(self, name: str, variables: Mapping[str, object]) -> None:
        """Give a group variables; later ones win."""
        self.add_group(name)
        self._groups[name].variables.update(variables)

    def complain(self, what: str, *, line: int | None = None, hint: str = "") -> None:
        """Note a problem; build() raises all of them."""
        self._problems.append(Problem(what, self.source, line, hint=hint))

    def build(self, settings: Settings) -> Inventory:
        """The inventory; raises InputError with all problems."""
        order = self._order()
        mapper = FieldMapper(settings, self.source)
        rows: list[Row] = []
        for name, member in self._members.items():
            groups = self._ancestors(member.groups)
            merged: dict[str, object] = {}
            for group in sorted(groups | {"all"}, key=lambda name: order[name]):
                merged.update(self._groups[group].variables)
            merged.update(member.variables)
            values = mapper.fields(name, merged, line=member.line)
            if values is not None:
                values["groups"] = ",".join(sorted(groups.difference(_EVERYONE)))
                rows.append(Row(values, self.source, member.line))
        return build(rows, settings, source=self.source, problems=self._problems, warnings=mapper.warnings())

    def _ancestors(self, groups: Iterable[str]) -> set[str]:
        found: set[str] = set()
        left = list(groups)
        while left:
            group = left.pop()
            if group not in found:
                found.add(group)
                left.extend(self._groups[group].parents)
        return found

    def _order(self) -> dict[str, tuple[int, str]]:
        """Parents before children, then by name: Ansible's order of precedence."""
        depths: dict[str, int] = {"all": 0}
        for name in self._groups:
            self._depth(name, depths, ())
        return {name: (depth, name) for name, depth in depths.items()}

    def _depth(self, name: str, depths: dict[str, int], path: tuple[str, ...]) -> int:
        if name in path:
            self.complain(f"group {name!r} is inside itself: {' > '.join((*path[path.index(name) :], name))}")
            return 1
        if name not in depths:
            parents = sorted(self._groups[name].parents)
            depths[name] = 1 + max((self._depth(parent, depths, (*path, name)) for parent in parents), default=0)
        return depths[name]
