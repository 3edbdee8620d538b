//! Media and addresses: what a provider would fetch from where only it can reach, what it is made to send the gateway's key to,
//! and what no policy can read.

use serde_json::{Value, json};
use tests::{Form, Provider, Script, Setup, get, question_of};

use crate::watch::start;
use crate::{CANARY, CHAT};

const EVIL: [&str; 12] = [
    "file:///etc/passwd",
    "FILE://localhost/etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://127.0.0.1:8081/keeptrusts/config",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://10.1.2.3/a.png",
    "https://metadata.google.internal/",
    "http://localhost:6379/",
    "gopher://example.com:70/_x",
    " \thttp://192.168.0.1/",
];

/// Requests that make a provider fetch that address, each with the field in which it stands.
fn fetching(address: &str) -> Vec<(&'static str, Value, &'static str)> {
    let chat = |part: Value| json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": CANARY}, part]}]});
    let items = |item: Value| json!({"model": "m", "input": [item]});
    let item = |part: Value| items(json!({"role": "user", "content": [part]}));
    vec![
        (
            CHAT,
            chat(json!({"type": "image_url", "image_url": {"url": address}})),
            "messages[0].content[1].image_url.url",
        ),
        (CHAT, chat(json!({"type": "image_url", "image_url": address})), "messages[0].content[1].image_url"),
        (
            CHAT,
            chat(json!({"type": "video_url", "video_url": {"url": address}})),
            "messages[0].content[1].video_url.url",
        ),
        (
            CHAT,
            chat(json!({"type": "audio_url", "audio_url": {"url": address}})),
            "messages[0].content[1].audio_url.url",
        ),
        (
            CHAT,
            chat(json!({"type": "file", "file": {"file_url": address}})),
            "messages[0].content[1].file.file_url",
        ),
        (
            "/v1/responses",
            item(json!({"type": "input_image", "image_url": address})),
            "input[0].content[0].image_url",
        ),
        (
            "/v1/responses",
            item(json!({"type": "input_file", "file_url": address})),
            "input[0].content[0].file_url",
        ),
        (
            "/v1/responses",
            items(
                json!({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": address}]}),
            ),
            "input[0].output[0].image_url",
        ),
        (
            "/v1/responses",
            items(
                json!({"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": address}}),
            ),
            "input[0].output.image_url",
        ),
        (
            "/v1/responses",
            json!({"model": "m", "input": "hi", "tools": [{"type": "mcp", "server_label": "l", "server_url": address}]}),
            "tools[0].server_url",
        ),
        ("/v1/completions", json!({"model": "m", "prompt": "hi", "images": [[address]]}), "images[0][0]"),
    ]
}

#[test]
fn no_provider_is_sent_into_a_private_network() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    for address in EVIL {
        for (path, request, field) in fetching(address) {
            let reply = gateway.call(path, &request);
            let error = reply.error().unwrap();
            assert_eq!(
                (reply.status, error["param"].as_str()),
                (400, Some(field)),
                "{address}: {}",
                reply.body
            );
        }
    }
    assert_eq!(provider.connections(), 0);
    gateway.stop();
}

#[test]
fn addresses_of_everybody_pass_and_a_list_narrows_and_widens_them() {
    let provider = Provider::always(Script::answer("ok"));
    let open = start(&Setup::guarded(&provider));
    let listed = start(&Setup::guarded(&provider).block("media: {hosts: [cdn.example.com, 10.1.2.3]}"));
    for (address, by_all, by_list) in [
        ("https://cdn.example.com/a.png", 200, 200),
        ("https://img.cdn.example.com/a.png", 200, 200),
        ("https://example.org/a.png", 200, 400),
        ("http://10.1.2.3/a.png", 400, 200),
        ("file:///10.1.2.3", 400, 400),
        ("data:image/png;base64,AAAA", 200, 200),
    ] {
        for (path, request, _) in fetching(address) {
            provider.now(Script::json(&match path {
                "/v1/responses" => Form::Response.whole("ok"),
                "/v1/completions" => tests::form::completion(&["ok"]),
                _ => Form::Chat.whole("ok"),
            }));
            assert_eq!(open.call(path, &request).status, by_all, "{address} in {request}");
            assert_eq!(listed.call(path, &request).status, by_list, "{address} in {request}");
        }
    }
    open.stop();
    listed.stop();
}

#[test]
fn a_rule_decides_on_what_no_policy_can_read() {
    let provider = Provider::always(Script::answer("ok"));
    let data = format!("data:image/png;base64,{}", "QUJD".repeat(40));
    let image = json!({"type": "image_url", "image_url": {"url": data}});
    let sound = json!({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}});
    let file = json!({"type": "file", "file": {"file_id": "file-1"}});
    for (action, status, verdict) in
        [("block", 409, "block"), ("flag", 200, "flag"), ("escalate", 409, "escalate")]
    {
        let rules = format!(
            "policy media\nrule unread on request {{ when media.count > 1 do {action} code \"media.unread\" }}"
        );
        let gateway = start(&Setup::over(&provider).rules("media", &rules));
        for (parts, counts) in [
            (vec![], false),
            (vec![image.clone()], false),
            (vec![image.clone(), sound.clone()], true),
            (vec![file.clone(), image.clone()], true),
        ] {
            let mut content = vec![json!({"type": "text", "text": CANARY})];
            content.extend(parts);
            let request = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
            let expected = if counts { status } else { 200 };
            assert_eq!(gateway.chat(&request).status, expected, "{action}");
        }
        let records = gateway.stop();
        assert_eq!(records[2]["verdict"], verdict, "{}", records[2]);
        assert_eq!(records[2]["reason_code"], "media.unread");
    }
}

#[test]
fn a_file_in_a_request_counts_as_its_bytes() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = start(&Setup::guarded(&provider));
    let large = format!("data:image/png;base64,{}", "QUJD".repeat(5 << 20));
    let request = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": large}}]}]});
    let reply = gateway.chat(&request);
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
    assert_eq!(provider.connections(), 0);
    gateway.stop();
}

/// Fields by which other gateways let a client say where a request goes, or with what.
const ROUTING: [&str; 13] = [
    "api_base",
    "base_url",
    "api_key",
    "custom_llm_provider",
    "api_version",
    "azure_endpoint",
    "azure_ad_token",
    "aws_bedrock_runtime_endpoint",
    "vertex_credentials",
    "extra_headers",
    "extra_query",
    "extra_body",
    "fallbacks",
];

#[test]
fn a_client_cannot_say_where_the_key_goes() {
    let (provider, attacker) =
        (Provider::always(Script::answer("ok")), Provider::always(Script::answer("evil")));
    let gateway = start(&Setup::guarded(&provider));
    let evil = format!("http://{}/v1", attacker.address);
    for field in ROUTING {
        for name in [field.to_owned(), field.to_uppercase()] {
            let mut request = question_of(CANARY, false);
            request[&name] = json!(evil);
            let reply = gateway.chat(&request);
            assert_eq!(
                (reply.status, reply.error().unwrap()["param"].as_str()),
                (400, Some(field)),
                "{name}"
            );
        }
    }
    assert_eq!(provider.connections(), 0);
    for headers in [
        format!(
            "x-base-url: {evil}\r\nx-api-base: {evil}\r\nx-target-url: {evil}\r\nhelicone-target-url: {evil}\r\n"
        ),
        format!(
            "x-portkey-custom-host: {evil}\r\nx-portkey-provider: openai\r\nx-forwarded-host: {}\r\n",
            attacker.address
        ),
        format!("forwarded: host={}\r\nx-original-host: {}\r\n", attacker.address, attacker.address),
    ] {
        assert_eq!(gateway.post(&headers, question_of(CANARY, false).to_string()).said(), "ok");
        let seen = provider.last();
        assert!(!seen.head.contains(&attacker.address.to_string()), "{}", seen.head);
    }
    let host = format!("GET /v1/models HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", attacker.address);
    assert_eq!(tests::send(gateway.address, host).status, 200);
    for status in ["301 M", "302 F", "303 S", "307 T", "308 P"] {
        let location = format!("content-type: application/json\r\nlocation: {evil}/chat/completions\r\n");
        provider.now(Script::with_headers(status, &location, "{}"));
        let reply = gateway.ask(CANARY);
        assert_eq!((reply.status, reply.code().as_str()), (502, "upstream_redirect"), "{status}");
        assert!(!reply.shows(&attacker.address.to_string()), "{}", reply.body);
    }
    assert_eq!(get(gateway.admin, "/livez").status, 200);
    assert_eq!(attacker.connections(), 0);
    gateway.stop();
}

#[test]
fn a_model_is_a_name_and_never_an_address() {
    let (provider, attacker) =
        (Provider::always(Script::answer("ok")), Provider::always(Script::answer("evil")));
    let gateway = start(&Setup::over(&provider));
    for model in [
        format!("http://{}/v1", attacker.address),
        format!("openai/http://{}", attacker.address),
        "../../admin".to_owned(),
        "a/b#c@d?e=f&g".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let mut request = question_of(CANARY, false);
        request["model"] = json!(model);
        assert_eq!(gateway.chat(&request).status, 200);
        let seen = provider.last();
        assert!(seen.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
        assert_eq!(seen.json()["model"], model.as_str());
    }
    assert_eq!(attacker.connections(), 0);
    gateway.stop();
}
