//! How many bytes the bodies of all requests take together, from their first byte until nobody needs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all bodies take.
#[derive(Clone, Debug, Default)]
pub(super) struct Bodies(Arc<AtomicUsize>);

/// What one body takes, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Room {
    bodies: Bodies,
    bytes: usize,
    /// Most bytes of all together.
    most: usize,
}

/// All bodies together take as much as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Bodies {
    /// A body of which nothing is there yet.
    pub(super) fn begin(&self, most: usize) -> Room {
        Room { bodies: self.clone(), bytes: 0, most }
    }
}

impl Room {
    /// Whether there is room for so many bytes now. It is not kept for them: who only announces a body takes none of it from
    /// those who send theirs.
    pub(crate) fn has(&self, bytes: usize) -> Result<(), Full> {
        let taken = self.bodies.0.load(Ordering::Relaxed);
        if taken.saturating_add(bytes) <= self.most { Ok(()) } else { Err(Full) }
    }

    /// Takes room for so many bytes more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Full> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|all| *all <= self.most);
        self.bodies.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Full)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back all but so many bytes.
    pub(crate) fn keep(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.bodies.0.fetch_sub(less, Ordering::Relaxed);
        self.bytes -= less;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.keep(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let bodies = Bodies::default();
        let [mut first, mut second] = [bodies.begin(10), bodies.begin(10)];
        assert_eq!((first.take(6), second.take(5), second.take(4)), (Ok(()), Err(Full), Ok(())));
        assert_eq!((second.has(0), second.has(1), second.has(usize::MAX)), (Ok(()), Err(Full), Err(Full)));
        first.keep(2);
        first.keep(5);
        assert_eq!((second.take(5), second.take(4)), (Err(Full), Ok(())));
        drop((first, second));
        assert_eq!(bodies.begin(10).take(10), Ok(()));
    }
}
