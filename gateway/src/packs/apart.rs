//! Compiling apart: what a compilation leaves in memory goes back to the system.
//!
//! The allocator keeps for a thread what the thread has freed, and gives it back when the thread ends; what is free then it
//! gives to the system a second later, when somebody next asks it for a larger piece or another thread ends. A gateway that has nothing to do
//! would wait for that for ever.

use std::thread;
use std::time::Duration;

/// Longer than the allocator waits before it gives memory back.
const LATER: Duration = Duration::from_millis(1500);

/// Does work that takes much memory for a moment, in a thread of its own.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    // A thread that ends a while later, and took some memory, has it given back.
    thread::spawn(|| {
        let some = vec![0_u8; 64];
        thread::sleep(LATER);
        drop(some);
    });
    match done {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
