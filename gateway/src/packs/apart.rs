//! Compiling apart: what a compilation leaves in memory goes back to the system.
//!
//! The allocator keeps for a thread what the thread has freed, and takes it back when the thread ends. It gives the system what has
//! been free for a second, but looks for that only when somebody asks for more, or when a thread ends that has had some memory.
//! A gateway that has nothing to do would keep two thirds of what it has for ever.

use std::hint::black_box;
use std::thread::{self, Builder};
use std::time::Duration;

/// Longer than the allocator waits before it gives memory back.
const LATER: Duration = Duration::from_millis(1500);

/// Does work that takes much memory for a moment, in a thread of its own.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    // Where no thread can be had, memory is given back with the first traffic.
    let _ = Builder::new().name("give back".to_owned()).spawn(|| {
        thread::sleep(LATER);
        drop(black_box(vec![0_u8; 64])); // or the compiler would see that nobody needs it
    });
    match done {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
