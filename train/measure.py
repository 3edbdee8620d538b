"""Measures the policy `prompt-injection` on texts that its models have not seen: each fold's model on the sets that it was kept from.

    python3 train/measure.py CORPORA FOLDS KT

FOLDS is what `train.py --folds` wrote, KT the program. Prints a table for the book.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import sets
import train

POLICY = Path(__file__).parent.parent / "policies" / "prompt-injection.ktr"
CONFIG = """pack: {name: measured, version: 1.0.0}
policies: {chain: [./measured.ktr]}
policy: {prompt-injection: {ARGUMENTS}}
providers: {targets: []}
"""


def judge(kt, rows, models, arguments, speaker):
    """The metrics of some rows under the policy with these models."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        text = POLICY.read_text(encoding="utf-8")
        for name, path in models.items():
            (folder / f"{name}.ktm").write_bytes(Path(path).read_bytes())
            text = text.replace(f'model("{name}"', f'model("./{name}.ktm"')
        (folder / "measured.ktr").write_text(text, encoding="utf-8")
        (folder / "policy-config.yaml").write_text(CONFIG.replace("ARGUMENTS", arguments))
        with open(folder / "rows.jsonl", "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps({"text": row.text, "label": int(row.attack), "set": row.set}) + "\n")
        command = [kt, "policy", "eval", "--metrics", "--json", "-q", "--as", speaker, "--input", "rows.jsonl"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)
        return json.loads(done.stdout)["sets"]


def folds(texts, of):
    matrix = SimpleNamespace(texts=texts, sets=np.array([text.set for text in texts]))
    return {name: [texts[at] for at in rows] for name, rows in of(matrix).items()}


def shown(caught, total):
    return f"{caught}/{total} ({100 * caught / total:.1f} %)" if total else "-"


def measured(kt, held, models_of, arguments, speaker):
    table = {}
    for name, rows in held.items():
        for set_name, told in judge(kt, rows, models_of(name), arguments, speaker).items():
            verdict = told["verdict"]
            row = table.setdefault(set_name, [0, 0, 0, 0])
            row[0] += verdict["true_positives"]
            row[1] += verdict["true_positives"] + verdict["false_negatives"]
            row[2] += verdict["false_positives"]
            row[3] += verdict["false_positives"] + verdict["true_negatives"]
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora")
    parser.add_argument("folds")
    parser.add_argument("kt")
    parser.add_argument("--rules-alone", action="store_true")
    options = parser.parse_args()
    kt = str(Path(options.kt).resolve())
    arguments = "detection.model: false" if options.rules_alone else ""
    kept = Path(options.folds)
    texts = [text for text in train.injection_texts(options.corpora) if not text.set.startswith("attacks")]
    table = measured(
        kt,
        {name: rows for name, rows in folds(texts, sets.injection_folds).items()},
        lambda fold: {"injection": kept / "injection" / f"{fold}.ktm"},
        arguments,
        "user",
    )
    recalls, wrong, ordinary, hard, benign = [], 0, 0, 0, 0
    print("| set | attacks caught | others caught |\n|---|---|---|")
    for name, (right, attacks, false, others) in sorted(table.items()):
        print(f"| {name} | {shown(right, attacks)} | {shown(false, others)} |")
        if attacks and name != "pa_llmail_inject":
            recalls.append(right / attacks)
        if name in sets.ORDINARY:
            wrong, ordinary = wrong + false, ordinary + others
        if name.startswith("benign"):
            hard, benign = hard + false, benign + others
    print(f"\nmacro recall of {len(recalls)} sets of direct attacks: {100 * np.mean(recalls):.1f} %")
    print(f"ordinary texts: {shown(wrong, ordinary)}; harmless texts full of trigger words: {shown(hard, benign)}")
    everything = sets.orders_texts(options.corpora)
    held = folds(everything, sets.orders_folds)
    wanted = set(sets.DOCUMENTS) | {"bipia_embedded_train", "pa_llmail_inject", *sets.OWN_DOCUMENTS}
    held = {name: [row for row in rows if row.set in wanted] for name, rows in held.items()}
    table = measured(
        kt,
        held,
        # That fold of the other model has seen neither the mails nor these documents.
        lambda fold: {"orders": kept / "orders" / f"{fold}.ktm", "injection": kept / "injection" / "pa_llmail_inject.ktm"},
        arguments,
        "tool",
    )
    print("\nas results of tools\n\n| set | attacks caught | others caught |\n|---|---|---|")
    for name, (right, attacks, false, others) in sorted(table.items()):
        print(f"| {name} | {shown(right, attacks)} | {shown(false, others)} |")


if __name__ == "__main__":
    main()
