"""Judges a story: is it grammatical, and does it keep to its people and things?

`slips(text, known)` lists what is wrong. The rules know nothing of the plots, only the word pools:

- every three words in a row occur in the corpus, where all names of one kind count as one word;
- a name appears in the first paragraph or after "named", and a story has at most two;
- a story has at most one member of the family and one neighbour;
- a pronoun has the sex of somebody in the same sentence or in the two before that have people;
- things of one pool (toys, animals, places, ...) are one and the same throughout, and so is
  the colour that is said of a thing;
- what comes with "the" or an owner came with "a" or a number before, and quotes are closed.

`python consistency.py` checks the checker: stories of the corpus pass, damaged ones must not.
"""

import random
import re

import stories
from plots_at_home import LITTLE_SEED, RAINY_DAY
from words import (
    ANIMAL_COLOURS, BOYS, COLOURS, FAMILY, GIRLS, NEIGHBOURS, NUMBERS, ONE_PER_STORY,
)  # fmt: skip

SEX = {**dict.fromkeys(GIRLS, "f"), **dict.fromkeys(BOYS, "m"), **FAMILY, **NEIGHBOURS}
CHILDREN = set(GIRLS + BOYS)
PRONOUN_SEX = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f"}
HUES = set(COLOURS + ANIMAL_COLOURS)
POOLS = {
    **ONE_PER_STORY,
    "plant": [row["name"] for row in LITTLE_SEED["draws"]["plant"]],
    "building": [row["name"] for row in RAINY_DAY["draws"]["build"]],
}
POOL_OF = {noun: pool for pool, nouns in POOLS.items() for noun in nouns}
# What may come with "the" at once: everybody knows where the park and the sugar are.
KNOWN_AT_ONCE = {"place", "vessel"}
PERSON = re.compile(r"(?:Mr|Mrs)\. [A-Z][a-z]+|[A-Z][a-z]+")
TOKEN = re.compile(r"(?:Mr|Mrs)\. [A-Z][a-z]+|\w+(?:'\w+)?|[^\w\s]|\n")
SENTENCE = re.compile(r"(?<!Mr)(?<!Mrs)(?<=[.!?\"])\s+")


def people(text):
    return [name for name in PERSON.findall(text) if name in SEX]


def kinds(text):
    """The words of `text`, where each pool word is replaced by its kind."""
    out = []
    for word in TOKEN.findall(text):
        name, owner = re.fullmatch(r"(.*?)('s)?", word, re.DOTALL).groups()
        sex, pool, lower = SEX.get(name), POOL_OF.get(name), name.lower()
        if sex:
            group = "child" if name in CHILDREN else "family" if name in FAMILY else "neighbour"
            out.append(f"<{group}>" + (owner or ""))
        elif pool:
            out.append(f"<{pool}>")
        elif lower in HUES:
            out.append("<colour>")
        elif name in NUMBERS:
            out.append("<number>")
        else:
            out.append({"a": "a", "an": "a"}.get(lower) or PRONOUN_KINDS.get(lower) or lower)
    return out


PRONOUN_KINDS = {"he": "<he>", "she": "<he>", "him": "<him>", "his": "<his>", "her": "<her>"}


def triples(text):
    """Each three words in a row; "her" stands for both of the words that it can be."""
    for three in zip(*(kinds("\n" + text)[start:] for start in range(3))):
        yield three


def learn_triples(texts):
    known = set()
    for text in texts:
        for three in triples(text):
            known.update(variants(three))
    return known


def variants(three):
    """The triple as said of a girl and of a boy: "her" is "him" or "his" by its sense."""
    yield three
    if any(word in ("<him>", "<his>") for word in three):
        yield tuple("<her>" if word in ("<him>", "<his>") else word for word in three)


def slips(text, known, finished=True):
    """What is wrong with `text`, as a list of lines; empty where all is well."""
    found = [f"unheard words: {' '.join(three)}" for three in triples(text) if three not in known]
    found += slips_of_people(text) + slips_of_pronouns(text) + slips_of_things(text)
    if finished and not text.rstrip().endswith((".", "!", "?", '"')):
        found.append("the last sentence has no end")
    if finished and any(paragraph.count('"') % 2 for paragraph in text.split("\n")):
        found.append("a quote is not closed")
    return found


def slips_of_people(text):
    found, named = [], people(text)
    first_paragraph = set(people(text.split("\n")[0]))
    for name in sorted(set(named)):
        if name in CHILDREN and name not in first_paragraph:
            first = text.index(name)
            if not text[:first].endswith("named "):
                found.append(f"{name} comes from nowhere")
    for group, most in ((CHILDREN, 2), (set(FAMILY), 1), (set(NEIGHBOURS), 1)):
        members = sorted(set(named) & group)
        if len(members) > most:
            found.append(f"too many people: {', '.join(members)}")
    return found


def slips_of_pronouns(text):
    found, last, before_last = [], set(), set()
    for sentence in SENTENCE.split(text):
        here = {SEX[name] for name in people(sentence)}
        for word in re.findall(r"\w+", sentence):
            sex = PRONOUN_SEX.get(word.lower())
            if sex and sex not in here | last | before_last:
                found.append(f"{word} is nobody: {sentence}")
            elif sex:
                here.add(sex)
        if here:
            last, before_last = here, last
    return found


def slips_of_things(text):
    found, seen, hue_of = [], {}, {}
    words = [word.lower() if word.lower() in HUES else word for word in TOKEN.findall(text)]
    for at, word in enumerate(words):
        pool = POOL_OF.get(word)
        if pool:
            seen.setdefault(pool, word)
            if seen[pool] != word:
                found.append(f"{seen[pool]} became {word}")
        if at and words[at - 1] in HUES and word.isalpha():
            hue = hue_of.setdefault(word, words[at - 1])
            if hue != words[at - 1]:
                found.append(f"the {hue} {word} became {words[at - 1]}")
    for pool, noun in seen.items():
        first = words.index(noun)
        before = words[max(0, first - 3) : first]
        owned = {"the", "The", "his", "her", "my", "My"} & set(before[-2:])
        if owned and pool not in KNOWN_AT_ONCE:
            found.append(f"the {noun} comes from nowhere")
    return found


def damaged(text, rng):
    """`text` with one fact changed somewhere after its first paragraph, and what was done."""
    start, body = text.index("\n"), text[text.index("\n") :]
    marks = []
    for match in re.finditer(r"\w+", body):
        word = match.group()
        for pool in (GIRLS, BOYS, list(FAMILY), COLOURS, *POOLS.values()):
            if word in pool and word in text[:start]:
                marks.append((match, rng.choice([other for other in pool if other != word])))
        if word in ("he", "she"):
            marks.append((match, {"he": "she", "she": "he"}[word]))
    match, other = rng.choice(marks)
    return text[:start] + body[: match.start()] + other + body[match.end() :], (match.group(), other)


def check_the_checker(count=400):
    known = learn_triples(stories.training_stories(20_000))
    texts = stories.held_out_stories(count, [])
    wrong = [(slips(text, known), text) for text in texts]
    wrong = [(found, text) for found, text in wrong if found]
    rng = random.Random(1)
    missed = [done for text, done in (damaged(text, rng) for text in texts) if not slips(text, known)]
    print(f"corpus stories that the checker finds fault with: {len(wrong)} of {count}")
    for found, text in wrong[:5]:
        print("  ", found, text.split("\n")[0][:80])
    print(f"damaged stories that it lets pass: {len(missed)} of {count}; {missed[:6]}")
    if len(wrong) > count // 100 or len(missed) > count // 3:
        raise SystemExit("the checker does not tell good stories from bad ones")


if __name__ == "__main__":
    check_the_checker()
