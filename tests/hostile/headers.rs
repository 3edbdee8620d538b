//! Headers: what belongs to one hop stays there, in both directions, and no value makes a line of its own.

use serde_json::json;
use tests::{KEY, Provider, Script, Setup, question_of, whole};

use crate::CANARY;
use crate::watch::start;

/// The names of all headers in a head.
fn names(head: &str) -> Vec<String> {
    head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase())).collect()
}

#[test]
fn what_a_client_names_in_connection_takes_nothing_away_and_passes_nothing_on() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    for named in [
        "close, authorization, content-type, content-length, host, x-foo",
        "close, x-request-id, accept-encoding",
        "close, transfer-encoding",
        "close, te, trailer, upgrade, keep-alive",
    ] {
        let headers = format!(
            "content-type: application/json\r\nconnection: {named}\r\nx-foo: 1\r\nte: trailers\r\ntrailer: x-foo\r\nproxy-connection: keep-alive\r\n\
             proxy-authenticate: x\r\nx-forwarded-host: evil\r\nx-real-ip: 6.6.6.6\r\nx-original-url: /admin\r\n\
             x-http-method-override: DELETE\r\nx-rewrite-url: /admin\r\nrange: bytes=0-1\r\nif-none-match: *\r\n"
        );
        assert_eq!(gateway.post(&headers, question_of(CANARY, false).to_string()).status, 200, "{named}");
        let seen = provider.last();
        let mut names = names(&seen.head);
        names.sort();
        let expected =
            ["accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"];
        assert_eq!(names, expected, "{named}");
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(seen.header("host"), Some(provider.address.to_string().as_str()));
    }
    gateway.stop();
}

#[test]
fn what_a_provider_names_in_connection_reaches_nobody() {
    let headers = "content-type: application/json\r\nconnection: close, x-request-id, x-kt-policy, x-ratelimit-limit\r\n\
        x-ratelimit-limit: 5\r\nkeep-alive: timeout=5\r\nproxy-authenticate: x\r\ntrailer: x-evil\r\nupgrade: h2c\r\n\
        alt-svc: h3=\":443\"\r\nset-cookie: a=b\r\nlocation: http://evil/\r\nrefresh: 0; url=http://evil/\r\n\
        strict-transport-security: max-age=1\r\naccess-control-allow-origin: *\r\nx-accel-redirect: /secret\r\n\
        content-security-policy: x\r\nx-ratelimit-odd: \u{e9}\r\n";
    let provider = Provider::always(Script::with_headers("200 OK", headers, whole("ok").to_string()));
    let gateway = start(&Setup::guarded(&provider));
    let reply = gateway.ask(CANARY);
    let mut names = names(&reply.head);
    names.sort();
    names.retain(|name| name != "x-ratelimit-odd");
    let expected = [
        "connection",
        "content-length",
        "content-type",
        "date",
        "x-kt-policy",
        "x-kt-target",
        "x-ratelimit-limit",
        "x-request-id",
    ];
    assert_eq!(names, expected, "{}", reply.head);
    assert_eq!(reply.header("connection"), Some("close"), "it is the gateway's own");
    assert_eq!(reply.header("x-kt-policy"), Some("allow"));
    gateway.stop();
}

#[test]
fn trailers_of_a_provider_are_no_headers() {
    let body = whole("ok").to_string();
    let chunk = format!("{:x}\r\n{body}\r\n0\r\nx-kt-policy: block\r\nset-cookie: a=b\r\n\r\n", body.len());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let provider = Provider::always(Script::raw(head).then(chunk));
    let gateway = start(&Setup::guarded(&provider));
    let reply = gateway.ask(CANARY);
    assert_eq!((reply.said().as_str(), reply.header("x-kt-policy")), ("ok", Some("allow")));
    assert!(!reply.shows("set-cookie"));
    gateway.stop();
}

/// Values with line ends and the like, as a client may write them into JSON.
const LINES: [&str; 6] =
    ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\r\n\r\nHTTP/1.1 200 OK", "a\u{0}b", "a\u{85}b", "a\u{2028}b"];

#[test]
fn no_name_that_a_client_gives_makes_a_line() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    for value in LINES {
        let mut question = question_of(CANARY, false);
        question["model"] = json!(value);
        question["user"] = json!(value);
        question["prompt_cache_key"] = json!(value);
        let reply = gateway.chat(&question);
        assert_eq!(reply.status, 200, "{value:?}");
        assert!(
            reply.header("x-evil").is_none()
                && reply.raw.windows(7).filter(|w| *w == b"HTTP/1.").count() == 1
        );
        let seen = provider.last();
        assert_eq!(seen.json()["model"], value, "a model is a string of the body and nothing else");
        assert!(seen.header("x-evil").is_none() && seen.head.lines().count() == 7, "{}", seen.head);
        let asked = gateway.post(
            &format!("x-conversation-id: {}\r\n", value.replace(['\r', '\n', '\0'], "")),
            question_of(CANARY, false).to_string(),
        );
        assert_eq!(asked.status, 200);
    }
    let log = gateway.stop();
    assert_eq!(log.len(), 2 * LINES.len(), "each is one line of the log");
}

#[test]
fn no_name_that_an_operator_gives_makes_a_line() {
    let provider = Provider::always(Script::answer("ok"));
    for id in ["\"a\\r\\nx-evil: 1\"", "\"a\\nx-evil: 1\"", "\"a\\0b\"", "\"a\\x7fb\"", "é"] {
        let setup = Setup::new().rules("house", tests::RULES);
        let setup = setup.target(id, &provider, "model: \"m\\r\\nx-evil: 1\"");
        let (_folder, config) = setup.write();
        let loaded = gateway::packs::load(&[config]).unwrap();
        if loaded.pack.is_none() {
            assert!(!loaded.diagnostics.is_empty(), "{id}");
            continue;
        }
        let gateway = start(&setup);
        let reply = gateway.ask(CANARY);
        assert_eq!((reply.status, reply.header("x-evil")), (200, None), "{id}");
        assert!(provider.last().header("x-evil").is_none());
        gateway.stop();
    }
}

#[test]
fn a_key_that_is_no_header_is_told_and_not_sent() {
    let provider = Provider::always(Script::answer("ok"));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("odd");
    for odd in ["fw_canary\r\nx-evil: 1", "fw_canary\u{0}x", "fw_canary\u{7f}"] {
        std::fs::write(&key, odd).unwrap();
        let setup =
            Setup::new().target("a", &provider, &format!("secret_key_ref: {{file: {}}}", key.display()));
        let gateway = start(&setup);
        let reply = gateway.ask(CANARY);
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (503, "no_target_available"),
            "{odd:?}: {}",
            reply.body
        );
        assert!(!reply.shows("fw_canary") && !gateway.admin("/health").shows("fw_canary"));
        gateway.stop();
    }
    assert_eq!(provider.connections(), 0);
}
