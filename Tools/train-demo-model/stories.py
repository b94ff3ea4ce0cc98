"""The corpus maker: short children's stories whose facts stay true from start to end.

    python stories.py --count 3                print three stories
    python stories.py --check                  how many stories there can be, and how rare twins are

Story number n is the same text on every machine. Held-out stories have numbers from
HELD_OUT_START on, and those that happen to equal a training story are left out.
"""

import argparse
import random
import re

from grammar import count, expand, parse
from plots_at_home import AT_HOME
from plots_outdoors import OUTDOORS
from words import BOYS, FAMILY, GIRLS, HOBBIES, NEIGHBOURS, PRONOUNS

PLOTS = OUTDOORS + AT_HOME
HELD_OUT_START = 1_000_000_000

ADJECTIVES = "[little|kind|happy|clever|quiet|curious|brave|cheerful]"
WHEN_FAIR = "[One day|One day|One [sunny|warm|bright] [day|morning|afternoon]|On [Saturday|Sunday]]"
WHEN = "[One day|One day|One [morning|afternoon]|On [Saturday|Sunday]]"

# Each ends with the main child as the subject of a sentence that the plot goes on with.
INTRO_WITH_HOBBY = (
    "[[Once upon a time, there|Once upon a time, there|There once|Long ago, there] was a "
    + ADJECTIVES
    + " {kid} named {A}. {A} loved to {hobby.love}. {when}, {A}|In a [small|quiet] [town|village], "
    "there lived a " + ADJECTIVES + " {kid} named {A}. {A} loved to {hobby.love}. {when}, {A}|{A} was a "
    + ADJECTIVES
    + " {kid} who loved to {hobby.love}. {when}, {he}]"
)
INTRO = (
    "[{when}, {A}|{when}, {A}|{A} was a " + ADJECTIVES + " {kid}. {when}, {he}|"
    "[Once upon a time, there|Once upon a time, there|There once] was a "
    + ADJECTIVES
    + " {kid} named {A}. {when}, {A}]"
)
INTRO_OF_FRIENDS = (
    "[Once upon a time, {A}|{A}|{A}] and {B} were [best friends|good friends|friends]. They [liked to "
    "play|liked to be|played] together. {when}, {A}"
)
ENDING_WITH_HOBBY = "[That night|Before bed|In the evening], {A} {hobby.later}[ and [smiled|was happy]|]."
ENDING = (
    "[It was a day that {A} would never forget|That night, {A} [slept very well|went to bed with a "
    "smile]|{A} was very happy, and so was {last}|And {A} and {last} were happy]."
)


def story(number):
    """Story number `number`."""
    return derive(random.Random(number))


def derive(rng):
    """One story; `rng` makes all the choices."""
    plot = rng.choice(PLOTS)
    slots = draw_cast(rng)
    for slot, pool in plot["draws"].items():
        slots[slot] = rng.choice(pool)
    if "col" in slots:
        slots["Col"] = slots["col"].capitalize()
    slots["when"] = WHEN if plot.get("tells_weather") else WHEN_FAIR
    choose_frame(plot, slots, rng)
    return expand("\n".join(plot["paragraphs"]), slots, rng)


def draw_cast(rng):
    """The people: the main child's pronouns are slots of their own, the friend's are parts."""
    sexes = {**dict.fromkeys(GIRLS, "f"), **dict.fromkeys(BOYS, "m")}
    child, friend = rng.sample(list(sexes), 2)
    slots = dict(PRONOUNS[sexes[child]], A=child)
    slots["B"] = Named(friend, PRONOUNS[sexes[friend]])
    slots["G"] = rng.choice(list(FAMILY))
    slots["H"] = rng.choice(list(NEIGHBOURS))
    slots["hobby"] = rng.choice(HOBBIES)
    return slots


class Named(str):
    """A name that also has parts, so that {B} is the name and {B.he} a pronoun."""

    def __new__(cls, name, parts):
        self = super().__new__(cls, name)
        self.parts = parts
        return self

    def __getitem__(self, key):
        return self.parts[key] if isinstance(key, str) else super().__getitem__(key)


def choose_frame(plot, slots, rng):
    """The story's opening and closing: they must agree on hobby and friend."""
    text = " ".join(plot["paragraphs"])
    slots["friend"] = "{his} [|best |good ]friend {B}"
    slots["last"] = "{B}" if "{B}" in text else "{G}"
    frame = rng.random()
    if frame < 0.5:
        slots["intro"], slots["ending"] = INTRO_WITH_HOBBY, ENDING_WITH_HOBBY
    elif frame < 0.65 and "{friend}" in text:
        slots["intro"], slots["ending"], slots["friend"] = INTRO_OF_FRIENDS, ENDING, "{B}"
    else:
        slots["intro"], slots["ending"] = INTRO, ENDING


def distinct_lower_bound():
    """At least so many derivations: frames with a hobby only, and alternatives in slots uncounted."""
    frame = len(HOBBIES) * count(parse(INTRO_WITH_HOBBY)) * count(parse(ENDING_WITH_HOBBY))
    total = 0
    for plot in PLOTS:
        text = "\n".join(plot["paragraphs"])
        ways = frame * count(parse(text)) * len(GIRLS + BOYS)
        ways *= len(GIRLS + BOYS) - 1 if re.search(r"\{B[.}]", text) else 1
        ways *= len(FAMILY) if "{G}" in text else 1
        ways *= len(NEIGHBOURS) if "{H}" in text else 1
        for pool in plot["draws"].values():
            ways *= len(pool)
        total += ways
    return total


def training_stories(count, first=0):
    return [story(number) for number in range(first, first + count)]


def held_out_stories(count, training):
    """`count` stories that are not among `training`."""
    known, found, number = set(training), [], HELD_OUT_START
    while len(found) < count:
        text = story(number)
        if text not in known:
            found.append(text)
            known.add(text)
        number += 1
    return found


def check(samples=100_000):
    bound = distinct_lower_bound()
    texts = training_stories(samples)
    words = sorted(len(text.split()) for text in texts)
    twins = samples - len(set(texts))
    print(f"plots: {len(PLOTS)}; distinct derivations: at least {bound:.3g}")
    print(f"twins among {samples} stories: {twins}")
    print(f"words in a story: {words[0]} to {words[-1]}, median {words[samples // 2]}")
    if bound < 1_000_000 or twins > samples // 1000:
        raise SystemExit("the stories are not varied enough")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=3)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--check", action="store_true")
    chosen = options.parse_args()
    if chosen.check:
        check()
    else:
        for text in training_stories(chosen.count, chosen.first):
            print(text, end="\n\n")
