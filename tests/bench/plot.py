"""Latency over offered load: an image for the README, by gnuplot, and a small one for the terminal."""
import math
import shutil
import statistics
import subprocess

QUANTILES = [("p50_ms", "p50"), ("p90_ms", "p90"), ("p99_ms", "p99"), ("p999_ms", "p99.9")]
COLOURS = ["#1b7837", "#2166ac", "#e08214", "#b2182b"]

# White behind it, so that it can be read on a dark page too.
IMAGE = """
set terminal svg size 760,420 font 'sans-serif,13' background rgb 'white'
set output '{path}'
set title 'Reserves in a session: latency from when each was due, over offered load'
set xlabel 'offered load, thousands of reserves a second'
set ylabel 'milliseconds'
set logscale y
set grid ytics xtics lc rgb '#dddddd'
set key left top
set xrange [0:*]
set arrow from {highest},graph 0 to {highest},graph 1 nohead dt 2 lc rgb '#888888'
set label 'highest rate of a closed loop ' at {highest},graph 0.04 right tc rgb '#666666'
$points << END
{points}
END
plot {lines}
"""


def points_of(rounds):
    """[(offered per second, {quantile: ms})], medians over the rounds."""
    points = []
    shares = sorted({run["share"] for one in rounds for run in one["offered"]})
    for share in shares:
        runs = [run for one in rounds for run in one["offered"] if run["share"] == share]
        points.append((statistics.median(run["offered_per_second"] for run in runs),
                       {name: statistics.median(run[name] for run in runs)
                        for name, _ in QUANTILES}))
    return points


def highest_of(rounds):
    return statistics.median(max(run["per_second"] for run in one["closed"]) for one in rounds)


def write_image(rounds, path):
    """False where there is no gnuplot."""
    if not shutil.which("gnuplot"):
        return False
    points = "\n".join(" ".join([f"{rate / 1000:.3f}", *(f"{values[name]:.3f}"
                                                         for name, _ in QUANTILES)])
                       for rate, values in points_of(rounds))
    lines = ", ".join(f"$points using 1:{i + 2} with linespoints pt 7 ps 0.5 lw 2 lc rgb '{COLOURS[i]}' "
                      f"title '{title}'" for i, (_, title) in enumerate(QUANTILES))
    script = IMAGE.format(path=path, points=points, lines=lines,
                          highest=f"{highest_of(rounds) / 1000:.3f}")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True


def print_text(rounds):
    """A line for each load: figures, and a bar of the p99 that doubles with every four characters."""
    highest = highest_of(rounds)
    print(f"\nlatency over offered load, ms from when each reserve was due; the highest rate of a closed "
          f"loop is {highest:,.0f} a second")
    print(f"{'offered':>10}{'':>6}" + "".join(f"{title:>9}" for _, title in QUANTILES) + "  p99")
    for rate, values in points_of(rounds):
        bar = "#" * max(1, round(4 * math.log2(max(1, values["p99_ms"] / 0.25))))
        print(f"{rate:>10,.0f}{rate / highest:>6.0%}"
              + "".join(f"{values[name]:>9.2f}" for name, _ in QUANTILES) + f"  {bar}")
