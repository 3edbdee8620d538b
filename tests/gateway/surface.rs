//! Every other page: models, health, configuration, and a sentence for whatever is not there.

use serde_json::json;
use tests::{KEY, Provider, Script, Setup, get, send};

use crate::record::{self, CANARY};

#[test]
fn models_are_listed_by_target_and_by_model_each_once() {
    let provider = Provider::always(Script::default());
    let setup = Setup::new().target("a", &provider, "model: org/m1").target("b", &provider, "model: org/m1");
    let gateway = setup.target("c", &provider, "").here();
    let list = get(gateway.address, "/v1/models").json();
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["a", "org/m1", "b", "c"]);
    assert_eq!(list["data"][0], json!({"id": "a", "object": "model", "created": 0, "owned_by": "scripted"}));
    assert_eq!(get(gateway.address, "/models").json(), list);
    assert_eq!(provider.connections(), 0);
}

#[test]
fn health_counts_and_the_configuration_keeps_its_secrets() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = Setup::guarded(&provider).here();
    gateway.ask(CANARY);
    let health = gateway.admin("/health").json();
    assert_eq!((&health["status"], &health["providers"]), (&json!("healthy"), &json!({"a": "reachable"})));
    assert_eq!((&health["policies_loaded"], &health["requests_processed"]), (&json!(1), &json!(1)));
    assert!(health["version"].is_string() && health["uptime_seconds"].is_u64());
    let config = gateway.admin("/keeptrusts/config").json();
    assert_eq!((&config["pack"]["name"], &config["chain"]), (&json!("house"), &json!(["house"])));
    for page in ["/health", "/livez", "/readyz", "/keeptrusts/config", "/metrics", "/nothing"] {
        let reply = gateway.admin(page);
        assert!(!reply.shows(KEY) && !reply.shows(CANARY), "{page}");
    }
}

#[test]
fn the_operators_pages_are_not_on_the_clients_port_nor_the_other_way_round() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::over(&provider).here();
    for page in ["/health", "/livez", "/readyz", "/keeptrusts/config", "/metrics"] {
        assert_eq!(get(gateway.address, page).status, 404, "{page}");
    }
    assert_eq!(gateway.admin("/livez").status, 200);
    assert_eq!(gateway.admin("/readyz").status, 200);
    assert_eq!(gateway.admin("/v1/models").status, 404);
    let post = "POST /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let refused = send(gateway.admin, post);
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    let refused = gateway.admin("/keeptrusts/config/reload");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
}

#[test]
fn where_get_works_head_does() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::over(&provider).here();
    let public = ["/v1/models", "/models"].map(|path| (gateway.address, path));
    let operators = ["/livez", "/readyz", "/keeptrusts/config", "/console", "/console/api/policies"];
    for (address, path) in public.into_iter().chain(operators.map(|path| (gateway.admin, path))) {
        let ask = |method: &str| {
            let host = address.to_string();
            send(address, format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"))
        };
        let (get, head) = (ask("GET"), ask("HEAD"));
        assert_eq!((get.status, head.status, head.body.as_str()), (200, 200, ""), "{path}: {}", head.head);
        for name in ["content-type", "content-length"] {
            assert_eq!(get.header(name), head.header(name), "{path}");
        }
    }
}

#[test]
fn whatever_is_not_there_is_told_in_the_error_shape() {
    let provider = Provider::always(Script::default());
    let gateway = Setup::over(&provider).here();
    let line =
        |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    for (request, status, code) in [
        ("GET /", 404, "not_found"),
        ("POST /v1/chat", 404, "not_found"),
        ("POST /v1/chat/completions/", 404, "not_found"),
        ("POST /v1//chat/completions", 404, "not_found"),
        ("POST /v1/../v1/chat/completions", 404, "not_found"),
        ("POST /v1/chat%2fcompletions", 404, "not_found"),
        ("POST /v1/v1/chat/completions", 404, "not_found"),
        ("POST /V1/chat/completions", 404, "not_found"),
        ("GET /v1/models/a", 404, "not_found"),
        ("GET /v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE /v1/chat/completions", 405, "method_not_allowed"),
        ("PUT /v1/chat/completions", 405, "method_not_allowed"),
        ("TRACE /v1/chat/completions", 405, "method_not_allowed"),
        ("CONNECT gateway:80", 405, "method_not_allowed"),
        ("POST /v1/models", 405, "method_not_allowed"),
        ("GET /v1/responses", 405, "method_not_allowed"),
        ("GET /v1/responses/resp_1", 404, "not_found"),
        ("DELETE /v1/responses/resp_1", 404, "not_found"),
        ("POST /v1completions", 404, "not_found"),
        ("POST /v1/", 404, "not_found"),
        ("POST /v1", 404, "not_found"),
        ("POST /", 404, "not_found"),
        ("POST http://other/v1/chat/completions", 400, "bad_request"),
        ("OPTIONS *", 400, "bad_request"),
    ] {
        let reply = send(gateway.address, line(request));
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{request}");
        let error = reply.error().unwrap();
        assert_eq!(error["type"], "invalid_request_error", "{request}");
        assert_eq!(reply.header("allow").is_some(), status == 405, "{request}: {}", reply.head);
        assert_eq!(error["request_id"].as_str(), reply.header("x-request-id"), "{request}");
    }
    for path in ["/v1/chat/completions", "/completions", "/v1/embeddings", "/v1/responses"] {
        let options = send(gateway.address, line(&format!("OPTIONS {path}")));
        assert_eq!((options.status, options.header("allow")), (204, Some("POST, OPTIONS")), "{path}");
    }
    assert_eq!(provider.connections(), 0);
    let records = gateway.stop();
    assert_eq!(records.len(), 24, "every refusal is recorded");
    records.iter().for_each(|one| record::check(one, "refused", one["status"].as_u64().unwrap() as u16));
}
