"""Ports for servers that tests start."""

import errno
import random
import socket

# Below the ports that Linux gives to clients and to servers that ask for any (32768 and up).
PORTS = range(20000, 30000)

_claims = []


def free_port(address="127.0.0.1"):
    """A free port. No other caller on this machine gets it until this process ends."""
    for port in random.sample(PORTS, 200):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0port-of-a-test-{port}")  # abstract name, released when the process ends
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            claim.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        _claims.append(claim)
        return port
    raise OSError(errno.EADDRINUSE, f"no free port on {address}")
