"""Files that are written whole or not at all, JSON with a checksum, and locks that end with their process."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from hashlib import sha256
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from .errors import FileFormatError

PIECE = 2**17                                                       # bytes that are read at a time
PART = ".part"                                                      # ends the names of files that are being written
LOCK = ".lock"
SEAL = '{{"sha256": "{}", '                                           # begins JSON that was written by write_json
SEALED = len(SEAL.format("0" * 64))                                 # the length of this beginning


def write(path: str | Path, content: bytes | str) -> None:
    """Write a file whole: its readers find the old content or the new, even after a crash or an interruption.

    The content goes into a temporary file beside it, which then takes its name. As with ``open(path, "w")``, a symbolic link
    is followed, and the file keeps its permissions (a new one gets those of the umask) and, if the system allows it, its
    owner. A hard link to the old file keeps the old content. Devices and pipes are written directly. Text becomes UTF-8.

    Raises
    ------
    OSError
        The file is read-only (PermissionError; also for the superuser), its folder does not exist (FileNotFoundError), the
        disk is full, ... Then nothing has changed.
    """
    path, data = Path(path), content.encode() if isinstance(content, str) else content
    try:
        old = path.stat()
    except FileNotFoundError:                                       # also a link to a file that does not exist yet
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        with path.open("wb") as special:                            # IsADirectoryError for a folder
            special.write(data)
        return
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {target.parent} does not exist")
    if old is not None and not (stat.S_IMODE(old.st_mode) & 0o222 and os.access(target, os.W_OK)):
        raise PermissionError(errno.EACCES, "the file is read-only, and stays as it was", str(path))
    part = target.with_name(f"{target.name[:32]}.{os.urandom(8).hex()}{PART}")
    try:
        with open(part, "xb", opener=partial(opened, mode=0o666 if old is None else 0o600, wait=True)) as file:
            file.write(data)
            file.flush()
            if old is not None:
                resemble(file.fileno(), part, old)
            os.fsync(file.fileno())
            if sys.platform != "win32":
                os.replace(part, target)                            # under the lock that remove_leftovers respects
        if sys.platform == "win32":                                 # which renames no file that is open
            os.replace(part, target)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(part)):  # None: the disk is full
            error.filename = str(path)                              # the name that the caller knows
        raise


def link(path: Path, name: Path) -> None:
    """Give a file a second name, or make a copy where the file system has no links; a file that has this name is replaced."""
    with suppress(FileNotFoundError):
        name.unlink()
    try:
        os.link(os.path.realpath(path), name)                      # of a symbolic link, Linux would link that
    except OSError:
        write(name, path.read_bytes())


def check_folder(folder: Path) -> None:
    """Raise OSError if no file can be written in a folder: before the work whose results are to be written there."""
    part = folder / f"{os.urandom(8).hex()}{PART}"
    try:
        part.write_bytes(bytes(4096))
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(folder)) from None
    finally:
        with suppress(OSError):
            part.unlink()


def resemble(descriptor: int, part: Path, old: os.stat_result) -> None:
    """Give a new file the owner and the permissions of the one that it replaces, as far as the system allows."""
    with suppress(PermissionError):
        if sys.platform != "win32":
            new = os.fstat(descriptor)
            if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
                os.fchown(descriptor, old.st_uid, old.st_gid)
    with suppress(PermissionError):                                 # of a file system without permissions
        os.chmod(part, stat.S_IMODE(old.st_mode))


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files and the locks in a folder that killed processes left; those of living processes stay."""
    for path in (*folder.glob(f"*{PART}"), *folder.glob(f"*{LOCK}")):
        with suppress(OSError):
            with path.open("r+b") as file:
                if sys.platform != "win32" and locked(file.fileno()):
                    path.unlink()
            if sys.platform == "win32":                             # where a file that a process has open cannot be deleted
                path.unlink()


def read_at_most(read: Callable[[int], bytes], size: int, content: bytearray | None = None) -> bytearray:
    """Return the first ``size`` bytes that ``read`` gives, or all; ``content`` holds those that were read before.

    Reading piece by piece takes the memory of what is there, not of what a damaged header asks for.
    """
    content = bytearray() if content is None else content
    while len(content) < size and (piece := read(min(PIECE, size - len(content)))):
        content += piece
    return content


# ------------------------------------------------------------------ JSON with a checksum


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a dict, which is not empty, as JSON; its first entry, ``"sha256"``, is the checksum of all that follows."""
    body = json.dumps(dict(content), ensure_ascii=False)[1:].encode()
    write(path, seal(body) + body)


def read_json(path: Path) -> dict[str, Any]:
    """Return the dict that ``write_json`` wrote; FileFormatError if a byte of the file has changed, or it has no checksum."""
    content = path.read_bytes()
    body = content[SEALED:]
    if content[:SEALED] != seal(body):
        raise FileFormatError(f"{path} must be a file of JSON that begins with its checksum, but is damaged or has none")
    return json.loads(b"{" + body)


def json_value(value: Any) -> Any:
    """Return what JSON can hold: null in the place of each number that is infinite or NaN, also in dicts and lists.

    >>> json_value({"cost": float("nan"), "seeds": (1, 2.5)})
    {'cost': None, 'seeds': [1, 2.5]}
    """
    if isinstance(value, dict):
        return {name: json_value(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(inner) for inner in value]
    if isinstance(value, Real) and not isinstance(value, Integral):     # also NumPy's
        return float(value) if math.isfinite(value) else None
    return value


def seal(body: bytes) -> bytes:
    return SEAL.format(sha256(body).hexdigest()).encode()


# ------------------------------------------------------------------ locks


class Lock:
    """A lock on a folder, which one process at a time holds, until it lets go or ends: no lock outlives its process.

    It is a file beside the folder. Where the file system has no locks, as some of networks, every process gets it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder.with_name(folder.name + LOCK)
        self.descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False if another process, or another Lock of this one, holds it."""
        if self.descriptor is None:
            with suppress(BlockingIOError, PermissionError):        # PermissionError: it is another user's
                self.descriptor = opened(str(self.path), os.O_RDWR | os.O_CREAT)
        return self.descriptor is not None

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            with suppress(OSError):                                 # Windows deletes no file that is open; the next sweep does
                self.path.unlink()
            os.close(descriptor)


def opened(path: str, flags: int, mode: int = 0o666, wait: bool = False) -> int:
    """Open and lock a file, and return its descriptor; BlockingIOError if another process holds it, unless we ``wait``."""
    while True:
        descriptor = os.open(path, flags, mode)
        try:
            if locked(descriptor, wait) is False:
                raise BlockingIOError(errno.EAGAIN, "another process holds the lock", path)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)                                        # deleted before it was locked: begin again


def locked(descriptor: int, wait: bool = False) -> bool | None:
    """Lock an open file; return False if another process has locked it, None if there are no locks, as in a browser."""
    try:
        if sys.platform == "win32":
            import msvcrt
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except ImportError:
        return None
    except OSError as error:
        return False if error.errno in (errno.EAGAIN, errno.EACCES) else None
    return True
