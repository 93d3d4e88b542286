"""Reference token ids: what transformers' CLIPTokenizer makes of many strings.

    python tools/reference/tokens.py --published bpe_simple_vocab_16e6.txt.gz   # once: the merges
    python tools/reference/tokens.py                                            # the cases

Writes, under fixtures/tokens/:
  merges.txt.gz   the 48,894 merges that CLIP uses, as the merges.txt of its exports has them
  cases.json      strings with their ids and places, for four tokenizers
  classes.json    which code points the reference takes for letters, digits and space

Made with transformers 5.23.0 and tokenizers 0.23.3. The class table in
packages/core/src/text/character-classes.ts is the output of `--table`.
"""

import argparse
import gzip
import hashlib
import json
import random
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path

import tokenizers
import transformers
from transformers import CLIPTokenizer

HERE = Path(__file__).resolve().parents[2] / "fixtures" / "tokens"
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
MERGES_IN_USE = 49152 - 256 - 2


def byte_characters():
    """The character that stands for each byte, in the order in which CLIP numbers them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(hidden))]


def vocabulary(merges):
    alphabet = byte_characters()
    tokens = alphabet + [symbol + "</w>" for symbol in alphabet]
    tokens += [merge.replace(" ", "") for merge in merges] + [BOS, EOS]
    assert len(set(tokens)) == len(tokens)
    return {token: index for index, token in enumerate(tokens)}


def write_published(path):
    lines = gzip.open(path, "rt", encoding="utf-8").read().split("\n")
    text = "#version: 0.2\n" + "\n".join(lines[1 : MERGES_IN_USE + 1]) + "\n"
    (HERE / "merges.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def read_merges():
    text = gzip.decompress((HERE / "merges.txt.gz").read_bytes()).decode()
    return [line for line in text.split("\n")[1:] if line]


def added(content, normalized=True, **extra):
    flags = {"lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}
    return {"content": content, **flags, **extra}


def config_of(**extra):
    """tokenizer_config.json as Stable Diffusion's repositories have it."""
    typed = {"__type": "AddedToken"}
    return {
        "add_prefix_space": False,
        "bos_token": {**typed, **added(BOS)},
        "do_lower_case": True,
        "eos_token": {**typed, **added(EOS)},
        "model_max_length": 77,
        "pad_token": EOS,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": {**typed, **added(EOS)},
        **extra,
    }


def special_of(pad):
    return {"bos_token": added(BOS), "eos_token": added(EOS), "pad_token": pad, "unk_token": added(EOS)}


def tiny():
    """A vocabulary that lacks most bytes, so that the unknown token is seen."""
    merges = ["c a", "ca t</w>", "a t</w>", "d o", "do g</w>", "r e", "re d</w>", "1 2", "a a", "aa aa"]
    letters = "acdegort123"
    tokens = list(letters) + [letter + "</w>" for letter in letters]
    tokens += [merge.replace(" ", "") for merge in merges] + [BOS, EOS]
    return {token: index for index, token in enumerate(tokens)}, merges


TOKENIZERS = {
    # Stable Diffusion 1: padded with the end token.
    "sd1": {"config": config_of(), "specialTokens": special_of(EOS)},
    # Stable Diffusion 2: special_tokens_map.json overrides the config, and pads with "!".
    "sd2": {"config": config_of(), "specialTokens": special_of("!")},
    # As saved by transformers 4.3x and later: the config tells all, and the map is not read. With
    # two tokens of a textual inversion after the vocabulary.
    "inversion": {
        "config": config_of(
            pad_token="!",
            added_tokens_decoder={
                "0": added("!", False, special=True),
                "49406": added(BOS, False, special=True),
                "49407": added(EOS, True, special=True),
                "49408": added("<Toy-Cat>", True, special=False),
                "49409": added("sks", False, special=False, single_word=True),
            },
        ),
        "specialTokens": special_of(EOS),
    },
    "tiny": {"config": config_of(model_max_length=12), "specialTokens": special_of(EOS)},
}


def load(name, merges):
    spec = TOKENIZERS[name]
    vocab = vocabulary(merges)
    if name == "tiny":
        vocab, merges = tiny()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), "utf-8")
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(spec["config"]), "utf-8")
        (folder / "special_tokens_map.json").write_text(json.dumps(spec["specialTokens"]), "utf-8")
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        if name != "tiny":
            return tokenizer
        # The same tokenizer in one file must give the same.
        one = folder / "one"
        tokenizer.save_pretrained(one)
        spec["tokenizerJson"] = json.loads((one / "tokenizer.json").read_text("utf-8"))
        spec["savedConfig"] = json.loads((one / "tokenizer_config.json").read_text("utf-8"))
        spec["vocab"], spec["merges"] = vocab, merges
        again = CLIPTokenizer.from_pretrained(one)
        for text in ["a cat, 12 red dogs", "aaaaaaaaa <|endoftext|>"]:
            assert again(text).input_ids == tokenizer(text).input_ids
        return tokenizer


WRITTEN = """
a photo of an astronaut riding a horse on mars
A RED Apple on a Wooden Table, 4k, highly detailed, trending on artstation
masterpiece, best quality, (ultra-detailed:1.3), [blurry], {sharp}
it's they've you're I'm we'll she'd 'tis can't o'clock rock'n'roll
IT'S THEY'VE YOU'RE I'M WE'LL SHE'D
''s '' 's's !'s .'t 'sun 'rest 'veil 'dog 'llama 'mad
"curly" “quotes” ‘single’ it’s don’t „unten“ «guillemets»
1 12 123 1234567890 3.14 1,000 2nd 1st x2 4k 50mm f/1.8
½ ² ³ ① Ⅷ ٣٤ ৫ 五 〇 ൺ
snake_case __init__ _ __ a_b_c
hello!world hello! world... what?! #tag @user 50% a&b a+b=c <b>bold</b>
&amp; &lt;tag&gt; &#39; &quot;x&quot;
ＦＵＬＬ ｗｉｄｔｈ １２３ ！？
ﬁ ﬂ ﬃ ﬅ ĳ Ǆ ǅ ǆ
ΟΔΟΣ Ὀδυσσεύς ΣΊΣΥΦΟΣ Σ σς άέήίόύώ ᾼ ᾳ
İstanbul ISTANBUL ıIiİ DİYARBAKIR
Straße STRASSE GROẞ Fußgänger Äpfel Öl Übermut
naïve café Crème Brûlée Łódź Žižek Đorđe ñandú ångström Å
Привет, мир! ЁЖИК Щука їжак ґанок
Здравей свят Ћирилица Қазақша
שלום עולם שָׁלוֹם
مرحبا بالعالم السَّلَامُ عَلَيْكُمْ ﷺ لا
नमस्ते दुनिया क्षत्रिय ज़िंदगी फ़िल्म
বাংলা ভাষা কোলাহল
தமிழ் மொழி ஸ்ரீ
తెలుగు ಕನ್ನಡ മലയാളം සිංහල
ภาษาไทย กำลัง น้ำ เก่ง
ລາວ ພາສາ မြန်မာ ភាសាខ្មែរ བོད་སྐད།
你好，世界 一隻紅蘋果 繁體字 简体字
日本語 ひらがな カタカナ ｶﾀｶﾅ ガギグ ー々〆
한국어 안녕하세요 ㄱㄴㄷ
ქართული ᲥᲐᲠᲗᲣᲚᲘ Հայերեն አማርኛ
ᏣᎳᎩ ꮳꮃꭹ ᐃᓄᒃᑎᑐᑦ ᚠᚢᚦ
𝓢𝓬𝓻𝓲𝓹𝓽 𝔘𝔫𝔦 𝕏 🄰 ⓐ Ⓐ
𐐀𐐨 𐍈 𒀀 𓀀 𠀀 𪛖
😀 😃😄 🐱🐶 I ❤️ NY ❤ ♥️ ☺ ☺️
👩‍👩‍👧‍👦 👨🏽‍🚀 🧑🏿‍🤝‍🧑🏻 🏳️‍🌈 🏴‍☠️
🇩🇪 🇯🇵🇰🇷 🇺🇸🇺 🏴󠁧󠁢󠁥󠁮󠁧󠁿
1️⃣ #️⃣ *️⃣ 0⃣
👋🏻👋🏼👋🏽👋🏾👋🏿 ✊🏾
a😀b😀1😀!😀
<|startoftext|> <|endoftext|> <|StartOfText|> <|ENDOFTEXT|>
a<|endoftext|>b !<|endoftext|>! <|ENDOFTEXT|>! <|endoftext <|endoftext|
<|STARTOFTEXT|>!<|ENDOFTEXT|>?
hello! wow!!! !! ! a!b !'s
<Toy-Cat> <toy-cat> <TOY-CAT>s x<toy-cat>y sks SKS a sks. asks sks_ skss (sks)
sks sks sks1 1sks ésks skś
\\ / | ~ ` ^ ¨ ¬ § ¶ © ® ™ € £ ¥ ₿ ¢
— – - ‐ ‑ … ‥ · • ‣ ※
→ ← ↑ ↓ ⇒ ∑ ∞ ≠ ≤ √ ∫ ∂ ° ′ ″
supercalifragilisticexpialidocious antidisestablishmentarianism
pneumonoultramicroscopicsilicovolcanoconiosis
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx zzzzzzzz
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
ﷲ ℵ ℃ Ω K Å ℻ №
Ꞌ ꞌ ʼ ʻokina ʼn ŉ
cafe\u0301 A\u030angstro\u0308m n\u0303 e\u0301\u0316 a\u0316\u0301 q\u0307\u0323 q\u0323\u0307
\u1112\u1161\u11ab\u1100\u1173\u11af \u1100\u1161\u11a8\u11a8 \u1161 \u11a8 \uac00\u11a8 \u1100\u1100\u1161
\u0958 \u0915\u093c \u09c7\u09be \u0bc6\u0bbe \u0f43 \u0344 \u1e9b\u0323 \u212b \u2126 \uf900 \u2f800
\u0301leading \u0301\u0301 x\u0301\u0301\u0301\u0301 İ\u0301 I\u0307 i\u0307
\u0041\u030a \u0061\u0328\u0301 \u0061\u0301\u0328 \u1ea5\u0323 \u01d5 \u0055\u0308\u0304 \u0044\u0323\u0307
\u16d67\u11935\u11930
"""

EXTRA = [
    "",
    " ",
    "   \t\n\r ",
    "a  b\tc\nd\r\ne\u000bf\u000cg",
    "a\u0085b\u00a0c\u1680d\u2003e\u2028f\u2029g\u202fh\u205fi\u3000j",
    "a\ufeffb\u200bc\u180ed\u200ce\u200df\u2060g\u00adh",
    "\x00 a\x00b \x01\x02\x1b[31m \x7f \x80\x9f",
    "a\x1cb\x1dc\x1ed\x1fe",
    "\ufffd \ufffe \uffff \U0010ffff \U0001ffff \ue000 \U000f0000",
    "tail ",
    " head",
    "line one\nline two\n\n\nline three",
    "https://example.com/path?q=1&r=2#frag user@example.com C:\\path\\file.txt",
    "{\"json\": [1, 2, null], 'it''s': true}",
    "(((((nested)))))]]]]]}}}}}",
    "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
    "????!!!!....,,,,----____====++++****",
    "word " * 60,
    "a, " * 40,
    "photorealistic " * 30 + "end",
    "🎨" * 40,
    "漢字" * 50,
    "'s" * 50,
    "1" * 90,
    "x" * 1000,
    "ab" * 300,
    "é" * 200,
    "e\u0301" * 100,
    "a" + "\u0301\u0316" * 60 + "b",
    "\u0345\u0301\u0316\u0334" * 30,
    "\U000105d2\u0307 \U00011935\U00011930 \U00016d67\U00016d67",
    "cat red dog 12 112 cats aaaaaaaa aaaa aaa tree cot",
    "a cat and a dog, 3 red cats",
    "aaaaaaaaaaaaaaa at ca t",
]

LONG = {
    "one letter": ("a", 100_000),
    "two letters": ("xy", 50_000),
    "words": ("The quick brown fox, 12 times; ", 3_300),
    "greek": ("ΣΟΦΙΑ ", 9_000),
    "emoji": ("👩‍🚀", 9_000),
    "punctuation": ("!?", 50_000),
    "marks": ("\u0301\u0316", 25_000),
    "digits": ("0123456789", 10_000),
}


def random_strings(count):
    """Assigned characters of old versions of Unicode, by blocks, so that scripts mix and repeat."""
    rng = random.Random(20_260_801)
    blocks = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00)]
    blocks += [(0xE00, 0x1200), (0x1E00, 0x2400), (0x2600, 0x2800), (0x3040, 0x3100), (0x4E00, 0x9FA0)]
    blocks += [(0xAC00, 0xD7A4), (0xF900, 0xFB50), (0xFF00, 0xFFE0), (0x1D400, 0x1D800), (0x1F300, 0x1F650)]
    # U+0301 and others after random letters compose now and then.
    for _ in range(count):
        text = []
        for _ in range(rng.randint(1, 6)):
            first, last = rng.choice(blocks)
            for _ in range(rng.randint(1, 8)):
                character = chr(rng.randrange(first, last))
                if unicodedata.ucd_3_2_0.category(character) not in ("Cn", "Cs"):
                    text.append(character)
            text.append(rng.choice([" ", "", "\u0301", "'s ", "\u0308", ", ", "1"]))
        yield "".join(text)


def random_characters(count):
    """Anything that is assigned, with combining marks in any order, and markers between."""
    rng = random.Random(20_260_802)
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    everything = [chr(code) for code in codes if unicodedata.category(chr(code)) not in ("Cn", "Co")]
    marks = [character for character in everything if unicodedata.category(character)[0] == "M"]
    usual = [*map(chr, range(0x20, 0x7F)), EOS, BOS, EOS.upper(), "'s", "'ll", "\u3000", "\n"]
    for _ in range(count):
        pools = rng.choices([everything, marks, usual], k=2)
        yield "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(1, 24)))


def utf16_places(text, offsets):
    """[start, end) in UTF-16 units from the reference's offsets in code points."""
    at = [0]
    for character in text:
        at.append(at[-1] + (2 if ord(character) > 0xFFFF else 1))
    return [[at[start], at[end]] for start, end in offsets]


def written():
    for line in WRITTEN.strip().split("\n"):
        yield line.encode("raw_unicode_escape").decode("unicode_escape") if "\\u" in line else line


def cases_of(tokenizer, texts, length):
    for text in texts:
        whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        case = {"text": text, "ids": whole.input_ids}
        # Where normalising changes the text, the reference's offsets leave combining marks out.
        if unicodedata.normalize("NFC", text) == text:
            case["places"] = utf16_places(text, whole.offset_mapping)
        yield case


def padded_cases(tokenizer, texts, length):
    for text in texts:
        ids = tokenizer(text, padding="max_length", max_length=length, truncation=True).input_ids
        assert len(ids) == length
        yield {"text": text, "ids": ids}


def digest(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()


def write_cases(merges):
    texts = list(dict.fromkeys([*written(), *EXTRA]))
    randoms = [*random_strings(160), *random_characters(120)]
    out = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "tokenizers": {},
        "long": [],
    }
    for name, spec in TOKENIZERS.items():
        tokenizer = load(name, merges)
        length = tokenizer.model_max_length
        chosen = texts + randoms if name == "sd1" else texts
        if name == "inversion":
            chosen = [text for text in texts if "sks" in text or "!" in text or "<" in text]
        if name == "tiny":
            chosen = [text for text in texts if text.isascii() and len(text) < 120]
        out["tokenizers"][name] = {
            **spec,
            "maxLength": length,
            "padTokenId": tokenizer.pad_token_id,
            "cases": list(cases_of(tokenizer, chosen, length)),
            "padded": list(padded_cases(tokenizer, texts[:6] + EXTRA[:2] + EXTRA[17:26], length)),
        }
        if name == "sd1":
            for title, (unit, times) in LONG.items():
                ids = tokenizer("a" * (title == "marks") + unit * times, add_special_tokens=False).input_ids
                out["long"].append(
                    {"title": title, "unit": unit, "times": times, "count": len(ids), "sha256": digest(ids)}
                )
    text = json.dumps(out, ensure_ascii=True, separators=(",", ":"))
    (HERE / "cases.json").write_text(text.replace('{"text"', '\n{"text"') + "\n", "utf-8")


def class_ranges(merges):
    split = load("sd1", merges).backend_tokenizer.pre_tokenizer[0]
    ranges = {"letter": [], "number": [], "space": []}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        parts = [part for part, _ in split.pre_tokenize_str(f"a{character}!")]
        kind = {
            (f"a{character}", "!"): "letter",
            ("a", character, "!"): "number",
            ("a", "!"): "space",
            ("a", f"{character}!"): None,
        }[tuple(parts)]
        if kind is None:
            continue
        known = ranges[kind]
        if known and known[-1][1] == code - 1:
            known[-1][1] = code
        else:
            known.append([code, code])
    return ranges


def base36(number):
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if number == 0:
            return digits


def table(ranges):
    """Ranges as gap[-more], gaps counted from the end of the range before, in base 36."""
    parts, end = [], 0
    for first, last in ranges:
        parts.append(base36(first - end) + (f"-{base36(last - first)}" if last > first else ""))
        end = last
    return " ".join(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--published", help="OpenAI's bpe_simple_vocab_16e6.txt.gz")
    parser.add_argument("--table", action="store_true", help="print the class table and stop")
    arguments = parser.parse_args()
    HERE.mkdir(parents=True, exist_ok=True)
    if arguments.published:
        write_published(arguments.published)
    merges = read_merges()
    assert len(merges) == MERGES_IN_USE
    ranges = class_ranges(merges)
    if arguments.table:
        for kind in ("letter", "number", "space"):
            sys.stdout.write(f"{kind}: {table(ranges[kind])}\n")
        return
    write_cases(merges)
    (HERE / "classes.json").write_text(json.dumps(ranges, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
