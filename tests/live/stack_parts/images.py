"""Images with the names in deploy/compose.yml. No registry is available, so they are Debian with the
programs; Grafana is a stand-in."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from docker_engine import BASE, ROOT, base_archive

EXPORTERS = ("airflow", "dbt", "host", "snowflake", "sql")
PACKAGES = ("busybox ca-certificates libcurl4 libgnutls30 libmicrohttpd12 libodbc2 libprometheus-cpp-core1.0 "
            "libpugixml1v5 libre2-9 libsqlite3-0 libsqliteodbc libyaml-cpp0.7 odbcinst openssl python3 tzdata")
SUITE = ("docker-compose", "prometheus", "prometheus-alertmanager")
# The directories that users write to, with the owners of the original images.
OWNED = {"/prometheus": 65534, "/alertmanager": 65534, "/state": 65532, "/var/lib/grafana": 472,
         "/var/log/grafana": 472}
# The program and the user of each image.
OTHERS = {
    "prom/prometheus": ("/usr/bin/prometheus", "65534:65534"),
    "prom/alertmanager": ("/usr/bin/prometheus-alertmanager", "65534:65534"),
    "grafana/grafana": ("/run.sh", "472:0"),
    "victoriametrics/victoria-logs": ("/usr/local/bin/victoria-logs", "0:0"),
    "victoriametrics/vlagent": ("/usr/local/bin/vlagent", "0:0"),
    "victoriametrics/vmalert": ("/usr/local/bin/vmalert", "0:0"),
}


def programs():
    """The files of the images by their path in them."""
    suite = pathlib.Path(output("tests/support/debian_suite", "sid", *SUITE))
    tools = pathlib.Path(output("tests/support/log_tools"))
    found = {f"/usr/local/bin/{name}": tools / name for name in ("victoria-logs", "vlagent", "vmalert")}
    found |= {f"/usr/bin/{name}": suite / "usr/bin" / name for name in ("prometheus", "prometheus-alertmanager")}
    found["/usr/share/prometheus"] = suite / "usr/share/prometheus"
    found["/run.sh"] = ROOT / "tests/live/stack_parts/grafana"
    found["/sink"] = ROOT / "tests/live/stack_parts/sink"
    return found | {f"/usr/bin/{name}_exporter": ROOT / f"build/release/bin/{name}_exporter" for name in EXPORTERS}


def output(*command):
    return subprocess.run([ROOT / command[0], *command[1:]], stdout=subprocess.PIPE, text=True, check=True,
                          stdin=subprocess.DEVNULL).stdout.strip()


def build_all(engine, folder, names):
    """Builds the images that the compose file names."""
    if engine("images", "--quiet", BASE) == "":
        engine("import", base_archive(), BASE, timeout=600)
    context = folder / "image"
    for place, source in programs().items():
        target = context / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            link_or_copy(source, target)
    owned = " && ".join(f"install --directory --owner={owner} {path}" for path, owner in OWNED.items())
    build(engine, folder, "stack:test",
          f"FROM {BASE}\n"
          f"RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends {PACKAGES}\n"
          f"RUN {owned} && ln -s /bin/busybox /usr/bin/wget\n"
          "COPY image /\n")
    for name in sorted(names):
        build(engine, folder, name, dockerfile_of(name))


def link_or_copy(source, target):
    source = source.resolve()
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def dockerfile_of(name):
    image = name.rpartition(":")[0]
    if image in OTHERS:
        program, user = OTHERS[image]
        return f"FROM stack:test\nUSER {user}\nENTRYPOINT {json.dumps([program])}\n"
    if image == "python":
        return "FROM stack:test\n"
    # How an exporter runs, according to its Dockerfile.
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    stage = re.search(rf"^FROM \w+ AS {image.rpartition('/')[2]}\n(.*?)(?=^FROM|\Z|^#)", text, re.M | re.S)[1]
    return "FROM stack:test\nUSER 65532:65532\n" + re.sub(r"^COPY .*\n", "", stage, flags=re.M)


def build(engine, folder, name, dockerfile):
    (folder / "Dockerfile").write_text(dockerfile)
    ignored = "" if "COPY image" in dockerfile else "image\n"
    (folder / ".dockerignore").write_text(ignored)
    engine("build", "--network=host", "--quiet", f"--tag={name}", folder, timeout=1200)
