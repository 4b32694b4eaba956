"""The enumerations of .NET that programs name by text: a cast of the method's own, as PowerShell makes it."""

from collections.abc import Mapping

from unloop.rehearsal.powershell.errors import Category, Failure
from unloop.rehearsal.powershell.values import EnumValue, Value, fold

FILE_MODE: Mapping[str, int] = {
    "CreateNew": 1,
    "Create": 2,
    "Open": 3,
    "OpenOrCreate": 4,
    "Truncate": 5,
    "Append": 6,
}
FILE_ACCESS: Mapping[str, int] = {"Read": 1, "Write": 2, "ReadWrite": 3}
FILE_SHARE: Mapping[str, int] = {"None": 0, "Read": 1, "Write": 2, "ReadWrite": 3, "Delete": 4}
FILE_ATTRIBUTES: Mapping[str, int] = {
    "ReadOnly": 1,
    "Hidden": 2,
    "System": 4,
    "Directory": 16,
    "Archive": 32,
    "Normal": 128,
}
VALUE_KIND: Mapping[str, int] = {
    "String": 1,
    "ExpandString": 2,
    "Binary": 3,
    "DWord": 4,
    "MultiString": 7,
    "QWord": 11,
}
VALUE_OPTIONS: Mapping[str, int] = {"None": 0, "DoNotExpandEnvironmentNames": 1}
SERVICE_STATUS: Mapping[str, int] = {"Stopped": 1, "StartPending": 2, "StopPending": 3, "Running": 4, "Paused": 7}


def number_in(value: Value, names: Mapping[str, int], type_name: str, method: str) -> int:
    """The number that a value means, one or several names with commas between them; raises Failure."""
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    known = {fold(name): number for name, number in names.items()}
    found = 0
    for name in str(value).split(","):
        if fold(name.strip()) not in known:
            raise _bad_argument(str(value), names, type_name, method)
        found |= known[fold(name.strip())]
    return found


def _bad_argument(value: str, names: Mapping[str, int], type_name: str, method: str) -> Failure:
    listed = ",".join(names)
    what = (
        f'Cannot convert argument, with value: "{value}", for "{method}" to type "{type_name}": "Cannot convert value '
        f'"{value}" to type "{type_name}". Error: "Unable to match the identifier name {value} to a valid enumerator name. '
        f'Specify one of the following enumerator names and try again:\r\n{listed}""'
    )
    kind = "System.Management.Automation.MethodException"
    return Failure(what, "MethodArgumentConversionInvalidCastArgument", Category.NOT_SPECIFIED, type_name=kind)
