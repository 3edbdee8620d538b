//! File descriptors: clients that only connect leave enough of them for requests.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tests::binary::Process;
use tests::{KEY, Provider, Script, Setup, post, question_of};

use crate::{CANARY, CHAT};

/// Starts a gateway after those words to the shell.
fn after(words: &str, setup: &Setup) -> Process {
    let (folder, _) = setup.write();
    let command = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0");
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{words}; exec \"$@\""), "bash"]).arg(command.get_program());
    shell.args(command.get_args()).env("KT_TESTS_KEY", KEY).env_remove("KT_LOG");
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Process::watch(shell.spawn().expect("`bash` starts"), Arc::new(folder))
}

fn idle(gateway: &Process, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| TcpStream::connect(gateway.address).expect("a place in the queue")).collect()
}

#[test]
fn a_low_limit_that_can_be_raised_is() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = after("ulimit -Sn 200", &Setup::guarded(&provider));
    let idle = idle(&gateway, 300);
    let reply = post(gateway.address, CHAT, "", question_of(CANARY, false).to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    drop(idle);
    gateway.stop();
}

#[test]
fn clients_that_wait_leave_descriptors_for_providers() {
    let provider = Provider::always(Script::answer("ok"));
    let gateway = after("ulimit -n 200", &Setup::guarded(&provider));
    assert!(gateway.log().contains("enough for 36 connections"), "{}", gateway.log());
    let idle = idle(&gateway, 60);
    // It waits until those before it are let go.
    let reply = post(gateway.address, CHAT, "", question_of(CANARY, false).to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    drop(idle);
    assert!(!gateway.stop().log.contains("Too many open files"));
}
