"""A Debian 12 for building, for one architecture."""

import pathlib
import shutil
import subprocess

PACKAGES = pathlib.Path(__file__).resolve().parents[1] / "packages"
SUITE = "bookworm"
OF_ALL_ARCHITECTURES = {"libcli11-dev", "nlohmann-json3-dev"}
# Variables of the build: a compiler for another architecture, and how to run its programs.
ARCHITECTURES = {
    "amd64": {"STRIP": "strip"},
    "arm64": {"STRIP": "aarch64-linux-gnu-strip", "EMULATOR": "qemu-aarch64", "DEB_HOST_ARCH": "arm64",
              "TOOLCHAIN": "--toolchain=/source/cmake/aarch64-linux-gnu.cmake"},
}  # fmt: skip


def names_of(architecture):
    """The packages that a build for the architecture needs, as deploy/packages lists them for the machine's own."""
    listed = subprocess.run([PACKAGES, "--list", "build"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    if architecture == "amd64":
        return listed
    libraries = {name for name in listed if name.endswith("-dev")} - OF_ALL_ARCHITECTURES - {"dpkg-dev"}
    names = [f"{name}:{architecture}" if name in libraries else name for name in listed if name != "g++"]
    return [*names, "g++-aarch64-linux-gnu", "qemu-user"]


class Debian:
    """A root directory, made by debootstrap, with the packages for a build."""

    def __init__(self, architecture, root):
        self.architecture, self.root = architecture, root
        log = root.with_suffix(".log")
        with log.open("wb") as out:
            made = subprocess.run(["debootstrap", "--arch=amd64", "--variant=minbase", SUITE, root], stdout=out,
                                  stderr=subprocess.STDOUT, check=False)  # fmt: skip
        if made.returncode:
            raise SystemExit(f"debootstrap: {log.read_text()[-2000:]}")
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        if architecture != "amd64":
            self.run("dpkg", "--add-architecture", architecture)
        self.run("apt-get", "update", "-qq")
        self.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *names_of(architecture),
                 stdout=subprocess.DEVNULL)  # fmt: skip

    def run(self, *command, environment=None, **options):
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                     "DEBIAN_FRONTEND": "noninteractive", **ARCHITECTURES[self.architecture], **(environment or {})}  # fmt: skip
        return subprocess.run(["chroot", self.root, *command], env=variables, check=True, umask=0o022,
                              stdin=subprocess.DEVNULL, **options)  # fmt: skip

    def packages(self):
        """The installed packages: their architecture, preferably the release's, and version by name."""
        shown = self.run("dpkg-query", "--show", "--showformat=${Package}\t${Architecture}\t${Version}\n",
                         stdout=subprocess.PIPE, text=True).stdout  # fmt: skip
        found = {}
        for line in shown.splitlines():
            name, architecture, version = line.split("\t")
            if architecture in (self.architecture, "all") or name not in found:
                found[name] = (architecture, version)
        return found
