//! The gateway at its sockets: what clients see, what providers see, what the audit log keeps.

mod agreement;
mod assembly;
mod calls;
mod canary;
mod chat;
mod cuts;
mod failing_streams;
mod forms;
mod heads;
mod inline_rules;
mod interleaved;
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
