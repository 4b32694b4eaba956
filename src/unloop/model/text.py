"""Text that hosts wrote, made fit for whoever keeps or compares it: bytes that are no text must not keep others waiting."""


def fit(value: str) -> str:
    """Text without NULs, and with "?" for every lone surrogate: Python makes those of bytes that are no UTF-8."""
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode()
    return value.replace("\0", "") if "\0" in value else value
