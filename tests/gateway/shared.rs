//! What several gateways share in Redis: the limits of clients, over TLS too, and what is said while it is away.

use std::sync::Barrier;
use std::time::Duration;

use serde_json::{Value, json};
use tests::tls::Authority;
use tests::{Gateway, Provider, Redis, Reply, Script, Setup, question_of, whole};

use crate::{record, wait_until};

/// An answer that took so many tokens.
fn took(tokens: u64) -> Script {
    let mut answer: Value = whole("ok");
    answer["usage"] = json!({"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens});
    Script::json(&answer)
}

/// The configuration of that Redis, for a machine that has much else to do.
fn patient(redis: &Redis) -> String {
    format!("state: {{redis: {{url: \"redis://{}\", timeout_ms: 10000}}}}", redis.address)
}

/// Two gateways with these limits, and one Redis.
fn two(provider: &Provider, redis: &Redis, limits: &str) -> [Gateway; 2] {
    let setup = Setup::over(provider).block(&patient(redis)).block(&format!("rate_limits: {{{limits}}}"));
    [setup.here(), setup.here()]
}

fn up_to(gateway: &Gateway, max_tokens: u64) -> Reply {
    let mut question = question_of("hi", false);
    question["max_tokens"] = max_tokens.into();
    gateway.chat(&question)
}

fn refused(reply: &Reply, limit: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (429, limit), "{}", reply.body);
    assert_eq!(reply.error().unwrap()["type"], "rate_limit_error");
}

/// How long a client is told to wait, in seconds.
fn wait_of(reply: &Reply) -> u64 {
    reply.header("retry-after").expect("a time").parse().expect("seconds")
}

#[test]
fn two_gateways_never_let_more_through_than_the_limit() {
    let (redis, provider) = (Redis::start(), Provider::always(Script::answer("ok")));
    let limits = "global_rate_limit: {requests: 30, per: day}, ip_rate_limit: {requests: 50, per: day}";
    let gateways = two(&provider, &redis, limits);
    let start = Barrier::new(64);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let clients = (0..64).map(|client| {
            let (gateway, start) = (&gateways[client % 2], &start);
            scope.spawn(move || {
                start.wait();
                gateway.ask("hi")
            })
        });
        clients.collect::<Vec<_>>().into_iter().map(|client| client.join().unwrap()).collect()
    });
    let of = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((of(200), of(429), provider.connections()), (30, 34, 30));
    let by = |limit: &str| replies.iter().filter(|reply| reply.code() == limit).count();
    assert_eq!((by("global_rate_limit"), by("ip_rate_limit")), (20, 14), "the one is asked after the other");
    let told = replies.iter().find(|reply| reply.code() == "global_rate_limit").unwrap();
    assert!((86_400 / 30 - 60..=86_400 / 30).contains(&wait_of(told)), "{}", told.head);
    assert!(told.body.contains("30 requests in all per day"), "{}", told.body);
    let records = gateways.map(Gateway::stop).concat();
    let limited: Vec<_> = records.iter().filter(|record| record["status"] == 429).collect();
    assert_eq!((records.len(), limited.len()), (64, 34));
    record::check(limited[0], "refused", 429);
    let keys = redis.call(&["KEYS", "*"]).unwrap();
    assert!(
        keys.contains("{kt}:limit:global_rate_limit/30/day/30/") && !keys.contains("127.0.0.1"),
        "{keys}"
    );
    let fresh =
        Setup::over(&provider).block(&patient(&redis)).block(&format!("rate_limits: {{{limits}}}")).here();
    refused(&fresh.ask("hi"), "ip_rate_limit");
}

#[test]
fn what_comes_back_comes_back_by_the_clock_of_redis() {
    let (redis, provider) = (Redis::start(), Provider::always(Script::answer("ok")));
    let [one, other] = two(&provider, &redis, "user_rate_limit: {requests: 2, per: second, burst: 1}");
    let ask = |gateway: &Gateway, user: &str| {
        gateway.post(&format!("x-user-id: {user}\r\n"), question_of("hi", false).to_string())
    };
    assert_eq!((ask(&one, "ann").status, ask(&other, "bob").status), (200, 200));
    wait_until(|| ask(&other, "ann").status == 200);
    wait_until(|| redis.call(&["DBSIZE"]).as_deref() == Some(":0\r\n"));
    assert_eq!(ask(&one, "ann").status, 200, "whoever is forgotten is as if they had never asked");
}

#[test]
fn tokens_that_are_owed_and_given_back_are_known_everywhere() {
    let (redis, provider) = (Redis::start(), Provider::always(took(50)));
    let [one, other] = two(&provider, &redis, "token_rate_limit: {tokens: 100, per: day}");
    assert_eq!(up_to(&one, 89).status, 200, "90 reserved, 50 used");
    wait_until(|| {
        let reply = up_to(&other, 60);
        refused(&reply, "token_rate_limit");
        wait_of(&reply) <= 11 * 864 // 61 more than the 50 that are used; before it is settled it is 51 * 864
    });
    provider.now(took(80));
    assert_eq!(up_to(&other, 49).status, 200, "50 reserved, and 80 used: 130 of 100");
    wait_until(|| wait_of(&up_to(&one, 0)) > 30 * 864);
    let reply = up_to(&one, 0);
    refused(&reply, "token_rate_limit");
    assert!((31 * 864 - 60..=31 * 864).contains(&wait_of(&reply)), "{}", reply.head);
}

#[test]
fn a_request_that_goes_nowhere_gives_its_tokens_back() {
    let (redis, provider) = (Redis::start(), Provider::always(took(1)));
    let gateway = Setup::guarded(&provider)
        .block(&patient(&redis))
        .block("rate_limits: {token_rate_limit: {tokens: 100, per: day}}")
        .here();
    let mut question = question_of("FORBIDDEN", false);
    question["max_tokens"] = 90.into();
    for _ in 0..3 {
        assert_eq!(gateway.chat(&question).status, 409);
        wait_until(|| redis.call(&["KEYS", "{kt}:limit:*"]).as_deref() == Some("*0\r\n"));
    }
    assert_eq!(up_to(&gateway, 90).status, 200);
}

#[test]
fn without_it_limits_are_not_kept_or_by_each_gateway_alone() {
    let (redis, provider) = (Redis::start(), Provider::always(Script::answer("ok")));
    let port = redis.address.port();
    let limits = "rate_limits: {global_rate_limit: {requests: 3, per: day}}";
    let strict = Setup::over(&provider).block(&redis.block()).block(limits).here();
    let lenient = format!("state: {{redis: {{url: \"redis://127.0.0.1:{port}\", on_error: allow}}}}");
    let lenient = Setup::over(&provider).block(&lenient).block(limits).here();
    assert_eq!(strict.ask("hi").status, 200);
    let state = strict.admin("/health").json();
    assert_eq!(
        (&state["status"], &state["state"]["status"]),
        (&json!("healthy"), &json!("reachable")),
        "{state}"
    );
    drop(redis);
    let reply = strict.ask("hi");
    assert_eq!((reply.status, reply.code().as_str()), (503, "rate_limit_unavailable"), "{}", reply.body);
    assert_eq!(reply.header("retry-after"), Some("5"));
    let health = strict.admin("/health").json();
    assert_eq!(health["status"], "degraded");
    let state = &health["state"];
    assert_eq!(
        (&state["store"], &state["status"], &state["on_error"]),
        (&json!("redis"), &json!("unreachable"), &json!("block"))
    );
    assert!(
        state["failing_since"].is_string() && state["failure"].as_str().unwrap().contains("redis"),
        "{state}"
    );
    let figures = strict.admin("/metrics").body;
    assert!(figures.contains("kt_state_reachable 0\n"), "{figures}");
    assert!(!figures.contains("kt_state_failures_total 0\n") && figures.contains("kt_state_failures_total "));
    let statuses: Vec<u16> = (0..5).map(|_| lenient.ask("hi").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429], "it counts for itself");
    let _redis = Redis::at(port);
    wait_until(|| strict.admin("/metrics").body.contains("kt_state_reachable 1\n"));
    wait_until(|| strict.ask("hi").status == 200);
    assert_eq!(strict.admin("/health").json()["state"]["status"], "reachable");
    let records = strict.stop();
    assert!(records.iter().any(|record| record["error"] == "rate_limit_unavailable"), "{records:?}");
}

/// A configuration of a Redis that speaks TLS, with what is to be said of its certificates.
fn over_tls(redis: &Redis, tls: &str) -> String {
    format!(
        "state: {{redis: {{url: \"rediss://127.0.0.1:{}\", timeout_ms: 10000{tls}}}}}",
        redis.address.port()
    )
}

#[test]
fn it_can_be_reached_over_tls_and_is_asked_who_it_is() {
    let (authority, other) = (Authority::default(), Authority::default());
    let redis = Redis::secured(&authority.issue("127.0.0.1"), None);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (ca, wrong) = (file("ca.pem", &authority.pem), file("other.pem", &other.pem));
    let provider = Provider::always(Script::answer("ok"));
    let with = |tls: &str| {
        let limits = "rate_limits: {global_rate_limit: {requests: 2, per: day}}";
        Setup::over(&provider).block(&over_tls(&redis, tls)).block(limits).here()
    };
    let (one, second) =
        (with(&format!(", tls: {{ca: \"{ca}\"}}")), with(&format!(", tls: {{ca: \"{ca}\"}}")));
    assert_eq!((one.ask("hi").status, second.ask("hi").status, one.ask("hi").status), (200, 200, 429));
    for tls in [format!(", tls: {{ca: \"{wrong}\"}}"), String::new()] {
        let reply = with(&tls).ask("hi");
        assert_eq!((reply.status, reply.code().as_str()), (503, "rate_limit_unavailable"), "{tls}");
    }
    let plain = format!("state: {{redis: {{url: \"redis://{}\", timeout_ms: 300}}}}", redis.address);
    let plain = Setup::over(&provider)
        .block(&plain)
        .block("rate_limits: {global_rate_limit: {requests: 2, per: day}}");
    assert_eq!(plain.here().ask("hi").status, 503);
}

#[test]
fn it_can_ask_who_the_gateway_is() {
    let authority = Authority::default();
    let redis = Redis::secured(&authority.issue("127.0.0.1"), Some(&authority));
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let [cert, key] =
        authority.issue("gateway").write(folder.path(), "gateway").map(|path| path.display().to_string());
    let ca = ca.display();
    let provider = Provider::always(took(1));
    let budget = |tls: String| {
        Setup::new()
            .target("a", &provider, "model: m, pricing: {prompt: 1, completion: 10}")
            .kind("budget")
            .block("policy: {budget: {max_daily_usd: 1}}")
            .block(&over_tls(&redis, &tls))
            .here()
    };
    let known = budget(format!(", tls: {{ca: \"{ca}\", cert: \"{cert}\", key: \"{key}\"}}"));
    assert_eq!(known.ask("hi").status, 200);
    std::thread::sleep(Duration::from_millis(100)); // so that it is settled
    let unknown = budget(format!(", tls: {{ca: \"{ca}\"}}"));
    assert_eq!((unknown.ask("hi").status, unknown.ask("hi").code().as_str()), (503, "budget_unavailable"));
}

#[test]
fn files_that_are_no_certificates_keep_it_from_starting() {
    let provider = Provider::always(Script::answer("ok"));
    let setup = Setup::over(&provider)
        .block("state: {redis: {url: \"rediss://127.0.0.1:1\", tls: {ca: \"no-such.pem\"}}}");
    let (_folder, config) = setup.write();
    let started = tests::RUNTIME.block_on(gateway::bind(tests::gate::settings(&setup, &config)));
    let Err(error) = started else { panic!("it does not start") };
    let told = error.to_string();
    assert!(told.contains("no-such.pem") && told.contains("cannot be read"), "{told}");
}
