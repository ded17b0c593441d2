"""The file system of a folder. SQLite's write-ahead log needs a local one."""

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
# Locks and shared memory do not work across machines on these file systems, or do not work at all.
NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs",
    "nfs4", "ocfs2", "orangefs", "prl_fs", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs",
}  # fmt: skip
LOCAL_FUSE = {"fuse.ntfs", "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.bindfs"}


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """Return the type of the file system that holds `folder`, such as `ext4` or `nfs4`.

    Returns an empty text if `mounts`, a file in the format of Linux's /proc/mounts, cannot be read.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    innermost, depth = "", -1
    for _device, mount_point, kind in (line.split()[:3] for line in lines if line.count(" ") > 2):
        point = Path(_unescaped(mount_point))
        # The last of several mounts on one point hides the others.
        if folder.is_relative_to(point) and len(point.parts) >= depth:
            innermost, depth = kind, len(point.parts)
    return innermost


def is_network(kind: str) -> bool:
    """Whether file systems of this type are on another machine, as unknown FUSE types count."""
    return kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)


def _unescaped(mount_point: str) -> str:
    r"""Decode the octal escapes, such as `\040`, of spaces, tabs, line ends and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), mount_point)
