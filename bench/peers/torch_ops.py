#!/usr/bin/env python3
"""Times the operations of suite.json in PyTorch: cuBLAS, cuDNN, flash attention, norms, and the bandwidth of a copy.

    python3 bench/peers/torch_ops.py --json torch.json        (on the machine with the GPU)
    npm run bench:peers -- --torch torch.json                 (on the same machine, with or without the other peers)

Same definition of time as the other engines': wall time of n runs on operands that stay on the device, from the first call to
the end of the last run's work, over n; several rounds. f32 products are f32 throughout: TF32 is off. Convolutions run in
channels_last with cuDNN's search on; f16 attention on CUDA is held to the flash kernel. Needs torch and nothing else; without
CUDA it runs on the CPU, which checks the script and says nothing of a GPU.
"""

import argparse
import datetime
import json
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import time
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

SCHEMA = "unclip-bench-peers/1"
ENGINE = "pytorch"
EPS = 1e-5
TURN_SECONDS = 0.15
WARM_UPS = 3
MAX_RUNS = 1000
# Most arithmetic of a case that is also computed in f64, where f64 is quick and where it is not.
CHECKED_FLOPS = {"cuda": 2e11, "cpu": 3e9}
COPY_BYTES = {"cuda": 2**30, "cpu": 2**27}
DTYPES = {"f32": torch.float32, "f16": torch.float16}


def suite(kind):
    cases = json.loads((pathlib.Path(__file__).parent / "suite.json").read_text(encoding="utf-8"))[kind]
    return [{"dtype": "f32", **case} for case in cases]


def flops_of(c):
    """Of the products, a multiply-add counting 2, as lib/cases.mjs counts; 0 for norms and softmax."""
    if c["op"] == "matmul":
        return 2 * c["m"] * c["k"] * c["n"]
    if c["op"] == "conv":
        return 18 * c["height"] * c["width"] * c["in"] * c["out"]
    if c["op"] == "attention":
        return 4 * c["queries"] * (c["queries"] + c["context"]) * c["heads"] * c["headDim"]
    return 0


def operation(c, device):
    """The operands of a case, and what computes it of them: the same function serves f64."""

    def random(*shape, scale=1.0):
        return (torch.rand(*shape, device=device) - 0.5) * (12**0.5 * scale)

    op = c["op"]
    if op == "matmul":
        operands = [random(c["m"], c["k"]), random(c["n"], c["k"], scale=c["k"] ** -0.5), random(c["n"])]
        return operands, F.linear
    if op == "conv":
        x = random(1, c["in"], c["height"], c["width"])
        weight = random(c["out"], c["in"], 3, 3, scale=(9 * c["in"]) ** -0.5)
        operands = [t.to(memory_format=torch.channels_last) for t in (x, weight)]
        return [*operands, random(c["out"])], lambda x, weight, bias: F.conv2d(x, weight, bias, padding=1)
    if op == "attention":
        lengths = [c["queries"]] + 2 * [c["queries"] + c["context"]]
        # Heads side by side in memory, as projections leave them.
        operands = [random(1, length, c["heads"], c["headDim"]) for length in lengths]
        return operands, lambda *qkv: F.scaled_dot_product_attention(*(t.transpose(1, 2) for t in qkv))
    if op == "groupNorm":
        x = random(1, c["channels"], c["height"], c["width"]).to(memory_format=torch.channels_last)
        operands = [x, 1 + random(c["channels"], scale=0.1), random(c["channels"])]
        return operands, lambda x, gamma, beta: F.group_norm(x, c["groups"], gamma, beta, EPS)
    if op == "layerNorm":
        operands = [random(c["rows"], c["channels"]), 1 + random(c["channels"], scale=0.1), random(c["channels"])]
        return operands, lambda x, gamma, beta: F.layer_norm(x, (c["channels"],), gamma, beta, EPS)
    if op == "softmax":
        return [random(c["batch"], c["rows"], c["columns"])], lambda x: F.softmax(x, -1)
    raise ValueError(f"suite.json: there is no op '{op}'")


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def seconds(run, count, device):
    """Wall time of `count` runs until the last one's work is done."""
    wait(device)
    begin = time.perf_counter()
    for _ in range(count):
        run()
    wait(device)
    return time.perf_counter() - begin


def rounds_of(run, rounds, device):
    """Milliseconds of a run, one number a round, and the runs in a round."""
    estimate = min(seconds(run, 1, device) for _ in range(WARM_UPS))
    count = max(1, min(MAX_RUNS, round(TURN_SECONDS / max(estimate, 1e-6))))
    return [1e3 * seconds(run, count, device) / count for _ in range(rounds)], count


def measure(c, rounds, device):
    operands, compute = operation(c, device)
    stored = [t.to(DTYPES[c["dtype"]]) for t in operands]
    flash = c["op"] == "attention" and c["dtype"] == "f16" and device == "cuda"
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION) if flash else nullcontext():
        result = compute(*stored)
        ms, count = rounds_of(lambda: compute(*stored), rounds, device)
    measured = {"ms": ms, "medianMs": statistics.median(ms), "runs": count}
    if flops_of(c) <= CHECKED_FLOPS[device]:
        exact = compute(*(t.double() for t in stored))
        measured["relL2"] = (torch.linalg.norm(result.double() - exact) / torch.linalg.norm(exact)).item()
    return measured


def copy_bandwidth(rounds, device):
    """GB/s of bytes read plus bytes written."""
    source = torch.zeros(COPY_BYTES[device], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    ms, _ = rounds_of(lambda: target.copy_(source), rounds, device)
    return 2 * source.numel() / statistics.median(ms) / 1e6


def driver():
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")
    return answer[0] or None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--suite", choices=["software", "hardware"], default="hardware")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name it fits")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", metavar="FILE")
    chosen = parser.parse_args()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "CPU"
    print(f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, driver {driver()}, {name}")

    cases = []
    for c in suite(chosen.suite):
        if not re.search(chosen.only, c["id"]):
            continue
        entry = {"id": c["id"], "op": c["op"], "dtype": c["dtype"], "flops": flops_of(c)}
        try:
            measured = measure(c, chosen.rounds, device)
            speed = f"{entry['flops'] / measured['medianMs'] / 1e9:9.2f} TFLOP/s" if entry["flops"] else ""
            print(f"{c['id']:36s} {measured['medianMs']:10.4f} ms {speed}  {measured.get('relL2', float('nan')):.1e}")
        except RuntimeError as error:
            measured = {"ms": [], "error": str(error).split("\n", maxsplit=1)[0]}
            print(f"{c['id']:36s} {measured['error']}")
        cases.append({**entry, "engines": {ENGINE: measured}})
    copy = copy_bandwidth(chosen.rounds, device)
    print(f"copy {copy:.0f} GB/s")

    if chosen.json:
        report = {
            "schema": SCHEMA,
            "machine": {
                "date": datetime.datetime.now(datetime.timezone.utc).isoformat(),
                "adapter": {"name": name, "software": device == "cpu"},
                "cuda": torch.version.cuda,
                "driver": driver(),
            },
            "rounds": chosen.rounds,
            "suite": chosen.suite,
            "engines": {ENGINE: {"version": torch.__version__, "adapter": name}},
            "cases": cases,
            "copyGBs": copy,
        }
        pathlib.Path(chosen.json).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
