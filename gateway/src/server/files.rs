//! File descriptors: as many as the system gives, and no more clients than they are enough for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::MAX_CONNECTIONS;

/// Descriptors for everything but clients and what is asked for them: files, the operator, sinks.
const RESERVE: usize = 128;
/// A request of a client takes one more, for its provider.
const EACH: usize = 2;
/// With fewer clients than that the operator is warned.
const FEW: usize = MAX_CONNECTIONS / 2;

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
    let (files, clients) = (files(), clients());
    match clients < FEW {
        true => tracing::warn!(
            "the system allows {files} file descriptors, which are enough for {clients} connections of clients; more wait. A higher hard limit, as of `ulimit -Hn`, allows up to {MAX_CONNECTIONS}"
        ),
        false => tracing::info!("up to {clients} connections of clients, with {files} file descriptors"),
    }
}

/// How many may be open at once.
fn files() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many connections of clients that is enough for.
pub(super) fn clients() -> usize {
    enough_for(files())
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
