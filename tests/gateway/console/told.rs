//! What the console is told: decisions as the log has them, counts over time, and rules as they were written.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Gateway, Provider, RULES, Script, Setup, question_of};

use super::{look, told};

/// Decisions, once there are so many: a record shows a moment after its answer.
fn decisions(gateway: &Gateway, query: &str, many: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let told = told(gateway, &format!("decisions?{query}"));
        let records = told["records"].as_array().unwrap().clone();
        if records.len() >= many || Instant::now() > until {
            assert_eq!(records.len(), many, "{query}: {told}");
            return records;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What all columns of a row come to.
fn sum(row: &Value) -> f64 {
    row.as_array().unwrap().iter().map(|cell| cell.as_f64().unwrap_or(0.0)).sum()
}

#[test]
fn decisions_are_told_as_the_log_has_them() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).kind("safety-filter").here();
    assert_eq!(gateway.ask("hi").status, 200);
    assert_eq!(gateway.ask("hide SECRET7").status, 200);
    assert_eq!(
        gateway
            .post("x-user-id: ann\r\nx-request-id: mine-1\r\n", question_of("FORBIDDEN", false).to_string())
            .status,
        409
    );
    let all = decisions(&gateway, "", 3);
    let verdicts: Vec<&str> = all.iter().map(|record| record["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["block", "redact", "allow"], "the newest is first");
    let numbers = |query: &str, many| -> Vec<u64> {
        decisions(&gateway, query, many).iter().map(|record| record["seq"].as_u64().unwrap()).collect()
    };
    let [third, second, first] = [0, 1, 2].map(|at| all[at]["seq"].as_u64().unwrap());
    for (query, fitting) in [
        ("verdict=block", vec![third]),
        ("policy=house", vec![third, second]),
        ("policy=safety-filter", vec![]),
        ("rule=hide", vec![second]),
        ("target=a", vec![second, first]),
        ("user=ANN", vec![third]),
        ("q=mine", vec![third]),
        ("q=house.forb", vec![third]),
        ("model=m&verdict=allow", vec![first]),
        ("limit=1", vec![third]),
    ] {
        assert_eq!(numbers(query, fitting.len()), fitting, "{query}");
    }
    assert_eq!(numbers(&format!("after={second}"), 1), [third]);
    assert_eq!(told(&gateway, &format!("decision?seq={second}")), all[1]);
    let mut logged = gateway.stop();
    logged.retain(|record| record["event_type"] == "decision");
    for (mut shown, logged) in all.into_iter().rev().zip(logged) {
        assert_eq!(shown["findings_left_out"].take(), 0);
        shown.as_object_mut().unwrap().remove("findings_left_out");
        assert_eq!(shown, logged);
    }
}

#[test]
fn a_start_shows_what_was_before_it() {
    let provider = Provider::always(Script::answer("mail ann@example.com"));
    let setup = Setup::guarded(&provider);
    let gateway = setup.here();
    assert_eq!(gateway.ask("FORBIDDEN").status, 409);
    assert_eq!(gateway.ask("hide SECRET7").status, 200);
    let before = decisions(&gateway, "", 2);
    let counts = |gateway: &Gateway| {
        let course = told(gateway, "course?minutes=60");
        ["block", "redact"].map(|verdict| sum(&course["verdicts"][verdict]))
    };
    let counted = counts(&gateway);
    assert_eq!(counted, [1.0, 1.0]);
    let gateway = setup.again(gateway.begin_to_stop().folder());
    assert_eq!(decisions(&gateway, "", 2), before);
    assert_eq!(counts(&gateway), counted);
    assert_eq!(gateway.ask("FORBIDDEN").status, 409);
    let after = decisions(&gateway, "", 3);
    assert_eq!(after[1..], before);
    gateway.stop();
}

#[test]
fn parameters_are_checked() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    for (query, words) in [
        ("decisions?verdcit=block", "did you mean `verdict`"),
        ("decisions?limit=501", "from 1 to 500"),
        ("decisions?limit=x", "whole number"),
        ("decisions?q=%ff", "no text"),
        ("decisions?q=a&q=b", "twice"),
        ("course?minutes=61", "from 10 to 60"),
        ("rule?policy=house", "missing"),
        ("decision", "missing"),
    ] {
        let reply = look(&gateway, &format!("/console/api/{query}"));
        assert!(reply.status == 400 && reply.body.contains(words), "{query}: {}", reply.body);
    }
    for path in ["decision?seq=99", "rule?policy=house&rule=none", "nothing"] {
        assert_eq!(look(&gateway, &format!("/console/api/{path}")).status, 404, "{path}");
    }
}

#[test]
fn what_policies_and_targets_did_is_counted_over_time() {
    let provider = Provider::always(Script::answer("fine"));
    let setup = Setup::new().target("a", &provider, "pricing: {prompt: 1000000, completion: 2000000}");
    let gateway = setup.rules("house", RULES).here();
    let mut whole = tests::whole("SECRET1");
    whole["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    provider.now(Script::json(&whole));
    gateway.ask("hi");
    gateway.ask("FORBIDDEN");
    decisions(&gateway, "", 2);
    let course = told(&gateway, "course?minutes=60");
    assert_eq!(course["step"], 60);
    assert_eq!(
        course["verdicts"]["block"].as_array().unwrap().len(),
        course["columns"].as_u64().unwrap() as usize
    );
    assert_eq!(
        (sum(&course["verdicts"]["block"]), sum(&course["verdicts"]["redact"])),
        (1.0, 1.0),
        "{course}"
    );
    assert_eq!(sum(&course["policies"]["house"]["results"]["redact"]), 1.0);
    let target = &course["targets"]["a"];
    assert_eq!(
        (&target["attempts"], &target["failures"], &target["input_tokens"]),
        (&json!(1), &json!(0), &json!(3))
    );
    assert_eq!(target["cost_usd"], 13.0);
    assert!(
        target["p50_ms"].as_f64().unwrap() >= 1.0 && sum(&target["columns"]["requests"]) == 1.0,
        "{target}"
    );
    let rules = course["rules"].as_array().unwrap();
    let counted = |rule: &str| rules.iter().find(|row| row["rule"] == rule).map(|row| sum(&row["counts"]));
    assert_eq!((counted("hide"), counted("stop")), (Some(1.0), Some(1.0)), "{course}");
}

#[test]
fn how_things_stand_and_a_refused_reload_are_told() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).providers("max_concurrency: 7").here();
    let state = told(&gateway, "state");
    assert_eq!((&state["health"]["status"], &state["audit"]["sound"]), (&json!("healthy"), &json!(true)));
    assert_eq!(state["health"]["concurrency"]["limit"], 7);
    assert_eq!(state["chain"][0]["rules"], json!(["hide", "stop"]));
    assert!(state["chain"][0]["file"].as_str().unwrap().ends_with("house.ktr"));
    std::fs::write(gateway.folder().join("house.ktr"), "policy house\nrule").unwrap();
    assert_eq!(tests::post(gateway.admin, "/keeptrusts/config/reload", "", "").status, 422);
    let last = &told(&gateway, "state")["health"]["config"]["last_reload"];
    assert_eq!(last["status"], "refused");
    assert!(last["errors"][0]["line"] == 2 && last["errors"][0]["code"].is_string(), "{last}");
}

#[test]
fn a_rule_is_shown_as_it_was_written() {
    let provider = Provider::always(Script::answer("fine"));
    let inline = "rules: |\n  pattern word = /magic/ label WORD\n  rule magic on request { when text has word do flag }\n";
    let gateway = Setup::guarded(&provider).kind("rules").kind("pii-detector").block(inline).here();
    let rule = told(&gateway, "rule?policy=house&rule=stop");
    assert!(rule["text"].as_str().unwrap().starts_with("rule stop on request, response {"), "{rule}");
    assert!(rule["text"].as_str().unwrap().ends_with('}') && rule["line"] == 13, "{rule}");
    let rule = told(&gateway, "rule?policy=rules&rule=magic");
    assert!(rule["text"].as_str().unwrap().starts_with("rule magic"), "{rule}");
    let files = told(&gateway, "policies");
    let files: Vec<(&str, &str)> = files["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["origin"].as_str().unwrap(), file["name"].as_str().unwrap()))
        .collect();
    assert_eq!(files[..2], [("in_force", "house"), ("in_force", "rules")]);
    assert!(files.contains(&("shipped", "pii-detector")), "{files:?}");
}
