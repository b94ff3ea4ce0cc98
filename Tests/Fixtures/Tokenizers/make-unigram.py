#!/usr/bin/env python3
"""Trains tiny Unigram models with SentencePiece and prints them as GGUF files keep them, with the ids that SentencePiece gives.

  make-unigram.py > unigram.json           # with tables of the characters in the texts alone, to be small
  make-unigram.py --whole > unigram.json   # with SentencePiece's own tables, as published models have them

Needs the PyPI package sentencepiece. The texts are those of texts.json and ones made of pieces that a normalizer changes.
"""
import base64
import json
import os
import random
import sys
import tempfile
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

PARTS = [
    "Hello", "world", "ﬁne", "Ⅳ", "①", "ｆｕｌｌ", "ｶﾞ", "é", "e\u0301", "Å", "ñ", "日本語", "한국어", "한", "مرحبا", "हिन्दी",
    "Привет", "x", "123", "½", " ", "  ", "   ", "\n", "\t", "\u3000", "\u00a0", "\u200b", "\ufeff", "▁", ".", "…", "!", "“q”",
    "<sep>", "<x", "👍", "👨‍👩‍👧", "\u0007", "<unk>", "</s>", "don't", "the", "a", "of", "story", "once upon a time",
]
KINDS = {
    # As T5, XLM-R and most others are trained.
    "defaults": dict(normalization_rule_name="nmt_nfkc"),
    "identity": dict(normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False),
    "prefix-keeps-spaces": dict(normalization_rule_name="nfkc", remove_extra_whitespaces=False),
    "bytes": dict(normalization_rule_name="nmt_nfkc", byte_fallback=True, vocab_size=500),
    "folded": dict(normalization_rule_name="nmt_nfkc_cf", user_defined_symbols=["<sep>", "ing", "▁the▁"]),
}

here = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(here, "texts.json")) as file:
    given = json.load(file)["texts"]
random.seed(11)
texts = given[:120] + ["".join(random.choice(PARTS) for _ in range(random.randint(1, 12))) for _ in range(200)]
lines = [line for text in texts for line in text.split("\n") if line.strip()]



def rule(text, folds):
    """What a text becomes, in the way of SentencePiece's tables: NFKC, control characters vanish, other white space is a space."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(" " if c.isspace() or c in "\u200b\ufeff" else c for c in text if c.isspace() or ord(c) >= 32)
    return text.casefold() if folds else text


def table(folds):
    """Rules for the characters of the texts and for letters with an accent behind, as lines of hexadecimal code points."""
    characters = sorted({c for text in texts for c in text})
    sources = characters + [a + b for text in texts for a, b in zip(text, text[1:]) if unicodedata.combining(b)]
    hexadecimal = lambda text: " ".join(f"{ord(c):X}" for c in text)
    pairs = {s: rule(s, folds) for s in sources if s != "\n"}
    return "".join(f"{hexadecimal(s)}\t{hexadecimal(t)}\n" for s, t in sorted(pairs.items()) if s != t)


models = {}
for name, options in KINDS.items():
    with tempfile.TemporaryDirectory() as folder:
        corpus, prefix = os.path.join(folder, "corpus"), os.path.join(folder, "m")
        with open(corpus, "w") as file:
            file.write("\n".join(lines))
        kind = options.get("normalization_rule_name")
        if kind != "identity" and "--whole" not in sys.argv:
            rules = os.path.join(folder, "rules.tsv")
            with open(rules, "w") as file:
                file.write(table(kind.endswith("cf")))
            options = {**options, "normalization_rule_tsv": rules}
        sentencepiece.SentencePieceTrainer.train(
            input=corpus, model_prefix=prefix, model_type="unigram", character_coverage=0.98, hard_vocab_limit=False,
            num_threads=1, minloglevel=2, bos_id=-1, pad_id=0, eos_id=1, unk_id=2, **{"vocab_size": 420, **options})
        processor = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
        proto = sentencepiece_model_pb2.ModelProto()
        with open(prefix + ".model", "rb") as file:
            proto.ParseFromString(file.read())
    normalizer = proto.normalizer_spec
    models[name] = {
        "addSpacePrefix": normalizer.add_dummy_prefix, "removeExtraWhitespaces": normalizer.remove_extra_whitespaces,
        "charsMap": base64.b64encode(normalizer.precompiled_charsmap).decode(),
        "tokens": [piece.piece for piece in proto.pieces], "scores": [piece.score for piece in proto.pieces],
        "types": [int(piece.type) for piece in proto.pieces], "ids": [processor.encode(text) for text in texts],
    }
json.dump({"texts": texts, "models": models}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
