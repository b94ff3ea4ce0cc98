"""Texts for the first part of training: sentences that repeat a few facts over and over.

A story says its colors and its family only two or three times each, far apart, and thousands of
steps pass before a model learns from that to look back for them. A drill says each fact four
times within a hundred words; once the model looks back here, it does so in stories too.
"""

import random

from grammar import expand
from plots_at_home import LITTLE_SEED, RAINY_DAY
from stories import draw_cast
from words import (
    ANIMALS, ANIMAL_COLOURS, BAKED, COLOURS, FRAGILE, FRUITS, NUMBERS, PET_NAMES, PLACES, PRIZES,
    SNACKS, TOYS, VESSELS,
)  # fmt: skip

POOLS = dict(
    toy=TOYS, col=COLOURS, animal=ANIMALS, fur=ANIMAL_COLOURS, pet=PET_NAMES, thing=FRAGILE,
    prize=PRIZES, snack=SNACKS, number=NUMBERS, fruit=FRUITS, cake=BAKED, vessel=VESSELS,
    place=PLACES, plant=LITTLE_SEED["draws"]["plant"], build=RAINY_DAY["draws"]["build"],
)  # fmt: skip

# In each group the first sentence tells the facts, and the others come later in any order.
GROUPS = [
    ["{A} had {a col} {toy}.", "The {toy} was {col}.", "{B} saw the {col} {toy}.",
     "It was the {col} {toy}!", "{A} loved the {col} {toy}."],
    ["{A} lived with {G}.", "{A} told {G} everything.", '"I love it," said {G}.',
     "{G} looked at {A}.", "Then {G} smiled.", '"Look, {A}!" {G} said.'],
    ["{G} gave {B} {number} {snack}.", "{B} ate the {number} {snack}.", "The {snack} were very good.",
     "{B} told {G} about the {snack}.", "{G} had the {number} {snack}."],
    ["{B} went to the {place} with {A}.", "At the {place}, {B} was happy.",
     "{A} looked at the {place}.", "The {place} was quiet.", "{B} was still at the {place}."],
    ["{A} saw a {fur} {animal} named {pet}.", "{pet} was a {fur} {animal}.",
     "{A} looked at the {fur} {animal}.", '"Thank you, {pet}!" said {A}.', "The {animal} was {fur}."],
    ["{B} wanted to bake {a fruit} {cake}.", "The {fruit} {cake} was good.",
     "Everyone wanted the {fruit} {cake}.", "{B} took a bite of the {fruit} {cake}."],
    ["The sugar is in the {col} {vessel}.", "{A} took the {col} {vessel}.", "The {vessel} was {col}.",
     "{G} looked at the {col} {vessel}."],
    ["{H} had {a col} {prize}.", "{H} gave {B} the {col} {prize}.", "The {prize} was {col}.",
     "{B} told {H} about the {col} {prize}."],
    ["{G} had {a col} {thing}.", "The {col} {thing} was very old.", "{A} looked at the {col} {thing}.",
     "{G} loved the {col} {thing}.", '"Where is my {thing}?" asked {G}.'],
    ["{A} and {B} built a {build.name}.", "They were in the {build.name}.",
     "{B} loved the {build.name}.", "{A} saw {build.see} from the {build.name}."],
    ["{G} had a {plant.name} plant.", "The {plant.name} plant grew.",
     "{A} gave the {plant.name} plant water.", "{G} looked at the {plant.name} plant."],
]  # fmt: skip


def drill(number):
    """Drill number `number`: the sentences of four groups, mixed."""
    rng = random.Random(f"drill {number}")
    slots = draw_cast(rng)
    slots.update((slot, rng.choice(pool)) for slot, pool in POOLS.items())
    groups = rng.sample(GROUPS, 4)
    sentences = [group[0] for group in groups]
    later = [sentence for group in groups for sentence in group[1:]]
    rng.shuffle(later)
    return expand(" ".join(sentences + later), slots, rng)


if __name__ == "__main__":
    for example in range(3):
        print(drill(example), end="\n\n")
