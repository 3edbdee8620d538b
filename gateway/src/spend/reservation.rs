//! What a request has reserved, until it is known what it took.

use std::sync::Arc;

use grammar::budget::Meter;

use super::entry::Entry;
use super::journal::Change;
use super::{Spend, Store};

/// What an exchange took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Thousandths of a millionth of a dollar; nothing where nobody knows.
    pub(crate) cost: Option<u64>,
    /// Tokens; nothing where nobody knows.
    pub(crate) tokens: Option<u64>,
    /// How many tries may be on the bill, of which nobody told what they took. Each counts as it was reserved.
    pub(crate) untold: u32,
}

/// Parts of budgets that are taken. Where it is not settled it stays as it is.
#[derive(Debug)]
pub(crate) struct Reservation {
    spend: Arc<Spend>,
    id: String,
    entries: Vec<Entry>,
    /// By entry, what it counts.
    meters: Vec<Meter>,
}

/// A reservation of which nobody knows yet whether it is made; it is given back unless it is kept.
pub(super) struct Pending(pub(super) Option<Reservation>);

impl Pending {
    /// It is known how it went.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(reservation) = self.0.take() {
            reservation.release();
        }
    }
}

impl Reservation {
    pub(super) fn new(spend: &Arc<Spend>, id: String, entries: Vec<Entry>) -> Self {
        Self { spend: Arc::clone(spend), id, entries, meters: Vec::new() }
    }

    pub(super) fn of(self, meters: Vec<Meter>) -> Self {
        Self { meters, ..self }
    }

    /// Gives all of it back.
    pub(super) fn release(self) {
        let changes = self.entries.iter().map(|entry| entry.change(-i128::from(entry.amount))).collect();
        self.write(changes);
    }

    /// Puts what was taken in the place of what was reserved.
    pub(crate) fn settle(self, taken: Taken) {
        let change = |(entry, meter): (&Entry, &Meter)| {
            let told = match meter {
                Meter::Cost => taken.cost,
                Meter::Tokens => taken.tokens,
            };
            let reserved = i128::from(entry.amount);
            let taken = told.map_or(reserved, i128::from) + reserved * i128::from(taken.untold);
            entry.change(taken - reserved)
        };
        let changes = self.entries.iter().zip(&self.meters).map(change).collect();
        self.write(changes);
    }

    fn write(self, changes: Vec<Change>) {
        match &self.spend.store {
            Store::Memory(memory) => {
                if let Err(cause) = memory.settle(&changes) {
                    tracing::error!(
                        "a reservation stays as it was made, since it cannot be settled: {cause}"
                    );
                }
            }
            Store::Commons(remote) => remote.settle(self.id, changes),
        }
    }
}
