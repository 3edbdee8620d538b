//! Answers that are a list of choices, those of chats and of completions: whole, and in pieces.

mod answer;
mod frame;
mod shape;
mod stream;
mod strip;
mod waiting;

pub(super) use answer::{guard, said};
pub(super) use shape::{DELTA, MESSAGE, TEXT};
pub(super) use stream::Stream;

#[cfg(test)]
mod tests;
