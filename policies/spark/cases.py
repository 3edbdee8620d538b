"""The cases of judge.py, on Spark in local mode: `policies/spark/test` runs them."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

KT = str(Path(sys.argv.pop(1)).resolve())
JUDGE = Path(__file__).parent / "judge.py"
CONFIG = """pack: {name: spark, version: 1.0.0}
policies: {chain: [pii-detector]}
providers: {targets: []}
"""


def read(folder):
    """The lines of all parts, in order."""
    parts = sorted(folder.glob("part-*"))
    return [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").split("\n") if line]


class Judged(unittest.TestCase):
    def setUp(self):
        self.kept = tempfile.TemporaryDirectory()
        self.folder = Path(self.kept.name)
        (self.folder / "policy-config.yaml").write_text(CONFIG)

    def tearDown(self):
        self.kept.cleanup()

    def submit(self, *arguments):
        command = ["spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false", str(JUDGE), "--kt", KT]
        command += ["--policy-config", str(self.folder / "policy-config.yaml"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)

    def write(self, name, rows):
        path = self.folder / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    def test_each_partition_is_judged_and_lines_keep_their_order_and_letters(self):
        rows = [
            {"id": at, "text": f"Größe {at}\u2028 of ann{at}@example.com" if at % 3 else f"nothing, {at}"} for at in range(999)
        ]
        source = self.write("rows.jsonl", rows)
        done = self.submit("--partitions", "5", source, "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(len(list((self.folder / "out").glob("part-*"))), 5)
        told = read(self.folder / "out")
        self.assertEqual([row["id"] for row in told], list(range(999)))
        self.assertEqual(told[3]["verdict"], "allow")
        self.assertEqual((told[4]["verdict"], told[4]["output"]), ("redact", "Größe 4\u2028 of [EMAIL]"))
        self.assertEqual(done.stdout.split(), ["allow", "333", "redact", "666"])
        alone = subprocess.run(
            [KT, "policy", "eval", "-q", "--input", source], capture_output=True, text=True, cwd=self.folder, check=True
        )
        self.assertEqual(told, [json.loads(line) for line in alone.stdout.split("\n") if line])

    def test_lines_that_cannot_be_judged_are_told_and_end_with_one(self):
        source = self.write("rows.jsonl", [{"id": 1, "text": "a"}, {"id": 2}])
        done = self.submit(source, "out")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout.split(), ["allow", "1", "error", "1"])

    def test_a_configuration_with_mistakes_fails_the_job(self):
        (self.folder / "policy-config.yaml").write_text("pack: 3\n")
        done = self.submit(self.write("rows.jsonl", [{"id": 1, "text": "a"}]), "out")
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse((self.folder / "out" / "_SUCCESS").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
