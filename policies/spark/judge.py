"""Judges JSONL with `kt policy eval` in every partition of an Apache Spark job.

    spark-submit judge.py --kt kt --policy-config policy-config.yaml INPUT OUTPUT

INPUT and OUTPUT are what Spark can read and write: folders, globs, `hdfs:` and `s3a:` addresses. Each partition is piped through
one process of kt, so memory does not grow with the data. Verdicts are in the order of the lines, and have their `id`. The program and
the configuration must be there on every worker: `spark-submit --files kt,policy-config.yaml` lays them into its folder.
"""

import argparse
import json
import shlex
import sys

from pyspark.sql import SparkSession


def command(kt, configs):
    """What a partition is piped through. Lines that could not be judged (exit code 1) are in the output with their `error`."""
    words = [kt, "policy", "eval", "--quiet"]
    for config in configs:
        words += ["--policy-config", config]
    judged = " ".join(shlex.quote(word) for word in words)
    # Any other code is of a configuration or a program that does not work: the task fails, and nothing passes for judged.
    return "sh -c " + shlex.quote(f"{judged}; code=$?; [ $code -le 1 ] || exit $code")


def verdict(line):
    """The verdict of a line of the output."""
    told = json.loads(line)
    return told.get("verdict") or "error"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--kt", default="kt")
    parser.add_argument("--policy-config", action="append")
    parser.add_argument("--partitions", type=int, default=0, help="at least so many")
    options = parser.parse_args()
    spark = SparkSession.builder.appName("kt policy eval").getOrCreate()
    lines = spark.sparkContext.textFile(options.input, minPartitions=options.partitions or None)
    pipe = command(options.kt, options.policy_config or ["policy-config.yaml"])
    verdicts = lines.pipe(pipe, checkCode=True).persist()
    verdicts.saveAsTextFile(options.output)
    counts = verdicts.map(verdict).countByValue()
    spark.stop()
    for name, count in sorted(counts.items()):
        print(f"{name:9}{count:>12}")
    return 1 if counts.get("error") else 0


if __name__ == "__main__":
    sys.exit(main())
