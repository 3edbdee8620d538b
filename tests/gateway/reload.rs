//! A gateway that takes up a new configuration while it runs, and keeps the old one where the new one is no good.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use tests::client::{connect, request, rest};
use tests::{DONE, Hands, Provider, Script, Setup, delta, event, finish, question_of, whole};

use crate::wait_until;

/// Redacts `SECRET` under that label, in both phases.
fn rules(label: &str) -> String {
    format!(
        "policy house\nversion \"1.0.0\"\npattern secret = /SECRET/ label {label}\n\
         rule hide on request, response {{\n  when text has secret\n  do redact\n}}\n"
    )
}

fn labelled(provider: &Provider, label: &str) -> Setup {
    Setup::over(provider).rules("house", &rules(label))
}

/// Says what it was asked, and `SECRET`.
fn echo() -> Provider {
    Provider::always(Script::echo(|seen| {
        let asked = seen.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        Script::json(&whole(&format!("{asked} SECRET"))).bytes()
    }))
}

#[test]
fn a_new_configuration_is_in_force_at_once_and_on_record() {
    let provider = echo();
    let gateway = labelled(&provider, "ONE").here();
    assert_eq!(gateway.ask("SECRET").said(), "[ONE] [ONE]");
    let told = gateway.reload(&labelled(&provider, "TWO"));
    assert_eq!((told.status, &told.json()["status"]), (200, &"taken".into()), "{}", told.body);
    assert_eq!(gateway.ask("SECRET").said(), "[TWO] [TWO]");
    let (told, health) = (told.json(), gateway.admin("/health").json());
    assert_eq!(health["config"]["hash"], told["hash"]);
    assert_eq!((&health["config"]["last_reload"], &health["status"]), (&told, &"healthy".into()));
    assert_eq!(gateway.admin("/keeptrusts/config").json()["hash"], told["hash"]);
    let records = gateway.stop();
    assert_eq!(records[0]["config_hash"], told["previous_hash"]);
    assert_eq!(records[1]["config_hash"], told["hash"]);
    assert_ne!(told["hash"], told["previous_hash"]);
}

#[test]
fn a_stream_under_way_ends_under_the_rules_that_it_began_with() {
    let script = Script::stream(event(&delta("one SEC"))).pause(400).then(event(&delta("RET two")));
    let provider = Provider::always(script.then(event(&finish("stop")) + DONE));
    let gateway = labelled(&provider, "ONE").here();
    let body = question_of("hi", true).to_string();
    let mut socket = connect(gateway.address);
    write!(socket, "{}{body}", request("/v1/chat/completions", "", body.len())).unwrap();
    wait_until(|| !provider.seen().is_empty());
    let other = Provider::always(Script::answer("SECRET"));
    assert_eq!(gateway.reload(&labelled(&other, "TWO")).status, 200);
    assert_eq!(gateway.ask("hi").said(), "[TWO]");
    assert_eq!(rest(&mut socket).said(), "one [ONE] two");
}

#[test]
fn a_configuration_with_a_mistake_leaves_the_old_one_in_force_and_says_why() {
    let provider = echo();
    let sound = labelled(&provider, "ONE");
    let gateway = sound.here();
    let hash = gateway.admin("/health").json()["config"]["hash"].clone();
    let broken = Setup::over(&provider).rules("house", &rules("TWO").replace("has secret", "has secrets"));
    let told = gateway.reload(&broken);
    assert_eq!((told.status, &told.json()["status"]), (422, &"refused".into()));
    let error = &told.json()["errors"][0];
    assert_eq!((&error["line"], &error["code"]), (&5.into(), &"E007".into()), "{}", told.body);
    assert!(told.json()["reason"].as_str().unwrap().contains("house.ktr:5:17: [E007]"), "{}", told.body);
    let health = gateway.admin("/health").json();
    assert_eq!((&health["status"], &health["config"]["hash"]), (&"degraded".into(), &hash));
    assert_eq!(health["config"]["last_reload"], told.json());
    assert_eq!(gateway.ask("SECRET").said(), "[ONE] [ONE]");
    std::fs::remove_file(gateway.folder().join("policy-config.yaml")).unwrap();
    let told = tests::post(gateway.admin, "/keeptrusts/config/reload", "", "");
    assert!(told.status == 422 && told.json()["reason"].as_str().unwrap().contains("there is no file"));
    assert_eq!(gateway.reload(&sound).status, 200);
    let figures = gateway.admin("/metrics").body;
    assert!(figures.contains("kt_config_reloads_total{result=\"refused\"} 2\n"), "{figures}");
    assert!(figures.contains("kt_config_reloads_total{result=\"taken\"} 1\n"), "{figures}");
    assert_eq!(gateway.admin("/health").json()["status"], "healthy");
    assert_eq!(gateway.stop()[0]["config_hash"], hash);
}

#[test]
fn every_answer_is_of_one_configuration_however_often_it_changes() {
    let provider = echo();
    let gateway = labelled(&provider, "ONE").here();
    let over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let ask = || {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let reply = gateway.ask("SECRET");
                assert_eq!(reply.status, 200, "{}", reply.body);
                seen.push(reply.said());
            }
            seen
        };
        let clients = [scope.spawn(ask), scope.spawn(ask)];
        for label in ["TWO", "ONE"].iter().cycle().take(20) {
            assert_eq!(gateway.reload(&labelled(&provider, label)).status, 200);
        }
        over.store(true, Ordering::Relaxed);
        clients.map(|client| client.join().unwrap()).concat()
    });
    assert!(seen.iter().all(|said| said == "[ONE] [ONE]" || said == "[TWO] [TWO]"), "{seen:?}");
    assert!(seen.iter().any(|said| said == "[TWO] [TWO]"));
    gateway.stop().iter().for_each(|one| crate::record::check(one, "complete", 200));
}

#[test]
fn what_is_known_of_a_target_stays_known_until_it_changes() {
    let provider = Provider::always(Script::reply("500 No", "application/json", "{}"));
    let hands = Hands::default();
    let setup = |fields: &str| {
        let provider_line = "retry: {max_attempts: 1}";
        let setup = Setup::new().clock(hands.clock()).providers(provider_line);
        setup.providers("circuit_breaker: {failure_threshold: 2}").target("a", &provider, fields)
    };
    let gateway = setup("").here();
    let breaker = || gateway.admin("/health").json()["targets"]["a"]["circuit_breaker"].clone();
    for _ in 0..2 {
        gateway.ask("hi");
    }
    assert_eq!(breaker(), "open");
    assert_eq!(gateway.reload(&setup("weight: 3, description: other")).status, 200);
    assert_eq!((breaker(), gateway.ask("hi").status), ("open".into(), 503));
    assert_eq!(gateway.reload(&setup("model: another")).status, 200);
    assert_eq!((breaker(), gateway.ask("hi").status), ("closed".into(), 502));
}

#[test]
fn what_counts_against_a_limit_goes_on_to_count_while_the_limit_is_the_same() {
    let (provider, hands) = (Provider::always(Script::answer("ok")), Hands::default());
    let limited = |burst: u32, fields: &str| {
        let limit =
            format!("rate_limits: {{global_rate_limit: {{requests: 1, per: minute, burst: {burst}}}}}");
        Setup::new().clock(hands.clock()).block(&limit).target("a", &provider, fields)
    };
    let gateway = limited(2, "").here();
    let statuses = || [(); 3].map(|()| gateway.ask("hi").status);
    assert_eq!(statuses(), [200, 200, 429]);
    assert_eq!(gateway.reload(&limited(2, "weight: 2")).status, 200);
    assert_eq!(statuses(), [429, 429, 429]);
    assert_eq!(gateway.reload(&limited(1, "")).status, 200);
    assert_eq!(statuses(), [200, 429, 429]);
}

#[test]
fn settings_of_the_audit_log_wait_for_a_restart_and_that_is_told() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::over(&provider).here();
    let audit = "audit: {sync: none, segment_mb: 2}";
    let told = gateway.reload(&Setup::over(&provider).block(audit)).json();
    assert_eq!(told["needs_restart"], serde_json::json!(["audit.sync", "audit.segment_mb"]));
    let config = gateway.admin("/keeptrusts/config").json();
    assert_eq!((&config["audit"]["sync"], &config["audit"]["segment_mb"]), (&"interval".into(), &64.into()));
}

#[test]
fn a_key_that_comes_later_makes_its_target_available() {
    let provider = Provider::always(Script::answer("ok"));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("later");
    let setup = Setup::new().target("a", &provider, &format!("secret_key_ref: {{file: {}}}", key.display()));
    let gateway = setup.here();
    assert_eq!(gateway.ask("hi").status, 503);
    std::fs::write(&key, tests::KEY).unwrap();
    assert_eq!(gateway.reload(&setup).status, 200);
    assert_eq!(gateway.ask("hi").status, 200);
}

#[test]
fn files_are_watched_where_that_is_wanted() {
    let provider = echo();
    let watched = |label: &str| labelled(&provider, label).block("reload: {watch: true, interval_ms: 50}");
    let gateway = watched("ONE").here();
    std::fs::write(gateway.folder().join("house.ktr"), rules("TWO")).unwrap();
    wait_until(|| gateway.ask("SECRET").said() == "[TWO] [TWO]");
    let last = || gateway.admin("/health").json()["config"]["last_reload"].clone();
    assert_eq!((&last()["trigger"], &last()["status"]), (&"file_change".into(), &"taken".into()));
    std::fs::remove_file(gateway.folder().join("house.ktr")).unwrap();
    wait_until(|| last()["status"] == "refused");
    assert_eq!(gateway.ask("SECRET").said(), "[TWO] [TWO]");
    std::fs::write(gateway.folder().join("house.ktr"), rules("THREE")).unwrap();
    wait_until(|| gateway.ask("SECRET").said() == "[THREE] [THREE]");
    // Without the block nothing is watched any more, and with it again everything is.
    assert_eq!(gateway.reload(&labelled(&provider, "FOUR")).status, 200);
    assert_eq!(gateway.reload(&watched("FIVE")).status, 200);
    watched("SIX").write_into(gateway.folder());
    wait_until(|| gateway.ask("SECRET").said() == "[SIX] [SIX]");
}

#[test]
fn a_hangup_signal_reloads_and_does_not_end_the_gateway() {
    let provider = echo();
    let run = labelled(&provider, "ONE").process();
    let ask =
        || tests::post(run.address, "/v1/chat/completions", "", question_of("SECRET", false).to_string());
    assert_eq!(ask().said(), "[ONE] [ONE]");
    labelled(&provider, "TWO").write_into(run.folder());
    run.signal("HUP");
    wait_until(|| ask().said() == "[TWO] [TWO]");
    std::fs::write(run.folder().join("house.ktr"), "policy house\nrule\n").unwrap();
    run.signal("HUP");
    wait_until(|| run.log().contains("the old one stays in force"));
    assert!(run.log().contains("house.ktr:"), "{}", run.log());
    assert_eq!(ask().said(), "[TWO] [TWO]");
    assert_eq!(run.stop().status.code(), Some(0));
}

#[test]
fn the_hash_is_of_the_whole_configuration_and_not_of_how_it_is_written() {
    let provider = echo();
    let setup = labelled(&provider, "ONE");
    let gateway = setup.here();
    let hash = |told: tests::Reply| told.json()["hash"].as_str().unwrap().to_owned();
    let first = hash(gateway.reload(&setup));
    assert_eq!(hash(gateway.reload(&setup.clone().block("# a comment"))), first);
    let mut seen = vec![first.clone()];
    for block in ["rate_limits: {global_rate_limit: {requests: 9, per: day}}", "size_limits: {body_kb: 99}"] {
        seen.push(hash(gateway.reload(&setup.clone().block(block))));
    }
    let other = Provider::always(Script::answer("ok"));
    seen.push(hash(gateway.reload(&setup.clone().target("b", &other, ""))));
    seen.push(hash(gateway.reload(&setup.clone().target("b", &other, "weight: 2"))));
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "each is another");
    assert_eq!(hash(gateway.reload(&setup)), first);
    std::fs::write(gateway.folder().join("key"), "another key").unwrap();
    let told = tests::post(gateway.admin, "/keeptrusts/config/reload", "", "");
    assert_eq!(hash(told), first, "no secret is in it");
}
