"""A throwaway PostgreSQL for tests: a cluster in a folder of its own, on a unix socket only.

    with Cluster() as cluster:
        subprocess.run([..., cluster.uri()])

Runs as the user `postgres` when started by root, as PostgreSQL refuses to run as root. It is
stopped and removed when the block ends or this process dies, also by SIGKILL: a watcher process
waits for the end of a pipe that this process holds.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

SETTINGS = {
    "listen_addresses": "",
    # Processes are killed here, machines are not: the kernel keeps what was written.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def find_programs():
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if found:
        newest = max(found, key=lambda path: int(path.split("/")[4]))
        return os.path.dirname(newest)
    on_path = shutil.which("initdb")
    if on_path:
        return os.path.dirname(on_path)
    raise RuntimeError("PostgreSQL's 'initdb' not found: install the package 'postgresql-15'")


def as_owner():
    """Arguments for subprocess that drop root's rights, or none when there are none to drop."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam("postgres")
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


class Cluster:
    def __init__(self, settings=None):
        self.programs = find_programs()
        self.directory = tempfile.mkdtemp(prefix="stockbook-pg-", dir="/tmp")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        watched, self.alive = os.pipe()
        self.watcher = subprocess.Popen(
            ["/usr/bin/python3", os.path.abspath(__file__), "--watch", self.directory],
            stdin=watched, stdout=subprocess.DEVNULL, start_new_session=True)
        os.close(watched)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            for name, value in {**SETTINGS, "unix_socket_directories": self.directory,
                                **(settings or {})}.items():
                file.write(f"{name} = '{value}'\n")
        self.start()
        self._run("createdb", "-h", self.directory, "-U", "postgres", "stockbook")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self, program, *arguments, environment=None):
        done = subprocess.run(
            [os.path.join(self.programs, program), *arguments], cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False, env={**os.environ, **(environment or {})}, **as_owner())
        if done.returncode != 0:
            raise RuntimeError(f"'{program}' failed:\n{done.stdout.decode(errors='replace')}"
                               f"{self._end_of_log()}")

    def _end_of_log(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-20:])
        except OSError:
            return ""

    def uri(self, database="stockbook", user="postgres"):
        return f"postgresql://{user}@/{database}?host={self.directory}"

    def start(self, environment=None):
        """Starts it, or starts it again after kill() or stop(); with more environment if given."""
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.close(log)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.log, owner.pw_uid, owner.pw_gid)
        self._run("pg_ctl", "-D", self.data, "-l", self.log, "-t", "60", "-w", "-s", "start",
                  environment=environment)

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-s", "stop")

    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            return int(file.readline())

    def kill(self):
        """SIGKILL to the postmaster and all of its children, as a crash would do."""
        postmaster = self.pid()
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)],
                                  stdout=subprocess.PIPE, check=False).stdout.split()
        for pid in [postmaster, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        os.close(self.alive)
        self.watcher.wait()


def watch(directory):
    """Waits until the test is gone, then stops the cluster and removes it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    data = os.path.join(directory, "data")
    if os.path.exists(os.path.join(data, "postmaster.pid")):
        subprocess.run([os.path.join(find_programs(), "pg_ctl"), "-D", data, "-m", "immediate",
                        "-w", "-s", "stop"], cwd="/", stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False, **as_owner())
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__" and sys.argv[1:2] == ["--watch"]:
    watch(sys.argv[2])
