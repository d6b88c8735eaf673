"""The test's own Docker engine, with the images of the exporters."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
BASE = "debian12:base"
IMAGE = "host_exporter:test"  # the default result of build()
# The options of any exporter's container (docs/install.md), and those of host_exporter's and its flags.
ALONE = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host")
CONFINED = (*ALONE, "--pid=host", "--uts=host", "--volume=/:/host:ro")
HOST = ("--path.procfs=/host/proc", "--path.sysfs=/host/sys", "--path.rootfs=/host",
        "--path.udev.data=/host/run/udev/data")
START = 60


class Failed(Exception):
    """A requirement of the test that is not met."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def poll(condition, what, timeout=START):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed(f"gave up waiting: {what}")
        time.sleep(0.05)


def page(port):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        return reply.read().decode()


class Engine:
    """dockerd on its own socket. Its images and layers stay in .cache/docker, so that later builds are
    fast; everything else is removed. Another engine waits until this one has ended."""

    def __init__(self):
        self.folder = ROOT / ".cache/docker"
        self.folder.parent.mkdir(exist_ok=True)
        self._turn = open(self.folder.with_suffix(".turn"), "wb")
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="docker-"))
        self._folder.chmod(0o711)  # for users that may use the socket
        self.socket = self._folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._log = open(self._folder / "log", "wb")
        self._daemon = subprocess.Popen(
            ["/usr/sbin/dockerd", f"--host={self.url}", f"--data-root={self.folder}",
             f"--exec-root={self._folder}/exec", f"--pidfile={self._folder}/pid",
             "--iptables=false", "--ip6tables=false", "--bridge=none"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True)

    def __enter__(self):
        try:
            poll(self._answers, "dockerd answers")
            self.remove_containers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._daemon.poll() is None:
            with contextlib.suppress(Failed):
                self.remove_containers()
            self._daemon.send_signal(signal.SIGTERM)
            try:
                self._daemon.wait(30)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
        self._log.close()
        remove(self._folder)
        self._turn.close()

    def _answers(self):
        if self._daemon.poll() is not None:
            raise Failed("dockerd ended:\n" + (self._folder / "log").read_text()[-2000:])
        return self.socket.exists() and self._call("version").returncode == 0

    def _call(self, *arguments, timeout=START):
        environment = os.environ | {"DOCKER_HOST": self.url, "DOCKER_BUILDKIT": "0"}
        return subprocess.run(["/usr/bin/docker", *map(str, arguments)], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False)

    def __call__(self, *arguments, timeout=START):
        """The output of docker ARGUMENTS..."""
        result = self._call(*arguments, timeout=timeout)
        if result.returncode:
            raise Failed(f"docker {' '.join(map(str, arguments))}: {result.stdout[-3000:]}")
        return result.stdout.strip()

    def group(self):
        """The group that may use the socket."""
        return self.socket.stat().st_gid

    def inspect(self, name):
        return json.loads(self("inspect", name))[0]

    def remove_containers(self):
        found = self("ps", "--all", "--quiet").split()
        if found:
            self("rm", "--force", "--volumes", *found)

    def compile(self, exporter):
        """Builds an image as a user does. Returns its name."""
        return self._build(exporter, DOCKERFILE, ROOT, "test")

    def build(self, exporter="host_exporter"):
        """Builds an image with the programs of the release build, instead of compiling them again. Returns its name."""
        with tempfile.TemporaryDirectory() as context:
            context = pathlib.Path(context)
            for program in (ROOT / "build/release/bin").glob("*_exporter"):
                subprocess.run(["strip", "-o", context / program.name, program], check=True)
            stage = "FROM ${BASE} AS build\nCOPY *_exporter /source/build/release/bin/\n"
            dockerfile = context / "Dockerfile"
            dockerfile.write_text(re.sub(r"^FROM \S+ AS build\n(?:(?!^FROM).*\n)*", stage, DOCKERFILE.read_text(),
                                         flags=re.M))
            version = subprocess.run([ROOT / "build/release/bin" / exporter, "--version"], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout
            return self._build(exporter, dockerfile, context, re.search(r"revision: (\w+)", version)[1])

    def _build(self, exporter, dockerfile, context, revision):
        """The base image is a Debian made by debootstrap, because there is no registry."""
        image = f"{exporter}:test"
        if self._call("inspect", BASE).returncode:
            self("import", base_archive(), BASE, timeout=300)
        self("build", "--network=host", f"--build-arg=BASE={BASE}", f"--build-arg=REVISION={revision}",
             f"--file={dockerfile}", f"--target={exporter}", f"--tag={image}", context, timeout=3600)
        return image


class Podman:
    """Podman's service on its own socket, with the commands that it shares with Docker."""

    def __init__(self):
        self._folder = self.folder = pathlib.Path(tempfile.mkdtemp(prefix="podman-"))
        self.socket = self._folder / "podman.sock"
        self._log = open(self._folder / "log", "wb")
        self._command = ["/usr/bin/podman", f"--root={self._folder}/root",
                         f"--runroot={self._folder}/run", f"--tmpdir={self._folder}/tmp",
                         "--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=runc"]
        self._service = None

    def __enter__(self):
        try:
            self("import", base_archive(), BASE, timeout=300)
            self._service = subprocess.Popen(
                [*self._command, "system", "service", "--time=0", f"unix://{self.socket}"],
                stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
            poll(self.socket.exists, "Podman's socket")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._service:
            self._service.terminate()
            self._service.wait(30)
        with contextlib.suppress(Failed):
            self("rm", "--all", "--force", "--time=0")
        self._log.close()
        remove(self._folder)

    def __call__(self, command, *arguments, timeout=START):
        """The output of podman ARGUMENTS..."""
        if command == "run":  # podman's default limits are higher than a confined root may set
            arguments = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", *arguments]
        # An OOM-killed container leaves a file "oom" in the working directory of its start.
        result = subprocess.run([*self._command, command, *map(str, arguments)], check=False,
                                cwd=self._folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=timeout)
        if result.returncode:
            raise Failed(f"podman {command}: {result.stderr[-3000:]}")
        return result.stdout.strip()

    def inspect(self, name):
        """The service's description of a container, in Docker's format."""
        answer = subprocess.run(
            ["curl", "--silent", "--fail", "--unix-socket", self.socket,
             f"http://podman/v1.41/containers/{name}/json"],
            stdout=subprocess.PIPE, timeout=START, check=False)
        if answer.returncode:
            raise Failed(f"Podman does not know {name}")
        return json.loads(answer.stdout)

    @contextlib.contextmanager
    def exporter(self, port, *flags):
        """A host_exporter for its socket, on the machine itself."""
        process = subprocess.Popen(
            [ROOT / "build/release/bin/host_exporter", f"--web.listen-address=127.0.0.1:{port}",
             f"--collector.container.socket={self.socket}", *flags],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def base_archive():
    return subprocess.run([ROOT / "tests/support/debian_base"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


def remove(folder):
    """Removes a directory and the mounts that an engine left in it. Waits for processes with the directory
    among their arguments: engines clean up after containers in the background."""
    poll(lambda: not processes_of(folder), f"the processes of {folder} to end")
    for mount in mounts_below(folder):
        subprocess.run(["umount", mount], check=True)
    shutil.rmtree(folder)


def processes_of(folder):
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


def mounts_below(folder):
    """The mounts below a directory, deepest first."""
    lines = pathlib.Path("/proc/self/mounts").read_text().splitlines()
    return sorted((path for path in (line.split()[1] for line in lines)
                   if path.startswith(f"{folder}/")), reverse=True)
