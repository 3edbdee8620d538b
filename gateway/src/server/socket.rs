//! A client's socket: it gives up on a reader that stands still or creeps, and notices a client that went away even while
//! nobody reads.

use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::limits::{Times, UNSENT};
use super::pressure::Pressure;

/// An accepted connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    pace: Pace,
    pressure: Arc<Pressure>,
}

/// How far a reader has fallen behind.
#[derive(Debug)]
struct Pace {
    /// How far it may.
    patience: Duration,
    /// How many bytes a second it takes at least, in the long run.
    rate: u64,
    /// The time for which bytes have waited for it, less what it earned by taking some.
    behind: Duration,
    /// Since when bytes wait for it now, and when it has fallen too far behind.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Pace {
    /// Bytes wait for it; ready when they have for too long.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { patience, behind, waiting, .. } = self;
        let (_, over) = waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + patience.saturating_sub(*behind))))
        });
        over.as_mut().poll(cx)
    }

    /// It has taken some.
    fn took(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.behind += since.elapsed();
        }
        if !self.behind.is_zero() {
            let millis = (bytes as u64).saturating_mul(1000) / self.rate.max(1);
            self.behind = self.behind.saturating_sub(Duration::from_millis(millis));
        }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, times: &Times) -> Self {
        keep_little(&stream);
        let pace = Pace {
            patience: times.write_idle,
            rate: times.write_rate,
            behind: Duration::ZERO,
            waiting: None,
        };
        Self { stream: Arc::new(stream), pace, pressure: Arc::default() }
    }

    /// What waits for the client.
    pub(super) fn pressure(&self) -> Arc<Pressure> {
        Arc::clone(&self.pressure)
    }

    /// Who is at the other end.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.stream.peer_addr().ok()
    }

    /// Ends when the client has closed its side. The HTTP machinery only notices that while it reads, which it does
    /// not while further bytes of the client wait.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let stream = Arc::clone(&self.stream);
        async move { read_closed(&stream).await }
    }

    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        while self.stream.poll_write_ready(cx)?.is_ready() {
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => {
                    if let Ok(bytes) = &done {
                        self.pace.took(*bytes);
                        self.pressure.left(*bytes);
                    }
                    return Poll::Ready(done);
                }
            }
        }
        ready!(self.pace.poll_over(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Lets the system keep few bytes that it cannot send yet. Else it keeps megabytes for a client that takes nothing, and one that
/// takes little is not seen to take any until a third of them is gone.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_little(stream: &TcpStream) {
    // An old system that cannot do it keeps more.
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT).ok();
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_little(_: &TcpStream) {}

#[cfg(target_os = "linux")]
async fn read_closed(stream: &TcpStream) {
    // On Linux the interest in urgent bytes is also woken by the end of the read side, and by nothing else here.
    while let Ok(ready) = stream.ready(Interest::PRIORITY).await {
        if ready.is_read_closed() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(not(target_os = "linux"))]
async fn read_closed(_: &TcpStream) {
    std::future::pending::<()>().await;
}

/// Reads what there is. When that is less than there is room for, there is nothing more now, and the system need not be asked
/// once more to learn that.
fn read_some(stream: &TcpStream, buf: &mut ReadBuf<'_>) -> io::Result<()> {
    let room = buf.remaining();
    let mut read = Err(io::ErrorKind::WouldBlock.into());
    // That the closure says it would block is what makes the next read wait for the system's word. Bytes that have come since it
    // was called are news, and are not waited for.
    let _is_known = stream.try_io(Interest::READABLE, || {
        read = stream.try_read_buf(buf);
        match &read {
            Ok(bytes) if *bytes > 0 && *bytes < room => Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    });
    read.map(drop)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match read_some(&self.stream, buf) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_with(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let twin = std::net::TcpStream::from(self.stream.as_fd().try_clone_to_owned()?);
        Poll::Ready(twin.shutdown(Shutdown::Write))
    }
}
