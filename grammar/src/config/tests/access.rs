//! What is asked of clients: what it means, and what is said about mistakes in it.

use super::{brief, clean, said};
use crate::config::{CountedBy, Origins, Period, RateLimit};

const TOP: &str = "pack: {name: p, version: 1}\npolicies: {chain: []}\n";
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn with(rest: &str) -> String {
    format!("{TOP}{rest}\n")
}

#[test]
fn nothing_is_asked_by_default() {
    let access = clean(&[TOP]).access;
    assert!(access.keys.is_empty() && access.cors.is_none() && access.ip_allowlist.is_none());
    assert!(access.rate_limits == crate::config::RateLimits::default() && access.trusted_proxies.is_empty());
    assert_eq!(
        (access.size_limits.body_kb, access.size_limits.head_kb, access.size_limits.headers),
        (10_240, 64, 100)
    );
    assert_eq!((access.size_limits.bodies_mb, access.size_limits.connections_per_ip), (256, 0));
}

#[test]
fn a_key_is_its_digest_in_either_case() {
    let upper = DIGEST.to_uppercase();
    let config =
        clean(&[&with(&format!("auth: {{keys: [{{name: a, sha256: {upper}, allowed_models: [\"x*\"]}}]}}"))]);
    let key = &config.access.keys[0];
    assert_eq!((key.sha256[0], key.sha256[31]), (0x9f, 0x08));
    assert_eq!(key.allowed_models.as_deref(), Some(&["x*".to_owned()][..]));
    assert!(!format!("{config:?}").contains("9f86") && !format!("{config:?}").contains("159, 134"));
}

#[test]
fn crowds_are_counted_where_it_is_asked_for() {
    let rest = format!(
        "size_limits: {{connections_per_ip: 20}}\nauth: {{keys: [{{name: a, sha256: {DIGEST}, max_concurrency: 8}}]}}"
    );
    let access = clean(&[&with(&rest)]).access;
    assert_eq!((access.size_limits.connections_per_ip, access.keys[0].max_concurrency), (20, Some(8)));
    assert_eq!(brief(&with(&rest.replace("20}", "20000}").replace("8}", "0}"))).len(), 2);
}

#[test]
fn all_bodies_together_have_room_for_one() {
    let sizes =
        |body_kb, bodies_mb| with(&format!("size_limits: {{body_kb: {body_kb}, bodies_mb: {bodies_mb}}}"));
    assert_eq!(clean(&[&sizes(1024, 1)]).access.size_limits.bodies_mb, 1);
    assert_eq!(brief(&sizes(1025, 1)).len(), 1);
    assert_eq!(brief(&sizes(1, 0)).len(), 1);
}

#[test]
fn a_limit_bursts_by_its_amount() {
    let limits = "rate_limits: {ip_rate_limit: {requests: 5, per: hour}, token_rate_limit: {tokens: 9, per: day, burst: 2, by: user}}";
    let limits = clean(&[&with(limits)]).access.rate_limits;
    assert_eq!(limits.ip, Some(RateLimit { amount: 5, per: Period::Hour, burst: 5 }));
    assert_eq!(limits.token, Some((RateLimit { amount: 9, per: Period::Day, burst: 2 }, CountedBy::User)));
}

#[test]
fn an_address_is_a_network_of_one() {
    let access = clean(&[&with(
        "ip_allowlist: [10.0.0.0/8, 192.0.2.7, '::1']\ncors: {allowed_origins: ['HTTPS://A.example:8443']}",
    )])
    .access;
    let networks: Vec<String> = access.ip_allowlist.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7/32", "::1/128"]);
    assert_eq!(access.cors.unwrap().allowed_origins, Origins::Listed(vec!["https://a.example:8443".into()]));
    let any = clean(&[&with("cors: {allowed_origins: ['*']}")]).access.cors.unwrap();
    assert_eq!(any.allowed_origins, Origins::Any);
}

#[test]
fn mistakes_are_told_with_their_mend() {
    insta::assert_snapshot!(said(&with(&format!(
        "auth:\n  keys:\n    - {{name: a, sha256: {DIGEST}, alowed_models: [x]}}\n    - {{name: b, sha256: {DIGEST}}}\n    - {{name: b, sha256: 12}}\n\
         rate_limits:\n  user_rate_limt: {{}}\n  ip_rate_limit: {{requests: 0, per: fortnight}}\n  token_rate_limit: {{requests: 5, per: day}}\n  \
         key_rate_limit: {{requests: 5, per: day, burst: 51}}"
    ))));
    insta::assert_snapshot!(said(&with(
        "ip_allowlist: [10.0.0.0/33, here]\ntrusted_proxies: [x]\ncors: {allowed_origins: ['https://a/b', a.example, 'https://*.a']}\n\
         size_limits: {body_mb: 1, head_kb: 4}"
    )));
}

#[test]
fn an_empty_list_is_not_taken_for_everybody() {
    for rest in ["auth: {keys: []}", "ip_allowlist: []", "cors: {allowed_origins: []}"] {
        assert_eq!(brief(&with(rest)).len(), 1, "{rest}");
    }
    let none = format!("auth: {{keys: [{{name: a, sha256: {DIGEST}, allowed_models: []}}]}}");
    assert!(brief(&with(&none))[0].starts_with("E004 auth.keys[0].allowed_models"), "{none}");
}
