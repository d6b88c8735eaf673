"""Serves the fake until it is stopped:

    python3 -B deploy/snowflake_fake --port 8081 --public-key rsa_key.pub
"""

import argparse
import pathlib
import signal
import sys
import time

# Run by the name of its directory, this is not part of a package.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from fake_server import Clock  # noqa: E402
from snowflake_fake.account import Account  # noqa: E402
from snowflake_fake.auth import Auth, User  # noqa: E402
from snowflake_fake.objects import EXPORTER_ROLE, EXPORTER_WAREHOUSE  # noqa: E402
from snowflake_fake.server import Fake  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(prog="snowflake_fake",
                                     description="A living fake of Snowflake's SQL API.")
    parser.add_argument("--port", type=int, default=8081, help="(default: 8081)")
    parser.add_argument("--address", default="127.0.0.1", help="where it listens (default: 127.0.0.1)")
    parser.add_argument("--account", default="DEMO-ACCOUNT",
                        help="the account identifier in tokens (default: DEMO-ACCOUNT)")
    parser.add_argument("--user", default="EXPORTER", help="who may ask (default: EXPORTER)")
    parser.add_argument("--public-key", type=pathlib.Path, action="append", default=[], metavar="FILE",
                        help="PEM of that user's key; twice for a rotation")
    parser.add_argument("--speed", type=float, default=1,
                        help="seconds that pass there in one of ours (default: 1)")
    parser.add_argument("--start", type=float, metavar="SECONDS",
                        help="the time there at the start, since the epoch (default: now)")
    parser.add_argument("--seed", type=int, default=1, help="another one, other events (default: 1)")
    parser.add_argument("--tls-cert", type=pathlib.Path, metavar="FILE", help="PEM; https then")
    parser.add_argument("--tls-key", type=pathlib.Path, metavar="FILE", help="its key")
    arguments = parser.parse_args()
    if bool(arguments.tls_cert) != bool(arguments.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    return arguments


def main():
    arguments = parse_arguments()
    clock = Clock(time.time() if arguments.start is None else arguments.start, arguments.speed)
    auth = Auth({arguments.account.upper()})
    certificate = (arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    try:
        auth.add(User(arguments.user.upper(), [EXPORTER_ROLE, "LIMITED", "PUBLIC"], EXPORTER_WAREHOUSE,
                      [path.read_text(encoding="ascii") for path in arguments.public_key]))
        fake = Fake(Account(clock.now(), arguments.seed), clock, auth, arguments.port, certificate,
                    host=arguments.address)
    except (OSError, ValueError) as error:
        sys.exit(f"snowflake_fake: {error}")
    with fake:
        print(f"a fake Snowflake account {arguments.account.upper()} on {fake.url}", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    main()
