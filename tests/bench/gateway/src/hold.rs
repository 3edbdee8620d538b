//! Many clients at once that ask for streams and keep them: some read what comes, some read nothing.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Result;
use crate::client::Place;

/// Whether clients read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Whatever comes.
    Eager,
    /// Nothing at all.
    Stalled,
}

/// Clients that hold their streams for as long as this is kept.
pub(crate) struct Held {
    tasks: JoinSet<Result<()>>,
}

impl Held {
    /// So many clients, all with that request.
    pub(crate) async fn open(place: &Place, count: usize, body: &Bytes, reader: Reader) -> Result<Self> {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(("127.0.0.1", place.port)).await?;
            let head = format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                place.port,
                body.len()
            );
            stream.write_all(&[head.as_bytes(), body].concat()).await?;
            tasks.spawn(keep(stream, reader));
            sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { tasks })
    }

    /// How many have lost their stream.
    pub(crate) fn lost(&mut self) -> usize {
        let mut lost = 0;
        while self.tasks.try_join_next().is_some() {
            lost += 1;
        }
        lost
    }
}

async fn keep(mut stream: TcpStream, reader: Reader) -> Result<()> {
    let mut bytes = vec![0; 4096];
    if reader == Reader::Stalled {
        return std::future::pending().await;
    }
    while stream.read(&mut bytes).await? > 0 {}
    Err("the stream ended".into())
}
