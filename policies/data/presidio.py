"""Compares `kt policy eval` with the pattern recognisers of presidio-analyzer: span F1 and megabytes a second.

    python presidio.py KT FILE.jsonl...

Each line has `text` and `label`, a list of `{start, end, type}` in characters. Presidio runs without a language model: a blank
tokenizer stands in for it, so that only its patterns, checks and context words speak, as in `kt`. Both see one text at a time
on one core. A finding is right when its type is that of a label and their spans share more than half of what they cover. Types
without a pattern in either (names, places, organisations, dates) are left out: a finding over one of them counts for nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistry

import spacy
import tldextract

tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # the list that it ships, not one from the net

KT_TYPES = {
    "EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE_NUMBER", "SSN": "US_SSN", "CREDIT_CARD": "CREDIT_CARD", "IBAN": "IBAN_CODE",
    "BANK_ROUTING": "ABA_ROUTING", "IP_ADDRESS": "IP_ADDRESS", "MAC_ADDRESS": "MAC_ADDRESS", "CRYPTO_WALLET": "CRYPTO",
    "DATE_OF_BIRTH": "DATE_OF_BIRTH", "CARD_CODE": "CARD_CODE",
}
PRESIDIO_TYPES = {"ABA_ROUTING_NUMBER": "ABA_ROUTING"}
# What both can find by patterns. Of what only kt looks for, birthdays, card codes and the like are scored apart.
SHARED = {
    "EMAIL_ADDRESS", "PHONE_NUMBER", "US_SSN", "CREDIT_CARD", "IBAN_CODE", "ABA_ROUTING", "IP_ADDRESS", "MAC_ADDRESS", "CRYPTO",
}


class Blank(NlpEngine):
    """Tokens, and nothing that a model would know of them."""

    engine_name = "blank"
    is_available = True

    def __init__(self):
        self.nlp = {"en": spacy.blank("en")}

    def load(self):
        pass

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        doc = self.nlp["en"](text)
        words = [token.lower_ for token in doc]
        return NlpArtifacts(
            entities=[], tokens=doc, tokens_indices=[token.idx for token in doc], lemmas=words, nlp_engine=self,
            language=language,
        )

    def process_batch(self, texts, language, **_):
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word, language):
        return self.nlp["en"].vocab[word].is_stop

    def is_punct(self, word, language):
        return self.nlp["en"].vocab[word].is_punct

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["en"]


def presidio(texts):
    """What Presidio finds, and how long it takes."""
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    engine.analyze("warm up", language="en")
    start = time.process_time()
    found = [engine.analyze(text, language="en") for text in texts]
    took = time.process_time() - start
    spans = [[(r.start, r.end, PRESIDIO_TYPES.get(r.entity_type, r.entity_type)) for r in rs] for rs in found]
    return spans, took


def kt(program, texts):
    """What the shipped pii-detector finds, and how long it takes on one core, with start and reading."""
    folder = tempfile.mkdtemp()
    config, data = os.path.join(folder, "policy-config.yaml"), os.path.join(folder, "in.jsonl")
    with open(config, "w") as file:
        file.write("pack: {name: compared, version: 1.0.0}\npolicies: {chain: [pii-detector]}\n")
    with open(data, "w") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    command = [program, "policy", "eval", "-q", "--policy-config", config, "--input", data]
    before = os.times()
    out = subprocess.run(["taskset", "-c", "0", *command], capture_output=True, text=True, check=True).stdout
    after = os.times()
    took = after.children_user - before.children_user + after.children_system - before.children_system
    spans = []
    for text, line in zip(texts, (line for line in out.split("\n") if line)):
        raw = text.encode()
        place = lambda at: len(raw[:at].decode(errors="ignore"))
        found = json.loads(line)["findings"]
        spans.append([(place(f["start"]), place(f["end"]), KT_TYPES.get(f["label"], f["label"])) for f in found])
    return spans, took


def score(spans, labels, types):
    """Right, wrong and missed spans."""
    right = wrong = missed = 0
    for found, wanted in zip(spans, labels):
        found = [span for span in set(found) if span[2] in types]
        used = set()
        for label in wanted:
            if label["type"] not in types:
                continue
            hit = next((s for s in found if s not in used and s[2] == label["type"] and alike(s, label)), None)
            right, missed = right + (hit is not None), missed + (hit is None)
            used.add(hit)
        others = [label for label in wanted if label["type"] not in types]
        wrong += sum(s not in used and not any(touch(s, label) for label in others) for s in found)
    return right, wrong, missed


def touch(span, label):
    return min(span[1], label["end"]) > max(span[0], label["start"])


def alike(span, label):
    both = min(span[1], label["end"]) - max(span[0], label["start"])
    return both > 0 and 2 * both >= max(span[1], label["end"]) - min(span[0], label["start"])


def main():
    program, *files = sys.argv[1:]
    print(f"{'set':24} {'who':9} {'F1':>6} {'precision':>10} {'recall':>7} {'MB/s a core':>12}")
    for path in files:
        rows = [json.loads(line) for line in open(path)]
        texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
        size = sum(len(text.encode()) for text in texts) / 1e6
        more = texts * max(1, int(20 / max(size, 0.01)))  # kt needs some megabytes for a time that can be told
        for who, (spans, took) in (("kt", kt(program, texts)), ("presidio", presidio(texts))):
            if who == "kt":
                took = kt(program, more)[1] / len(more) * len(texts)
            right, wrong, missed = score(spans, labels, SHARED)
            f1 = 2 * right / max(2 * right + wrong + missed, 1)
            precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
            name = os.path.basename(path).removesuffix(".jsonl")
            print(f"{name:24} {who:9} {f1:6.3f} {precision:10.3f} {recall:7.3f} {size / took:12.3f}", flush=True)


main()
