//! Who may look, what every reply forbids, and what is shown to nobody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::binary::Process;
use tests::{KEY, Provider, RULES, Script, Setup, question_of};

use super::{DRAFT, ask, look, play_raw};
use crate::record::CANARY;

/// What an operator brings, where that is asked for.
const TOKEN: &str = "operator_canary_4Wm9_zZ";

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

#[test]
fn pages_of_other_sites_neither_read_the_configuration_nor_reload_it() {
    let provider = Provider::always(Script::answer("fine"));
    let gateway = Setup::guarded(&provider).here();
    let address = gateway.admin;
    let reload = |host: &str, headers: &str| {
        let head =
            format!("POST /keeptrusts/config/reload HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        tests::send(address, format!("{head}content-length: 0\r\n{headers}\r\n")).status
    };
    assert_eq!(ask(address, "rebound.example", "/keeptrusts/config", "").code(), "host_not_allowed");
    let cross = "sec-fetch-site: cross-site\r\n";
    assert_eq!(ask(address, "localhost", "/keeptrusts/config", cross).code(), "cross_site");
    assert_eq!(
        (reload("rebound.example", ""), reload("localhost", cross), reload("localhost", "")),
        (403, 403, 200)
    );
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
    chat(&format!("{CANARY} SECRET1 ann@heron.example"));
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
        for secret in [KEY, CANARY, "SECRET1", "SECRET5", "ann@heron"] {
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
