//! A connection that wakes itself is looked at again at once.
//!
//! What reads a request and what answers it are parts of one task, and tell each other by waking the task while it runs. The
//! scheduler would put such a task at the end of its queue, and wake another thread to see to it: that takes longer than what is
//! left to do. So a task that was woken while it was polled is polled again before anybody hears of it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// How often in a row: others wait for the thread too.
const MOST: usize = 8;

/// Nobody polls the future, and nobody has woken it since it was polled.
const QUIET: u8 = 0;
/// It is being polled.
const POLLED: u8 = 1;
/// It was woken.
const RUNG: u8 = 2;

/// See the module.
pub(super) struct Calm<F> {
    inner: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What wakes the future.
struct Bell {
    state: AtomicU8,
    /// What wakes its task.
    task: Mutex<Waker>,
}

impl<F: Future> Calm<F> {
    pub(super) fn new(inner: F) -> Self {
        let bell = Arc::new(Bell { state: AtomicU8::new(QUIET), task: Mutex::new(Waker::noop().clone()) });
        Self { inner: Box::pin(inner), waker: Waker::from(Arc::clone(&bell)), bell }
    }
}

impl<F: Future> Future for Calm<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { inner, bell, waker } = &mut *self;
        bell.belongs_to(cx.waker());
        for _ in 0..MOST {
            bell.state.store(POLLED, Ordering::Release);
            if let Poll::Ready(output) = inner.as_mut().poll(&mut Context::from_waker(waker)) {
                return Poll::Ready(output);
            }
            let left = bell.state.compare_exchange(POLLED, QUIET, Ordering::AcqRel, Ordering::Acquire);
            if left.is_ok() {
                return Poll::Pending;
            }
        }
        bell.state.store(QUIET, Ordering::Release);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Bell {
    fn belongs_to(&self, waker: &Waker) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if !task.will_wake(waker) {
            task.clone_from(waker);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Whoever polls it, or has woken it already, has still to look.
        if self.state.fetch_or(RUNG, Ordering::AcqRel) == QUIET {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A future that is ready at its n-th poll, and wakes itself before; with what it is woken by, and how often its task was.
    fn polled(at: usize) -> (Poll<usize>, usize) {
        let mut polls = 0;
        let mut calm = Calm::new(poll_fn(move |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == at { Poll::Ready(polls) } else { Poll::Pending }
        }));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let poll = Pin::new(&mut calm).poll(&mut Context::from_waker(&waker));
        (poll, woken.0.load(Ordering::Relaxed))
    }

    #[test]
    fn who_wakes_himself_is_polled_again_and_nobody_hears_of_it() {
        assert_eq!(polled(MOST), (Poll::Ready(MOST), 0));
    }

    #[test]
    fn others_have_their_turn() {
        assert_eq!(polled(MOST + 1), (Poll::Pending, 1));
    }

    #[test]
    fn what_comes_between_polls_wakes_the_task_once() {
        let kept: Arc<Mutex<Option<Waker>>> = Arc::default();
        let keep = Arc::clone(&kept);
        let mut calm = Calm::new(poll_fn(move |cx| {
            *keep.lock().unwrap() = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        for times in 1..4 {
            assert!(Pin::new(&mut calm).poll(&mut Context::from_waker(&waker)).is_pending());
            for _ in 0..3 {
                kept.lock().unwrap().as_ref().unwrap().wake_by_ref();
            }
            assert_eq!(woken.0.load(Ordering::Relaxed), times);
        }
    }
}
