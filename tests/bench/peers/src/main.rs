//! kt beside other engines, on the same work in one run. Each must find what kt finds before it is timed.
//!
//! `cargo run --release --manifest-path tests/bench/peers/Cargo.toml`

mod compare;
mod literals;
mod patterns;
mod scalars;
mod search;
#[path = "../../engine/texts.rs"]
mod texts;

use compare::compare;

fn main() {
    compare("300 rules over plain values", scalars::peers(300), &[("a request", Box::new(()))]);
    compare("100 patterns, 4 KiB", patterns::peers(), &patterns::texts());
    compare("245 literals, 4 KiB", literals::peers(), &literals::texts());
}
