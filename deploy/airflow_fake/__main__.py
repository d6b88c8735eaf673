"""Serves the fake until it is stopped:

    python3 -B deploy/airflow_fake --port 8080 --version 3.3
"""

import argparse
import pathlib
import signal
import sys

# Run by the name of its directory, this is not part of a package.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from airflow_fake import faults  # noqa: E402
from airflow_fake.load import Load  # noqa: E402
from airflow_fake.login import Login  # noqa: E402
from airflow_fake.rows import RELEASES  # noqa: E402
from airflow_fake.server import Fake  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from fake_server import Clock  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(prog="airflow_fake",
                                     description="A living fake of Airflow's REST API.")
    parser.add_argument("--port", type=int, default=8080, help="(default: 8080)")
    parser.add_argument("--address", default="127.0.0.1", help="where it listens (default: 127.0.0.1)")
    parser.add_argument("--version", choices=sorted(RELEASES), default="3.3",
                        help="of Airflow (default: 3.3)")
    parser.add_argument("--user", default="viewer", help="who may read (default: viewer)")
    parser.add_argument("--password", default="viewer",
                        help="of that user, who reads nothing real (default: viewer)")
    parser.add_argument("--seed", type=int, default=1, help="another one, other events (default: 1)")
    parser.add_argument("--speed", type=float, default=1,
                        help="seconds that pass there in one of ours (default: 1)")
    parser.add_argument("--token-seconds", type=int, default=86400,
                        help="how long a token lasts (default: 86400)")
    parser.add_argument("--faults", type=faults.parse_faults, default={}, metavar="NAME=AMOUNT,...",
                        help="; ".join(f"{name}: {text}" for name, text in faults.HELP.items()))
    load = parser.add_argument_group("load, in place of the data platform")
    load.add_argument("--load-dags", type=int, metavar="N", help="DAGs, which makes it a load")
    load.add_argument("--load-live-runs", type=int, default=500, metavar="N", help="(default: 500)")
    load.add_argument("--load-tries", type=float, default=200, metavar="N",
                      help="that end a second (default: 200)")
    load.add_argument("--load-tasks", type=int, default=1_000_000, metavar="N",
                      help="task instances in the history (default: 1000000)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    clock = Clock(speed=arguments.speed)
    if arguments.load_dags:
        world = Load(clock.now(), arguments.version, arguments.load_dags, arguments.load_live_runs,
                     arguments.load_tries, arguments.load_tasks)
    else:
        world = World(clock.now(), arguments.version, arguments.seed)
    login = Login(world.is_v1, arguments.user, arguments.password, arguments.token_seconds)
    made_up = faults.Faults(arguments.seed, **arguments.faults)
    try:
        fake = Fake(world, clock, arguments.port, login, made_up, arguments.address)
    except OSError as error:
        sys.exit(f"airflow_fake: cannot listen on port {arguments.port}: {error.strerror}")
    with fake:
        print(f"a fake Airflow {RELEASES[arguments.version]} on {fake.url}", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    main()
