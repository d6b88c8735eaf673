"""Virtual environments with packages from PyPI, which remain in build/."""

import pathlib
import shutil
import subprocess
import sys

LIVE = pathlib.Path(__file__).resolve().parents[1]
BUILD = LIVE.parents[1] / "build"


def environment(name, pins):
    """The Python of build/NAME, which is created unless complete. `pins` is a file beside the test."""
    place, pins = BUILD / name, LIVE / pins
    whole = place / "pins.txt"
    if not whole.exists() or whole.read_text() != pins.read_text():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([place / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps",
                        f"--requirement={pins}"], check=True)  # fmt: skip
        whole.write_text(pins.read_text())
    return place / "bin/python"
