"""Ask a place so often, one request after the other, each over a connection of its own; print what came of each."""

import http.client
import sys

HOST, PORT, TIMES = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

for _ in range(TIMES):
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    try:
        connection.request("GET", "/healthz")
        told = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        told = repr(error)
    connection.close()
    sys.stdout.write(f"{told}\n")
    sys.stdout.flush()
