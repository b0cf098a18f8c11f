# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts a share of NFS 4 by FUSE. It replaces mount.nfs4, which needs NFS in the kernel.

``mount`` calls it as ``mount.nfs4 HOST:/FOLDER FOLDER -o OPTIONS``. libnfs sends each request in the name of the user
whose program reads or writes, as a kernel does. It runs with the Python of a test machine, and with the packages
libnfs13 and python3-fusepy.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any

from fusepy import FUSE, FuseOSError, Operations, fuse_get_context

_NFS = ctypes.CDLL("libnfs.so.13")
# The fields of struct nfs_stat_64.
_STAT = ("dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks", "atime", "mtime", "ctime")
_PADDING = 4


class _Entry(ctypes.Structure):
    """The beginning of struct nfsdirent."""

    _fields_ = (("next", ctypes.c_void_p), ("name", ctypes.c_char_p))


_NFS.nfs_init_context.restype = ctypes.c_void_p
_NFS.nfs_readdir.restype = ctypes.POINTER(_Entry)


class Share(Operations):  # type: ignore[misc]
    """The files of one share."""

    def __init__(self, host: str, folder: str) -> None:
        self._context = ctypes.c_void_p(_NFS.nfs_init_context())
        _NFS.nfs_set_version(self._context, 4)
        self._call(_NFS.nfs_mount, host.encode(), folder.encode())
        self._files: dict[int, ctypes.c_void_p] = {}

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        """Send a request. Raises OSError if it fails."""
        status = function(self._context, *arguments)
        if status < 0:
            raise FuseOSError(-status)
        return status

    def _as_user(self) -> None:
        user, group, _process = fuse_get_context()
        _NFS.nfs_set_uid(self._context, user)
        _NFS.nfs_set_gid(self._context, group)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        self._as_user()
        numbers = (ctypes.c_uint64 * (len(_STAT) + _PADDING))()
        self._call(_NFS.nfs_lstat64, path.encode(), numbers)
        told = dict(zip(_STAT, numbers, strict=False))
        return {f"st_{name}": told[name] for name in ("mode", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime")}

    def readdir(self, path: str, fh: int) -> list[str]:
        self._as_user()
        folder = ctypes.c_void_p()
        self._call(_NFS.nfs_opendir, path.encode(), ctypes.byref(folder))
        names = []
        while entry := _NFS.nfs_readdir(self._context, folder):
            names.append(entry.contents.name.decode())
        _NFS.nfs_closedir(self._context, folder)
        return names

    def open(self, path: str, flags: int) -> int:
        self._as_user()
        file = ctypes.c_void_p()
        self._call(_NFS.nfs_open, path.encode(), flags, ctypes.byref(file))
        return self._keep(file)

    def create(self, path: str, mode: int, fi: object = None) -> int:
        self._as_user()
        file = ctypes.c_void_p()
        self._call(_NFS.nfs_open2, path.encode(), os.O_CREAT | os.O_RDWR, mode, ctypes.byref(file))
        return self._keep(file)

    def _keep(self, file: ctypes.c_void_p) -> int:
        number = max(self._files, default=0) + 1
        self._files[number] = file
        return number

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        self._as_user()
        data = ctypes.create_string_buffer(size)
        count = self._call(_NFS.nfs_pread, self._files[fh], ctypes.c_uint64(offset), ctypes.c_uint64(size), data)
        return data.raw[:count]

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        self._as_user()
        sizes = (ctypes.c_uint64(offset), ctypes.c_uint64(len(data)))
        return self._call(_NFS.nfs_pwrite, self._files[fh], *sizes, data)

    def release(self, path: str, fh: int) -> int:
        return self._call(_NFS.nfs_close, self._files.pop(fh))

    def unlink(self, path: str) -> int:
        self._as_user()
        return self._call(_NFS.nfs_unlink, path.encode())


def main(source: str, folder: str, *rest: str) -> None:
    host, _colon, path = source.partition(":")
    options = {option for word in rest for option in word.split(",")}
    FUSE(Share(host, path), folder, nothreads=True, allow_other=True, fsname=source, ro="ro" in options)


if __name__ == "__main__":
    main(*sys.argv[1:])
