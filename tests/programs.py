"""Small shell programs by chance: words, quotes, expansions, patterns, arithmetic, loops, functions, redirections."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, sampled_from

PLAIN = st.text("abcX019.-:,+@%=_", min_size=1, max_size=4)
QUOTED = st.text(' ab*?[]$\\`"{}()<>|&;#~!\tX', max_size=5)
IN_DOUBLE = st.text(" ab*?[]'{}()<>|&;#~!\tX", max_size=5)
GLOBS = sampled_from(
    ["*", "?", "*.txt", "[a-c]*", "[!a]*", "s*/*", "[[:alpha:]]", "a*b", "*a*", "[]x]", ".*", "*/", "?[b-z]*"]
)
ESCAPES = sampled_from(["\\ ", "\\*", "\\$", "\\\\", "\\'", '\\"', "\\a"])
LITTLE = st.integers(-3, 12).map(str)
NAME = sampled_from(["x", "y", "z", "a_1"])
FILE = sampled_from(["f1", "f2", "sub/f3", "a.txt", "empty"])
VALUES = sampled_from(
    ["", "a", "a b", " a  b ", "*", "a:b::c", "5", "-7", "010", "\\", "a\\*", "[a]", "x'y\"z", "~", "$y", "a\nb\n", "é"]
)
TESTS = sampled_from(["=", "!=", "-eq", "-lt", "-ge", "<", ">"])
BARE = sampled_from(
    ["true", "false", ":", "shift", "f", "f p 'q r'", "cat a.txt", "cat <b.txt", "unset x", "cd sub", "pwd", "ls"]
)
SETTINGS = sampled_from(
    [
        "IFS=:",
        "IFS=' :'",
        "IFS=",
        "unset IFS",
        "read -r x y <a.txt",
        "return 3",
        "exit 4",
        "continue",
        "break",
        "set -u",
    ]
)
SIGNS = sampled_from(["+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "&", "|", "^"])
READERS = sampled_from(["cat", "sha256sum", 'while read -r z; do echo "<$z>"; done', "{ read -r z; cat; echo $z; }"])
ENDINGS = sampled_from(["E", "-E", "'E'"])


@st.composite
def arithmetic(draw: DrawFn, depth: int) -> str:
    """What stands between $(( and ))."""
    kind = draw(st.integers(0, 8)) if depth else 0
    inner = arithmetic(depth - 1)
    if kind < 3:
        name = draw(NAME)
        return draw(sampled_from([draw(LITTLE), name, f"${name}", "0x1f", "010", "$#", "$?"]))
    if kind < 6:
        return f"{draw(inner)} {draw(SIGNS)} {draw(inner)}"
    if kind == 6:
        return f"{draw(sampled_from('-!~+'))} {draw(inner)}"
    if kind == 7:
        return f"({draw(inner)} ? {draw(inner)} : {draw(inner)})"
    return f"({draw(NAME)} {draw(sampled_from(['=', '+=', '-=', '*=', '%=']))} {draw(inner)})"


@st.composite
def expansion(draw: DrawFn, depth: int) -> str:
    """What begins with a dollar."""
    kind, name = (draw(st.integers(0, 6)) if depth else 0), draw(NAME)
    if kind < 3:
        plain = [f"${name}", f"${{{name}}}", f"${{#{name}}}", "$1", "${2}", "$#", "$@", "$*", "$?", "${1:-d}", "${2+s}"]
        return draw(sampled_from(plain))
    if kind == 3:
        word = draw(st.one_of(PLAIN, expansion(depth - 1), sampled_from(["a b", "'q q'", "", " c "])))
        return f"${{{name}{draw(sampled_from([':-', '-', ':+', '+', ':=', '=']))}{word}}}"
    if kind == 4:
        pattern = draw(
            st.one_of(GLOBS, PLAIN, NAME.map(lambda other: f'"${other}"'), NAME.map(lambda other: f"${other}"))
        )
        return f"${{{name}{draw(sampled_from(['#', '##', '%', '%%']))}{pattern}}}"
    if kind == 5:
        return f"$(({draw(arithmetic(2))}))"
    inner = draw(command(depth - 1))
    return f"$({inner}\n)"


@st.composite
def word(draw: DrawFn, depth: int) -> str:
    """A word of a command, never empty."""
    made = ""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 6))
        if kind < 2:
            made += draw(PLAIN)
        elif kind == 2:
            made += f"'{draw(QUOTED)}'"
        elif kind == 3:
            made += f'"{draw(IN_DOUBLE)}{draw(expansion(depth))}{draw(IN_DOUBLE)}"'
        elif kind == 4:
            made += draw(expansion(depth))
        elif kind == 5:
            made += f'"{draw(expansion(depth))}"'
        else:
            made += draw(st.one_of(GLOBS, ESCAPES))
    return made


@st.composite
def words(draw: DrawFn, depth: int) -> str:
    """Some words."""
    return " ".join(draw(st.lists(word(depth), max_size=3)))


@st.composite
def simple(draw: DrawFn, depth: int) -> str:
    """A command without commands around it."""
    kind, name = draw(st.integers(0, 13)), draw(NAME)
    if kind < 3:
        return f"printf '[%s]' {draw(words(depth))}; echo"
    if kind == 3:
        return f"echo {draw(words(depth))}"
    if kind == 4:
        return f"{name}={draw(word(depth))}"
    if kind < 7:
        return f"{name}='" + draw(VALUES).replace("'", "'\\''") + "'"
    if kind == 7:
        return f"set -- {draw(words(depth))}"
    if kind == 8:
        return f'[ "{draw(expansion(0))}" {draw(TESTS)} {draw(PLAIN)} ]'.replace(" <", " \\<").replace(" >", " \\>")
    if kind == 9:
        return f'test {draw(sampled_from(["-n", "-z", "-e", "-f", "-d", "-s"]))} "{draw(expansion(0))}"'
    if kind == 10:
        return f"cat <<{draw(ENDINGS)}\n\t{draw(IN_DOUBLE)}{draw(expansion(depth))}\nE\n"
    if kind == 11:
        return f"echo {draw(words(depth))} {draw(sampled_from(['>', '>>']))}{draw(FILE)}; cat {draw(FILE)}"
    if kind == 12:
        return f"echo 'a b:c\\d  e' | {{ read -r {name} y; echo \"[${name}][$y]\"; }}"
    return draw(st.one_of(BARE, SETTINGS))


@st.composite
def command(draw: DrawFn, depth: int) -> str:
    """A command of any kind; what it holds is less deep than itself."""
    kind = draw(st.integers(0, 4)) if depth > 0 else 0
    if kind < 2:
        return draw(simple(max(depth, 0)))
    return draw((deciding(depth), repeating(depth), enclosing(depth))[kind - 2])


@st.composite
def deciding(draw: DrawFn, depth: int) -> str:
    """Something of which a part is done, or not."""
    kind, body, one = draw(st.integers(0, 2)), program(depth - 1), command(depth - 1)
    if kind == 0:
        return f"if {draw(one)}\nthen {draw(body)}\nelse {draw(body)}\nfi"
    if kind == 1:
        return f"{{ {draw(one)}\n}} {draw(sampled_from(['&&', '||']))} {{ {draw(one)}\n}}"
    branches = draw(st.lists(st.tuples(st.one_of(GLOBS, word(1)), body), max_size=2))
    lines = "".join(f"{pattern}) {inner}\n;;\n" for pattern, inner in branches)
    return f"case {draw(word(1))} in\n{lines}*) {draw(body)}\n;;\nesac"


@st.composite
def repeating(draw: DrawFn, depth: int) -> str:
    """Something that is done again."""
    kind, body = draw(st.integers(0, 2)), draw(program(depth - 1))
    if kind == 0:
        return f"for z in {draw(words(1))}; do {body}\ndone"
    if kind == 1:
        return f"for y do {body}\ndone"
    return f'n{depth}=0; while [ "$n{depth}" -lt 3 ]; do n{depth}=$((n{depth} + 1)); {body}\ndone'


@st.composite
def enclosing(draw: DrawFn, depth: int) -> str:
    """Something around other commands."""
    kind, body = draw(st.integers(0, 6)), draw(program(depth - 1))
    if kind == 4:
        # What comes behind the pipe reads all of it and writes no file: real shells run both sides at once.
        return f"{{ {body}\n}} | {draw(READERS)}"
    if kind == 5:
        # dash 0.5.12 loses the inner of two redirections around nothing but a subshell, so there is more than that.
        return f"{{ :; {body}\n}} >g{depth}"
    if kind == 6:
        return f"{draw(NAME)}={draw(word(1))} {draw(simple(0))}"
    return (f"{{ {body}\n}}", f"( {body}\n)", f"! {{ {body}\n}}", f"f() {{ {body}\n}}")[kind]


@st.composite
def program(draw: DrawFn, depth: int) -> str:
    """Commands one after the other."""
    return "\n".join(draw(st.lists(command(depth), min_size=1, max_size=3)))
