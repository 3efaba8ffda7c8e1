#!/usr/bin/env python3
"""write_tables.py RESULTS.jsonl docs/performance.md: replace the part between the bench marks by tables of the results.

Only measured numbers get in: what was skipped says so, what has no target has an empty cell. Benchmarks that have no
table of their own here get a plain one of case, size, unit, best, median and whatever numbers their lines hold.
"""
import json
import sys

BEGIN, END = "<!-- bench: begin, written by scripts/bench -->", "<!-- bench: end -->"
MACHINE = {"machine", "cores", "clock_ghz", "load", "compiler", "date"}


def figure(value, digits=3):
    return f"{value:.{digits}g}" if value else ""


def table(heads, rows):
    return ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *["| " + " | ".join(row) + " |" for row in rows], ""]


def skipped(line, columns):
    return [line["case"], "skipped: " + line["skipped"]] + [""] * (columns - 2)


def speed_table(lines):
    heads = ["case", "size", "CPU best", "CPU median", "wall median", "cycles", "wanted", "peer / ensgrad", "wanted"]
    rows = []
    for line in lines:
        if "skipped" in line:
            rows.append(skipped(line, len(heads)))
            continue
        rows.append(
            [
                line["case"],
                line["size"],
                f"{line['best']:.3f}",
                f"{line['median']:.3f}",
                f"{line['wall_median']:.3f}",
                f"{line['cycles']:.2f}",
                f"<= {figure(line['target'])}" if line["target"] else "",
                figure(line["ratio"]),
                f">= {figure(line['target_ratio'])}" if line["target_ratio"] else "",
            ]
        )
    return table(heads, rows)


def check_table(lines):
    heads = ["study", "size", "predicted / actual time: median", "least", "most", "memory", "run, s", "check, s"]
    rows = []
    for line in lines:
        if "skipped" in line:
            rows.append(skipped(line, len(heads)))
            continue
        keys = ("median", "best", "worst", "memory_ratio", "seconds", "check_seconds")
        rows.append([line["case"], line["size"], *[figure(line[key]) for key in keys]])
    return table(heads, rows)


def sass_table(lines):
    kinds = ("total", "fp64", "fp32", "integer", "special", "memory", "control")
    heads = ["kernel", "unit", *kinds, "in the plan"]
    rows = []
    for line in lines:
        if "skipped" in line:
            rows.append(skipped(line, len(heads)))
            continue
        rows.append([line["case"], line["size"], *[f"{line[k]:.1f}" for k in kinds], f"{line['plan']} ({line['plan_for']})"])
    return table(heads, rows)


def other_table(lines):
    """For benchmarks that this script does not know."""
    fixed = ["case", "size", "unit", "best", "median"]
    names = []
    for line in lines:
        names += [k for k, v in line.items() if isinstance(v, (int, float)) and k not in MACHINE | set(fixed) | set(names)]
    heads = fixed + names
    rows = []
    for line in lines:
        if "skipped" in line:
            rows.append(skipped(line, len(heads)))
            continue
        cells = [str(line.get(key, "")) for key in fixed[:3]]
        rows.append(cells + [figure(line[key], 4) if key in line else "" for key in fixed[3:] + names])
    return table(heads, rows)


def threads(line):
    return (
        f"- **Threads.** {line['size']}: one thread {line['wall_one']:.3f} s, two {line['wall_two']:.3f} s (best wall of "
        f"{line['repeats']}): {line['best']:.2f} times faster, by medians {line['median']:.2f}; CPU time grew by "
        f"{line['cpu_ratio']:.3f} (wanted: 1.9 on an idle machine)."
    )


def memory(line):
    return (
        f"- **Memory.** 1e6 realisations {line['median']:.2f} MiB, 1e9 {line['at_1e9']:.2f} MiB ({line['seconds']:.1f} s): "
        f"ratio {line['ratio']:.4f} (wanted: within 5 %)."
    )


def startup(line):
    return (
        f"- **Start.** From the command to the first result of a tiny study: best {line['best']:.4f} s, median "
        f"{line['median']:.4f} s wall, {line['cpu_median']:.4f} s CPU (wanted: 0.1 s)."
    )


def overhead(line):
    wanted = f" (wanted: at most {figure(line['target_percent'])} %)" if line["target_percent"] else ""
    return (
        f"- {line['case']}: {line['overhead_percent']:.1f} % over {line['over']}, {line['ns_per_sample']:.3f} ns per "
        f"sample{wanted}."
    )


def statistics_table(lines):
    return [
        *speed_table([line for line in lines if "overhead_percent" not in line]),
        "",
        *[overhead(line) for line in lines if "overhead_percent" in line],
        "",
    ]


SPEED = {
    "ou": "One Euler-Maruyama step of the Ornstein-Uhlenbeck process, ns per trajectory-step, one thread:",
    "sgd": "One SGD step, least squares, d = 8, n = 256, batch 1, ns per trajectory-step, one thread:",
    "population": "One SGD step of one particle, linear mean-field network, d = 10, batch 1, ns per particle-step, one thread:",
}
SENTENCES = {"threads": threads, "memory": memory, "startup": startup}
TABLES = {
    "statistics": (
        "Statistics of the Ornstein-Uhlenbeck process, ns per trajectory-step, one thread, and what they add (pairs of one round):",
        statistics_table,
    ),
    "check": ("Prediction of `ensgrad check` against `ensgrad run`, one thread:", check_table),
    "sass": ("Instructions a step in the sm_90 code (bench/count_sass.py; no GPU needed):", sass_table),
}


def head(lines, results):
    first = next(line for line in lines if "machine" in line)
    loads = [line["load"] for line in lines if "load" in line]
    text = (
        f"Measured {first['date']} on {first['machine']}, {first['cores']} cores, {first['clock_ghz']:.2f} GHz observed, "
        f"compiler {first['compiler']}; load while it ran {min(loads)} to {max(loads)}. Command: `scripts/bench`; raw lines: "
        f"`{results}`."
    )
    if max(loads) > 1.5:  # the benchmark itself is 1
        text += " **The machine was loaded by other work**: times are too large, and walls say little."
    return text


def use_one_clock(lines):
    """All benchmarks ran on one machine, and a reading of its clock can only be too small (another thread on the core)."""
    clock = max(line.get("clock_ghz") or 0 for line in lines)
    for line in lines:
        if "cycles" in line and line.get("clock_ghz"):
            line["cycles"] *= clock / line["clock_ghz"]
        if "clock_ghz" in line:
            line["clock_ghz"] = clock


def main():
    results, page = sys.argv[1:3]
    with open(results) as file:
        lines = [json.loads(line) for line in file if line.strip()]
    use_one_clock(lines)
    by_bench = {}
    for line in lines:
        by_bench.setdefault(line["bench"], []).append(line)
    text = [BEGIN, "", head(lines, results), ""]
    for name, title in SPEED.items():
        if name in by_bench:
            text += [title, "", *speed_table(by_bench[name])]
    text += [write(line) for name, write in SENTENCES.items() for line in by_bench.get(name, []) if "skipped" not in line] + [""]
    for name, (title, write) in TABLES.items():
        if name in by_bench:
            text += [title, "", *write(by_bench[name])]
    for name in sorted(set(by_bench) - set(SPEED) - set(SENTENCES) - set(TABLES)):
        text += [f"bench_{name}:", "", *other_table(by_bench[name])]
    with open(page) as file:
        old = file.read()
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    with open(page, "w") as file:
        file.write(before + "\n".join(text + [END]) + after)


main()
