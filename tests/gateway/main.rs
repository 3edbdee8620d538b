//! The gateway at its sockets: what clients see, what providers see, what the audit log keeps.

mod agreement;
mod calls;
mod chat;
mod cuts;
mod failing_streams;
mod forms;
mod heads;
mod inline_rules;
mod items;
mod lifecycle;
mod limits;
mod odd_responses;
mod process;
mod prompts;
mod record;
mod responses;
mod routing;
mod streams;
mod strict_json;
mod surface;
mod tools;
mod upstream;
