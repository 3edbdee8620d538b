//! Every example of the page that `kt` implements loads as it stands.

use super::clean;
use crate::config::{KeyRef, Strategy};

const CONFIGURATION: &str = "\
pack:
  name: fireworks-gateway
  version: 1.0.0
  enabled: true
policies:
  chain:
    - prompt-injection
    - pii-detector
    - safety-filter
    - audit-logger
policy:
  prompt-injection:
    threshold: 0.8
    action: block
  pii-detector:
    action: redact
  safety-filter:
    mode: strict
    action: block
  audit-logger:
    retention_days: 365
providers:
  strategy: single
  targets:
    - id: fireworks-llama-70b
      provider: fireworks
      model: accounts/fireworks/models/llama-v3p1-70b-instruct
      base_url: https://api.fireworks.ai/inference/v1
      secret_key_ref:
        env: FIREWORKS_API_KEY
";

/// The examples after the first differ in their name and targets; `policy` stands below `policies` or beside it.
fn example(name: &str, targets: &str, policy_inside: bool) -> String {
    let policy =
        "policy:\n  audit-logger:\n    immutable: true\n    retention_days: 365\n    log_all_access: true\n";
    let indent = if policy_inside { "  " } else { "" };
    let policy: String = policy.lines().map(|line| format!("{indent}{line}\n")).collect();
    format!(
        "pack:\n  name: {name}\n  version: 1.0.0\n  enabled: true\nproviders:\n  targets:\n{targets}policies:\n  chain:\n    - audit-logger\n{policy}"
    )
}

fn target(id: &str, provider: &str, model: &str, env: Option<&str>) -> String {
    let key = env.map(|env| format!("      secret_key_ref:\n        env: {env}\n")).unwrap_or_default();
    format!("    - id: {id}\n      provider: {provider}\n      model: {model}\n{key}")
}

#[test]
fn the_main_example() {
    let config = clean(&[CONFIGURATION]);
    assert_eq!(config.pack.name.value, "fireworks-gateway");
    assert_eq!(config.pack.version.value, "1.0.0");
    assert!(config.pack.enabled.value);
    let chain: Vec<_> = config.policies.chain.iter().map(|kind| kind.value.as_str()).collect();
    assert_eq!(chain, ["prompt-injection", "pii-detector", "safety-filter", "audit-logger"]);
    let arguments: Vec<_> = config
        .policies
        .arguments
        .iter()
        .map(|a| format!("{} {}", a.kind.value, a.node.to_json_text()))
        .collect();
    insta::assert_snapshot!(arguments.join("\n"), @r#"
    prompt-injection {"threshold":0.8,"action":"block"}
    pii-detector {"action":"redact"}
    safety-filter {"mode":"strict","action":"block"}
    audit-logger {"retention_days":365}
    "#);
    assert_eq!(config.providers.strategy(), Strategy::Single);
    let [target] = config.providers.targets.as_slice() else { panic!("one target") };
    assert_eq!(target.base_url.value, "https://api.fireworks.ai/inference/v1");
    assert!(matches!(&target.key, Some(KeyRef::Env(name)) if name.value == "FIREWORKS_API_KEY"));
    let times = (target.timeout_seconds, target.stream_timeout_seconds, target.max_stream_seconds);
    assert_eq!(times, (60, 60, 3600));
}

#[test]
fn the_other_examples() {
    let llama = "accounts/fireworks/models/llama-v3p1-70b-instruct";
    let small = "accounts/fireworks/models/llama-v3p1-8b-instruct";
    let key = Some("FIREWORKS_API_KEY");
    let one = |id, model| target(id, "fireworks", model, key);
    let examples = [
        ("fireworks-providers-2", target("fireworks-streaming", "fireworks", llama, None)),
        ("fireworks-providers-3", one("fireworks-70b-primary", llama) + &one("fireworks-8b-fallback", small)),
        (
            "fireworks-providers-4",
            one("fireworks-primary", llama)
                + &target("openai-fallback", "openai", "gpt-4o", Some("OPENAI_API_KEY")),
        ),
        ("fireworks-providers-5", one("fireworks-functions", "accounts/fireworks/models/firefunction-v2")),
        (
            "fireworks-providers-6",
            one("variant-70b", llama)
                + &one("variant-mixtral", "accounts/fireworks/models/mixtral-8x22b-instruct"),
        ),
        ("fireworks-providers-7", one("fireworks-main", llama)),
        ("fireworks-providers-8", one("fireworks-main", llama)),
    ];
    for (name, targets) in examples {
        for policy_inside in [false, true] {
            let config = clean(&[&example(name, &targets, policy_inside)]);
            let several = config.providers.targets.len() > 1;
            let strategy = if several { Strategy::Fallback } else { Strategy::Single };
            assert_eq!(config.providers.strategy(), strategy, "{name}");
            assert_eq!(config.policies.arguments.len(), 1, "{name}");
            assert!(config.providers.targets.iter().all(|target| target.key.is_some()), "{name}");
        }
    }
}

#[test]
fn no_cut_and_no_stray_character_is_too_much() {
    for cut in 0..CONFIGURATION.len() {
        for stray in ["", "é", ":", "[", "}", "\"", "\t", "- ", "&a *a", "|\n", "\0"] {
            let (before, after) = CONFIGURATION.split_at(cut);
            for text in [format!("{before}{stray}"), format!("{before}{stray}{after}")] {
                let (config, found, sources) = super::read(&[&text]);
                assert_eq!(config.is_none(), found.iter().any(crate::Diagnostic::is_error), "{text}");
                for diagnostic in &found {
                    assert!(
                        diagnostic.span.start <= diagnostic.span.end && diagnostic.span.end <= text.len()
                    );
                    assert!(text.is_char_boundary(diagnostic.span.start), "{text}");
                    assert!(text.is_char_boundary(diagnostic.span.end), "{text}");
                }
                crate::render::render(&found, &sources, false);
            }
        }
    }
}
