"""What a model sees of a text: the same n-grams, windows and integers as `engine/src/model`.

A text is folded as the engine folds it, put into lower case, and cut into windows of a few blocks. Each window is a bag of
hashed n-grams: of characters (3 to 5) and of tokens (1 to 3). Everything is integer arithmetic modulo 2**64.
"""

import re
import unicodedata

import numpy as np

PRIME = 0x9E3779B97F4A7C15
JOIN = 0xC2B2AE3D27D4EB4F
MIX = 0xD6E8FEB86659FD93
# One salt for each kind of n-gram, so that a word and the same characters are two features.
CHAR_SALTS = {3: 0x33, 4: 0x44, 5: 0x55}
TOKEN_SALTS = {1: 0xA100, 2: 0xA200, 3: 0xA300}
MASK = (1 << 64) - 1
# Of a longer token, these first characters count.
LONGEST_TOKEN = 64

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
BLANK = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029\u3000]+")
AGAIN = re.compile(r"(.)\1{3,}", re.DOTALL)


def plain(text):
    """Lower case, every digit `0`, runs of blanks one space, at most three of a character in a row."""
    return AGAIN.sub(r"\1\1\1", BLANK.sub(" ", fold(text).translate(LOWER)))


def _powers(base, count):
    out = np.empty(count, dtype=np.uint64)
    value = 1
    for i in range(count):
        out[i] = value
        value = value * base & MASK
    return out


POWERS = _powers(PRIME, 1 << 16)
INVERSES = _powers(pow(PRIME, -1, 1 << 64), 1 << 16)
JOIN1 = np.uint64(JOIN)
JOIN2 = np.uint64(JOIN * JOIN & MASK)


def _bucket(hashes, salt, bits):
    hashes = hashes ^ (hashes >> np.uint64(32)) ^ np.uint64(salt)
    return ((hashes * np.uint64(MIX)) >> np.uint64(64 - bits)).astype(np.int64)


def features(text, bits):
    """The n-grams of a plain text: their buckets, and the position of each one's last character."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    length = len(codes)
    buckets, ends = [], []
    for size, salt in CHAR_SALTS.items():
        if length < size:
            continue
        hashes = np.zeros(length - size + 1, dtype=np.uint64)
        for k in range(size):
            hashes += codes[k : length - size + 1 + k] * POWERS[k]
        buckets.append(_bucket(hashes, salt, bits))
        ends.append(np.arange(size - 1, length))
    is_word = (
        ((codes >= 0x61) & (codes <= 0x7A))
        | (codes == 0x30)
        | (codes == 0x5F)
        | ((codes > 0xA0) & (codes < 0x2000))
    )
    blank = codes == 0x20
    previous = np.concatenate(([False], is_word[:-1])) if length else is_word
    starts = np.flatnonzero((is_word & ~previous) | (~is_word & ~blank))
    if len(starts):
        following = np.concatenate((is_word[1:], [False]))
        lasts = np.flatnonzero((is_word & ~following) | (~is_word & ~blank))
        hashes = np.empty(len(starts), dtype=np.uint64)
        for low in range(0, length, 60000):
            # Sums of code * PRIME**position, brought back to the token's start; in pieces, to bound the powers.
            inside = np.flatnonzero((starts >= low) & (starts < low + 60000))
            if not len(inside):
                continue
            high = min(length, low + 60000 + LONGEST_TOKEN)
            sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(codes[low:high] * POWERS[: high - low])))
            a = starts[inside] - low
            b = np.minimum(lasts[inside] + 1 - low, a + LONGEST_TOKEN)
            hashes[inside] = (sums[b] - sums[a]) * INVERSES[a]
        for size, salt in TOKEN_SALTS.items():
            if len(hashes) < size:
                continue
            count = len(hashes) - size + 1
            joined = hashes[:count].copy()
            if size > 1:
                joined += hashes[1 : 1 + count] * JOIN1
            if size > 2:
                joined += hashes[2 : 2 + count] * JOIN2
            buckets.append(_bucket(joined, salt, bits))
            ends.append(lasts[size - 1 :])
    if not buckets:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(buckets), np.concatenate(ends)


def windows(text, bits, block, span, stride=1):
    """The windows of a raw text, each the buckets of its n-grams. A window is `span` blocks of `block` characters.

    Within a block each bucket counts once, so that what is said again and again says little more.
    """
    buckets, ends = features(plain(text), bits)
    if not len(buckets):
        return []
    blocks = int(ends.max()) // block + 1
    # Block and bucket in one number; sorted, and each once.
    keys = np.unique((ends // block) * (1 << bits) + buckets)
    bounds = np.searchsorted(keys, np.arange(0, blocks + 1) * (1 << bits))
    keys &= (1 << bits) - 1
    last = max(0, blocks - span)
    firsts = list(range(0, last + 1, stride))
    if firsts[-1] != last:
        firsts.append(last)
    return [keys[bounds[first] : bounds[min(blocks, first + span)]] for first in firsts]
