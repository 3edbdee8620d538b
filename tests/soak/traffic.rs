//! Clients: they ask, read to the end or leave in the middle, and hold what they read against what was to come.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use tests::client::{read_reply, request};
use tests::{KEY, Reply};

use crate::lives::{Stage, random};
use crate::plan::{Ask, Plan};

/// A pause between two requests of a client, so that an hour's log fits on a disk.
const PAUSE: Duration = Duration::from_millis(8);

/// What came of all requests.
#[derive(Default)]
pub(crate) struct Tally {
    /// Those of which the client has seen all.
    pub(crate) answered: Mutex<HashSet<String>>,
    outcomes: Mutex<BTreeMap<String, usize>>,
}

impl Tally {
    fn count(&self, what: String) {
        *self.outcomes.lock().unwrap().entry(what).or_default() += 1;
    }

    pub(crate) fn told(&self) -> String {
        let outcomes = self.outcomes.lock().unwrap();
        outcomes.iter().map(|(what, count)| format!("{what}: {count}")).collect::<Vec<_>>().join(", ")
    }
}

/// Tells everybody that it is over when a check has failed.
struct Alarm<'s>(&'s Stage);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.over.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
}

/// Asks until it is over.
pub(crate) fn ask_on(client: usize, stage: &Stage, tally: &Tally) {
    let _alarm = Alarm(stage);
    for number in 0_u64.. {
        if stage.is_over() {
            return;
        }
        std::thread::sleep(PAUSE);
        let Some((address, life)) = stage.gateway() else { continue };
        let ask = Ask::drawn(number.wrapping_mul(7) + client as u64 * 1_000_003);
        let name = format!("s{life}-c{client}-{number}");
        let leaves = number.is_multiple_of(17);
        match exchanged(address, &name, ask, leaves) {
            Some(reply) if !leaves => {
                let is_undisturbed = stage.still_lives(life);
                tally.count(checked(&reply, ask, is_undisturbed));
                if reply.is_whole {
                    tally.answered.lock().unwrap().insert(name);
                }
            }
            Some(_) => tally.count("left".into()),
            None => {
                assert!(
                    leaves || !stage.still_lives(life),
                    "{name} got no answer, and the gateway lives: {ask:?}"
                );
                tally.count("no answer of a gateway that ended".into());
            }
        }
    }
}

/// What came back, if a head did.
fn exchanged(address: SocketAddr, name: &str, ask: Ask, leaves: bool) -> Option<Reply> {
    let body = ask.question().to_string();
    let head = request(ask.form.path(), &format!("x-request-id: {name}\r\n"), body.len());
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    socket.write_all((head + &*body).as_bytes()).ok();
    let mut raw = Vec::new();
    if leaves {
        let mut part = vec![0; random(2000) as usize + 1];
        let length = socket.read(&mut part).unwrap_or_default();
        raw.extend_from_slice(&part[..length]);
    } else {
        socket.read_to_end(&mut raw).ok(); // what came before a reset counts
    }
    assert!(!raw.windows(KEY.len()).any(|part| part == KEY.as_bytes()), "the key shows");
    raw.windows(4).any(|four| four == b"\r\n\r\n").then(|| read_reply(raw))
}

/// Codes of failures that the gateway may tell of its provider.
const HONEST: [&str; 6] = [
    "upstream_failed",
    "upstream_unreachable",
    "upstream_content_type",
    "stream_truncated",
    "stream_broken",
    "unreadable_answer",
];

/// Holds a reply against what was to come; gives it a name. `undisturbed`: nobody ended the gateway meanwhile.
fn checked(reply: &Reply, ask: Ask, undisturbed: bool) -> String {
    assert!(!reply.shows("ann.smith@") && !shows_secret(&reply.body), "{ask:?}: {}", reply.body);
    if !reply.is_whole {
        assert!(!undisturbed, "{ask:?}: an answer broke off, and the gateway lives: {}", reply.body);
        return "broken off by the gateway's end".into();
    }
    let (code, wanted) = (reply.code(), ask.redacted());
    if code == "gateway_stopping" {
        assert!(!undisturbed, "{ask:?}: {}", reply.body);
        return "told of the gateway's end".into();
    }
    let said = if reply.status == 200 { ask.form.said(reply) } else { String::new() };
    let as_planned = match ask.plan {
        Plan::Says => {
            reply.status == 200
                && code.is_empty()
                && said == wanted
                && (!ask.stream || ask.form.is_finished(reply))
        }
        Plan::Unasked => reply.status == 409 && code == "input_blocked",
        Plan::Forbidden => {
            code == "output_blocked"
                && reply.status == if ask.stream { 200 } else { 409 }
                && wanted.starts_with(&said)
        }
        Plan::BreaksOff | Plan::Resets => {
            HONEST.contains(&code.as_str())
                && wanted.starts_with(&said)
                && (reply.status != 200 || ask.stream)
        }
        Plan::Fails => reply.status == 502 && code == "upstream_failed",
        Plan::Babbles => reply.status == 502 && code == "upstream_content_type",
    };
    // The head of a stream that is stopped at its first word is not gone yet.
    let is_early =
        ask.plan == Plan::Forbidden && ask.stream && reply.status == 409 && code == "output_blocked";
    assert!(as_planned || is_early, "{ask:?}: {} {code}: {} instead of {wanted:?}", reply.status, reply.body);
    format!("{:?}", ask.plan)
}

/// Whether the body shows a secret in full; its beginning alone may be a word.
fn shows_secret(body: &str) -> bool {
    body.match_indices("SECRET")
        .any(|(at, found)| body[at + found.len()..].starts_with(|c: char| c.is_ascii_digit()))
}
