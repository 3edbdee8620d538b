//! Typical mistakes, and what people read about them.

use super::{START, said, said_of};

fn target(rest: &str) -> String {
    said(&format!("{START}    - id: a\n      provider: fireworks\n{rest}"))
}

#[test]
fn misspelt_keys_at_every_level() {
    insta::assert_snapshot!(said(
        "pack:\n  name: p\n  version: 1.0.0\n  enabeld: true\npolicies:\n  chian: [pii-detector]\nprovider:\n  \
         targets: []\nproviders:\n  stratgey: single\n  targets:\n    - id: a\n      provider: openai\n      \
         wieght: 2\n      pricing: {prompt: 1, compeltion: 2}\n      health_probe: {intervall: 3}\n  fallback: {on: []}\n"
    ));
}

#[test]
fn values_of_the_wrong_type() {
    insta::assert_snapshot!(said(
        "pack:\n  name: 7\n  version: 1.0.0\n  enabled: yes\npolicies:\n  chain: pii-detector\nproviders:\n  \
         targets:\n    - id: a\n      provider: openai\n      weight: heavy\n      timeout_seconds: '30'\n      \
         drop_params: logprobs\n      pricing: 3\n    - b\n"
    ));
}

#[test]
fn values_out_of_range_or_unknown() {
    insta::assert_snapshot!(target(
        "      weight: -1\n      timeout_seconds: 0\n      stream_timeout_seconds: 90000\n      format: anthropic\n  \
         strategy: round_robbin\n  fallback: {triggers: [timeuot, 5xx], max_fallback_attempts: 1.5}\n  \
         max_concurrency: 0\n"
    ));
}

#[test]
fn required_keys_that_are_missing() {
    insta::assert_snapshot!(said("pack: {name: p}\npolicies:\n  chain:\n"));
    insta::assert_snapshot!(said("providers:\n  strategy: single\n"));
    insta::assert_snapshot!(said(&format!("{START}    - model: x\n    - id: a\n      provider: firework\n")));
    insta::assert_snapshot!(said(""));
    insta::assert_snapshot!(said("- pack\n"));
}

#[test]
fn things_that_stand_twice() {
    insta::assert_snapshot!(said(&format!(
        "{START}    - {{id: a, provider: openai}}\n    - {{id: b, provider: openai}}\n    - {{id: a, provider: groq}}\n"
    )));
    insta::assert_snapshot!(said(
        "pack: {name: p, version: 1.0.0}\npolicies:\n  chain: [pii-detector, dlp-filter, pii-detector]\n  \
         policy: {dlp-filter: {}}\npolicy:\n  pii-detector: {}\n"
    ));
    insta::assert_snapshot!(said("pack: {name: p, version: 1}\npolicies: {chain: []}\npack: {name: q}\n"));
}

#[test]
fn strategies_that_do_not_fit() {
    let two = "    - {id: a, provider: openai}\n    - {id: b, provider: openai}\n";
    insta::assert_snapshot!(said(&format!("{START}{two}  strategy: single\n")));
    insta::assert_snapshot!(said(&format!(
        "{START}{two}  strategy: lowest_latency\nrouting: {{strategy: random}}\n"
    )));
    insta::assert_snapshot!(said(&format!(
        "{START}    - {{id: a, provider: openai, weight: 0}}\n  strategy: weighted_round_robin\n"
    )));
}

#[test]
fn addresses_and_models_that_are_refused() {
    insta::assert_snapshot!(target("      base_url: http://example.com/v1\n"));
    insta::assert_snapshot!(target(
        "      base_url: https://api.fireworks.ai/inference/v1/chat/completions\n"
    ));
    insta::assert_snapshot!(said(&format!(
        "{START}    - id: a\n      provider: openai:chat:gpt-4o\n      model: gpt-4o-mini\n    - id: b\n      \
         provider: openai:gpt-4o\n"
    )));
}

#[test]
fn settings_that_nothing_reads_are_warnings() {
    insta::assert_snapshot!(said(&format!(
        "{}    - id: a\n      provider: openai\n      health_probe: true\n  retry: {{}}\n",
        START.replace("chain: []", "chain: [pii-detector]").replace("1.0.0}", "1.0.0, enabled: false}")
    )));
}

#[test]
fn a_probe_of_no_page() {
    insta::assert_snapshot!(target("      health_probe: {path: models, interval_seconds: 0}\n"));
    insta::assert_snapshot!(target("      health_probe: {path: '/models?x=1'}\n"));
}

#[test]
fn a_split_without_shares() {
    insta::assert_snapshot!(target("  ab_test: {variants: [{provider_id: a, weight: 0}]}\n"));
}

#[test]
fn settings_that_contradict_each_other() {
    insta::assert_snapshot!(target(
        "      zdr: true\n      data_policy: {zero_data_retention: false}\n      retry: {backoff_ms: 5000}\n      \
         secret_key_ref: {env: A, file: b}\n  ab_test:\n    variants: [{provider_id: b}]\n"
    ));
}

#[test]
fn an_audit_log_that_promises_less_than_its_policy() {
    let with = |audit: &str| {
        said(&format!("pack: {{name: p, version: 1}}\npolicies: {{chain: [audit-logger]}}\naudit: {audit}\n"))
    };
    insta::assert_snapshot!(with("{sync: none}"));
    insta::assert_snapshot!(with(
        "{sync: sometimes, interval: 5, segment_mb: 0, key_ref: hunter2hunter2hunter2}"
    ));
}

#[test]
fn a_mistake_in_a_layer_is_shown_there() {
    let base = "pack: {name: p, version: 1}\npolicies: {chain: []}\npolicy: {}\n";
    insta::assert_snapshot!(said_of(&[base, "# over\npolicies:\n  policy: {}\npack:\n  enabled: 'no'\n"]));
}

#[test]
fn a_secret_in_the_file_is_never_shown() {
    let secret = "fw_3ZabcDEFghi";
    for rest in [
        format!("      secret_key_ref: {secret}\n"),
        format!("      secret_key_ref: [{secret}]\n"),
        format!("      secret_key_ref: {{env: {secret}}}\n"),
        format!("      secret_key_ref: {{env: {secret}-x}}\n"),
        format!("      secret_key_ref: {{value: {secret}}}\n"),
        format!("      secret_key_ref: {{store: {secret}, nope: {secret}}}\n"),
        format!("      api_key: {secret}\n"),
        format!("      api_key: '{secret}\n"),
        format!("      secret_key_ref: {secret}: x\n"),
        format!("      \"password\": {secret}\n      \"password\": {secret}\n"),
        format!("      secretkeyref: {{env: {secret}}}\n"),
        format!("      base_url: https://{secret}@example.com/v1\n"),
        format!("      base_url: https://example.com/v1?key={secret}\n"),
        format!("    - {{id: a, provider: nope, weight: -1, token: {secret}}}\n"),
        format!("auth:\n  keys: [{{name: x, sha256: {secret}}}]\n"),
    ] {
        let said = target(&rest);
        assert!(said.contains("error["), "{rest}");
        assert!(!said.contains(secret), "{said}");
    }
    insta::assert_snapshot!(target(&format!("      secret_key_ref: {secret}\n")));
    insta::assert_snapshot!(target(&format!(
        "      secret_key_ref: {{store: {secret}}}\n      api_key: {secret}\n"
    )));
}

#[test]
fn broken_yaml_is_told_at_its_place() {
    insta::assert_snapshot!(said("pack:\n  name: p\n\tversion: 1\n"));
    insta::assert_snapshot!(said("pack:\n  name: p\n   version: 1\n"));
}

#[test]
fn a_suite_with_mistakes() {
    insta::assert_snapshot!(said(
        "pack: {name: p, version: 1}\npolicies: {chain: []}\ntesting:\n  suites:\n    - name: s\n      cases:\n        \
         - name: c\n          input: {mesages: []}\n          expected: {verdict: blocked}\n        \
         - input: {messages: {}}\n          expected: {}\n"
    ));
}

#[test]
fn rules_in_the_configuration() {
    let with =
        |rules: &str| said(&format!("pack: {{name: p, version: 1}}\npolicies: {{chain: []}}\n{rules}"));
    insta::assert_snapshot!(with("rules: [a]\n"));
    insta::assert_snapshot!(with("rules: >\n  rule a on request\n  { when stream do block }\n"));
    insta::assert_snapshot!(with("rules: \"rule a on request { when stream do block }\\n\"\n"));
}

#[test]
fn mistakes_about_tls_and_reloads() {
    insta::assert_snapshot!(said(
        "pack: {name: p, version: 1}\npolicies: {chain: []}\nreload: {watch: yes, interval_ms: 5, watsh: true}\n\
         tls: {cert: a.pem, client_ca: 3}\nproviders:\n  targets:\n    - {id: a, provider: openai, tls: {cert: a.pem}}\n    \
         - {id: b, provider: x, base_url: 'http://127.0.0.1:1', tls: {ca: a.pem}}\n    \
         - {id: c, provider: openai, tls: {cert: a.pem, key: '-----BEGIN PRIVATE KEY----- abc'}}\n"
    ));
}

#[test]
fn mistakes_about_proxies() {
    insta::assert_snapshot!(said(
        "pack: {name: p, version: 1}\npolicies: {chain: []}\nproviders:\n  \
         proxy: {url: 'http://ann:SESAME@proxy:3128', no_proxies: [a]}\n  targets:\n    \
         - {id: a, provider: openai, proxy: {url: 'https://proxy:3128'}}\n    \
         - {id: b, provider: openai, proxy: {url: 'http://proxy:0', no_proxy: ['*', 'a b', 10.0.0.0/40, '.ok.example']}}\n    \
         - {id: c, provider: openai, proxy: {no_proxy: x, secret_key_ref: 'ann:SESAME'}}\n"
    ));
}

#[test]
fn mistakes_about_what_leaves_the_machine() {
    let secret = "hunter2hunter2hunter2";
    let told = said(&format!(
        "pack: {{name: p, version: 1}}\npolicies: {{chain: []}}\ntelemetry:\n  servicename: x\n  traces:\n    endpoint: http://collector:4318\n    \
         sampling_ratio: 2\n    headers: {{authorization: {secret}, content-type: text/plain, x-ok: a}}\n    queue_spans: 1\naudit:\n  sinks:\n    \
         - {{id: A b, type: otlp, endpoint: 'https://u:{secret}@h'}}\n    - {{id: x, type: kafka}}\n    - {{id: x, type: postgres, url: 'postgres://u:{secret}@h/d'}}\n    \
         - {{type: postgres, schema: pg_x, url: {{env: A}}, endpoint: 'https://h'}}\n"
    ));
    assert!(!told.contains(secret), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn an_operators_token_is_named_and_never_written_there() {
    let told = |admin: &str| said(&format!("{START}    - {{id: a, provider: openai}}\nadmin: {admin}\n"));
    let written = told("{token_ref: operator_canary_4Wm9}");
    assert!(written.contains("the key itself must not stand in this file"), "{written}");
    assert!(!written.contains("operator_canary_4Wm9"), "{written}");
    assert!(told("{}").contains("`token_ref`"), "{}", told("{}"));
    let misspelt = told("{token_reff: {env: A}}");
    assert!(misspelt.contains("did you mean `token_ref`?"), "{misspelt}");
    let config = super::clean(&[&format!(
        "{START}    - {{id: a, provider: openai}}\nadmin: {{token_ref: {{env: A}}}}\n"
    )]);
    assert!(config.admin.token.is_some());
}
