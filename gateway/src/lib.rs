//! HTTP to inputs, and verdicts back into HTTP.
//!
//! The life of a request, a line per stage:
//!
//! 1. `server` accepts a connection and refuses heads and bodies beyond their limits,
//! 2. `access` looks at its address and key, and counts it,
//! 3. `exchange` takes the request from its first to its last byte,
//! 4. [`wire`] decodes it strictly, once, and lends its texts to the engine,
//! 5. the session of the [`Pack`] decides: stop, redact, or let pass,
//! 6. [`route`] picks a target and asks it, or the next one,
//! 7. `body` guards what comes back, frame by frame, and lets go of it only when the session does,
//! 8. `audit` writes one line, however it ended, and `metrics` counts what it says; `sinks` take the line elsewhere, and
//!    `telemetry` the spans.
//!
//! [`run`] does all of it until a signal; [`bind`] gives the pieces to programs that bring their own.
//!
//! ```
//! use gateway::wire::{Endpoint, json};
//!
//! let document = json::parse(br#"{"model": "m", "messages": [{"role": "user", "content": "hi"}]}"#)?;
//! let request = Endpoint::Chat.decode(&document, Vec::new()).map_err(|fault| String::from(fault.message))?;
//! assert_eq!(request.texts[0].value, "hi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod admin;
mod aside;
mod audit;
mod body;
mod cautions;
pub mod cli;
mod clock;
mod commons;
mod console;
mod demo;
mod error;
mod exchange;
mod gateway;
mod ids;
#[cfg(test)]
mod kit;
mod live;
mod log;
mod metrics;
mod money;
pub mod packs;
pub mod rehearsal;
mod reply;
pub mod route;
mod secret;
mod server;
mod sinks;
mod spend;
mod surroundings;
mod telemetry;
mod tls;
mod transport;
pub mod wire;

pub use audit::{Attempt, Evaluated, Found, Hash, Outcome, Record, taken_up};
pub use clock::Clock;
pub use error::Error;
pub use gateway::FailMode;
pub use money::Money;
pub use packs::Pack;
pub use rehearsal::{Rehearsal, rehearse};
pub use secret::Secret;
pub use server::{Bound, DRAIN, Settings, Times, bind, run};
pub use surroundings::Surroundings;
