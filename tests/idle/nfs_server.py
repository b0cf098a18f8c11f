# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the exports of exportfs by NFS-Ganesha. It replaces the kernel's server, which not every kernel has.

It runs with the Python of a test machine, as its nfs-server.service. It has the exports of exportfs and no others, and
fails for an option that it cannot translate.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

CONFIG = Path("/run/ganesha.conf")
# The options of exportfs, and those of Ganesha.
OPTIONS = {
    "ro": "Access_Type = RO",
    "rw": "Access_Type = RW",
    "root_squash": "Squash = root_squash",
    "no_root_squash": "Squash = no_root_squash",
    "secure": "PrivilegedPort = true",
    "insecure": "PrivilegedPort = false",
    "sec=sys": "SecType = sys",
    # For these, Ganesha has no alternative.
    **dict.fromkeys(("sync", "wdelay", "hide", "no_subtree_check", "no_all_squash"), ""),
}
# Only the clients of the export have access.
_EXPORT = """\
EXPORT {{
  Export_Id = {number}; Path = {path}; Pseudo = {path}; Access_Type = None;
  FSAL {{ Name = VFS; }}
  CLIENT {{ Clients = {clients}; {settings}; }}
}}
"""
# NFS 4 alone, on its one port, as the course uses it.
_START = """\
NFS_CORE_PARAM { Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; }
NFSv4 { Graceless = true; Minor_Versions = 0; RecoveryBackend = fs; }
"""


def config_of(exports: str) -> str:
    """Return the configuration for the output of ``exportfs -s``. Raises KeyError for an unknown option."""
    text = _START
    for number, line in enumerate(exports.splitlines(), start=1):
        found = re.fullmatch(r"(\S+)\s+([^\s()]+)\((\S+)\)", line)
        if not found:
            raise ValueError(f"cannot be read: {line}")
        path, clients, options = found.groups()
        words = options.split(",")
        if "mountpoint" in words:
            words.remove("mountpoint")
            if not Path(path).is_mount():
                continue
        settings = "; ".join(filter(None, (OPTIONS[word] for word in words)))
        text += _EXPORT.format(number=number, path=path, clients=clients, settings=settings)
    return text


def main() -> None:
    listed = subprocess.run(["exportfs", "-s"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    CONFIG.write_text(config_of(listed.stdout), encoding="utf-8")
    for folder in ("/run/ganesha", "/var/lib/nfs/ganesha"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    os.execvp(
        "ganesha.nfsd", ["ganesha.nfsd", "-F", "-f", str(CONFIG), "-L", "/run/ganesha.log", "-p", "/run/ganesha.pid"]
    )


if __name__ == "__main__":
    main()
