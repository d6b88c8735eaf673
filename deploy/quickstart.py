"""Starts the exporters, Prometheus and Alertmanager, shows their state, and stops them at Ctrl-C.

Called by deploy/quickstart, which installs and builds first.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import dbt_example
import demo_alertmanager
from shop_demo.shop import configuration as configuration_of_shop

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bin"
DEFAULT_PORTS = {"host": 19100, "snowflake": 19101, "airflow": 19102, "dbt": 19103, "sql": 19104,
                 "prometheus": 19090, "alertmanager": 19093, "fake-airflow": 19182, "fake-snowflake": 19181}
NO_EXPORTERS = {"prometheus", "alertmanager", "fake-airflow", "fake-snowflake"}
START_SECONDS = 30
SHOP_SECONDS = 180  # takes three on an idle machine
EVALUATION_SECONDS = 300  # the longest interval of a group is three minutes
WORD_SECONDS = 15


class Failed(Exception):
    """An error message for the user."""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/quickstart", description=f"{__doc__.splitlines()[0]} The first start installs Debian packages, by sudo,"
        " and builds the exporters.", epilog="The ports are on 127.0.0.1. docs/demo.md describes the demo.")
    parser.add_argument(
        "--check", action="store_true",
        help="wait until all targets are up and all rules evaluated, print the table and exit",
    )
    parser.add_argument("--dbt-target", type=target_folder, metavar="PATH",
                        help="the target directory of your dbt project, instead of the example's")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--airflow", metavar="URL",
                       help="the web server of your Airflow, for airflow_exporter")
    shown.add_argument("--demo", action="store_true",
                       help="start a fake Airflow, a fake Snowflake account and a shop's databases, and "
                            "their exporters")
    parser.add_argument("--airflow-username", metavar="USER", help="with --airflow: a user who may read it")
    parser.add_argument("--airflow-password-file", metavar="FILE",
                        help="with --airflow: the file with the user's password")
    for name, port in DEFAULT_PORTS.items():
        what = name.title().replace("Fake-", "the fake ") if name in NO_EXPORTERS else f"{name}_exporter"
        parser.add_argument(f"--{name}-port", type=port_number, default=port, metavar="PORT",
                            help=f"the port of {what} (default: %(default)s)")
    # Used by deploy/quickstart before it builds.
    parser.add_argument("--ports-only", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def port_number(text):
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port")


def target_folder(text):
    folder = pathlib.Path(text).resolve()
    if not (folder / "manifest.json").is_file():
        raise argparse.ArgumentTypeError(f"{folder / 'manifest.json'} does not exist")
    return folder


def free_ports(arguments):
    """The ports of what is started. The example dbt project is left out if the user has an Airflow."""
    left_out = {"airflow": not (arguments.airflow or arguments.demo),
                **dict.fromkeys(("fake-airflow", "snowflake", "fake-snowflake", "sql"), not arguments.demo),
                "dbt": arguments.airflow and not arguments.dbt_target}
    ports = {name: getattr(arguments, f"{name}_port".replace("-", "_")) for name in DEFAULT_PORTS
             if not left_out.get(name)}
    for name, port in ports.items():
        for other, same in ports.items():
            if other < name and same == port:
                raise Failed(f"--{other}-port and --{name}-port are both {port}")
        require_free(name, port)
    return ports


def step(text):
    print(f"==> {text}", flush=True)


def require_free(name, port):
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failed(f"port {port} for {name} is in use ({error.strerror}); "
                         f"set another one with --{name}-port PORT") from error


class Process:
    """A child process that logs to a file and ends with the quickstart."""

    def __init__(self, name, command, log):
        self.name, self.log = name, log
        with open(log, "wb") as out:
            # A group of its own: Ctrl-C reaches only the quickstart, which then stops its children.
            self.child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                          start_new_session=True)

    def require_running(self):
        code = self.child.poll()
        if code is not None:
            tail = self.log.read_text(errors="replace").splitlines()[-5:]
            raise Failed(f"{self.name} exited with code {code}; the last lines of {self.log}:\n  "
                         + "\n  ".join(tail))

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as reply:
        return reply.read()


def wait_for(url, process):
    give_up = time.monotonic() + START_SECONDS
    while True:
        process.require_running()
        try:
            get(url)
            return
        except (OSError, urllib.error.URLError) as error:
            if time.monotonic() > give_up:
                raise Failed(f"{process.name} does not answer at {url}: {error}") from error
            time.sleep(0.1)


def make_run_folder(ports):
    """Copies the project's Prometheus files, with the actual targets."""
    folder = ROOT / "build" / "quickstart" / str(ports["prometheus"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "prometheus", folder / "prometheus")
    shutil.copytree(ROOT / "alerts", folder / "alerts")
    for name, port in ports.items():
        if name.startswith("fake-"):
            continue
        targets = [{"targets": [f"127.0.0.1:{port}"]}]
        (folder / "prometheus" / "targets" / f"{name}.yml").write_text(json.dumps(targets))
    return folder


def flags_of_dbt(target, folder):
    """Flags for the user's project, or for the example as if it had just run."""
    if not target:
        target = folder / "dbt"
        dbt_example.write_to(target)
    with open(target / "manifest.json", encoding="utf-8") as manifest:
        name = re.search(r'"project_name": *"([^"]+)"', manifest.read(4096))  # dbt 1.6 and up
    return [f"--target.path={target}", *([f"--target.project={name[1]}"] if name else [])]


def start_fake_airflow(port, folder, processes, arguments):
    """Starts a fake deployment in place of the user's."""
    step(f"starting a fake Airflow on port {port}")
    process = Process("airflow_fake",
                      [sys.executable, "-B", ROOT / "deploy/airflow_fake", f"--port={port}"],
                      folder / "airflow_fake.log")
    processes.append(process)
    arguments.airflow = f"http://127.0.0.1:{port}"
    arguments.airflow_username = "viewer"
    arguments.airflow_password_file = folder / "airflow_fake.password"
    arguments.airflow_password_file.write_text("viewer")
    wait_for(f"{arguments.airflow}/api/v2/version", process)


def start_fake_snowflake(port, folder, processes):
    """Starts a fake account with a key for its user."""
    step(f"starting a fake Snowflake account on port {port}")
    key = folder / "snowflake_fake.p8"
    openssl("genrsa", "-out", key, "2048")
    openssl("rsa", "-in", key, "-pubout", "-out", f"{key}.pub")
    process = Process("snowflake_fake",
                      [sys.executable, "-B", ROOT / "deploy/snowflake_fake", f"--port={port}",
                       f"--public-key={key}.pub"],
                      folder / "snowflake_fake.log")
    processes.append(process)
    wait_for(f"http://127.0.0.1:{port}/fake/health", process)


def start_shop(folder, processes):
    """Starts the simulated shop and its databases."""
    step("creating five weeks of data of a shop in SQLite")
    directory = folder / "shop"
    process = Process("shop_demo", [sys.executable, "-B", ROOT / "deploy/shop_demo", directory],
                      folder / "shop_demo.log")
    processes.append(process)
    give_up = time.monotonic() + SHOP_SECONDS
    while not directory.exists():
        process.require_running()
        if time.monotonic() > give_up:
            raise Failed(f"{directory} does not exist after {SHOP_SECONDS} s")
        time.sleep(0.1)


def flags_of_sql(folder):
    config = folder / "sql_exporter.yml"
    config.write_text(configuration_of_shop(folder / "shop"))
    return [f"--config.file={config}"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, check=True,
                   capture_output=True)


def flags_of_snowflake(port, folder):
    return ["--account.identifier=demo-account", "--account.name=demo",
            f"--account.url=http://127.0.0.1:{port}", "--account.user=exporter",
            f"--account.private-key-file={folder / 'snowflake_fake.p8'}",
            "--account.role=SNOWFLAKE_EXPORTER", "--account.warehouse=EXPORTER_WH", "--account.cycle=1m",
            "--account.credits-per-day=0", "--collector.cost", "--collector.queries", "--collector.attribution",
            "--collector.currency", "--collector.query_tags", "--account.query-tag-keys=team"]


def flags_of_airflow(arguments):
    flags = [f"--deployment.url={arguments.airflow}"]
    if arguments.airflow_username:
        flags.append(f"--deployment.username={arguments.airflow_username}")
    if arguments.airflow_password_file:
        flags.append(f"--deployment.password-file={arguments.airflow_password_file}")
    return flags


def require_readable_airflow(arguments):
    """Fails if no list can be read. The health page needs no login, and so would hide that."""
    step(f"checking what can be read from {arguments.airflow}")
    command = [BIN / "airflow_exporter", *flags_of_airflow(arguments), "--config.check-sources"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False)
    if not re.search(r"^  .* allowed$", result.stdout, re.MULTILINE):
        why = re.findall(r"^! (.*)$", result.stdout, re.MULTILINE) or [result.stderr.strip()]
        raise Failed("\n  ".join([f"airflow_exporter cannot read {arguments.airflow}:", *why]))
    print(result.stdout, end="")


def start(ports, folder, processes, arguments):
    if arguments.demo:
        start_fake_airflow(ports["fake-airflow"], folder, processes, arguments)
        start_fake_snowflake(ports["fake-snowflake"], folder, processes)
        start_shop(folder, processes)
    flags = {}
    if "snowflake" in ports:
        flags["snowflake"] = flags_of_snowflake(ports["fake-snowflake"], folder)
    if "sql" in ports:
        flags["sql"] = flags_of_sql(folder)
    if "airflow" in ports:
        require_readable_airflow(arguments)
        flags["airflow"] = flags_of_airflow(arguments)
    if "dbt" in ports:
        flags["dbt"] = flags_of_dbt(arguments.dbt_target, folder)
    for name in sorted(ports.keys() - NO_EXPORTERS):
        step(f"starting {name}_exporter on port {ports[name]}")
        process = Process(f"{name}_exporter",
                          [BIN / f"{name}_exporter",
                           f"--web.listen-address=127.0.0.1:{ports[name]}", *flags.get(name, ())],
                          folder / f"{name}_exporter.log")
        processes.append(process)
        wait_for(f"http://127.0.0.1:{ports[name]}/-/healthy", process)
    start_alertmanager(ports["alertmanager"], folder, processes)
    step(f"starting Prometheus on port {ports['prometheus']}")
    process = Process("prometheus",
                      ["prometheus", f"--config.file={folder}/prometheus/prometheus.yml",
                       f"--storage.tsdb.path={folder}/data",
                       f"--web.listen-address=127.0.0.1:{ports['prometheus']}"],
                      folder / "prometheus.log")
    processes.append(process)
    wait_for(f"http://127.0.0.1:{ports['prometheus']}/-/ready", process)


def start_alertmanager(port, folder, processes):
    step(f"starting Alertmanager on port {port}")
    config = demo_alertmanager.write_to(folder, ROOT / "alertmanager")
    process = Process("alertmanager",
                      ["prometheus-alertmanager", f"--config.file={config}", "--cluster.listen-address=",
                       f"--storage.path={folder}/alertmanager/data", f"--web.listen-address=127.0.0.1:{port}",
                       f"--web.external-url=http://127.0.0.1:{port}"],
                      folder / "alertmanager.log")
    processes.append(process)
    wait_for(f"http://127.0.0.1:{port}/-/ready", process)


def alerts_of_alertmanager(port):
    return json.loads(get(f"http://127.0.0.1:{port}/api/v2/alerts"))


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def api(self, path):
        return json.loads(get(f"{self.url}/api/v1/{path}"))["data"]

    def targets(self):
        return self.api("targets?state=active")["activeTargets"]

    def groups(self):
        return self.api("rules")["groups"]

    def alerts_page(self):
        """Debian's Prometheus has only the classic pages."""
        for path in ("/alerts", "/classic/alerts"):
            with contextlib.suppress(urllib.error.URLError):
                get(self.url + path)
                return self.url + path
        return self.url + "/api/v1/alerts"

    def shows_runs_of_airflow(self):
        query = urllib.parse.quote("airflow_up == 1 and on (deployment) airflow_dag_last_run_state")
        return bool(self.api(f"query?query={query}")["result"])

    def shows_warehouses_of_snowflake(self):
        query = urllib.parse.quote("snowflake_up == 1 and on (account) snowflake_warehouse_state")
        return bool(self.api(f"query?query={query}")["result"])

    def shows_the_shop(self):
        query = urllib.parse.quote("sql_up == 1 and on (source) shop_orders_total"
                                   " and on (source) business_active_users_baseline and on (source) sql_quality_rows")
        return bool(self.api(f"query?query={query}")["result"])

    def reads_airflow(self):
        return bool(self.api("query?query=airflow_up==1")["result"])

    def samples_by_instance(self):
        result = self.api("query?query=scrape_samples_scraped")["result"]
        return {(r["metric"]["job"], r["metric"]["instance"]): r["value"][1] for r in result}


def problems_of_targets(prometheus, arguments):
    """The problems, including temporary ones."""
    found = []
    if arguments.demo and not prometheus.shows_runs_of_airflow():
        found.append("airflow_exporter does not show the runs of the fake Airflow")
    elif arguments.airflow and not prometheus.reads_airflow():
        found.append(f"airflow_exporter does not read {arguments.airflow}: airflow_up is not 1")
    if arguments.demo and not prometheus.shows_warehouses_of_snowflake():
        found.append("snowflake_exporter does not show the warehouses of the fake account")
    if arguments.demo and not prometheus.shows_the_shop():
        found.append("sql_exporter does not show the shop: its orders, its active users and the checks of its tables")
    for target in prometheus.targets():
        if target["health"] != "up":
            reason = target["lastError"] or "not scraped yet"
            found.append(f"{target['labels']['job']} at {target['scrapeUrl']}: {reason}")
    return found


def problems_of_alertmanager(port):
    names = {alert["labels"]["alertname"] for alert in alerts_of_alertmanager(port)}
    return [] if "Watchdog" in names else ["no alert has reached Alertmanager, not even Watchdog, which always fires"]


def problems_of_rules(prometheus):
    groups = prometheus.groups()
    found = [] if groups else ["Prometheus has loaded no rules"]
    for group in groups:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                reason = rule.get("lastError") or "not evaluated yet"
                found.append(f"rule {rule['name']} of {group['name']}: {reason}")
    return found


def not_evaluated_since(prometheus, since):
    return [f"group {group['name']}: not evaluated since every target is up"
            for group in prometheus.groups()
            if datetime.datetime.fromisoformat(group["lastEvaluation"]) < since]


def wait_until_good(prometheus, processes, arguments, alertmanager_port):
    """Waits until every rule was evaluated with the samples of every target."""
    step("waiting until every target is scraped and every rule evaluated, up to five minutes")
    give_up = time.monotonic() + EVALUATION_SECONDS
    next_word = time.monotonic() + WORD_SECONDS
    good_since = None
    while True:
        for process in processes:
            process.require_running()
        found = problems_of_targets(prometheus, arguments)
        if not found:
            good_since = good_since or datetime.datetime.now(datetime.timezone.utc)
            found = (problems_of_rules(prometheus) or not_evaluated_since(prometheus, good_since)
                     or problems_of_alertmanager(alertmanager_port))
        if not found:
            return
        if time.monotonic() > give_up:
            raise Failed("\n  ".join([f"after {EVALUATION_SECONDS} s:", *found]))
        if time.monotonic() > next_word:
            print(f"    waiting for {len(found)}: {found[0]}")
            next_word += WORD_SECONDS
        time.sleep(0.5)


def age(timestamp):
    """How long ago an RFC 3339 time of Prometheus was."""
    then = datetime.datetime.fromisoformat(timestamp)
    if then.year == 1:
        return "never"
    seconds = (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()
    return f"{max(0, round(seconds))} s ago"


def print_table(header, rows):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    print()


def state_of(group):
    alerts = [rule for rule in group["rules"] if rule["type"] == "alerting"]
    names = {state: [rule["name"] for rule in alerts if rule["state"] == state]
             for state in ("firing", "pending", "inactive")}
    said = [f"{' '.join(names[state])} {state}" for state in ("firing", "pending") if names[state]]
    quiet = len(names["inactive"])
    return ", ".join(said + ([f"{quiet} inactive"] if quiet else []))


def print_state(prometheus):
    samples = prometheus.samples_by_instance()
    rows = []
    for target in sorted(prometheus.targets(), key=lambda t: t["labels"]["job"]):
        labels = target["labels"]
        rows.append((labels["job"], target["scrapeUrl"], target["health"],
                     samples.get((labels["job"], labels["instance"]), "-"),
                     age(target["lastScrape"])))
    print()
    print_table(("exporter", "URL", "up", "series", "last scrape"), rows)
    alerting = [group for group in prometheus.groups()
                if any(rule["type"] == "alerting" for rule in group["rules"])]
    print_table(("alert group", "alerts", "state"),
                [(group["name"], sum(rule["type"] == "alerting" for rule in group["rules"]),
                  state_of(group)) for group in alerting])
    if any(rule.get("state") == "pending" for group in alerting for rule in group["rules"]):
        print("  pending: the condition is true and the alert fires if it stays true; some only wait for a scrape.\n")
    print(f"  Prometheus: {prometheus.url}  (alerts: {prometheus.alerts_page()})")


def run(arguments, processes):
    ports = free_ports(arguments)
    if arguments.ports_only:
        return
    folder = make_run_folder(ports)
    start(ports, folder, processes, arguments)
    prometheus = Prometheus(ports["prometheus"])
    wait_until_good(prometheus, processes, arguments, ports["alertmanager"])
    print_state(prometheus)
    alerts = demo_alertmanager.summary(alerts_of_alertmanager(ports["alertmanager"]))
    print(f"  Alertmanager: http://127.0.0.1:{ports['alertmanager']}  ({alerts}; it notifies nobody: docs/alerting.md)")
    if "dbt" not in ports:
        print("  To add your dbt project: --dbt-target PATH/target")
    elif not arguments.dbt_target:
        print("  dbt_exporter shows the project in examples/dbt; for yours: --dbt-target PATH/target")
    if arguments.demo:
        print(f"  airflow_exporter shows a fake Airflow, {arguments.airflow}; for yours: --airflow URL")
        print("  snowflake_exporter shows a fake account; for yours: docs/snowflake.md")
        print("  sql_exporter shows a simulated shop; its problems: docs/demo.md; for yours: docs/sql.md")
    if arguments.check:
        return
    print("  Ctrl-C stops everything.", flush=True)
    while True:
        time.sleep(1)
        for process in processes:
            process.require_running()


def main():
    arguments = parse_arguments()
    # A shell starts background processes with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: sys.exit(0))
    processes = []
    try:
        run(arguments, processes)
    except Failed as failure:
        print(f"quickstart: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if processes and not arguments.check:
            step("stopping")
        for process in reversed(processes):
            process.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
