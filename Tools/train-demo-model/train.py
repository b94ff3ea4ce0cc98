"""Trains the demo model: stories -> tokenizer -> weights, kept in .build/ for export.py.

    python train.py [--minutes M] [--steps N]

Training ends after M minutes of processor time or N steps, whichever comes first, and the learning
rate falls with the share that is used up: a busy machine needs longer, but gives the same model.

Windows begin where a story begins, as a prompt does. At first they are short, and half of them are
drills (drills.py): few words between a fact and its next use teach attention to carry facts, which
long windows alone teach much later. Then they are a little longer than a story, and every sixth
has the whole context length, so that late positions are trained too.

Names, colors, things and places weigh more in the loss for the first two thirds: a color is said
three times in a story, and what the other words leave to chance drowns what it has to teach.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import bpe
import stories
from drills import drill
from model import Llama, Shape
from optimizer import Optimizer
from words import ANIMAL_COLOURS, BOYS, COLOURS, FAMILY, GIRLS, NUMBERS, ONE_PER_STORY

BUILD = Path(__file__).parent / ".build"
TRAINING_STORIES = 40_000
TOKENIZER_STORIES = 10_000
HELD_OUT_STORIES = 200
OPENING = dict(length=128, batch=12)
STORY = dict(length=384, batch=8)
CONTEXT = dict(length=1024, batch=3)
OPENINGS_UNTIL, CONTEXT_EVERY = 0.3, 6
FACT_WEIGHT, FACTS_UNTIL = 8, 0.7
WARM_UP_STEPS, FALL_FROM, FINAL_FACTOR = 60, 0.4, 0.02


class Windows:
    """Batches of token windows from stories packed one after another, each story told once.

    A story that a window cuts off starts the next window again, so every story is seen whole.
    """

    def __init__(self, tokenizer, tell, first):
        """`tell` makes the text of a number; texts are told in order, from number `first` on."""
        self.tokenizer, self.tell, self.next = tokenizer, tell, first

    def story(self):
        text = self.tell(self.next % TRAINING_STORIES)
        self.next += 1
        return [self.tokenizer.end_of_text] + self.tokenizer.encode(text)

    def window(self, length):
        ids = self.story()
        while len(ids) < length + 1:
            ids += self.story()
            if len(ids) > length + 1:
                self.next -= 1
        return torch.tensor(ids[: length + 1])

    def batch(self, length, batch):
        return torch.stack([self.window(length) for _ in range(batch)])


def next_batch(windows, drills, step, used):
    """Inputs and targets, of the shape that belongs to this part of the training."""
    if used < OPENINGS_UNTIL:
        batch = torch.cat((windows.batch(**OPENING), drills.batch(**OPENING)))
    else:
        batch = windows.batch(**(CONTEXT if step % CONTEXT_EVERY == 0 else STORY))
    return batch[:, :-1], batch[:, 1:]


def fact_weights(tokenizer):
    """The weight in the loss of each token: more for those that begin a word of the pools."""
    weights = torch.ones(len(tokenizer.tokens))
    pools = (GIRLS, BOYS, FAMILY, COLOURS, ANIMAL_COLOURS, NUMBERS, *ONE_PER_STORY.values())
    for word in (word for pool in pools for word in pool):
        for spelling in (word, " " + word):
            weights[tokenizer.encode(spelling)[0]] = FACT_WEIGHT
    return weights


def weighted_loss(logits, targets, weights):
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    share = weights[targets.flatten()]
    return (losses * share).sum() / share.sum()


def rate_factor(step, used):
    """What the learning rates are multiplied by in a run's step, after a share of the training.

    Each run warms up, a resumed one too, since the optimizer then has no momentum yet.
    """
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    return max(FINAL_FACTOR, min(1, (1 - used) / (1 - FALL_FROM)))


class FreeProcessors:
    """How many processors nobody else used since the last question.

    PyTorch's threads wait for each other in every operation, so where another program holds one
    of two processors, two threads are slower than one.
    """

    def __init__(self):
        self.last = self.read()

    @staticmethod
    def read():
        """Processor seconds that all programs took so far, those of this program, and the time."""
        fields = Path("/proc/stat").read_text().split("\n")[0].split()[1:]
        user, nice, system = (int(field) for field in fields[:3])
        everyone = (user + nice + system) / os.sysconf("SC_CLK_TCK")
        return everyone, time.process_time(), time.time()

    def count(self, most):
        now = self.read()
        everyone, own, seconds = (new - old for new, old in zip(now, self.last))
        self.last = now
        return min(most, max(1, round(os.cpu_count() - (everyone - own) / seconds)))


def has_bfloat16_arithmetic():
    """Whether the processor multiplies bfloat16 itself; without, autocast only costs time."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def optimize(model, windows, drills, chosen, before):
    """Trains on from `before`, the steps, tokens and processor seconds so far; returns the sums."""
    optimizer, free = Optimizer(model), FreeProcessors()
    low_precision = has_bfloat16_arithmetic()
    facts = fact_weights(windows.tokenizer)
    even = torch.ones_like(facts)
    step, tokens, seconds = before["steps"], before["tokens"], before["seconds"]
    start, first, recent = time.process_time() - seconds, step, []
    used = max(step / chosen.steps, seconds / 60 / chosen.minutes)
    while used < 1:
        inputs, targets = next_batch(windows, drills, step, used)
        with torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
            logits = model(inputs)
        loss = weighted_loss(logits, targets, facts if used < FACTS_UNTIL else even)
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step(rate_factor(step - first, used))

        step, tokens = step + 1, tokens + targets.numel()
        seconds = time.process_time() - start
        used = max(step / chosen.steps, seconds / 60 / chosen.minutes)
        recent.append(loss.item())
        if step % 10 == 0:
            torch.set_num_threads(free.count(chosen.threads))
        if step % 50 == 0 or used >= 1:
            print(
                f"{used:4.0%} step {step} loss {sum(recent) / len(recent):.4f} "
                f"{tokens / seconds:.0f} tokens/s {seconds / 60:.1f} processor min {torch.get_num_threads()} threads",
                flush=True,
            )
            recent.clear()
        if step % 100 == 0:
            report = dict(steps=step, tokens=tokens, seconds=seconds, stories=windows.next)
            torch.save(dict(weights=model.state_dict(), report=report), BUILD / "checkpoint.pt")
    return dict(steps=step, tokens=tokens, seconds=seconds, stories=windows.next)


@torch.no_grad()
def perplexity(model, tokenizer, texts):
    """Perplexity of whole stories with their end, as (per token, per byte of text)."""
    end, nats, tokens = tokenizer.end_of_text, 0.0, 0
    for text in texts:
        ids = torch.tensor([[end] + tokenizer.encode(text) + [end]])
        nats += F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:], reduction="sum").item()
        tokens += ids.shape[1] - 1
    size = sum(len(text.encode()) for text in texts)
    return math.exp(nats / tokens), math.exp(nats / size)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=30, help="of processor time")
    options.add_argument("--steps", type=int, default=20_000)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--resume", action="store_true", help="go on from .build/checkpoint.pt")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    BUILD.mkdir(exist_ok=True)

    training = stories.training_stories(TRAINING_STORIES)
    held_out = stories.held_out_stories(HELD_OUT_STORIES, training)
    shape = Shape()
    tokenizer = bpe.train(training[:TOKENIZER_STORIES], shape.vocabulary)
    (BUILD / "merges.json").write_text(json.dumps(tokenizer.merges))

    model = Llama(shape)
    before = dict(steps=0, tokens=0, seconds=0.0, stories=0)
    if chosen.resume:
        saved = torch.load(BUILD / "checkpoint.pt", weights_only=True)
        model.load_state_dict(saved["weights"])
        before = saved["report"]
    print(f"{model.parameter_count()} parameters", flush=True)
    windows = Windows(tokenizer, stories.story, before["stories"])
    drills = Windows(tokenizer, drill, before["stories"])
    report = optimize(model, windows, drills, chosen, before)
    report["parameters"] = model.parameter_count()
    report["perplexity"] = perplexity(model, tokenizer, held_out)
    torch.save(model.state_dict(), BUILD / "model.pt")
    (BUILD / "training.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
