"""Hosts → whether each can be reached from the cgroup whose file is named first; a dropped packet is a time-out."""

import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

GROUP, PORT, PATIENCE, *HOSTS = sys.argv[1:]


def reached(host):
    try:
        socket.create_connection((host, int(PORT)), timeout=float(PATIENCE)).close()
    except TimeoutError:
        return False
    return True


def opened():
    """Whether a port can be opened."""
    try:
        socket.create_server(("127.0.0.1", 0)).close()
    except PermissionError:
        return False
    return True


Path(GROUP).write_text(str(os.getpid()))
with ThreadPoolExecutor(len(HOSTS)) as pool:
    json.dump({**dict(zip(HOSTS, pool.map(reached, HOSTS), strict=True)), "a port": opened()}, sys.stdout)
