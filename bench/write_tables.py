#!/usr/bin/python3
"""write_tables.py RESULTS.jsonl docs/performance.md: replace the part between the bench marks by tables of the results.

Only measured numbers get in: what was skipped says so, what has no target has an empty cell.
"""
import json
import sys

BEGIN, END = "<!-- bench: begin, written by scripts/bench -->", "<!-- bench: end -->"


def figure(value, digits=3):
    return f"{value:.{digits}g}" if value else ""


def speed_table(lines):
    rows = ["| case | size | best | median | cycles | wanted | peer / ensgrad | wanted |", "|---|---|---|---|---|---|---|---|"]
    for line in lines:
        if "skipped" in line:
            rows.append(f"| {line['case']} | skipped: {line['skipped']} | | | | | | |")
            continue
        target = f"<= {figure(line['target'])}" if line["target"] else ""
        target_ratio = f">= {figure(line['target_ratio'])}" if line["target_ratio"] else ""
        rows.append(
            f"| {line['case']} | {line['size']} | {line['best']:.3f} | {line['median']:.3f} | {line['cycles']:.2f} "
            f"| {target} | {figure(line['ratio'])} | {target_ratio} |"
        )
    return rows


def other(line):
    if line["bench"] == "threads":
        return (
            f"- **Threads.** {line['size']}: one thread {line['wall_one']:.3f} s, two {line['wall_two']:.3f} s (best wall of "
            f"{line['repeats']}): {line['best']:.2f} times faster, by medians {line['median']:.2f}; CPU time grew by "
            f"{line['cpu_ratio']:.3f}; load {line['load']} on {line['cores']} cores (wanted: 1.9 on an idle machine)."
        )
    if line["bench"] == "memory":
        return (
            f"- **Memory.** 1e6 realisations {line['median']:.2f} MiB, 1e9 {line['at_1e9']:.2f} MiB ({line['seconds']:.1f} s): "
            f"ratio {line['ratio']:.4f} (wanted: within 5 %)."
        )
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


def main():
    results, page = sys.argv[1:3]
    with open(results) as file:
        lines = [json.loads(line) for line in file if line.strip()]
    first = lines[0]
    loads = [line["load"] for line in lines]
    text = [
        BEGIN,
        "",
        f"Measured {first['date']} on {first['machine']}, {first['cores']} cores, {first['clock_ghz']:.2f} GHz observed, "
        f"compiler {first['compiler']}; load while it ran {min(loads)} to {max(loads)}. Command: `scripts/bench`; raw lines: "
        f"`{results}`.",
        "",
        "One Euler-Maruyama step of the Ornstein-Uhlenbeck process, ns of CPU time per trajectory-step, one thread:",
        "",
        *speed_table([line for line in lines if line["bench"] == "ou"]),
        "",
        "One SGD step, least squares, d = 8, n = 256, batch 1, ns of CPU time per trajectory-step, one thread:",
        "",
        *speed_table([line for line in lines if line["bench"] == "sgd" and line["case"] != "all"]),
        "",
        "Statistics of that process, ns of CPU time per trajectory-step, one thread, and what they add (pairs of one round):",
        "",
        *speed_table([line for line in lines if line["bench"] == "statistics" and "overhead_percent" not in line]),
        "",
        *[overhead(line) for line in lines if "overhead_percent" in line],
        "One SGD step of one particle, linear mean-field network, d = 10, batch 1, ns of CPU time per particle-step, one thread:",
        "",
        *speed_table([line for line in lines if line["bench"] == "population"]),
        "",
        *[other(line) for line in lines if line["bench"] in ("threads", "memory", "startup")],
        "",
        END,
    ]
    with open(page) as file:
        old = file.read()
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    with open(page, "w") as file:
        file.write(head + "\n".join(text) + tail)


main()
