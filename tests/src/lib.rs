//! What the tests at the boundary share: a scripted provider, a gateway to start and stop, a client that sees bytes.
//!
//! ```no_run
//! use tests::{Provider, Script, Setup};
//!
//! let provider = Provider::always(Script::answer("hello"));
//! let gateway = Setup::over(&provider).here();
//! assert_eq!(gateway.ask("hi").said(), "hello");
//! assert_eq!(gateway.stop()[0]["outcome"], "complete");
//! ```

pub mod binary;
pub mod client;
pub mod clock;
pub mod collector;
pub mod cut;
pub mod form;
pub mod fuzz;
pub mod gate;
pub mod installed;
pub mod ledger;
pub mod oracle;
pub mod postgres;
pub mod provider;
pub mod redis;
pub mod reference;
pub mod requests;
pub mod rotel;
pub mod script;
pub mod setup;
pub mod tls;

pub use binary::kt;
pub use client::{Reply, get, post, send};
pub use clock::Hands;
pub use collector::Collector;
pub use form::{Form, Told};
pub use gate::{Gateway, question_of};
pub use postgres::Postgres;
pub use provider::{Provider, Seen};
pub use redis::Redis;
pub use script::{DONE, STREAM_HEAD, Script, chunk, delta, event, events, finish, whole};
pub use setup::{RULES, Setup};

use std::sync::LazyLock;

use tokio::runtime::Runtime;

/// Runs providers and gateways; tests themselves wait in plain threads.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// The key that targets have in these tests; it must show nowhere but in requests to a provider.
pub const KEY: &str = "fw_canary_7Yq2";
