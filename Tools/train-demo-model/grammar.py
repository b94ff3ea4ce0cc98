"""The template language of the story maker.

A template is text with two marks:

    [a|b|c]   one of the alternatives; they may be empty and may nest
    {slot}    the value of a slot; {slot.part} is a part of a slot that has parts

A slot's value may be a template itself. `{a slot}` puts "a" or "an" in front of the value.
Templates are parsed once and kept, because a corpus expands each of them many thousand times.
"""

from functools import lru_cache


@lru_cache(maxsize=None)
def parse(template):
    """A template as a tuple of nodes: ("text", s), ("slot", s) or ("choice", (sequence, ...))."""
    sequence, end = _parse_sequence(template, 0, inside_choice=False)
    if end != len(template):
        raise ValueError(f"unbalanced ']' at {end} in template: {template}")
    return sequence


def _parse_sequence(template, at, inside_choice):
    nodes, text = [], []

    def flush():
        if text:
            nodes.append(("text", "".join(text)))
            text.clear()

    while at < len(template):
        mark = template[at]
        if mark == "[":
            flush()
            alternatives = []
            while True:
                alternative, at = _parse_sequence(template, at + 1, inside_choice=True)
                alternatives.append(alternative)
                if at >= len(template):
                    raise ValueError(f"'[' without ']' in template: {template}")
                if template[at] == "]":
                    break
            nodes.append(("choice", tuple(alternatives)))
            at += 1
        elif mark == "{":
            flush()
            close = template.index("}", at)
            nodes.append(("slot", template[at + 1 : close]))
            at = close + 1
        elif mark == "]" or (mark == "|" and inside_choice):
            break
        else:
            text.append(mark)
            at += 1
    flush()
    return tuple(nodes), at


def expand(template, slots, rng):
    """The text of one derivation of `template`."""
    out = []
    _expand(parse(template), slots, rng, out)
    return "".join(out)


def _expand(sequence, slots, rng, out):
    for kind, value in sequence:
        if kind == "text":
            out.append(value)
        elif kind == "choice":
            _expand(value[int(rng.random() * len(value))], slots, rng, out)
        elif value.startswith("a "):
            word = expand(_slot(value[2:], slots), slots, rng)
            out.append(("an " if word[0] in "aeiou" else "a ") + word)
        else:
            _expand(parse(_slot(value, slots)), slots, rng, out)


def _slot(path, slots):
    value = slots
    for part in path.split("."):
        value = value[part]
    return value


def count(sequence):
    """How many different derivations a parsed template has, with every slot fixed."""
    product = 1
    for kind, value in sequence:
        if kind == "choice":
            product *= sum(count(alternative) for alternative in set(value))
    return product
