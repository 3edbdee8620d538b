//! Input that means harm: what clients and providers send to break the gateway, to get past its policies, or to read what is
//! not theirs. One module for each way in.

mod bodies;
mod bounds;
mod calls;
mod crowds;
mod defects;
mod drain;
mod echo;
mod evasion;
mod exhaustion;
mod figures;
mod files;
mod framing;
mod headers;
mod http2;
mod leaves;
mod leaving;
mod meanings;
mod media;
mod pressure;
mod slow;
mod tells;
mod watch;

use std::time::{Duration, Instant};

/// A word for prompts and answers that must not show outside of them.
pub(crate) const CANARY: &str = "xylophone-4711";

/// The path that most requests go to.
pub(crate) const CHAT: &str = "/v1/chat/completions";

/// Waits for what must come true soon.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "it did not come true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
