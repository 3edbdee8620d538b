//! A gateway that takes so many requests at once: others wait, and those that find no place are told.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::binary::Process;
use tests::client::{connect, request, rest};
use tests::{Provider, Script, Setup, delta, event, events, question_of};

use crate::{record, wait_until};

fn begun(gateway: &tests::Gateway, stream: bool) -> TcpStream {
    let body = question_of("hi", stream).to_string();
    let mut socket = connect(gateway.address);
    socket.write_all(request("/v1/chat/completions", "", body.len()).as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    socket
}

fn load(gateway: &tests::Gateway) -> Value {
    gateway.admin("/health").json()["concurrency"].clone()
}

fn is_at(gateway: &tests::Gateway, in_flight: usize, waiting: usize) {
    wait_until(|| load(gateway) == json!({"limit": 1, "in_flight": in_flight, "waiting": waiting}));
}

#[test]
fn one_is_answered_one_waits_and_one_is_told_to_come_back() {
    let provider = Provider::in_turn([
        Script::stream(event(&delta("held"))).stall(),
        Script::answer("waited"),
        Script::deltas(["at once"]),
    ]);
    let gateway = Setup::new().providers("max_concurrency: 1").target("a", &provider, "").here();
    let held = begun(&gateway, true);
    wait_until(|| provider.connections() == 1);
    let mut waiting = begun(&gateway, false);
    is_at(&gateway, 1, 1);
    let told = gateway.ask("hi");
    assert_eq!(
        (told.status, told.code().as_str(), told.header("retry-after")),
        (503, "overloaded", Some("1"))
    );
    assert_eq!(told.error().unwrap()["type"], "server_error");
    assert_eq!(provider.connections(), 1);
    drop(held);
    assert_eq!(rest(&mut waiting).said(), "waited");
    assert_eq!(gateway.stream("hi").said(), "at once", "a stream that is over has left its place");
    is_at(&gateway, 0, 0);
    let mut outcomes: Vec<_> =
        gateway.stop().iter().map(|record| record["outcome"].as_str().unwrap().to_owned()).collect();
    outcomes.sort();
    assert_eq!(outcomes, ["client_disconnect", "complete", "complete", "failed"]);
}

#[test]
fn a_client_that_leaves_the_queue_is_not_sent_anywhere() {
    let provider = Provider::in_turn([Script::default().stall(), Script::answer("later")]);
    let gateway = Setup::new().providers("max_concurrency: 1").target("a", &provider, "").here();
    let held = begun(&gateway, false);
    wait_until(|| provider.connections() == 1);
    let waiting = begun(&gateway, false);
    is_at(&gateway, 1, 1);
    drop(waiting);
    is_at(&gateway, 1, 0);
    drop(held);
    assert!(provider.is_let_go(Duration::from_millis(500)));
    is_at(&gateway, 0, 0);
    assert_eq!((gateway.ask("hi").said().as_str(), provider.connections()), ("later", 2));
}

#[test]
fn who_is_blocked_takes_no_place_and_falling_back_takes_no_second_one() {
    let (first, second) =
        (Provider::always(Script::default().reset()), Provider::always(Script::stream(events(["b"]))));
    let setup = Setup::new().providers("max_concurrency: 1").rules("house", tests::RULES);
    let gateway = setup.target("a", &first, "").target("b", &second, "").here();
    assert_eq!(gateway.stream("hi").said(), "b");
    let held = Provider::always(Script::default().stall());
    let gateway = Setup::new()
        .providers("max_concurrency: 1")
        .rules("house", tests::RULES)
        .target("a", &held, "")
        .here();
    let socket = begun(&gateway, false);
    wait_until(|| held.connections() == 1);
    let blocked = gateway.ask("FORBIDDEN");
    assert_eq!((blocked.status, load(&gateway)["waiting"].as_u64()), (409, Some(0)));
    let mut hasty = connect(gateway.address);
    let body = question_of("hi", false).to_string();
    hasty
        .write_all(request("/v1/chat/completions", "x-stainless-timeout: 0.2\r\n", body.len()).as_bytes())
        .unwrap();
    hasty.write_all(body.as_bytes()).unwrap();
    let told = rest(&mut hasty);
    assert_eq!((told.status, told.code().as_str()), (503, "overloaded"));
    drop(socket);
    record::check(
        gateway.stop().iter().find(|record| record["error"] == "overloaded").unwrap(),
        "failed",
        503,
    );
}

#[test]
fn the_flag_wins_over_the_configuration() {
    let provider = Provider::always(Script::answer("hi"));
    let setup = Setup::new().providers("max_concurrency: 7").target("a", &provider, "");
    let (folder, _) = setup.write();
    let mut command = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0");
    let child = command.args(["--max-concurrency", "2"]).spawn().unwrap();
    let run = Process::watch(child, Arc::new(folder));
    assert_eq!(tests::get(run.admin, "/health").json()["concurrency"]["limit"], 2);
    assert_eq!(run.stop().status.code(), Some(0));
}
