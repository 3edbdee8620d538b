"""What a model sees of a text: the same tokens, n-grams, windows and integers as `engine/src/model`.

A text is folded as the engine folds it, put into lower case, and cut into tokens: words, and characters that belong to none. A
word has n-grams of its characters, a token itself, itself with the one before it, and its first letters with those of the one
before it. Windows are a few blocks of tokens. Everything is integer arithmetic modulo 2**64.
"""

import re
import unicodedata

import numpy as np

PRIME = 0x9E3779B97F4A7C15
JOIN = 0xC2B2AE3D27D4EB4F
MIX = 0xD6E8FEB86659FD93
# One salt for each kind of n-gram, so that a word and its characters are two features.
CHAR_SALTS = {3: 0x33, 4: 0x44, 5: 0x55}
TOKEN_SALT, PAIR_SALT, STEM_SALT = 0xA100, 0xA200, 0xA500
MASK = (1 << 64) - 1
# The most characters of a word; more are the next word.
LONGEST = 32
# The bytes of a token that are its stem.
STEM = 4
# The marks by which a block knows what it has met.
MARKS = 1024
# What is taken to stand before a text.
BEFORE = "."

LOOK_ALIKE = {}
for latin, others in {
    "a": "аα", "A": "АΑ", "b": "вβ", "B": "ВΒ", "c": "сϲ", "C": "СϹ", "d": "ԁ", "D": "Ԁ", "e": "еε", "E": "ЕΕ",
    "h": "һнη", "H": "ҺНΗ", "i": "іιı", "I": "ІΙ", "j": "ј", "J": "Ј", "k": "кκ", "K": "КΚ", "l": "ӏ", "m": "мμ",
    "M": "МΜ", "n": "ν", "N": "Ν", "o": "оο", "O": "ОΟ", "p": "рρ", "P": "РΡ", "q": "ԛ", "Q": "Ԛ", "s": "ѕ", "S": "Ѕ",
    "t": "тτ", "T": "ТΤ", "w": "ԝ", "W": "Ԝ", "x": "хχ", "X": "ХΧ", "y": "уυ", "Y": "УΥ", "z": "ζ", "Z": "Ζ",
    "/": "\u2044\u2215", "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "'": "\u2018\u2019", '"': "\u201c\u201d",
}.items():
    for other in others:
        LOOK_ALIKE[other] = latin

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
TAGS = {code: chr(code - 0xE0000) for code in range(0xE0020, 0xE007F)}


def fold(text):
    """The view `folded` of `engine/src/matcher/view.rs`."""
    if text.isascii():
        return text
    text = INVISIBLE.sub("", text.translate(TAGS))
    out = []
    for c in text:
        if c.isascii():
            out.append(c)
            continue
        for part in unicodedata.normalize("NFKD", c):
            if not unicodedata.category(part).startswith("M"):
                out.append(LOOK_ALIKE.get(part, part))
    return "".join(out)


LOWER = {code: code + 32 for code in range(0x41, 0x5B)}
LOWER |= {code: code + 32 for code in range(0x391, 0x3AA)}
LOWER |= {code: code + 32 for code in range(0x410, 0x430)}
LOWER |= {code: 0x30 for code in range(0x31, 0x3A)}
WORD = "a-z0_\u00a1-\u1fff"
TOKEN = re.compile(f"[{WORD}]{{1,{LONGEST}}}|[^\x00-\x20\x7f-\xa0\u2028\u2029\u3000]")
IS_WORD = re.compile(f"[{WORD}]")


def tokens(text):
    """The tokens of a raw text. A row of the same character is one."""
    found, last = [], None
    for token in TOKEN.findall(fold(text).translate(LOWER)):
        if token != last or IS_WORD.match(token):
            found.append(token)
        last = token
    return found


def token_hash(token):
    """The hash of a token's bytes, eight by eight."""
    data, value = token.encode(), 0
    for at in range(0, len(data), 8):
        value = (value ^ int.from_bytes(data[at : at + 8], "little")) * PRIME & MASK
        value ^= value >> 32
    return value


def _mixed(value, salt):
    return (value ^ (value >> 32) ^ salt) * MIX & MASK


class Token:
    """A token: its hash, that of its stem, the mixed hashes of its n-grams, and the room that it takes in a block."""

    def __init__(self, token, shortest):
        self.hash = token_hash(token)
        self.stem = int.from_bytes(token.encode()[:STEM], "little") * PRIME & MASK
        mixed = [_mixed(self.hash, TOKEN_SALT)]
        self.room = 1
        if IS_WORD.match(token):
            codes = [ord(c) for c in f" {token} "]
            self.room = len(token) + 1
            for size, salt in CHAR_SALTS.items():
                for at in range(len(codes) - size + 1 if size >= shortest else 0):
                    value = 0
                    for code in reversed(codes[at : at + size]):
                        value = (value * PRIME + code) & MASK
                    mixed.append(_mixed(value, salt))
        self.mixed = np.array(mixed, dtype=np.uint64)
        self.buckets = {}

    def buckets_of(self, bits):
        """The buckets of its n-grams in a table of that size, worked out once."""
        if bits not in self.buckets:
            self.buckets[bits] = _buckets(self.mixed, bits)
        return self.buckets[bits]


KNOWN = {}


def known(token, shortest):
    """A token's facts, worked out once."""
    facts = KNOWN.get((token, shortest))
    if facts is None:
        facts = KNOWN[token, shortest] = Token(token, shortest)
    return facts


def _buckets(mixed, bits):
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def _new(blocks, marks):
    """Of the n-grams of a text those whose mark their block has not met, and the block of each."""
    keys = blocks * MARKS + ((marks >> np.uint64(32)) % np.uint64(MARKS)).astype(np.int64)
    return np.sort(np.unique(keys, return_index=True)[1])


def windows(text, shape, stride=1):
    """The windows of a raw text, each the buckets of its n-grams. A window is a few blocks, each of about so many characters.

    Within a block each n-gram counts once, so that what is said again and again says little more.
    """
    bits, block, span, shortest = shape
    found = [known(token, shortest) for token in tokens(text)]
    if not found:
        return []
    room = np.array([token.room for token in found])
    of = (np.cumsum(room) - room) // block
    count = int(of[-1]) + 1
    parts = [[] for _ in range(count)]
    hashes = np.array([token.hash for token in found], dtype=np.uint64)
    for at in _new(of, hashes).tolist():
        parts[of[at]].append(found[at].buckets_of(bits))
    before = known(BEFORE, shortest)
    stems = np.array([token.stem for token in found], dtype=np.uint64)
    for own, first, salt in ((hashes, before.hash, PAIR_SALT), (stems, before.stem, STEM_SALT)):
        joined = np.concatenate((np.array([first], dtype=np.uint64), own[:-1])) + own * np.uint64(JOIN)
        mixed = (joined ^ (joined >> np.uint64(32)) ^ np.uint64(salt)) * np.uint64(MIX)
        new = _new(of, mixed)
        buckets, bounds = _buckets(mixed[new], bits), np.searchsorted(of[new], np.arange(count + 1))
        for number, part in enumerate(parts):
            part.append(buckets[bounds[number] : bounds[number + 1]])
    parts = [np.concatenate(part) for part in parts]
    last = max(0, count - span)
    firsts = list(range(0, last + 1, stride))
    if firsts[-1] != last:
        firsts.append(last)
    whole = [np.concatenate(parts[first : first + span]) for first in firsts]
    return [window for window in whole if len(window)]
