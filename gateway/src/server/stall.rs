//! A client of HTTP/2 that stops taking one of its streams: the stream is ended, and the others go on.
//!
//! What a stream of HTTP/2 does is a task of its own, and its body is asked for more only when the client has taken what there
//! is. So the body counts its steps, and the task is dropped when the last step was to hand out a frame, and no other
//! followed for too long.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    /// Steps of the body that is told in this task: odd while a frame is with the client.
    static STEPS: Arc<AtomicU64>;
}

/// The body is asked for more: whatever it handed out was taken.
pub(crate) fn asked() {
    STEPS.try_with(|steps| steps.fetch_add(steps.load(Ordering::Relaxed) % 2, Ordering::Relaxed)).ok();
}

/// The body has handed out a frame.
pub(crate) fn handed() {
    STEPS.try_with(|steps| steps.fetch_add(1, Ordering::Relaxed)).ok();
}

/// Runs the streams of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tasks {
    /// How long a client may leave a frame where it is.
    pub(super) patience: Duration,
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let patience = self.patience;
        tokio::spawn(async move {
            let steps = Arc::new(AtomicU64::new(0));
            let mut stream = pin!(STEPS.scope(Arc::clone(&steps), stream));
            let mut stalled = pin!(sleep_until(Instant::now()));
            let mut at_step = 0;
            poll_fn(|cx| {
                if stream.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                let step = steps.load(Ordering::Relaxed);
                if step.is_multiple_of(2) {
                    return Poll::Pending;
                }
                if step != at_step {
                    at_step = step;
                    stalled.as_mut().reset(Instant::now() + patience);
                }
                std::task::ready!(stalled.as_mut().poll(cx));
                tracing::debug!("a client of HTTP/2 takes nothing of a stream; it is ended");
                Poll::Ready(())
            })
            .await;
        });
    }
}
