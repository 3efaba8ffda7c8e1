#!/usr/bin/env python3
"""What many shards cost beside the single run: CPU time, sizes of files, time and memory of the merge; equal bits.

scripts/shard_costs.py [SHARDS (1000)] [LOG2_REALISATIONS (26)]
BUILD: build folder (build). TMPDIR needs about 200 kB a shard."""
import glob, os, resource, subprocess, sys, tempfile

STUDY = """seed: 7
model: {name: quadratic, curvature: [1, 0.5], noise: 0.3, multiplicative: 0.25}
start: {point: [1, 1]}
horizon: 1/4
sweep: {learning_rate: [1/8, 1/16, 1/32]}
dynamics:
  - {name: sgd, batch_size: 1}
  - {name: gradient-flow}
  - {name: sme1}
  - {name: sme2}
realisations: 2^%d
observe: {at: {linear: 2}, features: [x, norm2], statistics: [moments, covariance]}
"""


def child(*command):
    """CPU seconds and peak kilobytes of a command that has to succeed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("failed: " + " ".join(command[:6]))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 26
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    build = os.path.abspath(os.environ.get("BUILD", os.path.join(root, "build")))
    program, same = os.path.join(build, "ensgrad"), os.path.join(build, "tests", "same_result")
    common = ["-q", "--threads", "1", "--backend", "cpu"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("study.yaml", "w") as f:
            f.write(STUDY % size)
        single, _ = child(program, "run", "study.yaml", "-o", "single.h5", *common)
        print(f"single run: {single:.1f} s of CPU time, {os.path.getsize('single.h5') / 1e3:.0f} kB", flush=True)
        cpu = sum(child(program, "run", "study.yaml", "-o", "r.h5", "--shard", f"{k}/{n}", *common)[0] for k in range(n))
        files = glob.glob("r.shard-*.h5")
        sizes = [os.path.getsize(f) for f in files]
        print(f"{n} shards: {cpu:.1f} s, {1e3 * (cpu - single) / n:.1f} ms more a shard; files of {sum(sizes) / n / 1e3:.0f} kB "
              f"(largest {max(sizes) / 1e3:.0f}), {sum(sizes) / 1e6:.0f} MB in all", flush=True)
        for what, order in (("in order", sorted(files)), ("every second one first", sorted(files)[::2] + sorted(files)[1::2])):
            merging, memory = child(program, "merge", "-q", "--force", "-o", "all.h5", *order)
            is_same = subprocess.run([same, "single.h5", "all.h5"], stdout=subprocess.DEVNULL, check=False).returncode == 0
            print(f"merge, {what}: {merging:.2f} s, {memory / 1e3:.0f} MB of memory, "
                  f"{'equal bits' if is_same else 'OTHER BITS'}", flush=True)
            if not is_same:
                sys.exit(1)


main()
