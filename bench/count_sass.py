#!/usr/bin/env python3
"""count_sass.py [--nvcc NVCC] [--disassembler NVDISASM]: instructions of a step in the sm_90 code, as JSON lines.

Compiles the steppers of the table below with the flags of cmake/cuda.cmake, disassembles them, and takes the stepping loop of
a kernel. Counted is the path through that loop that advances a whole chunk of steps without a call (so without cold
branches); inner loops are taken once (batch 1), the refill of increments or row indices in proportion to the steps that it
serves. No GPU is needed. What cannot be counted here says why.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ["-cubin", "-gencode=arch=compute_80,code=sm_90", "-std=c++17", "-O3", "-fmad=false", "-ftz=false", "-prec-sqrt=true", "-prec-div=true"]
OU, GBM, ROWS = "ornstein_uhlenbeck", "geometric_brownian_motion", "linear_regression"
# unit, dimension, stepper, kind of increments, type of the state, loops around the smallest one, steps of a chunk, steps that a refill
# serves, and the instructions a step that were counted in the small kernels of the plan, with what they did
CASES = [
    (OU, 1, "euler_diagonal", "gaussian", "double", 0, 4, 4, 46.3, "portable source as it is, FP32 state 43.25, and 3 for the FP64 state"),
    (OU, 1, "euler_diagonal", "gaussian", "float", 0, 4, 4, 43.25, "portable source as it is, FP32 state"),
    (OU, 1, "euler_diagonal", "gaussian_fast", "double", 0, 4, 4, 21.5, "Box and Muller by the special function unit, FP64 state"),
    (OU, 1, "euler_diagonal", "gaussian_fast", "float", 0, 4, 4, 18.5, "the same, FP32 state"),
    (GBM, 1, "euler_diagonal", "gaussian_fast", "double", 0, 4, 4, 21.75, "the same, multiplicative 18.75, and 3 for the FP64 state"),
    (OU, 1, "euler_diagonal", "gaussian64", "double", 0, 2, 2, 85, "Box and Muller in FP64, own polynomials: 73 to 85"),
    (OU, 1, "euler_diagonal", "table5", "double", 0, 4, 24, 5.3, "table 5 bits, FP64 state"),
    (OU, 1, "euler_diagonal", "table5", "float", 0, 4, 24, 4.54, "table 5 bits, FP32 state"),
    (OU, 1, "euler_diagonal", "table8", "double", 0, 4, 16, 8.3, "table 9 bits in shared memory, FP64 state"),
    (OU, 1, "euler_diagonal", "table10", "double", 0, 4, 12, 8.3, "table 9 bits in shared memory, FP64 state"),
    (OU, 1, "euler_diagonal", "three_point", "double", 0, 4, 4, 19.25, "three-point, 32-bit compare, FP32 state 16.25, and 3 for the FP64 state"),
    (OU, 1, "euler_diagonal", "two_point", "double", 0, 4, 128, 3.4, "two-point, FP64 state"),
    (OU, 1, "euler_diagonal", "two_point", "float", 0, 4, 128, 3.34, "two-point, FP32 state"),
    (ROWS, 8, "sgd_rows", "gaussian", "double", 1, 1, 4, 32.3, "batch 1, d = 8, FP32, rows in shared memory"),
    (ROWS, 8, "sgd_rows", "gaussian", "float", 1, 1, 4, 32.3, "batch 1, d = 8, FP32, rows in shared memory"),
    (ROWS, 16, "sgd_rows", "gaussian", "double", 1, 1, 4, 52.5, "batch 1, d = 16, FP32, rows in shared memory"),
]
# Comparisons in a step: of the state with infinity, and those of the 64-bit logarithm and root.
MOST_COMPARES = {"gaussian64": 24}
FP64 = ("DFMA", "DADD", "DMUL", "DSETP", "DMNMX")
FP32 = ("FFMA", "FMUL", "FADD", "FSETP", "FSEL", "FMNMX", "FCHK")
CLASSES = ("fp64", "fp32", "integer", "special", "memory", "control")


def class_of(instruction):
    name = re.sub(r"^@!?U?P\d+\s+", "", instruction).split()[0].split(".")[0]
    if name in FP64:
        return "fp64"
    if name in FP32:
        return "fp32"
    if name in ("MUFU", "I2F", "F2I", "F2F", "POPC", "FLO"):
        return "special"
    if name.startswith(("LD", "ST", "ATOM", "RED", "SHFL")) or name == "ULDC":
        return "memory"
    if name in ("BRA", "BSSY", "BSYNC", "CALL", "RET", "EXIT", "NOP", "WARPSYNC", "BAR", "BREAK"):
        return "control"
    return "integer"


def kernels_of(sass):
    """{kernel: (instructions, {label: index})}"""
    out, current = {}, None
    for line in sass.split("\n"):
        start = re.match(r"\.text\.(\w+):", line)
        if start:
            current = out.setdefault(start.group(1), ([], {}))
        elif line.startswith("\t.section"):
            current = None
        elif current is not None:
            label = re.match(r"(\.L_\w+):", line)
            instruction = re.match(r"\s+/\*[0-9a-f]+\*/\s+(.*?)\s*;", line)
            if label:
                current[1][label.group(1)] = len(current[0])
            elif instruction:
                current[0].append(instruction.group(1))
    return out


def target_of(instruction, labels):
    found = re.search(r"\bBRA\b.*\(?(\.L_\w+)", instruction)
    return labels.get(found.group(1)) if found else None


def loops_of(code, labels):
    """(first, last) of every backward branch but a branch to itself."""
    loops = []
    for i, instruction in enumerate(code):
        target = target_of(instruction, labels)
        if target is not None and target < i:
            loops.append((target, i))
    return loops


def is_refill(block):
    return sum("IMAD.WIDE" in i for i in block) >= 10


def hot_path(code, labels, first, last, state):
    """{has a refill: counts by class} of the forward path first -> last with most work of class `state`, then with fewest instructions."""
    starts = {first}
    for i in range(first, last + 1):
        target = target_of(code[i], labels)
        if target is not None:
            starts.add(i + 1)
            if first <= target <= last:
                starts.add(target)
    starts = sorted(s for s in starts if s <= last)
    best = {(first, False): (0, 0, ())}
    for n, start in enumerate(starts):
        end = starts[n + 1] if n + 1 < len(starts) else last + 1
        block = code[start:end]
        if any("CALL" in i or "EXIT" in i for i in block):
            continue  # cold
        counts = {c: sum(class_of(i) == c for i in block) for c in CLASSES}
        for refilled in (False, True):
            if (start, refilled) not in best:
                continue
            work, instructions, path = best[start, refilled]
            value = (work + counts[state], instructions - len(block), path + (start,))
            target = target_of(block[-1], labels)
            next_places = [] if target is None or target <= start else [target]
            if target is None or block[-1].startswith("@"):
                next_places.append(end)
            if end == last + 1:
                next_places = [end]
            for place in next_places:
                key = (min(place, last + 1), refilled or is_refill(block))
                if place <= last + 1 and (key not in best or value[:2] > best[key][:2]):
                    best[key] = value
    result = {}
    for refilled in (False, True):
        if (last + 1, refilled) not in best:
            continue
        total = dict.fromkeys(CLASSES, 0)
        for start in best[last + 1, refilled][2]:
            end = next((s for s in starts if s > start), last + 1)
            for instruction in code[start:end]:
                total[class_of(instruction)] += 1
        result[refilled] = total
    return result


def step_loop(code, labels, level, state, most_compares):
    """The smallest loop with work of class `state` and a refill, `level` loops further out; not the search for a first bad step,
    which compares after every step."""
    found = []
    for first, last in loops_of(code, labels):
        body = code[first : last + 1]
        compares = sum(("DSETP" if state == "fp64" else "FSETP") in i for i in body)
        if sum(class_of(i) == state for i in body) >= 8 and is_refill(body) and compares <= most_compares:
            found.append((first, last))
    found.sort(key=lambda loop: loop[1] - loop[0])
    for _ in range(level):
        inner = found.pop(0) if found else None
        found = [loop for loop in found if loop[0] <= inner[0] and inner[1] <= loop[1]]
    return found[0] if found else None


def count(code, labels, level, chunk, queue, state, most_compares):
    """Instructions a step by class; None if there is no such loop."""
    loop = step_loop(code, labels, level, state, most_compares)
    paths = hot_path(code, labels, *loop, state) if loop else {}
    if True not in paths:
        return None
    refilled = paths[True]
    plain = paths.get(False, refilled)
    share = chunk / queue
    return {c: ((1 - share) * plain[c] + share * refilled[c]) / chunk for c in CLASSES}


def compile_kernels(nvcc, disassembler, unit, dim, stepper, kind, real):
    """As the plug-in compiles one stepper at run time: {kernel: (instructions, {label: index})}"""
    defines = [f'-DEG_MODEL_FILE="models/{unit}.h"', f"-DEG_REAL={real}", f"-DEG_KIND_NAME={kind}",
               f"-DEG_KIND_CODE=EG_KIND_{kind.upper()}", "-DEG_ONE_STEPPER", f"-DEG_WANTED_{stepper}=EG_YES"]
    defines += [f"-DEG_DIM={dim}"] if unit == ROWS else []  # the others fix their dimension
    with tempfile.TemporaryDirectory() as folder:
        cubin = os.path.join(folder, "unit.cubin")
        subprocess.run([nvcc, *FLAGS, f"-I{ROOT}/kernels", *defines, "-o", cubin, f"{ROOT}/kernels/unit_cuda.cu"], check=True)
        return kernels_of(subprocess.run([disassembler, "-c", cubin], check=True, capture_output=True, text=True).stdout)


def find_disassembler(nvcc):
    beside = os.path.join(os.path.dirname(os.path.realpath(nvcc)), "nvdisasm")
    bundled = glob.glob(os.path.join(sys.prefix, "lib", "python*", "site-packages", "triton", "backends", "nvidia", "bin", "nvdisasm"))
    for path in [beside, shutil.which("nvdisasm"), *bundled]:
        if path and os.path.exists(path):
            return path
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nvcc", default=shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc")
    parser.add_argument("--disassembler")
    arguments = parser.parse_args()
    line = {"bench": "sass"}
    disassembler = arguments.disassembler or find_disassembler(arguments.nvcc)
    if not os.path.exists(arguments.nvcc) or not disassembler:
        why = "nvcc is not installed" if not os.path.exists(arguments.nvcc) else "no nvdisasm beside nvcc, on the path or in triton"
        print(json.dumps({**line, "case": "all", "size": "", "skipped": why}))
        return
    for unit, dim, stepper, kind, real, level, chunk, queue, plan, remark in CASES:
        kernels = compile_kernels(arguments.nvcc, disassembler, unit, dim, stepper, kind, real)
        name = stepper if stepper == "sgd_rows" else f"{stepper}_{kind}"
        found = kernels.get("eg_advance_" + name)
        state = "fp32" if real == "float" else "fp64"
        counts = count(*found, level, chunk, queue, state, MOST_COMPARES.get(kind, 2)) if found else None
        size = f"{unit}, dimension {dim}" + (", float state" if real == "float" else "")
        if counts is None:
            print(json.dumps({**line, "case": name, "size": size, "skipped": "its stepping loop was not found"}))
            continue
        print(json.dumps({**line, "case": name, "size": size, "unit": "instructions a step (sm_90)", "total": round(sum(counts.values()), 2),
                          **{c: round(v, 2) for c, v in counts.items()}, "plan": plan, "plan_for": remark}), flush=True)


main()
