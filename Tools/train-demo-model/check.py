"""Lets the exported model tell stories greedily and judges them by consistency.py.

    python check.py        fails where fewer than 95 of 100 stories are without a slip

Judged twice: after 150 tokens, as a demonstration shows them, and up to the end of the story.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import torch

import stories
from consistency import learn_triples, slips
from export import MODEL, load
from sample import greedy_many
from train import BUILD, TRAINING_STORIES
from words import BOYS, GIRLS

REQUIRED_SHARE = 0.95
FIRST_TOKENS, LONGEST_STORY = 150, 500
OPENINGS = [
    "Once upon a time",
    "Once upon a time,",
    "Once upon a time, there was a little girl",
    "Once upon a time, there was a clever boy",
    "There once was",
    "Long ago",
    "In a small village",
    "In a quiet town, there lived a kind girl named",
    "One day",
    "One sunny morning",
    "One warm afternoon,",
    "On Sunday",
    "On Saturday, Tom went",
    "Lily and Ben were",
    "Mia was a brave girl who loved to",
]


def prompts(tokenizer):
    """Openings, every name in two places, and the first words of stories never trained on."""
    names = GIRLS + BOYS
    held_out = stories.held_out_stories(45, stories.training_stories(TRAINING_STORIES))
    cut = [tokenizer.decode(tokenizer.encode(text)[:20]) for text in held_out]
    return OPENINGS + [f"One day, {name}" for name in names] + names + cut


def judge(tokenizer, prompt, made, known):
    """The slips of the first tokens, those of the whole story, and the story."""
    story = prompt + tokenizer.decode(made)
    if len(made) > FIRST_TOKENS:
        # Half a word no rule could judge: go back to where the next token does not go on with one.
        end = FIRST_TOKENS
        while end > FIRST_TOKENS - 10 and tokenizer.decode(made[end : end + 1])[:1].isalpha():
            end -= 1
        early = slips(prompt + tokenizer.decode(made[:end]), known, finished=False)
    else:
        early = slips(story, known) + ["the story ends too early"]
    late = slips(story, known)
    if len(made) == LONGEST_STORY:
        late.append("the story does not end")
    return early, late, story


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", type=Path, default=MODEL)
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    model, tokenizer = load(chosen.model)
    known = learn_triples(stories.training_stories(TRAINING_STORIES))

    asked = prompts(tokenizer)
    answers = greedy_many(model, tokenizer, asked, LONGEST_STORY)
    good_early = good_late = 0
    reasons, told = Counter(), set()
    for prompt, made in zip(asked, answers):
        early, late, story = judge(tokenizer, prompt, made, known)
        good_early += not early
        good_late += not late
        told.add(story)
        for slip in early or late:
            reasons[slip.split(":")[0]] += 1
        if early or late:
            print(f"{prompt!r}: {'; '.join((early or late)[:3])}")
    report = dict(
        prompts=len(asked),
        different=len(told),
        first_tokens=good_early / len(asked),
        whole=good_late / len(asked),
    )
    (BUILD / "consistency.json").write_text(json.dumps(report))
    print(f"{len(asked)} prompts, {len(told)} different stories; without a slip: {good_early} in the "
          f"first {FIRST_TOKENS} tokens, {good_late} to the end; slips: {dict(reasons)}")
    if report["first_tokens"] < REQUIRED_SHARE:
        raise SystemExit(f"fewer than {REQUIRED_SHARE:.0%} of the stories are consistent")


if __name__ == "__main__":
    main()
