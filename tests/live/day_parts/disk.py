"""The disk for an exporter's state, which can be filled."""

import errno
import os
import subprocess

SIZE = 64 << 20  # bytes
PIECE = 1 << 16


class Disk:
    """A directory on its own file system, or, if none can be mounted, one in which the exporter may not write files."""

    def __init__(self, stack, path):
        self.path, self.filler, self.exporter = path, path / "filler", None
        path.mkdir(parents=True)
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", path], check=False,
            stderr=subprocess.DEVNULL).returncode == 0
        self.is_mounted = mounted
        if mounted:
            stack.callback(subprocess.run, ["umount", "--lazy", path], check=False)

    def fill(self):
        if not self.is_mounted:
            self.exporter.limit_files(0)
            return
        size = PIECE
        with open(self.filler, "wb", buffering=0) as file:
            while size:
                try:
                    file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def free(self):
        if self.is_mounted:
            self.filler.unlink()
        else:
            self.exporter.limit_files(None)
