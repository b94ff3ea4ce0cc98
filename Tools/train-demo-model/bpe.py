"""A byte-level BPE tokenizer in the form of GPT-2: trained here, written to GGUF by export.py.

Text is cut into words by GPT-2's regular expression, each word's UTF-8 bytes become characters
of a printable alphabet, and merges join them in the order in which training found them. All 256
bytes are tokens of their own, so every text can be encoded.
"""

from collections import Counter

import regex

END_OF_TEXT = "<|endoftext|>"
WORDS = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)


def byte_alphabet():
    """GPT-2's printable character for each byte: printable Latin-1 stays, the rest moves up."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet, moved = {byte: chr(byte) for byte in printable}, 0
    for byte in range(256):
        if byte not in alphabet:
            alphabet[byte] = chr(256 + moved)
            moved += 1
    return alphabet


ALPHABET = byte_alphabet()
BYTE_OF = {character: byte for byte, character in ALPHABET.items()}


class Tokenizer:
    """The vocabulary is the alphabet, then one token for each merge, then end-of-text."""

    def __init__(self, merges):
        self.merges = merges
        self.tokens = [ALPHABET[byte] for byte in range(256)]
        self.tokens += [left + right for left, right in merges] + [END_OF_TEXT]
        self.end_of_text = len(self.tokens) - 1
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.known_words = {}

    def encode(self, text):
        """Token ids of ordinary text; no special token is looked for in it."""
        ids = []
        for word in WORDS.findall(text):
            if word not in self.known_words:
                self.known_words[word] = self.encode_word(word)
            ids += self.known_words[word]
        return ids

    def encode_word(self, word):
        symbols = [ALPHABET[byte] for byte in word.encode()]
        while len(symbols) > 1:
            ranked = [self.ranks.get(pair, len(self.ranks)) for pair in zip(symbols, symbols[1:])]
            best = min(ranked)
            if best == len(self.ranks):
                break
            symbols = join(symbols, self.merges[best])
        return [self.ids[symbol] for symbol in symbols]

    def decode(self, ids):
        text = "".join(self.tokens[i] for i in ids if i != self.end_of_text)
        return bytes(BYTE_OF[character] for character in text).decode(errors="replace")


def join(symbols, pair):
    """`symbols` with each occurrence of `pair` made one symbol, from the left."""
    joined, at = [], 0
    while at < len(symbols):
        if tuple(symbols[at : at + 2]) == pair:
            joined.append(pair[0] + pair[1])
            at += 2
        else:
            joined.append(symbols[at])
            at += 1
    return joined


def train(texts, vocabulary_size):
    """A tokenizer of `vocabulary_size` tokens whose merges are the most frequent pairs in `texts`."""
    counts = Counter()
    for text in texts:
        counts.update(WORDS.findall(text))
    words = [([ALPHABET[byte] for byte in word.encode()], n) for word, n in sorted(counts.items())]
    merges, tokens = [], set(ALPHABET.values())
    while 256 + len(merges) + 1 < vocabulary_size:
        pairs = Counter()
        for symbols, n in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        # Two routes to one spelling would give one string two ids, which a vocabulary cannot hold.
        candidates = [(n, pair) for pair, n in pairs.items() if "".join(pair) not in tokens]
        if not candidates:
            raise ValueError(f"the texts give only {len(merges)} merges")
        merges.append(max(candidates)[1])
        tokens.add("".join(merges[-1]))
        words = [(join(symbols, merges[-1]), n) for symbols, n in words]
    return Tokenizer(merges)
