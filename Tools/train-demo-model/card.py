"""Writes the model card, demo.md, next to the model: every figure in it was measured by a step before."""

import argparse
import json
import textwrap

from export import MODEL, load
from model import Shape
from sample import greedy
from stories import PLOTS, distinct_lower_bound
from train import BUILD, HELD_OUT_STORIES, TRAINING_STORIES

CARD = MODEL.with_suffix(".md")
PROMPTS = ("Once upon a time", "One day, Lily", "Tom")
SAMPLE_TOKENS = 150

TEMPLATE = """\
# The demo model

`demo.gguf` tells short children's stories. It is here so that the package can show and test a
whole language model without a download. It is small enough to check by hand, and good enough
that wrong arithmetic shows: names, pronouns, colors and places stay the same through a story.

| | |
|---|---|
| Architecture | Llama (GGUF `llama`): {layers} layers, width {width}, {heads} query heads and {kv_heads} key/value heads of {head_size}, SwiGLU of {feed_forward}, tied embeddings |
| Parameters | {parameters:,} |
| Context | {context:,} tokens, all positions trained |
| Rotary embedding | adjacent pairs, base {rope_base:g} |
| Tokenizer | byte-level BPE (GPT-2's words), {vocabulary:,} tokens, `<|endoftext|>` begins and ends a text |
| Format | GGUF 3, matrices q8_0, norms f32, {bytes:,} bytes |
| Training | {tokens:.1f} million tokens in {steps:,} steps, {minutes:.0f} minutes of processor time |
| Held-out perplexity of the file | {per_token:.3f} per token, {per_byte:.4f} per byte ({held_out} stories) |
| Consistency, greedy | {early:.1%} of {prompts} prompts without a slip in the first 150 tokens, {late:.1%} to the end of the story |

## How it was made

`Tools/train-demo-model/run` makes it from nothing. The corpus is invented: a grammar of {plots}
plots has at least {bound:.0e} derivations, of which about {told:,} were told in training. Facts
that a story sets down early (who lost what where, which color, what was promised) come back
later. No text by anyone else was used. Most of the remaining perplexity is the grammar's own
dice: which name, which color, which of several ways to say it.
{note}
Consistency was judged by a program with its own rules (`Tools/train-demo-model/consistency.py`):
every three words in a row must occur in the corpus, and people, pronouns, things and colors
must agree with what came before.

## Limits

It knows these stories and nothing else. It does not answer questions or follow instructions,
and a prompt of another kind soon turns into a story or into nonsense. Sampling at a high
temperature makes it slip where greedy text does not.

## License

MIT, as the project.

## Greedy text

The prompt is in bold; {sample_tokens} tokens follow. Another correct program may choose
differently where two tokens are almost equally likely.

{samples}"""


def quoted(prompt, continuation):
    paragraphs = f"**{prompt}**{continuation}".split("\n")
    wrapped = [textwrap.wrap(p, 96, initial_indent="> ", subsequent_indent="> ") for p in paragraphs]
    return "\n>\n".join("\n".join(lines) for lines in wrapped if lines) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--note", default="", help="what is to be said of how this file was made")
    note = textwrap.fill(options.parse_args().note, 96)
    read = lambda name: json.loads((BUILD / name).read_text())
    training, exported, judged = read("training.json"), read("export.json"), read("consistency.json")
    model, tokenizer = load(MODEL)
    samples = [
        quoted(prompt, tokenizer.decode(greedy(model, tokenizer, prompt, SAMPLE_TOKENS)))
        for prompt in PROMPTS
    ]
    shape = Shape()
    CARD.write_text(
        TEMPLATE.format(
            **shape.as_dict(),
            head_size=shape.head_size,
            parameters=training["parameters"],
            bytes=exported["bytes"],
            tokens=training["tokens"] / 1e6,
            steps=training["steps"],
            minutes=training["seconds"] / 60,
            per_token=exported["perplexity"][0],
            per_byte=exported["perplexity"][1],
            held_out=HELD_OUT_STORIES,
            early=judged["first_tokens"],
            late=judged["whole"],
            prompts=judged["prompts"],
            plots=len(PLOTS),
            bound=distinct_lower_bound(),
            told=round(min(training["stories"], TRAINING_STORIES), -3),
            note=f"\n{note}\n" if note else "",
            sample_tokens=SAMPLE_TOKENS,
            samples="\n".join(samples),
        )
    )
    print(f"wrote {CARD.name}")


if __name__ == "__main__":
    main()
