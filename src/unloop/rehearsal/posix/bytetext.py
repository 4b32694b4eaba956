"""Text inside a simulated shell is bytes, one per character, as for programs in the locale C; names of files are text."""


def inside(text: str) -> str:
    """Text of the host, as shell and programs see it."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def outside(text: str) -> str:
    """What a shell or a program calls a file, as the tree knows it."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
