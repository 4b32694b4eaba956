"""Connecting one socket again and again: connect(2) on an address made beforehand, and on none to give a try up.

``socket.connect_ex`` reads the address anew each time, and a new socket for each try costs three more system calls.
"""

import ctypes
import errno
import socket
import struct

_LIBRARY = ctypes.PyDLL(None, use_errno=True)
"""Called with Python's lock held: on a socket that does not block, connect(2) returns at once."""
_connect = _LIBRARY.connect
_connect.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
_connect.restype = ctypes.c_int
_NOWHERE = struct.pack("=H14x", socket.AF_UNSPEC)


def sockaddr_of(address: str, port: int) -> bytes:
    """An IP address and port as the kernel takes them (ip(7), ipv6(7)); raises OSError for what is none."""
    if ":" not in address:
        return struct.pack("=H", socket.AF_INET) + struct.pack(
            "!H4s8x", port, socket.inet_pton(socket.AF_INET, address)
        )
    found = socket.getaddrinfo(address, port, socket.AF_INET6, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)[0][4]
    packed = socket.inet_pton(socket.AF_INET6, str(found[0]).partition("%")[0])
    flow, scope = found[2:4] if len(found) == 4 else (0, 0)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI16s", port, flow, packed) + struct.pack("=I", scope)


def dial(descriptor: int, sockaddr: bytes) -> int:
    """Begin to connect; an errno, 0 when it is connected already."""
    if _connect(descriptor, sockaddr, len(sockaddr)) == 0:
        return 0
    return ctypes.get_errno() or errno.EIO


def hang_up(descriptor: int) -> bool:
    """Give up a connection that has not come about, so that the socket can dial again (connect(2), AF_UNSPEC)."""
    return bool(_connect(descriptor, _NOWHERE, len(_NOWHERE)) == 0)
