"""A resumable training loop for one or more single-threaded processes with averaged weights."""
import csv
import math
import os
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

SAVE_EVERY = 60.0
LOG_EVERY = 10.0
# Steps between two averagings of the weights.
SYNC_EVERY = 8


class Ema:
    def __init__(self, modules, decay):
        self.modules, self.decay = modules, decay
        self.shadow = {k: p.detach().clone() for k, p in named(modules)}

    def update(self, step):
        decay = min(self.decay, (step + 1) / (step + 10))
        with torch.no_grad():
            for key, parameter in named(self.modules):
                self.shadow[key].lerp_(parameter.detach(), 1 - decay)


def named(modules):
    return [(f"{name}/{key}", p) for name, module in modules.items() for key, p in module.named_parameters() if p.requires_grad]


def average(parameters, spent):
    """Averages weights and time spent over all processes; returns the time."""
    if not dist.is_initialized():
        return spent
    with torch.no_grad():
        flat = torch.cat([p.reshape(-1) for p in parameters] + [torch.tensor([spent])])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        offset = 0
        for parameter in parameters:
            parameter.copy_(flat[offset : offset + parameter.numel()].view_as(parameter))
            offset += parameter.numel()
    return float(flat[-1])


def load_weights(path, modules, ema=True):
    """Puts a checkpoint's (averaged) weights into the modules that are given."""
    state = torch.load(path, map_location="cpu", weights_only=False)
    for name, module in modules.items():
        module.load_state_dict(state["modules"][name])
    if ema:
        with torch.no_grad():
            for key, parameter in named(modules):
                parameter.copy_(state["ema"][key])
    return state


def train(name, work, rank, modules, minutes, lr, loss_step, seed, weight_decay=0.01, decay=0.998, warmup=100, floor=0.02, on_progress=lambda share: None):
    """Runs loss_step(random) -> (loss, {name: number}, pictures) until `minutes` of training are over.

    Before each step on_progress gets the share of the minutes that is over, for schedules of the caller's own.

    Each process trains by itself and they average their weights every few steps, so that one that is held up by other
    work on the machine seldom delays the rest. The learning rate follows a cosine over the processor time spent, which
    a checkpoint carries along: asking for more minutes later continues from there.
    """
    parameters = [p for _, p in named(modules)]
    optimiser = torch.optim.AdamW(parameters, lr, weight_decay=weight_decay, betas=(0.9, 0.98))
    ema = Ema(modules, decay)
    path = os.path.join(work, f"{name}.pt")
    step, spent, pictures = 0, 0.0, 0
    if os.path.exists(path):
        state = load_weights(path, modules, ema=False)
        optimiser.load_state_dict(state["optimiser"])
        ema.shadow, step, spent, pictures = state["ema"], state["step"], state["spent"], state["pictures"]

    def save():
        state = {
            "modules": {k: m.state_dict() for k, m in modules.items()},
            "optimiser": optimiser.state_dict(),
            "ema": ema.shadow, "step": step, "spent": spent, "pictures": pictures,
        }
        torch.save(state, path + ".tmp")
        os.replace(path + ".tmp", path)

    random = np.random.default_rng([seed, rank, step])
    torch.manual_seed(seed * 1000 + rank + step * 7919)
    processes = dist.get_world_size() if dist.is_initialized() else 1
    saved = logged = time.time()
    clock = time.process_time()
    sums, count = {}, 0
    while True:
        if step % SYNC_EVERY == 0:
            spent = average(parameters, spent)
            if spent >= minutes * 60:
                break
        rate = lr * max(floor, 0.5 * (1 + math.cos(math.pi * min(1, spent / (minutes * 60))))) * min(1, (step + 1) / warmup)
        for group in optimiser.param_groups:
            group["lr"] = rate
        on_progress(min(1.0, spent / (minutes * 60)))
        loss, stats, seen = loss_step(random)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        ema.update(step)
        step += 1
        pictures += seen * processes
        spent, clock = spent + time.process_time() - clock, time.process_time()
        for key, value in {"loss": loss.item(), **stats}.items():
            sums[key] = sums.get(key, 0.0) + float(value)
        count += 1
        now = time.time()
        if rank == 0 and now - logged > LOG_EVERY:
            log(work, name, {"step": step, "minutes": spent / 60, "pictures": pictures, "lr": rate, **{k: v / count for k, v in sums.items()}})
            sums, count, logged = {}, 0, now
        if rank == 0 and now - saved > SAVE_EVERY:
            save()
            saved = now
    if rank == 0:
        save()
    if dist.is_initialized():
        dist.barrier()


def log(work, name, row):
    path = os.path.join(work, f"{name}.csv")
    fresh = not os.path.exists(path)
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(row.keys())
        writer.writerow([f"{v:.5g}" if isinstance(v, float) else v for v in row.values()])


def _entry(rank, count, work_fn, port, args):
    torch.set_num_threads(1)
    if count > 1:
        # Linux shares the processor between sessions first: processes of one session would get a single share.
        os.setsid()
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        dist.init_process_group("gloo", rank=rank, world_size=count)
    work_fn(rank, args)


def launch(work_fn, args):
    """Runs work_fn(rank, args) in args.processes processes."""
    if args.processes == 1:
        _entry(0, 1, work_fn, 0, args)
    else:
        mp.spawn(_entry, (args.processes, work_fn, 20000 + os.getpid() % 20000, args), nprocs=args.processes)
