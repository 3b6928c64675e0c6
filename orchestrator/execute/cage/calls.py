"""Which calls of the system a caged process may make: a filter of Linux (seccomp) that is there for every user, also in containers.

Denied are: any socket, any other program or process, any change of any file, looking into or signalling other processes, and what
only administrators need. Threads, memory and reading stay.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

_ALLOW, _KILL, _DENY, _ABSENT = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026  # EPERM and ENOSYS are in the low bits
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND
_THREAD = 0x00010000
_FOREIGN = 0x40000000  # the x32 numbers of x86-64

# Since 2018 new calls have one number on all machines.
_NEW_DENIED = (424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 440, 442, 452)
_NEW_ABSENT = (435, 437)  # clone3, openat2: their arguments cannot be looked at; libraries fall back to the old ones

_X86_64 = (
    29, 30, 41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 57, 58, 59, 62, 64, 68, 76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94, 101,
    103, 105, 106, 109, 112, 113, 114, 117, 119, 129, 132, 133, 134, 135, 155, 160, 161, 163, 165, 166, 167, 169, 170, 172, 173, 175,
    176, 179, 188, 189, 190, 197, 198, 199, 200, 234, 235, 240, 246, 248, 249, 250, 258, 259, 260, 261, 263, 264, 265, 266, 268, 272,
    280, 285, 288, 297, 298, 299, 302, 303, 304, 307, 308, 310, 311, 312, 313, 316, 319, 320, 321, 322, 323,
)  # fmt: skip
_ARM_64 = (
    5, 6, 7, 14, 15, 16, 33, 34, 35, 36, 37, 38, 39, 40, 41, 45, 46, 47, 51, 52, 53, 54, 55, 60, 88, 89, 92, 97, 104, 105, 106, 116, 117,
    129, 130, 131, 138, 140, 142, 143, 144, 145, 146, 147, 149, 154, 157, 161, 164, 180, 186, 190, 194, 196, 198, 199, 200, 201, 202,
    203, 206, 207, 211, 212, 217, 218, 219, 221, 224, 240, 241, 242, 243, 261, 264, 265, 268, 269, 270, 271, 272, 273, 276, 279, 280,
    281, 282, 294,
)  # fmt: skip

_MACHINES = {  # the kernel's name of the machine; what is denied; opening calls, with the argument that has the flags; clone
    "x86_64": (0xC000003E, _X86_64, ((2, 1), (257, 2)), 56),
    "aarch64": (0xC00000B7, _ARM_64, ((56, 2),), 220),
}


def calls() -> bool:
    """Filter this process's calls for good; whether that could be done."""
    machine = platform.machine()
    if sys.platform != "linux" or sys.byteorder != "little" or machine not in _MACHINES or struct.calcsize("P") != 8:
        return False
    program = b"".join(instruction for instruction in _program(machine))
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, filtering, by_program = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(filtering, by_program, ctypes.create_string_buffer(head, len(head)), 0, 0) == 0)


def _program(machine: str) -> list[bytes]:
    kernel, denied, opening, clone = _MACHINES[machine]
    number, architecture = 0, 4
    code = [_op(_LOAD, architecture), _op(_EQUAL, kernel, 1, 0), _op(_RETURN, _KILL), _op(_LOAD, number)]
    if machine == "x86_64":
        code += [_op(_AT_LEAST, _FOREIGN, 0, 1), _op(_RETURN, _KILL)]
    for call in (*denied, *_NEW_DENIED):
        code += [_op(_EQUAL, call, 0, 1), _op(_RETURN, _DENY)]
    for call in _NEW_ABSENT:
        code += [_op(_EQUAL, call, 0, 1), _op(_RETURN, _ABSENT)]
    for call, flags in opening:
        code += [
            _op(_EQUAL, call, 0, 4),
            _op(_LOAD, _argument(flags)),
            _op(_ANY_BIT, _WRITING, 0, 1),
            _op(_RETURN, _DENY),
            _op(_RETURN, _ALLOW),
        ]
    code += [_op(_EQUAL, clone, 0, 4), _op(_LOAD, _argument(0)), _op(_ANY_BIT, _THREAD, 1, 0), _op(_RETURN, _DENY), _op(_RETURN, _ALLOW)]
    return [*code, _op(_RETURN, _ALLOW)]


def _argument(index: int) -> int:
    """Where the low half of an argument is."""
    return 16 + 8 * index


def _op(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)
