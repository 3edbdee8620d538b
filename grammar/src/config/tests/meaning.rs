//! What sound configurations mean: defaults, shorthands, layers.

use super::{START, brief, clean};
use crate::config::{DataPolicy, KeyRef, OnError, StickyBy, Strategy, SyncPolicy, Trigger};

fn with_target(target: &str) -> String {
    format!("{START}    - {target}\n")
}

fn model(target: &str) -> Option<String> {
    clean(&[&with_target(target)]).providers.targets[0].model.clone()
}

#[test]
fn the_shorthand_names_provider_and_model() {
    let full = |name| Some(format!("accounts/fireworks/models/{name}"));
    assert_eq!(
        model("{id: a, provider: 'fireworks:chat:llama-v3p3-70b-instruct'}"),
        full("llama-v3p3-70b-instruct")
    );
    assert_eq!(
        model("{id: a, provider: 'fireworks:chat:accounts/x/models/y#z@1'}"),
        Some("accounts/x/models/y#z@1".into())
    );
    assert_eq!(model("{id: a, provider: 'openai:chat:ft:gpt-4o:acme'}"), Some("ft:gpt-4o:acme".into()));
    assert_eq!(model("{id: a, provider: 'fireworks:chat:x', model: accounts/fireworks/models/x}"), full("x"));
    assert_eq!(model("{id: a, provider: 'fireworks:chat:x', model: x}"), full("x"));
    assert_eq!(model("{id: a, provider: fireworks}"), None);
    assert_eq!(model("{id: a, provider: fireworks, model: x}"), Some("x".into()));
}

#[test]
fn known_providers_bring_address_and_key() {
    for (provider, address, key) in [
        ("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        ("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    ] {
        let config = clean(&[&with_target(&format!("{{id: a, provider: {provider}}}"))]);
        let target = &config.providers.targets[0];
        assert_eq!(target.base_url.value, address);
        assert!(matches!(&target.key, Some(KeyRef::Env(name)) if name.value == key));
    }
    let config = clean(&[&with_target("{id: a, provider: ollama, base_url: 'http://localhost:11434'}")]);
    assert_eq!(config.providers.targets[0].base_url.value, "http://localhost:11434/v1");
    assert!(config.providers.targets[0].key.is_none());
}

#[test]
fn a_version_is_kept_as_written() {
    for version in ["1.0", "1", "1.10", "2.0.0-rc1", "'1.0'", "1e3"] {
        let config = clean(&[&format!("pack: {{name: p, version: {version}}}\npolicies: {{chain: []}}\n")]);
        assert_eq!(config.pack.version.value, version.trim_matches('\''));
    }
}

#[test]
fn on_error_is_taken_out_of_the_arguments() {
    let config = clean(&[
        "pack: {name: p, version: 1}\npolicies:\n  chain: [a, b, ./rules/house.ktr]\n  policy:\n    \
                          a: {on_error: allow, x: 1}\n    b:\n    house: {y: [2]}\n",
    ]);
    let on_error: Vec<_> =
        config.policies.arguments.iter().map(|a| a.on_error.as_ref().map(|e| e.value)).collect();
    assert_eq!(on_error, [Some(OnError::Allow), None, None]);
    let nodes: Vec<_> = config.policies.arguments.iter().map(|a| a.node.to_json_text()).collect();
    assert_eq!(nodes, [r#"{"x":1}"#, "{}", r#"{"y":[2]}"#]);
}

#[test]
fn blocks_have_their_defaults_and_aliases() {
    let text = format!(
        "{START}    - {{id: a, provider: openai, health_probe: true, zdr: true, drop_params: [logprobs],\n       \
         retry: {{}}, circuit_breaker: {{cooldown_seconds: 5}}}}\n  routing: {{strategy: ordered}}\n  \
         fallback: {{triggers: [5xx, service_unavailable, rate_limit_exceeded]}}\n  max_concurrency: 8\n  \
         ab_test: {{sticky_by: 'header:X-Team', variants: [{{provider_id: a, weight: 2}}]}}\n"
    );
    let providers = clean(&[&text]).providers;
    assert_eq!(providers.strategy(), Strategy::Fallback);
    assert_eq!(providers.fallback.triggers, [Trigger::ServerError, Trigger::RateLimit]);
    assert_eq!((providers.fallback.max_attempts, providers.max_concurrency), (3, Some(8)));
    assert_eq!(providers.ab_test.unwrap().sticky_by, StickyBy::Header("x-team".into()));
    let target = &providers.targets[0];
    assert_eq!(target.data_policy, DataPolicy { zero_data_retention: true, ..DataPolicy::default() });
    insta::assert_debug_snapshot!((&target.retry, &target.circuit_breaker, &target.health_probe));
}

#[test]
fn later_layers_override_and_reset() {
    let base = "pack: {name: p, version: 1.0}\npolicies: {chain: [a, b]}\npolicy: {a: {x: 1, y: 2}}\n\
                providers: {targets: [{id: one, provider: openai}], fallback: {max_fallback_attempts: 1}}\n";
    let over = "pack: {version: 2.0}\npolicies: {chain: [a]}\npolicy: {a: {y: 3}}\n\
                providers: {targets: [{id: two, provider: groq}], fallback: ~}\n";
    let config = clean(&[base, over]);
    assert_eq!(config.pack.version.value, "2.0");
    assert_eq!(config.policies.chain.len(), 1);
    assert_eq!(config.policies.arguments[0].node.to_json_text(), r#"{"x":1,"y":3}"#);
    assert_eq!(config.providers.targets.len(), 1);
    assert_eq!(config.providers.targets[0].id.value, "two");
    assert_eq!(config.providers.fallback.max_attempts, 3);
}

#[test]
fn the_audit_log_promises_what_its_policy_asks_for() {
    let audit = |rest: &str| clean(&[&format!("pack: {{name: p, version: 1}}\n{rest}\n")]).audit;
    let plain = audit("policies: {chain: []}");
    assert_eq!((plain.sync, plain.interval_ms, plain.segment_mb), (SyncPolicy::Interval, 1000, 64));
    assert!(plain.key.is_none() && plain.retention_days.is_none());
    let logged = audit("policies: {chain: [audit-logger]}");
    assert_eq!((logged.sync, logged.retention_days), (SyncPolicy::Always, Some(365)));
    let days = audit(
        "policies: {chain: [audit-logger], policy: {audit-logger: {immutable: false, retention_days: 30}}}",
    );
    assert_eq!((days.sync, days.retention_days), (SyncPolicy::Interval, Some(30)));
    let none = audit(
        "policies: {chain: [audit-logger]}\npolicy: {audit-logger: {immutable: false}}\n\
         audit: {sync: none, interval_ms: 50, segment_mb: 1, key_ref: {env: KT_AUDIT_KEY}}",
    );
    assert_eq!((none.sync, none.interval_ms, none.segment_mb), (SyncPolicy::None, 50, 1));
    assert!(matches!(none.key, Some(KeyRef::Env(name)) if name.value == "KT_AUDIT_KEY"));
    assert_eq!(audit("policies: {chain: [audit-logger]}\naudit: {sync: always}").sync, SyncPolicy::Always);
}

#[test]
fn one_mistake_is_told_once() {
    let fine = "pack: {name: p, version: 1}\npolicies: {chain: []}\n";
    for (text, expected) in [
        (
            "pakc: {name: p, version: 1}\npolicies: {chain: []}\n".to_owned(),
            "E002 pakc: `pakc` is not a key of this file",
        ),
        (
            format!("{START}    - {{idd: a, provider: openai}}\n"),
            "E002 providers.targets[0].idd: `idd` is not a key of `targets[0]`",
        ),
        (
            format!("{START}    - {{id: a, provider: 7}}\n"),
            "E003 providers.targets[0].provider: `provider` must be text, not a whole number",
        ),
        (
            format!("{START}    - {{id: a}}\n"),
            "E005 providers.targets[0].provider: `provider` is missing in `targets[0]`",
        ),
        (
            format!("{fine}providers: {{strategy: single, targets: [{{id: 1, provider: openai}}]}}\n"),
            "E003 providers.targets[0].id: `id` must be text, not a whole number",
        ),
        (
            format!("{fine}routing: {{strategy: single}}\nproviders: {{targets: []}}\n"),
            "E019 routing.strategy: the strategy `single` takes one target, and there is none",
        ),
        (
            format!("{fine}providers: ~\ntesting: 1\n"),
            "E003 testing: `testing` must be a mapping, not a whole number",
        ),
        (
            "pack: {name: p, version: 1}\npolicies: {chain: x}\npolicy: {a: {}}\n".to_owned(),
            "E003 policies.chain: `chain` must be a list, not text",
        ),
    ] {
        assert_eq!(brief(&text), [expected], "{text}");
    }
}

#[test]
fn what_leaves_the_machine_has_its_defaults() {
    let plain = clean(&["pack: {name: p, version: 1}\npolicies: {chain: []}\n"]);
    assert!(plain.audit.sinks.is_empty() && plain.telemetry.traces.is_none());
    assert_eq!(plain.telemetry.service_name, "kt");
    let config = clean(&["pack: {name: p, version: 1}\npolicies: {chain: []}\n\
        telemetry:\n  instance: gw-1\n  traces: {endpoint: 'https://otlp.example.com/otlp/', headers: {authorization: {env: TOKEN}, X-Tenant: a}}\n\
        audit:\n  sinks:\n    - {id: siem, type: otlp, endpoint: 'http://127.0.0.1:4318', tls: ~}\n    \
        - {id: db, type: postgres, url: {env: KT_DB}, schema: house, allow_insecure: true}\n"]);
    insta::assert_debug_snapshot!((&config.telemetry, &config.audit.sinks));
}
