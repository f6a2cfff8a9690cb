"""`python relay.py PORT`: what comes in goes to a local port; QEMU starts one for each connection."""

import os
import socket
import sys
import threading

CHUNK_BYTES = 65536


def main() -> None:
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=_forward_input, args=(server,), daemon=True).start()
    while chunk := server.recv(CHUNK_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[os.write(1, view) :]


def _forward_input(server: socket.socket) -> None:
    while chunk := os.read(0, CHUNK_BYTES):
        server.sendall(chunk)
    server.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
