#!/usr/bin/env python3
"""What each statistic costs: bytes of a node and of a worker by `ensgrad check`, ns a sample by `ensgrad run` on one thread.

BUILD=build scripts/statistic_costs.py [REPEATS (5); 0: bytes alone]

Ornstein-Uhlenbeck process (two points: with the same noise), 2^18 realisations of 320 steps, tiles of 4096. Every statistic beside the
same study without it; time is the process's own, median of the repeats' pairs, and has the making of its records."""
import json, os, statistics, subprocess, sys, tempfile

STEPS, REALISATIONS = 320, 2 ** 18
STUDY = """seed: 5
model: {name: ornstein-uhlenbeck, rate: 0.01, sigma: 1}
start: {points: %s}
time_step: 1
steps: 320
dynamics: {name: sde, scheme: exact}
realisations: 2^18
observe:
"""
ONE, TWO = "[[0]]", "[[0], [1]]"
END, EVERY = "  at: {steps: [320]}\n", "  at: {steps: {linear: 40}}\n"
X, PAIR = "  features: [x]\n", "  features: [x, norm2]\n"
GRID = "{feature: x0, bins: 100, low: -30, high: 30}"
LOG_GRID = "{feature: norm2, bins: 100, scale: log, low: 1e-6, high: 1e5}"


def path(text):
    return END + X + "  paths: {statistic: %s}\n" % text


def monitor(text):
    return END + X + "  monitors: {name: m, feature: x0, operation: %s}\n" % text


# name, points, study with, study without, samples of a trajectory
CASES = [
    ("moments", ONE, EVERY + X, END + X, 40),
    ("covariance of two", ONE, EVERY + PAIR + "  statistics: [moments, covariance]\n", EVERY + PAIR, 40),
    ("histogram, linear bins", ONE, EVERY + X + "  histograms: %s\n" % GRID, EVERY + X, 40),
    ("histogram, log bins", ONE, EVERY + PAIR + "  histograms: %s\n" % LOG_GRID, EVERY + PAIR, 40),
    ("joint histogram", ONE,
     EVERY + PAIR + "  histograms: [%s, %s]\n  joint_histograms: {of: x0, with: norm2}\n" % (GRID, LOG_GRID),
     EVERY + PAIR + "  histograms: [%s, %s]\n" % (GRID, LOG_GRID), 40),
    ("monitor maximum", ONE, monitor("maximum"), END + X, STEPS),
    ("monitor sum", ONE, monitor("sum"), END + X, STEPS),
    ("monitor crossing", ONE, monitor("crossing, level: 50"), END + X, STEPS),
    ("exit of two crossings", ONE, END + X + "  monitors: [{name: up, feature: x0, operation: crossing, level: 50, exit: door}, {name: down, "
     "feature: x0, operation: crossing, level: -50, direction: down, exit: door}]\n", END + X, STEPS),
    ("msd, 30 lags", ONE, path("msd, at: {steps: {log: 30}}"), END + X, 30),
    ("moments of 6 powers, 30 lags", ONE, path("moments, at: {steps: {log: 30}}"), END + X, 180),
    ("velocity, 40 windows, 4 lags", ONE, path("velocity, lags: [0, 8, 16, 32], at: {steps: {linear: 40}}"), END + X, 4 * 40),
    ("time-averaged-msd, 320 positions, 4 lags", ONE,
     path("time-averaged-msd, lags: [1, 4, 16, 64], at: {steps: {linear: 320}}"), END + X, 4 * 320),
    ("two-time, 64", ONE, path("two-time, at: {steps: {linear: 64}}"), END + X, 64 * 65 // 2),
    ("m-point, 2 x 16", TWO, path("m-point, feature: x0, at: {steps: {linear: 16}}"), END + X, 32 * 33 // 2),
    ("product, 2 points, 16 times", TWO, path("product, feature: x0, with: x0, at: {steps: {linear: 16}}"), END + X, 16 * 12),
    ("distance, 2 powers, 16 times", TWO, path("distance, powers: [0, 2], at: {steps: {linear: 16}}"), END + X, 32),
    ("characteristic, 3 arguments, 16 times", ONE, path("characteristic, feature: x0, arguments: [0.1, 0.2, 0.5], at: {steps: {linear: 16}}"),
     END + X, 96),
    ("tail, 10 000 largest", ONE, path("tail, feature: x0, largest: 10000"), END + X, 1),
    ("time-average", ONE, path("time-average, feature: x0"), END + X, STEPS),
    ("time-average, ratio", ONE, path("time-average, combine: ratio, feature: x0, with: norm2"), END + X, STEPS),
    ("time-average, covariance", ONE, path("time-average, combine: covariance, feature: x0"), END + X, STEPS),
    ("correlator", ONE, path("correlator, feature: x0"), END + X, STEPS),
    ("correlator-msd", ONE, path("correlator-msd"), END + X, STEPS),
    ("msd, 30 lags, histogram of its values", ONE, path("msd, histogram: true, at: {steps: {log: 30}}"),
     path("msd, at: {steps: {log: 30}}"), 30),
    ("kept paths, 10 of 40 times", ONE, EVERY + X + "  keep: {realisations: 10}\n", EVERY + X, 40),
]


def child(*command):
    """Output and CPU seconds of a command that has to succeed."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        text = out.read().decode()
    if status != 0:
        sys.exit("failed: %s\n%s" % (" ".join(command), text))
    return text, usage.ru_utime + usage.ru_stime


def write(name, study):
    with open(name, "w") as file:
        file.write(study)
    return name


def seconds(program, name, study):
    return child(program, "run", write(name, study), "-o", name + ".h5", "--force", "--quiet", "--backend", "cpu", "--threads", "1")[1]


def memory(program, name, study):
    told = json.loads(child(program, "check", write(name, study), "--threads", "1", "--json")[0])
    return told["runs"][0]["node_bytes"], told["backends"][0]["worker_bytes"]


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = os.path.join(os.path.abspath(os.environ.get("BUILD", os.path.join(root, "build"))), "ensgrad")
    print("| statistic | node, bytes | worker, KiB | ns a sample | samples of a trajectory |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "study.yaml")
        for what, points, with_it, without, samples in CASES:
            studies = (STUDY % points + with_it, STUDY % points + without)
            pairs = [[seconds(program, name, study) for study in studies] for _ in range(repeats)]
            ns = statistics.median(1e9 * (a - b) / REALISATIONS / samples for a, b in pairs) if repeats > 0 else float("nan")
            (node, worker), (plain, plain_worker) = [memory(program, name, study) for study in studies]
            print("| %s | %d | %.0f | %.2f | %d |" % (what, node - plain, (worker - plain_worker) / 1024, ns, samples), flush=True)


if __name__ == "__main__":
    main()
