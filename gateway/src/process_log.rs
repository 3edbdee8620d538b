//! Where the process log goes: to the error output, line by line, or several at once where a thread has several to write.

use std::cell::RefCell;
use std::io::{self, Write as _};

/// How many bytes may be gathered before they are written.
const MUCH: usize = 64 * 1024;

thread_local! {
    /// What this thread has gathered, where it gathers.
    static GATHERED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes what this thread logs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessLog;

impl io::Write for ProcessLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        GATHERED.with_borrow_mut(|gathered| {
            let Some(lines) = gathered else { return io::stderr().write(bytes) };
            if lines.len() > MUCH {
                io::stderr().write_all(lines)?;
                lines.clear();
            }
            lines.extend_from_slice(bytes);
            Ok(bytes.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Does work whose lines are written at its end, as one; the system is asked once and not for each.
pub(crate) fn gathered<T>(work: impl FnOnce() -> T) -> T {
    /// Writes what was gathered, also when the work breaks down.
    struct Gathering;

    impl Drop for Gathering {
        fn drop(&mut self) {
            if let Some(lines) = GATHERED.take().filter(|lines| !lines.is_empty()) {
                // Where the log cannot be written, there is nobody to tell.
                io::stderr().write_all(&lines).ok();
            }
        }
    }

    GATHERED.set(Some(Vec::new()));
    let _gathering = Gathering;
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Option<Vec<u8>> {
        GATHERED.with_borrow(Clone::clone)
    }

    #[test]
    fn lines_are_kept_while_they_are_gathered_and_no_longer() {
        gathered(|| {
            for line in [b"one\n", b"two\n"] {
                ProcessLog.write_all(line).unwrap();
            }
            assert_eq!(kept(), Some(b"one\ntwo\n".to_vec()));
        });
        assert_eq!(kept(), None);
        ProcessLog.write_all(b"").unwrap();
        assert_eq!(kept(), None);
    }

    #[test]
    fn what_breaks_down_has_gathered_no_more() {
        let broken = std::panic::catch_unwind(|| gathered(|| std::panic::resume_unwind(Box::new(()))));
        assert!(broken.is_err() && kept().is_none());
    }
}
