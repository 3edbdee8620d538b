//! The gateway at its sockets: what clients see, what providers see, what the audit log keeps.

mod access;
mod agreement;
mod assembly;
mod breakers;
mod budgets;
mod calls;
mod canary;
mod chat;
mod concurrency;
mod console;
mod costs;
mod cuts;
mod dashboard;
mod failing_streams;
mod falling_back;
mod faults;
mod firewall;
mod forms;
mod heads;
mod inline_rules;
mod interleaved;
mod items;
mod lifecycle;
mod limits;
mod limits_of_rate;
mod manager;
mod memory;
mod metrics;
mod odd_chunks;
mod odd_responses;
mod openings;
mod patience;
mod probes;
mod process;
mod process_log;
mod prompts;
mod proxy;
mod record;
mod reload;
mod responses;
mod retries;
mod routing;
mod shared;
mod streams;
mod strict_json;
mod surface;
mod tls;
mod tools;
mod upstream;

use std::time::{Duration, Instant};

/// Waits for what must come true soon.
fn wait_until(mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "it did not come true");
        std::thread::sleep(Duration::from_millis(5));
    }
}
