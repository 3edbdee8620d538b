//! Long work on a thread that others want too.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Bytes that take the policies about a millisecond.
const LONG: usize = 64 * 1024;

/// Does work on that many bytes; a long one lets other requests have the thread's queue meanwhile.
pub(crate) fn aside<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes > LONG { away(work) } else { work() }
}

/// Does work of which nobody knows how long it takes.
pub(crate) fn away<T>(work: impl FnOnce() -> T) -> T {
    let has_helpers =
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if has_helpers { tokio::task::block_in_place(work) } else { work() }
}
