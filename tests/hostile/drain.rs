//! The end: a gateway that is told to stop finishes what is under way, whatever state it is in, and cuts nothing in silence.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use tests::client::{connect, request, rest};
use tests::{DONE, Provider, STREAM_HEAD, Script, Setup, delta, event, finish, question_of};

use crate::watch::search_files;
use crate::{CANARY, CHAT, wait_until};

const STREAMS: usize = 50;

#[test]
fn fifty_streams_in_every_state_are_finished_when_the_process_is_told_to_stop() {
    // Each stands somewhere else when the signal comes: before its head, before its first word, in a held text, at its end.
    let provider = Provider::always(Script::default());
    let piece = |text: &str| event(&delta(text));
    let scripts = (0..STREAMS).map(|at| {
        let early = Script::default().pause(10 * at as u64).then(STREAM_HEAD).pause(400 - 7 * at as u64);
        let held = early.then(piece("one SEC")).pause(13 * at as u64).then(piece("RET1 two"));
        held.pause(11 * at as u64).then(event(&finish("stop"))).then(DONE)
    });
    provider.now_in_turn(scripts);
    let run = Setup::guarded(&provider).process();
    let body = question_of(CANARY, true).to_string();
    let sockets: Vec<TcpStream> = (0..STREAMS)
        .map(|_| {
            let mut socket = connect(run.address);
            socket.write_all((request(CHAT, "", body.len()) + &*body).as_bytes()).unwrap();
            socket
        })
        .collect();
    wait_until("all are asked", || provider.seen().len() == STREAMS);
    std::thread::sleep(Duration::from_millis(100));
    run.signal("TERM");
    for mut socket in sockets {
        let reply = rest(&mut socket);
        assert_eq!((reply.status, reply.said().as_str()), (200, "one [SECRET] two"), "{}", reply.body);
        assert!(reply.is_whole && reply.finish().as_deref() == Some("stop") && reply.body.ends_with(DONE));
    }
    let state = run.state();
    let ended = run.wait();
    assert_eq!((ended.status.code(), ended.records.len()), (Some(0), STREAMS), "{}", ended.log);
    assert!(ended.records.iter().all(|one| one["outcome"] == "complete"));
    assert!(!ended.log.contains(CANARY) && !ended.log.contains(tests::KEY));
    search_files(&state);
}
