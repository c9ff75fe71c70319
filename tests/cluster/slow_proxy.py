#!/usr/bin/env python3
"""slow_proxy.py PORT SECONDS - a controller that answers late

Listens on a free port of 127.0.0.1, prints it, and leads each connection to
PORT. What is asked arrives at once; what is answered waits for SECONDS, counted
from the connection's first answer. Ends with its stdin.
"""
import socket
import sys
import threading
import time


def copy(source, target, wait):
    try:
        while data := source.recv(65536):
            time.sleep(wait)
            wait = 0
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass        # either end has gone


def lead(near, port, seconds):
    with near, socket.create_connection(("127.0.0.1", port), 10) as far:
        far.settimeout(None)
        asked = threading.Thread(target=copy, args=(near, far, 0), daemon=True)
        asked.start()
        copy(far, near, seconds)
        asked.join(60)


def serve(port, seconds):
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)
    while True:
        near, _ = server.accept()
        threading.Thread(target=lead, args=(near, port, seconds),
                         daemon=True).start()


threading.Thread(target=serve, args=(int(sys.argv[1]), float(sys.argv[2])),
                 daemon=True).start()
sys.stdin.read()
