"""Which file system a folder is on: SQLite's write-ahead log needs a local one."""

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
# Their locks and shared memory do not hold between machines, or not at all.
NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs",
    "nfs4", "ocfs2", "orangefs", "prl_fs", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs",
}  # fmt: skip
LOCAL_FUSE = {"fuse.ntfs", "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.bindfs"}


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that holds `folder`, such as `ext4` or `nfs4`.

    Empty where `mounts`, a list such as Linux has in /proc/mounts, cannot be read.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    found, depth = "", -1
    for _device, mount_point, kind in (line.split()[:3] for line in lines if line.count(" ") > 2):
        point = Path(_unescaped(mount_point))
        # Of several mounts on one point the last one is seen.
        if folder.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = kind, len(point.parts)
    return found


def is_network(kind: str) -> bool:
    """Whether a file system of this type is on another machine; unknown FUSE ones count as such."""
    return kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)


def _unescaped(mount_point: str) -> str:
    r"""The kernel writes spaces, tabs, line ends and backslashes as `\040` and so on."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), mount_point)
