"""Greedy text from the exported file: what any correct program that runs it must come close to.

    python sample.py [--prompt "Once upon a time"] [--tokens 150] [--model demo.gguf]
"""

import argparse
from pathlib import Path

import torch

from export import MODEL, load


@torch.no_grad()
def greedy_batch(model, end, prompts, limit):
    """For prompts of one length, as ids: at most `limit` ids after each, up to the end of text."""
    caches = [[] for _ in model.blocks]
    tokens, steps = torch.tensor(prompts), []
    open_rows = torch.ones(len(prompts), dtype=torch.bool)
    while len(steps) < limit and open_rows.any():
        best = model(tokens, caches)[:, -1].argmax(dim=-1)
        open_rows &= best != end
        steps.append(best)
        tokens = best[:, None]
    rows = torch.stack(steps, dim=1).tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


def greedy_many(model, tokenizer, prompts, limit):
    """The ids after each prompt, in order; prompts of one length go through the model together."""
    end, by_length = tokenizer.end_of_text, {}
    for prompt in prompts:
        ids = [end] + tokenizer.encode(prompt)
        by_length.setdefault(len(ids), {})[prompt] = ids
    made = {}
    for group in by_length.values():
        made.update(zip(group, greedy_batch(model, end, list(group.values()), limit)))
    return [made[prompt] for prompt in prompts]


def greedy(model, tokenizer, prompt, limit):
    return greedy_many(model, tokenizer, [prompt], limit)[0]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prompt", default="Once upon a time")
    options.add_argument("--tokens", type=int, default=150)
    options.add_argument("--model", type=Path, default=MODEL)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = load(chosen.model)
    print(chosen.prompt + tokenizer.decode(greedy(model, tokenizer, chosen.prompt, chosen.tokens)))


if __name__ == "__main__":
    main()
