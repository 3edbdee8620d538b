//! Answers that are a list of items, whole and in events: the same text stands in up to four places, and is the same
//! in all of them.

mod document;
mod event;
mod item;
mod items;
mod kind;
mod stream;

pub(super) use document::{REPEATED, guard};
pub(super) use item::called;
pub(super) use items::site;
pub(super) use stream::Stream;

#[cfg(test)]
mod tests;
