"""A bad line between the server and PostgreSQL: passes bytes on, and can cut, hang and swallow.

    with Proxy(cluster) as proxy, Server(database=proxy.uri()) as server:
        proxy.cut()
"""
import os
import select
import socket
import tempfile
import threading
import time

SOCKET = ".s.PGSQL.5432"


class Proxy:
    def __init__(self, cluster):
        self.directory = tempfile.mkdtemp(prefix="proxy-",
                                          dir=os.environ.get("STOCKBOOK_TEST_DIR", "/tmp"))
        self.target = os.path.join(cluster.directory, SOCKET)
        self.cluster = cluster
        self.pairs = []
        self.lock = threading.Lock()
        self.hanging = threading.Event()   # nothing passes, nothing is closed
        self.swallowed = ()                # of these, what PostgreSQL says is lost
        self.refusing = threading.Event()  # no new connections
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.directory, SOCKET))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def uri(self):
        return f"postgresql://postgres@/stockbook?host={self.directory}"

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                if self.refusing.is_set():
                    raise OSError
                far.connect(self.target)
            except OSError:
                near.close()
                far.close()
                continue
            pair = (near, far)
            with self.lock:
                self.pairs.append(pair)
            threading.Thread(target=self._carry, args=(pair,), daemon=True).start()

    def _carry(self, pair):
        near, far = pair
        try:
            while True:
                ready, _, _ = select.select([near, far], [], [], 0.5)
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    while self.hanging.is_set():
                        time.sleep(0.01)
                    if end is near:
                        far.sendall(data)
                    elif pair not in self.swallowed:
                        near.sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            self._close(pair)

    def _close(self, pair):
        with self.lock:
            if pair in self.pairs:
                self.pairs.remove(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut(self):
        """Ends every connection."""
        with self.lock:
            pairs = list(self.pairs)
        for near, far in pairs:
            for end in (near, far):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def lose_answers(self, seconds):
        """What is asked is done, but its answer never comes: then the connection ends."""
        with self.lock:
            self.swallowed = tuple(self.pairs)
        time.sleep(seconds)
        self.cut()

    def close(self):
        self.hanging.clear()
        self.listener.close()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
