"""Greedy text from the exported file: what any correct program that runs it must come close to.

    python sample.py [--prompt "Once upon a time"] [--tokens 150] [--model demo.gguf]
"""

import argparse
from pathlib import Path

import torch

from export import MODEL, load


@torch.no_grad()
def greedy(model, tokenizer, prompt, limit):
    """The ids after `prompt`, at most `limit`, without the end of text that may stop them."""
    caches = [[] for _ in model.blocks]
    tokens, made = [tokenizer.end_of_text] + tokenizer.encode(prompt), []
    while len(made) < limit:
        best = model(torch.tensor([tokens]), caches)[0, -1].argmax().item()
        if best == tokenizer.end_of_text:
            break
        made.append(best)
        tokens = [best]
    return made


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prompt", default="Once upon a time")
    options.add_argument("--tokens", type=int, default=150)
    options.add_argument("--model", type=Path, default=MODEL)
    chosen = options.parse_args()
    torch.set_num_threads(2)
    model, tokenizer = load(chosen.model)
    print(chosen.prompt + tokenizer.decode(greedy(model, tokenizer, chosen.prompt, chosen.tokens)))


if __name__ == "__main__":
    main()
