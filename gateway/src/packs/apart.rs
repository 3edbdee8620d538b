//! Compiling apart: what a compilation leaves in memory goes back to the system.
//!
//! The allocator keeps for a thread what the thread has freed, and gives it back when the thread ends.

use std::thread;

/// Does work that takes much memory for a moment, in a thread of its own.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match thread::scope(|scope| scope.spawn(work).join()) {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
