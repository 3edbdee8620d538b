//! The gateway at its sockets: what clients see, what providers see, what the audit log keeps.

mod agreement;
mod chat;
mod failing_streams;
mod heads;
mod inline_rules;
mod lifecycle;
mod limits;
mod process;
mod record;
mod retries;
mod routing;
mod streams;
mod strict_json;
mod surface;
mod tools;
mod upstream;
