"""Recorded machines whose counters rise."""

import re
import shutil
import threading

from support import SOURCE

FIXTURES = SOURCE / "tests/fixtures/host"
# The numbers at the end of a line, except those that would soon overflow.
COUNTERS = re.compile(r"(?m)(?<=[ :])\d{1,18}(?=[ \d]*$)")


class RecordedMachine:
    """A copy of recorded trees, merged; a file in several trees is taken from the first. In the block,
    the counters of some files rise every second, as on a running machine."""

    def __init__(self, path, machines, counters):
        for machine in machines:
            lay_over(machine, path)
        self.path = path
        self._files = {file: file.read_text() for pattern in counters for file in path.glob(pattern)}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def flags(self):
        trees = {"procfs": "proc", "sysfs": "sys", "rootfs": "root", "udev.data": "udev"}
        return [f"--path.{flag}={self.path / tree}" for flag, tree in trees.items()
                if (self.path / tree).is_dir()]

    def _work(self):
        seconds = 0
        while not self._ended.wait(1):
            seconds += 1
            for file, text in self._files.items():
                news = file.with_name(f".{file.name}.new")
                news.write_text(COUNTERS.sub(lambda match: str(int(match[0]) + seconds), text))
                news.replace(file)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def lay_over(source, target):
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        there = target / path.name
        if path.is_dir() and not path.is_symlink():
            lay_over(path, there)
        elif not there.exists() and not there.is_symlink():
            shutil.copy2(path, there, follow_symlinks=False)
