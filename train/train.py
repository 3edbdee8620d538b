"""Trains the models in `policies/models`, measures them with each set held out, and writes where they come from.

    python3 train/train.py CORPORA [--folds FOLDER]

CORPORA is a folder of JSONL files, one for each set named in `sets.py`. With --folds the model of each fold is kept, so that
`measure.py` can measure the whole policy on the set that the fold has not seen. Same corpora, same versions of numpy, scipy and
scikit-learn: same bytes.
"""

import argparse
import hashlib
import json
import struct
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

import learn
import sets
from features import tokens, windows

OUT = Path(__file__).parent.parent / "policies" / "models"
ONE = 1 << 16
KNOTS = 65
# Buckets (as a power of two), characters of a block, blocks of a window, and characters of the shortest n-gram in a word.
SHAPES = {"injection": (16, 100, 4, 4), "orders": (16, 50, 4, 5)}
# The tokens whose weight a model's file lets the engine work out in advance.
WORDS = 7000
# The share of ordinary texts, unseen by the model, that may score 0.8 and more.
ALLOWED = {"injection": 0.0025, "orders": 0.005}
STRENGTH = {"injection": 200.0, "orders": 100.0}


class Model:
    """A trained model in integers, as its file says it."""

    def __init__(self, shape, weights, bias, calibration, words=()):
        self.words = words
        self.shape = shape
        top = np.quantile(np.abs(weights[weights != 0]), 0.9998)
        step = top / 127
        self.weights = np.clip(np.round(weights / step), -127, 127).astype(np.int8)
        self.scale = int(round(step * 256 * ONE))
        self.bias = int(round(bias * ONE))
        self.knots = calibration

    def bytes(self):
        bits, block, span, shortest = self.shape
        head = b"ktmodel2" + struct.pack("<BBHBqq", bits, span, block, shortest, self.bias, self.scale)
        return head + struct.pack(f"<{KNOTS}H", *self.knots) + self.weights.tobytes() + "\n".join(self.words).encode()

    def logit(self, text):
        """The strongest window, in parts of ONE; the same integers as the engine's."""
        best = None
        for window in windows(text, self.shape):
            total = int(self.weights[window].astype(np.int64).sum())
            root = max(1, _root(len(window) << 16))
            best = max(best if best is not None else -(1 << 60), self.bias + total * self.scale // root)
        return best

    def parts(self, text):
        """The score in parts of 65536."""
        logit = self.logit(text)
        if logit is None:
            return 0
        step = ONE // 4
        beyond = min(max(logit + 8 * ONE, 0), (KNOTS - 1) * step)
        knot, rest = divmod(beyond, step)
        low, high = self.knots[knot], self.knots[min(knot + 1, KNOTS - 1)]
        return low + (high - low) * rest // step


def frequent(texts):
    """The words that most texts hold, for the list of a model. Sets count by the root of their size, as they do when it learns."""
    sizes = Counter(text.set for text in texts)
    counts = defaultdict(float)
    for text in texts:
        for token in set(tokens(text.text)):
            # What is one character is weighed as fast as it is found.
            if len(token) > 1 or token.isascii():
                counts[token] += sizes[text.set] ** -0.5
    return sorted(counts, key=lambda token: (-counts[token], token))[:WORDS]


def _root(n):
    root = int(n**0.5)
    while root * root > n:
        root -= 1
    while (root + 1) * (root + 1) <= n:
        root += 1
    return root


def calibrate(scores, attack, weight, ordinary, allowed):
    """Knots of a rising curve: 0.8 where the allowed share of ordinary texts lies, as steep as the unseen texts say."""
    threshold = float(np.quantile(scores[ordinary], 1 - allowed))
    # Newton's steps for the slope and place of a logistic curve over the unseen texts.
    slope, place = 1.0, 0.0
    for _ in range(60):
        p = 1 / (1 + np.exp(-(slope * scores + place)))
        gradient = np.array([np.sum(weight * (attack - p) * scores), np.sum(weight * (attack - p))])
        curve = weight * p * (1 - p)
        hessian = np.array(
            [[np.sum(curve * scores * scores), np.sum(curve * scores)], [np.sum(curve * scores), np.sum(curve)]]
        )
        change = np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
        slope, place = slope + change[0], place + change[1]
    slope = float(np.clip(slope, 0.6, 2.5))
    logits = np.arange(KNOTS) / 4 - 8
    p = 1 / (1 + np.exp(-(slope * (logits - threshold) + np.log(4))))
    return [int(x) for x in np.clip(np.round(p * 65536), 0, 65535)], threshold, slope


def held_out(matrix, folds, never, strength, emphasis):
    """Each text's strongest window by a model that has seen neither its set nor a near copy of it."""
    scores = np.full(len(matrix.texts), np.nan)
    kept = {}
    for name, held in folds.items():
        clusters = set(matrix.clusters[held]) - {-1}
        seen = ~never.copy()
        seen[held] = False
        seen &= ~np.isin(matrix.clusters, list(clusters))
        weights, bias = learn.fit(matrix, np.flatnonzero(seen), strength, emphasis=emphasis)
        scores[held] = matrix.strongest(matrix.rows @ weights + bias)[held]
        kept[name] = (weights, bias)
        print(f"  fold {name}: {seen.sum()} texts", flush=True)
    return scores, kept


def train(name, texts, folds_of, ordinary_sets, emphasis, keep):
    """One model: the table of its folds, the model, and what is said of it."""
    matrix = learn.Matrix(texts, SHAPES[name])
    folds = folds_of(matrix)
    never = np.isin(matrix.sets, sets.MEASURED)
    scores, kept = held_out(matrix, folds, never, STRENGTH[name], emphasis)
    known = ~np.isnan(scores)
    ordinary = known & np.isin(matrix.sets, ordinary_sets)
    of_set = learn.weights_of_sets(matrix, np.flatnonzero(known), {})
    of_set[matrix.attack] *= 0.5 / of_set[matrix.attack & known].sum()
    of_set[~matrix.attack] *= 0.5 / of_set[~matrix.attack & known].sum()
    knots, threshold, slope = calibrate(
        scores[known], matrix.attack[known].astype(float), of_set[known], ordinary[known], ALLOWED[name]
    )
    table = {}
    for set_name in sorted(set(matrix.sets[known])):
        for attack in (True, False):
            rows = known & (matrix.sets == set_name) & (matrix.attack == attack)
            if rows.any():
                caught = int((scores[rows] >= threshold).sum())
                table.setdefault(set_name, {})["attacks" if attack else "others"] = [caught, int(rows.sum())]
    weights, bias = learn.fit(matrix, np.flatnonzero(~never), STRENGTH[name], emphasis=emphasis)
    words = frequent([texts[at] for at in np.flatnonzero(~never)])
    model = Model(SHAPES[name], weights, bias, knots, words)
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        np.savez(Path(keep) / f"{name}.npz", scores=scores, attack=matrix.attack, sets=matrix.sets)
        for fold, (fold_weights, fold_bias) in kept.items():
            path = Path(keep) / name / f"{fold}.ktm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(Model(SHAPES[name], fold_weights, fold_bias, knots, words).bytes())
    return model, table, {"threshold": round(threshold, 4), "slope": round(slope, 4)}


def injection_texts(folder):
    texts = []
    for name in sets.ATTACKS + sets.ORDINARY + sets.OTHER:
        texts += sets.corpus(folder, name)
    return texts + sets.benign() + sets.plain() + sets.attacks(sets.fillers(folder))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora")
    parser.add_argument("--folds")
    parser.add_argument("--only", choices=list(SHAPES))
    parser.add_argument("--date", default="2026-11-26")
    options = parser.parse_args()
    folder = options.corpora
    OUT.mkdir(parents=True, exist_ok=True)
    jobs = {
        "injection": (injection_texts, sets.injection_folds, sets.ORDINARY, {"attacks": 2.0, "benign": 4.0}),
        "orders": (sets.orders_texts, sets.orders_folds, sets.DOCUMENTS, {"orders": 2.0, "benign": 2.0}),
    }
    path = OUT / "provenance.json"
    told = json.loads(path.read_text()) if path.exists() else {"models": {}}
    vectors_path = OUT / "vectors.json"
    vectors = json.loads(vectors_path.read_text()) if vectors_path.exists() else {}
    for name, (texts_of, folds_of, ordinary, emphasis) in jobs.items():
        if options.only and options.only != name:
            continue
        print(name, flush=True)
        texts = texts_of(folder)
        model, table, calibration = train(name, texts, folds_of, ordinary, emphasis, options.folds)
        data = model.bytes()
        (OUT / f"{name}.ktm").write_bytes(data)
        told["models"][name] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "calibration": calibration,
            "sets": sets.licences(folder, sorted({text.set for text in texts})),
            "held_out": table,
        }
        vectors[name] = [{"text": text, "parts": model.parts(text)} for text in sets.vectors()]
        for set_name, row in table.items():
            print(f"  {set_name}: " + ", ".join(f"{k} {v[0]}/{v[1]}" for k, v in row.items()))
    told["made"] = {
        "date": options.date,
        "command": "python3 train/train.py CORPORA",
        "requires": (Path(__file__).parent / "requirements.txt").read_text().split(),
    }
    path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    vectors_path.write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
