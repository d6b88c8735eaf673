"""A Docker engine of the test's own, with the image of host_exporter in it."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = "debian12:base"
IMAGE = "host_exporter:test"
START = 60


class Failed(Exception):
    """What does not hold."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def poll(condition, what, timeout=START):
    """Calls condition() until it gives something true, and returns that."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed(f"gave up waiting: {what}")
        time.sleep(0.05)


class Engine:
    """dockerd on a socket of its own. Its images and layers stay in .cache/docker, so that a second
    build is quick; everything else goes with it."""

    def __init__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="docker-"))
        self.socket = self._folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._log = open(self._folder / "log", "wb")
        self._daemon = subprocess.Popen(
            ["/usr/sbin/dockerd", f"--host={self.url}", f"--data-root={ROOT}/.cache/docker",
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
        # The engine leaves the network namespace of containers without a network mounted.
        subprocess.run(["umount", "--quiet", self._folder / "exec/netns/default"], check=False)
        shutil.rmtree(self._folder)

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
        """docker ARGUMENTS...: what it prints."""
        result = self._call(*arguments, timeout=timeout)
        if result.returncode:
            raise Failed(f"docker {' '.join(map(str, arguments))}: {result.stdout[-3000:]}")
        return result.stdout.strip()

    def inspect(self, name):
        return json.loads(self("inspect", name))[0]

    def remove_containers(self):
        found = self("ps", "--all", "--quiet").split()
        if found:
            self("rm", "--force", "--volumes", *found)

    def build(self):
        """Builds the image, on a Debian made by debootstrap: there is no registry to ask."""
        if self._call("inspect", BASE).returncode:
            archive = subprocess.run([ROOT / "tests/support/debian_base"], stdout=subprocess.PIPE,
                                     text=True, check=True).stdout.strip()
            self("import", archive, BASE, timeout=300)
        self("build", "--network=host", f"--build-arg=BASE={BASE}", "--build-arg=REVISION=test",
             f"--file={ROOT}/deploy/docker/Dockerfile", "--target=host_exporter",
             f"--tag={IMAGE}", ROOT, timeout=3600)
