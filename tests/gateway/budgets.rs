//! Budgets: reserved before, settled after, kept over restarts, and shared.

use std::io::Write;
use std::sync::Barrier;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Gateway, Provider, Redis, Reply, Script, Setup, events, question_of, whole};

/// A million tokens of a prompt cost a dollar, and those of an answer ten.
const PRICED: &str = "model: m, pricing: {prompt: 1, completion: 10}";

/// An answer that took so many tokens.
fn took(input: u64, output: u64) -> Script {
    let mut answer: Value = whole("ok");
    answer["usage"] = json!({"prompt_tokens": input, "completion_tokens": output});
    Script::json(&answer)
}

fn limited(provider: &Provider, budget: &str) -> Setup {
    Setup::new()
        .target("a", provider, PRICED)
        .kind("budget")
        .block(&format!("policy: {{budget: {{{budget}}}}}"))
}

/// Asks for up to a thousand tokens, which is a cent and a bit for the prompt.
fn ask(gateway: &Gateway) -> Reply {
    asked(gateway, "", false)
}

fn asked(gateway: &Gateway, headers: &str, stream: bool) -> Reply {
    let mut question = question_of("hi", stream);
    question["max_tokens"] = 1000.into();
    gateway.post(headers, question.to_string())
}

fn refused(reply: &Reply, rule: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (402, "budget_exceeded"), "{}", reply.body);
    assert_eq!(reply.error().unwrap()["rule"], rule);
    assert_eq!(reply.header("x-should-retry"), Some("false"));
}

#[test]
fn what_is_reserved_is_settled_to_what_it_was() {
    let provider = Provider::always(took(10, 40));
    let gateway = limited(&provider, "max_monthly_usd: 0.011").here();
    for count in 0..3 {
        assert_eq!(ask(&gateway).status, 200, "{count} times 0.00041 are spent, and 0.0102 reserved");
    }
    let reply = ask(&gateway);
    refused(&reply, "monthly");
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31 * 86_400).contains(&seconds), "until the month is over");
    insta::assert_snapshot!(reply.body.split(r#","request_id""#).next().unwrap());
    assert_eq!(provider.connections(), 3);
    let record = gateway.stop().pop().unwrap();
    let told =
        json!([record["outcome"], record["verdict"], record["policy"], record["rule"], record["status"]]);
    assert_eq!(told, json!(["blocked", "block", "budget", "monthly", 402]));
    assert_eq!(record["reason_code"], "budget.monthly");
}

#[test]
fn a_request_that_is_too_dear_by_itself_never_goes() {
    let provider = Provider::always(took(10, 40));
    let gateway = limited(&provider, "max_request_usd: 0.005").here();
    let reply = ask(&gateway);
    refused(&reply, "request");
    assert_eq!(reply.header("retry-after"), None, "no wait would help");
    assert!(reply.body.contains("this request may take up to $0.01"), "{}", reply.body);
    assert_eq!((gateway.stop().len(), provider.connections()), (1, 0));
}

#[test]
fn users_with_their_own_budgets_do_not_take_from_each_other() {
    let provider = Provider::always(took(0, 1000));
    let gateway = limited(&provider, "max_daily_usd: 0.015, per: user").here();
    assert_eq!(asked(&gateway, "x-user-id: ann\r\n", false).status, 200);
    refused(&asked(&gateway, "x-user-id: ann\r\n", false), "daily");
    assert_eq!(asked(&gateway, "x-user-id: bob\r\n", false).status, 200);
    assert_eq!(ask(&gateway).status, 200, "those without a name are one");
    refused(&ask(&gateway), "daily");
}

#[test]
fn a_key_has_a_budget_of_its_own() {
    let digest = "fd1d784d21c360916a46dd7479344cbcef48024ef881c9cb8093da99ad7f375f";
    let key = format!("{{name: ann, sha256: {digest}, budget: {{max_monthly_usd: 0.015}}}}");
    let provider = Provider::always(took(0, 1000));
    let gateway =
        Setup::new().target("a", &provider, PRICED).block(&format!("auth: {{keys: [{key}]}}")).here();
    let with_key = || asked(&gateway, "authorization: Bearer kt_1\r\n", false);
    assert_eq!(with_key().status, 200);
    let reply = with_key();
    refused(&reply, "monthly");
    assert_eq!(reply.error().unwrap()["policy"], "auth.keys");
}

#[test]
fn a_target_without_a_price_is_not_asked_and_without_others_nothing_goes() {
    let (cheap, unknown) = (Provider::always(took(1, 1)), Provider::always(took(1, 1)));
    let block = "policy: {budget: {max_daily_usd: 1}}";
    let both =
        Setup::new().target("b", &unknown, "").target("a", &cheap, PRICED).kind("budget").block(block).here();
    assert_eq!((ask(&both).status, cheap.connections(), unknown.connections()), (200, 1, 0));
    let pinned = both.chat(&json!({"model": "b", "messages": [{"role": "user", "content": "hi"}]}));
    refused(&pinned, "daily");
    let alone = Setup::new().target("b", &unknown, "").kind("budget").block(block).here();
    let reply = ask(&alone);
    refused(&reply, "daily");
    assert_eq!(reply.error().unwrap()["reason_code"], "budget.unknown_price");
    assert!(reply.body.contains("its target has no `pricing`"), "{}", reply.body);
    assert_eq!(unknown.connections(), 0);
}

#[test]
fn a_failure_that_costs_nothing_gives_all_of_it_back() {
    let provider =
        Provider::always(Script::raw("HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
    let gateway = limited(&provider, "max_monthly_usd: 0.015").here();
    for _ in 0..2 {
        assert_eq!(ask(&gateway).status, 502);
    }
    provider.now(took(0, 1000));
    assert_eq!(ask(&gateway).status, 200);
    refused(&ask(&gateway), "monthly");
}

#[test]
fn a_whole_stream_without_figures_settles_to_an_estimate() {
    let provider = Provider::always(Script::stream(events(["Hello, ", "world!"])));
    let gateway = limited(&provider, "max_monthly_usd: 0.0105").here();
    for _ in 0..3 {
        assert_eq!(asked(&gateway, "", true).said(), "Hello, world!", "about 0.00005 each");
    }
    provider.now(took(0, 1000));
    assert_eq!(ask(&gateway).status, 200);
    refused(&ask(&gateway), "monthly");
}

#[test]
fn a_stream_that_is_cut_has_spent_what_it_reserved() {
    let cut = events(["Hello, ", "world!"]).split_once("data: [DONE]").unwrap().0.to_owned();
    let cut = cut.rsplit_once("data: ").unwrap().0.to_owned();
    let provider = Provider::always(Script::stream(cut));
    let gateway = limited(&provider, "max_monthly_usd: 0.015").here();
    assert!(asked(&gateway, "", true).body.contains("stream_truncated"));
    refused(&ask(&gateway), "monthly");
}

#[test]
fn a_client_that_leaves_before_the_answer_has_spent_what_it_reserved() {
    let provider = Provider::always(Script::default().stall());
    let gateway = limited(&provider, "max_monthly_usd: 0.015").here();
    let mut question = question_of("hi", false);
    question["max_tokens"] = 1000.into();
    let question = question.to_string();
    let mut socket = tests::client::connect(gateway.address);
    let head = tests::client::request("/v1/chat/completions", "", question.len());
    socket.write_all((head + question.as_str()).as_bytes()).unwrap();
    while provider.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(socket);
    assert!(provider.is_let_go(Duration::from_secs(10)));
    provider.now(took(0, 1));
    refused(&ask(&gateway), "monthly");
}

#[test]
fn counters_outlive_the_gateway() {
    let provider = Provider::always(took(0, 1000));
    let setup = limited(&provider, "max_monthly_usd: 0.025");
    let gateway = setup.here();
    assert_eq!((ask(&gateway).status, ask(&gateway).status), (200, 200));
    let folder = gateway.begin_to_stop().folder();
    let gateway = setup.again(folder);
    refused(&ask(&gateway), "monthly");
    let folder = gateway.begin_to_stop().folder();
    let journal = folder.path().join("state/budgets");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.extend(b"0123456789abcdef [{\"k\":\"b");
    std::fs::write(&journal, bytes).unwrap();
    let gateway = setup.again(folder);
    refused(&ask(&gateway), "monthly");
}

#[test]
fn two_gateways_with_one_redis_never_overspend() {
    let redis = Redis::start();
    let provider = Provider::always(Script::default().pause(30).then(took(10, 1000).bytes()));
    let setup = limited(&provider, "max_monthly_usd: 0.2").block(&redis.block());
    let gateways = [setup.here(), setup.here()];
    let start = Barrier::new(64);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients = (0..64).map(|client| {
            let (gateway, start) = (&gateways[client % 2], &start);
            scope.spawn(move || {
                start.wait();
                ask(gateway).status
            })
        });
        clients.collect::<Vec<_>>().into_iter().map(|client| client.join().unwrap()).collect()
    });
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(answered, 19, "each reserves 0.010152 and takes 0.01001: {statuses:?}");
    assert!(statuses.iter().all(|status| [200, 402].contains(status)), "{statuses:?}");
    assert_eq!(provider.connections(), 19);
    let records = gateways.map(Gateway::stop).concat();
    let spent: f64 = records.iter().filter_map(|record| record["cost_usd"].as_f64()).sum();
    assert!((spent - 0.19019).abs() < 1e-9, "{spent}");
    let fresh = setup.here();
    refused(&ask(&fresh), "monthly");
}

#[test]
fn without_its_redis_nothing_that_counts_goes_and_afterwards_it_does() {
    let redis = Redis::start();
    let port = redis.address.port();
    let provider = Provider::always(took(0, 1));
    let gateway = limited(&provider, "max_monthly_usd: 1").block(&redis.block()).here();
    assert_eq!(ask(&gateway).status, 200);
    drop(redis);
    let reply = ask(&gateway);
    assert_eq!((reply.status, reply.code().as_str()), (503, "budget_unavailable"), "{}", reply.body);
    assert_eq!(reply.header("retry-after"), Some("5"));
    let lenient =
        format!("state: {{redis: {{url: \"redis://127.0.0.1:{port}\", on_error: allow, timeout_ms: 100}}}}");
    let allowing = limited(&provider, "max_monthly_usd: 1").block(&lenient).here();
    assert_eq!(ask(&allowing).status, 200);
    let _redis = Redis::at(port);
    let mended = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        ask(&gateway).status == 200
    });
    assert!(mended, "it connects again");
}
