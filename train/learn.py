"""Windows to weights: logistic regression over hashed n-grams, with the strongest window of a text speaking for it."""

import warnings

import numpy as np
import scipy.sparse as sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from features import windows


class Matrix:
    """The windows of some texts as rows of a sparse matrix, and whose each is."""

    def __init__(self, texts, shape, stride=2, most=10):
        pointers, columns, values, owners = [0], [], [], []
        for owner, text in enumerate(texts):
            found = windows(text.text, shape, stride)
            if len(found) > most:
                found = [found[i] for i in np.linspace(0, len(found) - 1, most).astype(int)]
            for window in found:
                buckets, counts = np.unique(window, return_counts=True)
                columns.append(buckets.astype(np.int32))
                values.append((counts / np.sqrt(len(window))).astype(np.float32))
                pointers.append(pointers[-1] + len(buckets))
                owners.append(owner)
        self.rows = sparse.csr_matrix(
            (np.concatenate(values), np.concatenate(columns), np.array(pointers)), shape=(len(owners), 1 << shape[0])
        )
        self.owners = np.array(owners)
        self.attack = np.array([text.attack for text in texts])
        self.sets = np.array([text.set for text in texts])
        self.families = np.array([f"{text.set}/{text.where}" if text.set == "openai_evals_prompts" else text.set for text in texts])
        self.clusters = np.array([text.cluster for text in texts])
        self.texts = texts

    def strongest(self, scores):
        """Each text's strongest window."""
        best = np.full(len(self.texts), -99.0)
        np.maximum.at(best, self.owners, scores)
        return best


def weights_of_sets(matrix, chosen, emphasis):
    """A text's weight: sets count by the root of their size, so that none drowns the others. Each eval of a set of many evals is a set."""
    out = np.zeros(len(matrix.texts))
    for name in sorted(set(matrix.families[chosen])):
        for attack in (False, True):
            of = chosen[(matrix.families[chosen] == name) & (matrix.attack[chosen] == attack)]
            if len(of):
                out[of] = len(of) ** -0.5 * emphasis.get(name.split(":")[0].split("/")[0], 1.0)
    return out


def fit(matrix, chosen, strength, rounds=2, emphasis=None, positive=0.5):
    """Learns from the chosen texts. After the first round only the strongest windows of an attack are attacks."""
    of_text = weights_of_sets(matrix, chosen, emphasis or {})
    rows = np.flatnonzero(np.isin(matrix.owners, chosen))
    owners = matrix.owners[rows]
    attack = matrix.attack[owners]
    part = matrix.rows[rows]
    keep = np.ones(len(rows), dtype=bool)
    weights = None
    for _ in range(rounds):
        if weights is not None:
            scores = part @ weights.coef_[0]
            best = matrix.strongest(_spread(matrix, rows, scores))
            keep = ~attack | (scores >= best[owners] - 0.3)
        count = np.maximum(np.bincount(owners[keep], minlength=len(matrix.texts)), 1)
        w = of_text[owners] / np.where(attack, count[owners], count[owners] ** 0.5)
        w = np.where(keep, w, 0.0)
        w *= np.where(attack, positive / w[attack].sum(), (1 - positive) / w[~attack].sum()) * 1000
        # One coordinate after another, in an order that `random_state` fixes: the same numbers on every machine.
        weights = LogisticRegression(
            C=strength, solver="liblinear", dual=True, max_iter=15, tol=1e-3, random_state=0
        )
        with warnings.catch_warnings():
            # So many passes are enough; that the last digits still move is no news.
            warnings.simplefilter("ignore", ConvergenceWarning)
            weights.fit(part[keep], attack[keep], sample_weight=w[keep])
    return weights.coef_[0], weights.intercept_[0]


def _spread(matrix, rows, scores):
    out = np.full(len(matrix.owners), -99.0)
    out[rows] = scores
    return out
