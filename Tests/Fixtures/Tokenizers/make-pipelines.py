"""Writes pipelines.json: tiny tokenizers of every kind that tokenizer.json has, with the tokens that the `tokenizers` library
gives for some texts.

Needs the package tokenizers, and sentencepiece for a table of characters. Run: python3 make-pipelines.py > pipelines.json
"""

import base64
import io
import json
import random

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "Once upon a time, a small fox lived near the river; it wasn't afraid of anything at all.",
    "The year 2024 had 366 days, and 17 of them were rainy. Prices rose by 3.5% to $1,250!",
    "Übermäßige Größe, café crème, naïve façade, Ünïcödé. Ελληνικά και русский текст.",
    "Das ist ein kurzer Text.  Zwei Leerzeichen,\tein Tabulator\nund eine neue Zeile.",
    "深い森の中に小さな家がありました。你好，世界！ 한국어 문장입니다.",
    "def main(x):\n    return x + 1  # a comment\n",
    "HELLO World, I'll say it's fine. We're here; they've gone; she'd know.",
] * 3


def texts():
    random.seed(7)
    fixed = [
        "", " ", "  ", "a", " a", "a ", "Once upon a time", "  Once  upon\ta\n\ntime  ", "It wasn't 1234567 days.",
        "HELLO Wörld, I'LL go", "naïve café ÀÉÎ e\u0301 A\u030a", "深い森 你好 한국어", "ﬁne ①②③ ｆｕｌｌ ㍿ ½",
        "x = y[3] + f(z);\n\n\n  return\r\n", "<s>Hi</s> there [CLS]x[SEP]", "a<mask>b <mask> c", " <mask>  d", "tokentoken token",
        "TOKEN Token toKen", "😀 👨‍👩‍👧 🇩🇪 👍🏽", "Straße İstanbul ΣΑΣ ς", "\u200b\u00a0\u3000\u2028x\ufeff", "a\u0000b\u0007c\u007f",
        "…“quotes”—dash‐hyphen", "▁x▁ y", "##a ##b", "1a2b3c ١٢٣ Ⅷ", "मानक हिन्दी ก็ ไทย", "zzzzqqqq jjjj", "don't y'all 've",
    ]
    alphabets = [(0x20, 0x7F), (0xA0, 0x24F), (0x370, 0x52F), (0x900, 0x97F), (0x3040, 0x30FF), (0x4E00, 0x4E80), (0xAC00, 0xAC80),
                 (0x1F600, 0x1F64F), (0x300, 0x36F), (0x2000, 0x206F), (0x0, 0x20), (0xFF00, 0xFF5E)]
    for _ in range(24):
        size = random.randint(1, 24)
        text = ""
        for _ in range(size):
            low, high = random.choice(alphabets)
            text += chr(random.randrange(low, high))
            if random.random() < 0.2:
                text += " "
        fixed.append(text)
    return fixed


def charsmap():
    """The table of a SentencePiece model with its usual rules, for a part of the characters alone, so that it is small."""
    rules = ["%s\t%s" % (" ".join(f"{ord(c):X}" for c in a), " ".join(f"{ord(c):X}" for c in b)) for a, b in [
        ("ﬁ", "fi"), ("①", "1"), ("②", "2"), ("③", "3"), ("½", "1/2"), ("\u00a0", " "), ("\u3000", " "), ("\t", " "),
        ("\n", " "), ("e\u0301", "é"), ("A\u030a", "Å"), ("㍿", "株式会社"), ("\u200b", " "), ("\ufeff", ""), ("ｆ", "f"), ("ｕ", "u"),
        ("ｌ", "l"), ("…", "..."), ("가", "ga"), ("👍", "+"), ("👍🏽", "++")]]
    with open("/tmp/pumice-rules.tsv", "w") as file:
        file.write("\n".join(rules) + "\n")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=150, normalization_rule_tsv="/tmp/pumice-rules.tsv",
        minloglevel=2)
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def trained(model, trainer, normalizer=None, pre=None, post=None, decoder=None, added=()):
    tokenizer = Tokenizer(model)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(CORPUS, trainer)
    if added:
        tokenizer.add_special_tokens([token for token in added if token.special])
        tokenizer.add_tokens([token for token in added if not token.special])
    if post is not None:
        tokenizer.post_processor = post(tokenizer) if callable(post) else post
    if decoder is not None:
        tokenizer.decoder = decoder
    return tokenizer


def bpe(size=330, special=("<s>", "</s>"), unk=None, alphabet=None, **options):
    return (
        models.BPE(unk_token=unk, **options),
        trainers.BpeTrainer(
            vocab_size=size, special_tokens=list(special) + ([unk] if unk and unk not in special else []), show_progress=False,
            initial_alphabet=alphabet or [], limit_alphabet=1000 if alphabet else 90,
            **{key: value for key, value in options.items() if key in ("continuing_subword_prefix", "end_of_word_suffix")}))


def byte_level(**options):
    return bpe(alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)


def word_piece(unk="[UNK]", prefix="##"):
    return (
        models.WordPiece(unk_token=unk, max_input_chars_per_word=20),
        trainers.WordPieceTrainer(
            vocab_size=220, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False,
            continuing_subword_prefix=prefix, limit_alphabet=80))


def unigram(**options):
    return (
        models.Unigram(), trainers.UnigramTrainer(
            vocab_size=180, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False, **options))


def template(single, *tokens):
    return lambda tokenizer: processors.TemplateProcessing(
        single=single, special_tokens=[(token, tokenizer.token_to_id(token)) for token in tokens])


def byte_fallback(tokenizer):
    """The same with a token for every byte, as conversions of SentencePiece's models have it."""
    data = json.loads(tokenizer.to_str())
    vocabulary = data["model"]["vocab"]
    if isinstance(vocabulary, list):
        vocabulary += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    else:
        start = max(list(vocabulary.values()) + [token["id"] for token in data["added_tokens"]]) + 1
        vocabulary.update({f"<0x{byte:02X}>": start + byte for byte in range(256)})
    data["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(data))


LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
MASK = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
TOKEN = AddedToken("token", single_word=True, special=False, normalized=True)
RIGHT = AddedToken("[CLS]", rstrip=True, special=True, normalized=False)


def pipelines():
    N, P, D = normalizers, pre_tokenizers, decoders
    yield "gpt2", trained(*byte_level(), pre=P.ByteLevel(add_prefix_space=False), decoder=D.ByteLevel(), post=processors.ByteLevel())
    yield "roberta", trained(
        *byte_level(), pre=P.ByteLevel(add_prefix_space=True), decoder=D.ByteLevel(), added=[MASK],
        post=lambda t: processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>"))))
    yield "llama3", trained(
        *byte_level(ignore_merges=True), decoder=D.ByteLevel(),
        pre=P.Sequence([P.Split(Regex(LLAMA3), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]),
        post=lambda t: processors.Sequence([processors.ByteLevel(), template("<s> $A", "<s>")(t)]), added=[TOKEN])
    yield "nfc digits", trained(
        *byte_level(), normalizer=N.NFC(), pre=P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)]),
        decoder=D.ByteLevel())
    yield "punctuation", trained(
        *byte_level(), decoder=D.ByteLevel(),
        pre=P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(individual_digits=False)]))
    yield "spm bpe", byte_fallback(trained(
        *bpe(unk="<unk>", fuse_unk=True), normalizer=N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), added=[MASK, TOKEN],
        decoder=D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]),
        post=template("<s> $A", "<s>")))
    yield "gemma", byte_fallback(trained(
        *bpe(unk="<unk>", fuse_unk=True), normalizer=N.Replace(" ", "▁"), pre=P.Split(" ", "merged_with_previous"),
        decoder=D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()])))
    for scheme in ("always", "first", "never"):
        yield f"metaspace {scheme}", trained(
            *bpe(unk="<unk>"), pre=P.Metaspace("▁", scheme), decoder=D.Metaspace("▁", scheme), added=[MASK, TOKEN, RIGHT])
    yield "metaspace whole", trained(*bpe(unk="<unk>", fuse_unk=True), pre=P.Metaspace("▁", "first", split=False))
    yield "words end", trained(
        *bpe(unk="<unk>", end_of_word_suffix="</w>"), normalizer=N.BertNormalizer(), pre=P.BertPreTokenizer(),
        decoder=D.BPEDecoder("</w>"))
    yield "words go on", trained(
        *bpe(unk="<unk>", continuing_subword_prefix="##"), normalizer=N.Lowercase(), pre=P.Whitespace(), decoder=D.WordPiece("##"))
    yield "bert", trained(
        *word_piece(), normalizer=N.BertNormalizer(), pre=P.BertPreTokenizer(), decoder=D.WordPiece("##"),
        post=template("[CLS] $A [SEP]", "[CLS]", "[SEP]"), added=[TOKEN])
    yield "bert cased", trained(
        *word_piece(), normalizer=N.BertNormalizer(lowercase=False, strip_accents=False, handle_chinese_chars=False),
        pre=P.BertPreTokenizer(), decoder=D.WordPiece("##"),
        post=lambda t: processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]"))))
    yield "bert kept", trained(
        *word_piece(), normalizer=N.BertNormalizer(clean_text=False, strip_accents=True, lowercase=False), pre=P.WhitespaceSplit())
    yield "t5", trained(
        *unigram(), normalizer=N.Sequence([N.Precompiled(charsmap()), N.Replace(Regex(" {2,}"), " ")]),
        pre=P.Sequence([P.WhitespaceSplit(), P.Metaspace("▁", "always")]), decoder=D.Metaspace("▁", "always"),
        post=template("$A </s>", "</s>"), added=[MASK])
    yield "xlm", trained(
        *unigram(), normalizer=N.Sequence([N.Nmt(), N.NFKC(), N.Replace(Regex(" {2,}"), " ")]), pre=P.Metaspace("▁", "always"),
        decoder=D.Metaspace("▁", "always"), post=template("<s> $A </s>", "<s>", "</s>"))
    yield "unigram bytes", byte_fallback(trained(*unigram(), normalizer=N.Precompiled(charsmap()), pre=P.Metaspace("▁", "first")))
    yield "albert", trained(
        *unigram(), normalizer=N.Sequence([N.Replace("``", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(), N.Strip()]),
        pre=P.Metaspace("▁", "always"), added=[MASK])
    yield "nfd", trained(
        *bpe(unk="<unk>"), normalizer=N.Sequence([N.Strip(left=True, right=False), N.NFD()]),
        pre=P.Split(Regex(r"\p{L}+|\p{N}"), "removed", invert=True))
    for behavior in ("isolated", "merged_with_previous", "merged_with_next", "contiguous", "removed"):
        yield f"split {behavior}", trained(*bpe(unk="<unk>"), pre=P.Split(Regex(r"[aeiou ]"), behavior))
    yield "delimiter", trained(*bpe(unk="<unk>"), pre=P.CharDelimiterSplit(" "))
    yield "byte normalizer", trained(
        *byte_level(), normalizer=N.ByteLevel(), pre=P.Split(Regex("Ġ"), "merged_with_next"), decoder=D.ByteLevel())
    yield "word level", trained(
        models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=120, special_tokens=["<unk>"], show_progress=False),
        pre=P.Sequence([P.WhitespaceSplit(), P.Punctuation()]))
    yield "prefix of mask", trained(
        *bpe(unk="<unk>"), normalizer=N.Lowercase(), pre=P.Whitespace(),
        added=[AddedToken("Token", normalized=True, special=False), AddedToken("tokentoken", normalized=True, special=False)])


if __name__ == "__main__":
    all_texts = texts()
    lines = []
    for name, tokenizer in pipelines():
        tokens, plain = [], []
        for text in all_texts:
            tokens.append(tokenizer.encode(text).ids)
        tokenizer.encode_special_tokens = True
        for text in all_texts:
            plain.append(tokenizer.encode(text, add_special_tokens=False).ids)
        plain = [[index, ids] for index, ids in enumerate(plain) if ids != tokens[index]]
        lines.append(json.dumps(
            {"name": name, "tokenizer": json.loads(tokenizer.to_str()), "tokens": tokens, "plain": plain},
            ensure_ascii=False, separators=(",", ":")))
    print('{"texts":' + json.dumps(all_texts, separators=(",", ":")) + ',\n"pipelines":[\n' + ",\n".join(lines) + "\n]}")
