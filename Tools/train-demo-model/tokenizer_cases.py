"""Texts whose token ids Tests/Fixtures/Tokenizers/demo.json keeps; export.py writes that file."""

CASES = [
    "Once upon a time, there was a little girl named Lily.",
    "Tom",
    " Tom",
    '"Where is my kite?" asked Mia.',
    "He didn't know; they'd all said it's Ben's. I'll, we've, you're, I'm.",
    "ONCE UPON A TIME",
    "  two  spaces   three",
    "trailing spaces   ",
    "   ",
    "\n",
    "line one\nline two\n\n\nline five\r\n\tand a tab",
    " \n \n mixed \t\t white",
    "7 42 1999 3.14159 1,000,000",
    "x=1;y=(a+b)*c^2//comment#hash@at__under__",
    "Größe, naïve café, Ærø, Привет мир, Καλημέρα",
    "日本語のテスト 中文 한국어",
    "🙂👩‍👩‍👧 🇫🇷 e\u0301 \u00a0nbsp\u2003em\u200bzero",
    "½ Ⅷ ٣٤٥ ²",
    "<|endoftext",
    "a",
]
