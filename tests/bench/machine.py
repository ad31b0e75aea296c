"""What is read of the machine: CPU and memory of processes; and what is said meanwhile."""
import os
import resource
import sys


def say(text):
    """Progress: one line that is written over at a terminal, a line each elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text[:100]}")
        sys.stderr.flush()
    elif text:
        print(text, file=sys.stderr, flush=True)


def cpu_seconds(pids):
    """User and system time of the processes so far."""
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            # Reaped children count too: pgbench's backends end with each run.
            ticks += sum(int(fields[i]) for i in (11, 12, 13, 14))
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def cpu_seconds_of_ended_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def huge_pages_bytes():
    """What is reserved; PostgreSQL's shared buffers lie in them if they fit."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return sizes.get("HugePages_Total", 0) * sizes.get("Hugepagesize", 0) * 1024


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]
