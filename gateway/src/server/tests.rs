//! The first whole path, over real sockets: what a client sees, what a provider sees, what the log keeps.

use std::time::Duration;

use grammar::config::KeyRef;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::kit::{self, Provider, post, send, start, status};

const ASK: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
const ASK_STREAM: &str =
    r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"the contact?"}]}"#;

fn json_answer(body: &str) -> String {
    reply("200 OK", "application/json", body)
}

fn reply(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\nfireworks-prompt-tokens: 3\r\nset-cookie: a=b\r\n\r\n{body}"
    )
}

fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["error"]["code"].as_str().unwrap().to_owned()
}

fn text_of_stream(body: &str) -> String {
    let chunks =
        body.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    chunks.filter_map(|c| c["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_demo_answers_whole_and_in_pieces_and_every_request_is_recorded() {
    let gateway = start(Vec::new()).await;
    let (head, body) = gateway.chat(ASK).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-kt-target: demo"), "{head}");
    assert!(head.contains("x-kt-policy: allow") && head.contains("x-request-id: req_"), "{head}");
    assert!(body.contains("Hello! Ask me"));
    let (head, body) = gateway.chat(ASK_STREAM).await;
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    assert!(text_of_stream(&body).contains("ann.smith@example.com"), "{body}");
    assert!(body.ends_with("data: [DONE]\n\n"));
    let (_, body) = gateway.chat("{\"a\":1,\"a\":2}").await;
    assert_eq!(code(&body), "invalid_request");
    let log = gateway.stop().await;
    let outcomes: Vec<&str> = log.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["complete", "complete", "refused"]);
    assert_eq!(
        (&log[1]["seq"], &log[1]["stream"], &log[1]["status"]),
        (&2.into(), &true.into(), &200.into())
    );
    assert!(log[1]["output_tokens"].as_u64().unwrap() > 5);
    assert_eq!(log[2]["status"], 400);
}

#[tokio::test]
async fn requests_beyond_the_limits_are_refused_before_anything_is_sent() {
    let provider = Provider::start(json_answer("{}"), false).await;
    let gateway = start(vec![provider.target("a")]).await;
    let refused = async |bytes: &str| {
        let (head, body) = send(gateway.address, bytes).await;
        (status(&head).to_owned(), code(&body))
    };
    let large = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 11000000\r\n\r\n";
    assert_eq!(refused(large).await, ("413".into(), "body_too_large".into()));
    assert_eq!(refused(&post("content-encoding: gzip\r\n", "x")).await.0, "415");
    assert_eq!(refused(&post("content-type: text/plain\r\n", "x")).await.0, "415");
    assert_eq!(refused("GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.0, "404");
    assert_eq!(refused("POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\n\r\n").await.0, "400");
    assert_eq!(
        refused("GET /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.0,
        "405"
    );
    assert!(provider.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_sends_too_much_still_reads_why_it_was_refused() {
    let gateway = start(Vec::new()).await;
    let (head, body) = send(gateway.address, &post("", &"x".repeat(11 * 1024 * 1024))).await;
    assert_eq!((status(&head), code(&body).as_str()), ("413", "body_too_large"));
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1024 * 1024)).repeat(11) + "0\r\n\r\n";
    let chunked = format!(
        "POST /chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"
    );
    assert_eq!(status(&send(gateway.address, &chunked).await.0), "413");
}

#[tokio::test]
async fn a_silent_provider_ends_the_stream_with_an_error() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n: ping\n\n";
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{first}");
    let provider = Provider::start(answer, true).await;
    let mut target = provider.target("a");
    target.stream_timeout_seconds = 1;
    let gateway = start(vec![target]).await;
    let (_, body) = gateway.chat(ASK_STREAM).await;
    assert!(body.contains(r#""code":"stream_timeout""#) && body.ends_with("data: [DONE]\n\n"), "{body}");
    assert_eq!(gateway.stop().await[0]["error"], "stream_timeout");
}

#[tokio::test]
async fn a_provider_sees_a_request_made_from_scratch() {
    let provider = Provider::start(json_answer(r#"{"choices":[],"n":1.0}"#), false).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "fw_canary_7Yq2").unwrap();
    let mut target = provider.target("a");
    target.key = Some(KeyRef::File(kit::spanned(key.display().to_string())));
    target.model = Some("real".into());
    target.drop_params = vec![kit::spanned("store".into())];
    let gateway = start(vec![target]).await;
    let headers = "authorization: Bearer client\r\ncookie: c=1\r\nconnection: authorization, x-foo\r\nx-foo: 1\r\nx-session-affinity: s1\r\nx-request-id: mine-1\r\n";
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":1.0,"seed":18446744073709551616}"#;
    let asked = body.replace("\"seed\"", "\"store\":true,\"seed\"");
    let (head, answer) = send(gateway.address, &post(headers, &asked)).await;
    assert!(head.contains("x-request-id: mine-1") && head.contains("fireworks-prompt-tokens: 3"), "{head}");
    assert!(!head.contains("set-cookie"));
    assert_eq!(answer, r#"{"choices":[],"n":1.0}"#);
    let seen = provider.requests.lock().unwrap()[0].clone();
    let (head, sent) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent, body.replace("\"m\"", "\"real\""));
    assert!(head.contains("authorization: Bearer fw_canary_7Yq2") && head.contains("x-session-affinity: s1"));
    assert!(
        head.contains("accept-encoding: identity") && head.starts_with("POST /v1/chat/completions HTTP/1.1")
    );
    assert!(!head.contains("client") && !head.contains("cookie") && !head.contains("x-foo"), "{head}");
}

#[tokio::test]
async fn the_next_target_is_asked_when_one_cannot_be_reached_or_fails() {
    let failing = Provider::start(reply("503 Busy", "application/json", "{}"), false).await;
    let working = Provider::start(json_answer(r#"{"choices":[]}"#), false).await;
    let mut nobody = kit::target("nobody", "http://127.0.0.1:1/v1");
    nobody.model = Some("of-nobody".into());
    let gateway = start(vec![nobody, failing.target("failing"), working.target("working")]).await;
    let (head, _) = gateway.chat(ASK).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-kt-target: working"), "{head}");
    assert!(working.requests.lock().unwrap()[0].contains(r#""model":"m""#));
    let (head, _) = gateway.chat(&ASK.replace("\"m\"", "\"failing\"")).await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
    let (_, health) =
        send(gateway.admin, "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(
        health.contains(r#""status":"degraded""#) && health.contains(r#""nobody":"unreachable""#),
        "{health}"
    );
}

#[tokio::test]
async fn a_refused_key_is_the_operators_fault_and_is_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "fw_canary_7Yq2").unwrap();
    let said = r#"{"error":{"message":"bad key fw_canary_7Yq2"}}"#;
    for (status, expected) in
        [("401 No", "502"), ("400 Bad", "400"), ("500 Oops", "502"), ("307 There", "502")]
    {
        let provider = Provider::start(reply(status, "application/json", said), false).await;
        let mut target = provider.target("a");
        target.key = Some(KeyRef::File(kit::spanned(key.display().to_string())));
        let gateway = start(vec![target]).await;
        let (head, body) = gateway.chat(ASK).await;
        assert_eq!(kit::status(&head), expected);
        assert!(!head.contains("canary") && !body.contains("canary"), "{body}");
    }
}

#[tokio::test]
async fn a_stream_request_never_gets_json_with_status_200() {
    let provider = Provider::start(json_answer(r#"{"choices":[]}"#), false).await;
    let gateway = start(vec![provider.target("a")]).await;
    let (head, body) = gateway.chat(ASK_STREAM).await;
    assert_eq!((status(&head), code(&body).as_str()), ("502", "upstream_content_type"));
}

#[tokio::test]
async fn a_stream_cut_at_any_byte_ends_in_an_error_or_whole() {
    let chunk = |delta: &str, finish: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n")
    };
    let events =
        [chunk(r#"{"content":"é"}"#, "null"), chunk("{}", "\"stop\""), "data: [DONE]\n\n".into()].concat();
    for cut in (0..=events.len()).filter(|cut| events.is_char_boundary(*cut)).step_by(7) {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{}",
            events.split_at(cut).0
        );
        let provider = Provider::start(answer, false).await;
        let gateway = start(vec![provider.target("a")]).await;
        let (head, body) = gateway.chat(ASK_STREAM).await;
        let finished = body.contains("\"stop\"");
        assert!(finished != body.contains("\"error\""), "cut at {cut}: {body}");
        assert!(status(&head) == "502" || body.ends_with("data: [DONE]\n\n"), "cut at {cut}: {body}");
        let outcome = if finished { "complete" } else { "failed" };
        assert_eq!(gateway.stop().await[0]["outcome"], outcome);
    }
}

#[tokio::test]
async fn when_the_client_goes_away_the_provider_is_let_go_at_once() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    let streaming = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{first}");
    for (answer, pipelined) in
        [(&streaming, ""), (&streaming, "G"), (&String::new(), ""), (&String::new(), "G")]
    {
        let mut provider = Provider::start(answer.as_str(), true).await;
        let gateway = start(vec![provider.target("a")]).await;
        let mut client = TcpStream::connect(gateway.address).await.unwrap();
        let request = post("", ASK_STREAM).replace("connection: close\r\n", "") + pipelined;
        client.write_all(request.as_bytes()).await.unwrap();
        if !answer.is_empty() {
            assert!(client.read(&mut [0; 512]).await.unwrap() > 0);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(client);
        let let_go = tokio::time::timeout(Duration::from_millis(500), provider.dropped.recv()).await;
        assert!(let_go.is_ok(), "still held: {pipelined:?} {answer:?}");
        let log = gateway.stop().await;
        assert_eq!(log[0]["outcome"], "client_disconnect");
    }
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight() {
    let gateway = start(Vec::new()).await;
    let address = gateway.address;
    let asking = tokio::spawn(async move { send(address, &post("", ASK_STREAM)).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let log = gateway.stop().await;
    let (_, body) = asking.await.unwrap();
    assert!(body.ends_with("data: [DONE]\n\n") && body.contains("\"stop\""));
    assert_eq!(log[0]["outcome"], "complete");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn tools_are_called_in_pieces_as_the_provider_said() {
    let gateway = start(Vec::new()).await;
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"weather in Oslo?"}],"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}"#;
    let (_, body) = gateway.chat(body).await;
    let chunks =
        body.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let arguments: String = chunks
        .filter_map(|c| {
            c["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(arguments, r#"{"city":"Oslo"}"#);
    assert!(body.contains(r#""finish_reason":"tool_calls""#));
}

#[tokio::test]
async fn models_and_the_admin_side_answer_on_their_own_addresses() {
    let gateway = start(Vec::new()).await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let (_, models) = send(gateway.address, &get("/v1/models")).await;
    assert!(models.contains(r#""id":"demo""#) && models.contains("kt-demo"), "{models}");
    assert_eq!(send(gateway.address, &get("/models")).await.1, models);
    assert_eq!(status(&send(gateway.address, &get("/health")).await.0), "404");
    assert!(send(gateway.admin, &get("/readyz")).await.0.contains("200"));
    let (_, config) = send(gateway.admin, &get("/keeptrusts/config")).await;
    assert!(config.contains(r#""name":"test""#) && config.contains(r#""id":"demo""#), "{config}");
}

#[tokio::test]
async fn a_port_in_use_is_told_with_what_to_do() {
    let gateway = start(Vec::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = kit::settings(Vec::new(), folder.path());
    settings.listen = vec![gateway.address.to_string()];
    let error = bind(settings).await.unwrap_err().to_string();
    assert!(error.contains(&format!("port {} is in use", gateway.address.port())), "{error}");
    assert!(error.contains("--listen"));
}

#[tokio::test]
async fn policies_redact_and_block_both_ways() {
    let gateway = kit::start_with(kit::RULES, Vec::new()).await;
    let ask = |word: &str, stream: bool| {
        serde_json::json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": word}]})
            .to_string()
    };
    let (head, body) = gateway.chat(&ask("say FORBIDDEN", false)).await;
    assert_eq!((status(&head), code(&body).as_str()), ("409", "input_blocked"));
    assert!(head.contains("x-should-retry: false") && head.contains("x-kt-policy: block; house"), "{head}");
    assert!(body.contains(r#""reason_code":"house.forbidden""#), "{body}");
    let (head, body) = gateway.chat(&ask("my SECRET1", false)).await;
    assert!(head.contains("x-kt-policy: redact; house"), "{head}");
    assert!(body.contains("You said: my [SECRET]"), "{body}");
    let (_, body) = gateway.chat(&ask("my SECRET1", true)).await;
    assert_eq!(text_of_stream(&body), "You said: my [SECRET]");
    let log = gateway.stop().await;
    let verdicts: Vec<&str> = log.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["block", "redact", "redact"]);
    assert_eq!(log[0]["policies_evaluated"][0]["findings"][0]["label"], "FORBIDDEN");
    assert!(!log[1].to_string().contains("SECRET1"), "{}", log[1]);
}

#[tokio::test]
async fn a_body_whose_type_is_not_told_is_refused_and_read_over() {
    let gateway = start(Vec::new()).await;
    let long = "x".repeat(4 << 20);
    let request = post("", &long).replace("content-type: application/json\r\n", "");
    let (head, body) = send(gateway.address, &request).await;
    assert_eq!(kit::status(&head), "415");
    assert!(body.contains("unsupported_media_type"));
    assert_eq!(gateway.stop().await[0]["outcome"], "refused");
}

#[tokio::test]
async fn an_error_beside_choices_is_a_failure_in_every_mode() {
    let said = r#"{"error":{"message":"overloaded","code":"busy"},"choices":[]}"#;
    for rules in ["", kit::RULES] {
        let provider = Provider::start(reply("200 OK", "application/json", said), false).await;
        let gateway = kit::start_with(rules, vec![provider.target("a")]).await;
        let (head, body) = gateway.chat(ASK).await;
        assert_eq!(kit::status(&head), "502");
        assert!(body.contains(r#""code":"busy""#), "{body}");
        assert_eq!(gateway.stop().await[0]["outcome"], "failed");
    }
}

#[tokio::test]
async fn a_gateway_without_files_has_nothing_to_read() {
    let gateway = start(Vec::new()).await;
    let ask = "POST /keeptrusts/config/reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (head, body) = send(gateway.admin, ask).await;
    assert_eq!(status(&head), "422");
    assert!(body.contains("started without one"), "{body}");
}
