//! The console over real sockets: who may look, what is told and what never is, and drafts that are tried within limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::binary::Process;
use tests::{Gateway, KEY, Provider, RULES, Reply, Script, Setup, question_of, send};

use crate::record::CANARY;

/// What an operator brings, where that is asked for.
const TOKEN: &str = "operator_canary_4Wm9_zZ";

fn ask(address: SocketAddr, host: &str, path: &str, headers: &str) -> Reply {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n"))
}

fn look(gateway: &Gateway, path: &str) -> Reply {
    ask(gateway.admin, "localhost", path, "")
}

fn told(gateway: &Gateway, path: &str) -> Value {
    let reply = look(gateway, &format!("/console/api/{path}"));
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    reply.json()
}

fn play_raw(address: SocketAddr, headers: &str, body: &str) -> Reply {
    let length = body.len();
    send(
        address,
        format!(
            "POST /console/api/play HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ),
    )
}

fn play(gateway: &Gateway, draft: &Value) -> Reply {
    play_raw(gateway.admin, "content-type: application/json\r\n", &draft.to_string())
}

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
    let sum =
        |row: &Value| row.as_array().unwrap().iter().map(|cell| cell.as_f64().unwrap_or(0.0)).sum::<f64>();
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
    let setup = Setup::guarded(&provider).providers("max_concurrency: 7");
    let gateway = setup.here();
    let state = told(&gateway, "state");
    assert_eq!((&state["health"]["status"], &state["audit"]["sound"]), (&json!("healthy"), &json!(true)));
    assert_eq!(state["health"]["concurrency"]["limit"], 7);
    assert_eq!(state["chain"][0]["rules"], json!(["hide", "stop"]));
    assert!(state["chain"][0]["file"].as_str().unwrap().ends_with("house.ktr"));
    assert_eq!(gateway.reload(&setup.clone().rules("house", "policy house\nrule")).status, 422);
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

const DRAFT: &str = "policy draft\npattern bird = /blue\\p{L}+/ label BIRD\nrule stop on request, response { when text has bird do block code \"draft.code\" }\n";

#[test]
fn a_draft_judges_and_says_where() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let played = play(&gateway, &json!({"rules": DRAFT, "text": "😀 a bluebird"})).json();
    assert_eq!(
        (&played["compiles"], &played["judged"]["verdict"]),
        (&json!(true), &json!("block")),
        "{played}"
    );
    let found = &played["judged"]["findings"][0];
    assert_eq!(
        (&found["label"], &found["in"], &found["start"], &found["end"]),
        (&json!("BIRD"), &json!("text"), &json!(5), &json!(13))
    );
    assert_eq!(played["judged"]["rules"][0]["rule"], "stop");
    let played = play(&gateway, &json!({"rules": DRAFT, "text": "hi", "answer": "bluebird"})).json();
    assert_eq!(
        (&played["judged"]["findings"][0]["in"], &played["judged"]["reason_code"]),
        (&json!("answer"), &json!("draft.code"))
    );
    let played =
        play(&gateway, &json!({"rules": DRAFT.replace("has bird", "has brid"), "text": "hi"})).json();
    let found = &played["diagnostics"][0];
    assert_eq!((&played["compiles"], &played["judged"]), (&json!(false), &Value::Null));
    assert_eq!(
        (&found["severity"], &found["line"], &found["code"]),
        (&json!("error"), &json!(3), &json!("E007")),
        "{played}"
    );
    assert!(found["suggestion"].as_str().unwrap().contains("`bird`"), "{found}");
    let at = DRAFT.find("has bird").unwrap() + 4;
    assert_eq!(found["range"], json!([at, at + 4]), "{found}");
}

#[test]
fn shipped_kinds_can_be_tried_with_arguments() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let files = told(&gateway, "policies")["files"].clone();
    for file in files.as_array().unwrap() {
        let played =
            play(&gateway, &json!({"rules": file["text"], "file": file["file"], "text": "hi"})).json();
        assert_eq!(played["compiles"], true, "{}: {played}", file["name"]);
    }
    let pii = files.as_array().unwrap().iter().find(|file| file["name"] == "pii-detector").unwrap();
    let try_with = |arguments: &str| {
        play(&gateway, &json!({"rules": pii["text"], "text": "ann@example.com", "arguments": arguments}))
            .json()
    };
    assert_eq!(try_with("")["judged"]["verdict"], "redact");
    assert_eq!(try_with("action: block")["judged"]["verdict"], "block");
    let played = try_with("actoin: block");
    assert!(played["compiles"] == false && played["diagnostics"][0]["file"] == "arguments", "{played}");
    assert_eq!(try_with("- [")["compiles"], false);
}

#[test]
fn a_draft_reads_no_files() {
    let provider = Provider::always(Script::answer("fine"));
    let library = "library words\npub pattern name = /bluebird/ label NAME\n";
    let setup = Setup::over(&provider).rules(
        "house",
        "policy house\nuse \"./words.ktr\" (name)\nrule hide on request { when text has name do redact }\n",
    );
    let (folder, config) = setup.write();
    std::fs::write(folder.path().join("words.ktr"), library).unwrap();
    std::fs::write(folder.path().join("other.ktr"), library).unwrap();
    let run = setup.process_in(Arc::new(folder));
    let draft = |path: &str| {
        let rules = format!(
            "policy draft\nuse \"{path}\" (name)\nrule hide on request {{ when text has name do redact }}\n"
        );
        let body = json!({"rules": rules, "file": config.with_file_name("draft.ktr"), "text": "bluebird"})
            .to_string();
        play_raw(run.admin, "content-type: application/json\r\n", &body).json()
    };
    assert_eq!(draft("./words.ktr")["judged"]["verdict"], "redact", "what is in force may be used");
    for path in ["./other.ktr", "/etc/passwd", "../../etc/passwd", "./policy-config.yaml", "./key"] {
        let played = draft(path);
        assert_eq!(played["compiles"], false, "{path}");
        assert!(played["diagnostics"].to_string().contains("reads no files"), "{path}: {played}");
        assert!(
            !played.to_string().contains("root:") && !played.to_string().contains(KEY),
            "{path}: {played}"
        );
    }
}

#[test]
fn drafts_have_limits() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let code = |draft: &Value| {
        let reply = play(&gateway, draft);
        (reply.status, reply.code())
    };
    assert_eq!(code(&json!({"rules": "x".repeat(600 * 1024)})), (413, "body_too_large".into()));
    assert_eq!(code(&json!({"rules": "x".repeat(200 * 1024)})), (400, "invalid_request".into()));
    assert_eq!(code(&json!({"rules": DRAFT, "text": "x".repeat(40 * 1024)})).0, 400);
    assert_eq!(code(&json!({"rules": DRAFT, "prompt": "hi"})).0, 400, "unknown fields are told");
    assert_eq!(code(&json!({"text": "hi"})).0, 400);
    assert_eq!(code(&json!({"rules": 7})).0, 400);
    assert_eq!(play_raw(gateway.admin, "content-type: text/plain\r\n", "{}").status, 415);
    assert_eq!(play_raw(gateway.admin, "", "{}").status, 415);
    assert_eq!(look(&gateway, "/console/api/play").status, 405);
    let endless = "policy draft\nscript spin(s: string) -> bool = \"\"\"while true {} true\"\"\"\nrule stop on request { when spin(model) do block }\n";
    let played = play(&gateway, &json!({"rules": endless, "text": "hi"})).json();
    assert_eq!(played["judged"]["reason_code"], "policy.error", "{played}");
    let deep = format!(
        "policy draft\nrule r on request {{ when {}true{} do block }}",
        "(".repeat(4000),
        ")".repeat(4000)
    );
    assert_eq!(play(&gateway, &json!({"rules": deep, "text": "hi"})).json()["compiles"], false);
}

#[test]
fn every_reply_forbids_what_a_page_does_not_need() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let page = look(&gateway, "/console");
    assert!(page.status == 200 && page.body.contains("<title>kt console</title>"), "{}", page.body);
    let linked = [
        "/console/style.css",
        "/console/main.js",
        "/console/icon.svg",
        "/console/vendor/lit-html/lit-html.js",
    ];
    for path in ["/console/", "/console/api/state", "/console/nothing", "/console/api/decisions?x=1"]
        .into_iter()
        .chain(linked)
    {
        let reply = look(&gateway, path);
        let header =
            |name: &str| reply.header(name).unwrap_or_else(|| panic!("{path}: no {name}")).to_owned();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';")
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(
            (header("x-content-type-options"), header("referrer-policy")),
            ("nosniff".into(), "no-referrer".into())
        );
        assert!(reply.header("access-control-allow-origin").is_none(), "{path}");
        assert_eq!(
            reply.status,
            if path.contains("nothing") {
                404
            } else if path.contains('?') {
                400
            } else {
                200
            },
            "{path}"
        );
    }
    for path in linked.into_iter().chain(["/console"]) {
        let body = look(&gateway, path).body;
        for inline in [" onclick", " style=", "javascript:", "@import", "eval("] {
            assert!(!body.contains(inline), "{path} has `{inline}`");
        }
        let outside = body.matches("://").count()
            - body.matches("http://www.w3.org/").count()
            - body.matches("https://").count();
        assert_eq!(outside, 0, "{path}");
    }
}

#[test]
fn on_loopback_only_names_of_loopback_are_answered() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    for host in ["localhost:8081", "127.0.0.1", "[::1]:1"] {
        assert_eq!(ask(gateway.admin, host, "/console/api/state", "").status, 200, "{host}");
    }
    for path in ["/console", "/console/api/state", "/console/main.js"] {
        let reply = ask(gateway.admin, "rebound.example", path, "");
        assert_eq!((reply.status, reply.code().as_str()), (403, "host_not_allowed"), "{path}");
    }
    let state = |headers| ask(gateway.admin, "localhost", "/console/api/state", headers).status;
    assert_eq!(state("sec-fetch-site: same-origin\r\n"), 200);
    assert_eq!(state("sec-fetch-site: cross-site\r\n"), 403);
    assert_eq!(state("sec-fetch-site: same-site\r\n"), 403);
}

/// A run whose operator's address is not loopback, with these further settings.
fn elsewhere(setup: &Setup) -> Process {
    let (folder, _) = setup.write();
    let child = setup.command(&folder, "127.0.0.1:0", "0.0.0.0:0").spawn().unwrap();
    Process::watch(child, Arc::new(folder))
}

#[test]
fn elsewhere_there_is_no_console_without_a_token() {
    let provider = Provider::always(Script::answer("fine"));
    let run = elsewhere(&Setup::guarded(&provider));
    for path in ["/console", "/console/api/state"] {
        let reply = ask(run.admin, "localhost", path, "");
        assert_eq!((reply.status, reply.code().as_str()), (403, "console_off"), "{path}");
    }
    assert_eq!(ask(run.admin, "gateway", "/health", "").status, 200);
    assert!(run.log().contains("the console is off"), "{}", run.log());
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let provider = Provider::always(Script::answer("fine"));
    let setup =
        Setup::guarded(&provider).block(&format!("admin: {{token_ref: {{file: \"{}\"}}}}", file.display()));
    let run = elsewhere(&setup);
    let status = |path: &str, headers: &str| ask(run.admin, "kt.example:8081", path, headers).status;
    let right = format!("authorization: Bearer {TOKEN}\r\n");
    for path in ["/console/api/state", "/console/api/decisions", "/keeptrusts/config"] {
        assert_eq!(status(path, ""), 401, "{path}");
        assert_eq!(status(path, &right), 200, "{path}");
        for wrong in [
            "authorization: Bearer nonsense\r\n".to_owned(),
            format!("authorization: Basic {TOKEN}\r\n"),
            format!("authorization: Bearer {TOKEN}x\r\n"),
            format!("{right}{right}"),
        ] {
            assert_eq!(status(path, &wrong), 401, "{path}: {wrong}");
        }
    }
    for path in ["/console", "/console/main.js", "/health", "/livez", "/readyz", "/metrics"] {
        assert_eq!(status(path, ""), 200, "{path}");
    }
    let reload = |headers: &str| tests::post(run.admin, "/keeptrusts/config/reload", headers, "").status;
    assert_eq!((reload(""), reload(&right)), (401, 200));
    assert_eq!(play_raw(run.admin, "content-type: application/json\r\n", "{}").status, 401);
    let shown = ask(run.admin, "x", "/console/api/state", &right);
    assert!(!shown.shows(TOKEN) && !run.log().contains(TOKEN));
    assert!(ask(run.admin, "x", "/console/api/state", "").header("www-authenticate").is_some());
}

#[test]
fn a_token_that_is_missing_or_short_stops_the_start() {
    let provider = Provider::always(Script::answer("fine"));
    for (line, words) in [
        ("admin: {token_ref: {env: KT_TESTS_NO_SUCH_TOKEN}}", "`KT_TESTS_NO_SUCH_TOKEN` is not set"),
        ("admin: {token_ref: {env: KT_TESTS_KEY}}", "less than 16 bytes"),
    ] {
        let setup = Setup::guarded(&provider).block(line);
        let (folder, _) = setup.write();
        let ended = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0").output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && told.contains(words) && !told.contains(KEY), "{told}");
    }
}

#[test]
fn no_prompt_no_answer_and_no_key_is_ever_shown_or_logged() {
    let provider = Provider::always(Script::answer(&format!("the answer, {CANARY} SECRET5")));
    let key = "secret_key_ref: {env: KT_TESTS_KEY}";
    let run = Setup::new().target("a", &provider, key).rules("house", RULES).process();
    let chat = |text: &str| {
        tests::post(run.address, "/v1/chat/completions", "", question_of(text, false).to_string())
    };
    chat(&format!("{CANARY} SECRET1 ann@canary.example"));
    chat(&format!("{CANARY} FORBIDDEN"));
    provider.now(Script::reply(
        "401 No",
        "application/json",
        format!("{{\"error\":{{\"message\":\"{KEY} {CANARY}\"}}}}"),
    ));
    chat(CANARY);
    let draft = json!({"rules": DRAFT, "text": format!("{CANARY} bluebird"), "answer": CANARY}).to_string();
    let played = play_raw(run.admin, "content-type: application/json\r\n", &draft);
    assert_eq!(played.json()["judged"]["verdict"], "block");
    let until = Instant::now() + Duration::from_secs(10);
    let all = loop {
        let reply = ask(run.admin, "localhost", "/console/api/decisions", "");
        if reply.json()["fitting"] == 3 || Instant::now() > until {
            break reply;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(all.json()["fitting"], 3);
    let rest =
        ["state", "course", "policies", "rule?policy=house&rule=hide", &format!("decisions?q={CANARY}")];
    let replies = rest.map(|path| ask(run.admin, "localhost", &format!("/console/api/{path}"), ""));
    for reply in replies.iter().chain([&all]) {
        assert_eq!(reply.status, 200);
        for secret in [KEY, CANARY, "SECRET1", "SECRET5", "ann@"] {
            assert!(!reply.shows(secret), "`{secret}` in {}", reply.body);
        }
    }
    let ended = run.stop();
    for secret in [KEY, CANARY, "bluebird"] {
        assert!(!ended.log.contains(secret), "`{secret}` in the log: {}", ended.log);
    }
    assert!(
        ended.records.iter().all(|record| !record.to_string().contains("bluebird")),
        "drafts are no decisions"
    );
}

#[test]
fn the_libraries_of_the_page_are_as_recorded() {
    let folder =
        std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../gateway/src/console/page/vendor"));
    let versions: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("versions.json")).unwrap()).unwrap();
    for (name, library) in versions.as_object().unwrap() {
        for (file, recorded) in library["files"].as_object().unwrap() {
            let path = folder.join(name).join(file);
            let said = std::process::Command::new("sha256sum").arg(&path).output().unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            assert_eq!(said.split(' ').next(), recorded.as_str(), "{}", path.display());
        }
    }
}
