//! The process log: lines wait in a short queue, and a thread of its own writes them, so that nobody waits for who reads it.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes of lines that wait: some thousand requests. What comes when it is full is lost, and counted.
const ROOM: usize = 1 << 20;
/// A line comes rarely alone: so long are more waited for, so that one write takes them all.
const LULL: Duration = Duration::from_millis(5);

/// Lines that nobody has; there is one process log in a process.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines of the process log are lost since the start.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Where lines are put; copies share the queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    came: Condvar,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room, and that nobody was told of.
    lost: u64,
    /// Whether lines are taken and not written yet.
    is_writing: bool,
}

impl Log {
    /// A log whose lines a thread writes to `out` from now on.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let log = Self::default();
        let queue = Arc::clone(&log.0);
        thread::Builder::new().name("log".to_owned()).spawn(move || queue.write_all_to(out))?;
        Ok(log)
    }

    /// Puts whole lines into the queue, or counts them as lost.
    pub(crate) fn put(&self, lines: &[u8]) {
        let mut state = self.0.state();
        if state.waiting.len() + lines.len() > ROOM {
            state.lost += count(lines);
            LOST.fetch_add(count(lines), Ordering::Relaxed);
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(lines);
        drop(state);
        if was_empty {
            self.0.came.notify_one();
        }
    }

    /// Waits until all is written, but no longer than that: a reader that has stalled holds up no end.
    pub(crate) fn finish(&self, patience: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        drop(self.0.done.wait_timeout_while(self.0.state(), patience, is_busy));
    }
}

/// An event arrives as one piece.
impl Write for Log {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.put(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's whole life; it ends with the process.
    fn write_all_to(&self, mut out: impl Write) {
        let (mut lines, mut untold) = (Vec::new(), 0);
        loop {
            untold += self.take(&mut lines);
            let unwritten = write(&mut out, &lines);
            LOST.fetch_add(unwritten, Ordering::Relaxed);
            untold += unwritten;
            lines.clear();
            if unwritten == 0 && untold > 0 {
                let next = "what reads the log was too slow, or its disk was full";
                tracing::warn!(lines = untold, next, "lines of the process log are lost");
                untold = 0;
            }
            self.state().is_writing = false;
            self.done.notify_all();
            thread::sleep(LULL);
        }
    }

    /// Waits for lines and takes them all; says how many were lost meanwhile.
    fn take(&self, lines: &mut Vec<u8>) -> u64 {
        let is_idle = |state: &mut State| state.waiting.is_empty();
        let waited = self.came.wait_while(self.state(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.waiting, lines);
        state.is_writing = true;
        std::mem::take(&mut state.lost)
    }
}

/// Writes lines; says how many could not be written.
fn write(out: &mut impl Write, mut lines: &[u8]) -> u64 {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(0) => return count(lines),
            Ok(written) => lines = lines.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Somebody who shares the output has made it one that does not wait.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(LULL),
            Err(_) => return count(lines),
        }
    }
    0
}

fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Instant;

    use super::*;

    /// An output that takes each piece when it is let.
    struct Slow(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_slow_reader_and_what_is_lost_is_counted() {
        let ((let_it, waits), (wrote, written)) = (channel(), channel());
        let log = Log::start(Slow(waits, wrote)).unwrap();
        log.put(b"first\n");
        log.finish(Duration::from_millis(50)); // taken by now, and not written
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let before = lost();
        (0..1030).for_each(|_| log.put(&line));
        assert_eq!(lost() - before, 6);
        let began = Instant::now();
        log.finish(Duration::from_millis(50));
        assert!(began.elapsed() >= Duration::from_millis(50));
        let_it.send(()).unwrap();
        let_it.send(()).unwrap();
        assert_eq!(written.recv().unwrap(), b"first\n");
        assert_eq!(written.recv().unwrap().len(), ROOM);
        log.finish(Duration::from_secs(10));
        assert!(log.0.state().waiting.is_empty());
    }
}
