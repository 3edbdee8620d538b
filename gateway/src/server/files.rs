//! File descriptors: as many as the system gives, and no more clients than they are enough for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::MAX_CONNECTIONS;

/// Descriptors for everything but clients and what is asked for them: files, the operator, sinks.
const RESERVE: usize = 128;
/// A request of a client takes one more, for its provider.
const EACH: usize = 2;
/// With fewer clients than that the operator is warned.
const FEW: usize = MAX_CONNECTIONS / 2;

/// How many file descriptors the system gives a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    /// How many it has.
    pub(crate) soft: usize,
    /// How many it may ask for.
    pub(crate) hard: usize,
}

impl Allowed {
    /// What this process is given.
    pub(crate) fn now() -> Self {
        let count = |limit: Option<u64>| {
            limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let limit = getrlimit(Resource::Nofile);
        Self { soft: count(limit.current), hard: count(limit.maximum) }
    }

    /// For how many connections of clients a gateway has enough, which asks for all that it may have.
    pub(crate) fn clients(self) -> usize {
        enough_for(self.hard)
    }
}

/// What to do when that many connections of clients are few.
pub(crate) fn advice(clients: usize) -> Option<String> {
    (clients < FEW).then(|| {
        format!("more wait. A higher hard limit, as of `ulimit -Hn`, allows up to {MAX_CONNECTIONS}")
    })
}

/// Asks for as many as there may be, and tells what came of it. Most systems start a process with few, for the sake of programs
/// older than this.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let all = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, all) {
            tracing::warn!(%error, "the limit of file descriptors could not be raised");
        }
    }
    let (files, clients) = (Allowed::now().soft, clients());
    match advice(clients) {
        Some(advice) => tracing::warn!(
            "the system allows {files} file descriptors, which are enough for {clients} connections of clients; {advice}"
        ),
        None => tracing::info!("up to {clients} connections of clients, with {files} file descriptors"),
    }
}

/// How many connections of clients that is enough for.
pub(super) fn clients() -> usize {
    enough_for(Allowed::now().soft)
}

fn enough_for(files: usize) -> usize {
    (files.saturating_sub(RESERVE) / EACH).clamp(1, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_two_beside_the_reserve() {
        assert_eq!([0, 128, 130, 1024, 65_536, usize::MAX].map(enough_for), [1, 1, 1, 448, 10_000, 10_000]);
    }
}
