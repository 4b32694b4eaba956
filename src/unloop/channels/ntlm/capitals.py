"""User names in capitals, as NTLMv2 hashes them ([MS-NLMP] 3.3.2, UpperCase)."""


def capitals(name: str) -> str:
    """Each UTF-16 unit for itself, as Windows does it: what would become two letters stays as it is ('ß')."""
    return "".join(map(_capital, name))


def _capital(letter: str) -> str:
    large = letter.upper()
    return large if len(large) == 1 and max(letter, large) <= "\uffff" else letter
