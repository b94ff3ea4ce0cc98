#!/usr/bin/env python3
"""Reduce a vocabulary to what a set of texts can need, so that tokenizers can be tested without files of megabytes.

    Tools/reduce-vocabulary.py VOCABULARY.gguf CASES.json OUT.json

CASES.json is {"texts": [text, ...], "ids": [[id, ...], ...], "specialTexts": [...], "specialIds": [...]}: texts with the
ids that they must give under the full vocabulary, without and with special tokens added and parsed.

A token is kept when its bytes occur somewhere in the texts, or when it is a byte, special, or part of a kept merge; a
merge is kept, in its place in the order, when its result occurs in the texts. Whatever way of cutting up the texts one
may think of, it can use no other token, so a tokenizer gives the same ids, right or wrong, as with the full vocabulary.
Tokens keep their ids: OUT.json lists (id, text, type, score), and the ids between are left out.
"""
import json
import struct
import sys

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
NORMAL, UNUSED = 1, 5


class Reader:
    """The metadata of a GGUF file that is known to be whole."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        magic, version, _, pairs = struct.unpack_from("<4sIQQ", self.data)
        if magic != b"GGUF" or version not in (2, 3):
            sys.exit(f"{path}: not a GGUF file of version 2 or 3")
        self.position = 24
        self.metadata = {}
        for _ in range(pairs):
            key = self.value(STRING)
            self.metadata[key] = self.value(self.value(4))

    def value(self, kind):
        if kind == STRING:
            length = self.value(10)
            self.position += length
            return self.data[self.position - length:self.position].decode()
        if kind == ARRAY:
            element, count = self.value(4), self.value(10)
            return [self.value(element) for _ in range(count)]
        layout = "<" + SCALARS[kind]
        self.position += struct.calcsize(layout)
        return struct.unpack_from(layout, self.data, self.position - struct.calcsize(layout))[0]


def byte_alphabet():
    """The characters that stand for bytes in byte-level vocabularies (GPT-2)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def substrings(texts, longest):
    """All pieces of the texts with at most that many characters."""
    return {
        text[start:end]
        for text in texts
        for start in range(len(text))
        for end in range(start + 1, min(start + longest, len(text)) + 1)
    }


def main(vocabulary, cases, out):
    metadata = Reader(vocabulary).metadata
    with open(cases) as file:
        cases = json.load(file)

    key = "tokenizer.ggml."
    tokens, types = metadata[key + "tokens"], metadata[key + "token_type"]
    texts = cases["texts"] + cases["specialTexts"]
    if metadata[key + "model"] == "gpt2":
        alphabet = byte_alphabet()
        always = set(alphabet.values())
        texts = ["".join(alphabet[byte] for byte in text.encode()) for text in texts]
    else:
        always = {f"<0x{byte:02X}>" for byte in range(256)}
        texts = [text.replace(" ", "▁") for text in texts]
    possible = substrings(texts, max(map(len, tokens)))
    if metadata[key + "model"] == "llama":  # a space is put before a text, and after each special token in it
        possible |= {"▁" + piece for piece in possible} | {"▁"}

    merges = [merge for merge in metadata.get(key + "merges", []) if merge.replace(" ", "", 1) in possible]
    kept = possible | always | {half for merge in merges for half in merge.split(" ", 1)}
    named = {metadata[name] for name in metadata if name.startswith(key) and name.endswith("_token_id")}
    names = cases["texts"] + cases["specialTexts"]

    def is_needed(index):
        is_ordinary = types[index] in (NORMAL, UNUSED)
        return tokens[index] in kept or index in named or (
            not is_ordinary and any(tokens[index] in text for text in names))

    ids = [index for index in range(len(tokens)) if is_needed(index)]
    scores = metadata.get(key + "scores")
    result = {
        "metadata": {name: value for name, value in metadata.items()
                     if name.startswith(key) and isinstance(value, (int, str)) and len(str(value)) < 100},
        "size": len(tokens),
        "ids": ids,
        "tokens": [tokens[index] for index in ids],
        "types": [types[index] for index in ids],
        "scores": [scores[index] for index in ids] if scores else None,
        "merges": merges,
        "cases": {"ids": cases["ids"], "specialIds": cases["specialIds"]},
    }
    with open(out, "w") as file:
        json.dump(result, file, ensure_ascii=False, separators=(",", ":"))
    print(f"{out}: {len(ids)} of {len(tokens)} tokens, {len(merges)} merges")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
