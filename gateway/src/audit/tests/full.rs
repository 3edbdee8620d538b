//! A disk that is full, or fails to sync: nothing is let through unrecorded, nothing is lost, and it goes on.

use std::sync::Mutex;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;

use super::*;
use crate::audit::disk::Disk;
use crate::body::GuardedBody;
use crate::route::Lease;
use crate::wire::{Asked, Assembler, Endpoint};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    /// Only so many bytes of a write are taken.
    Full(usize),
    /// The same, and they cannot be cut off again.
    Stuck(usize),
    /// Nothing can be forced to the disk.
    Sync,
    /// It takes nothing and says nothing, until it is another.
    Still,
}

/// A disk whose faults a test turns on and off, and which counts its syncs.
struct Flaky {
    folder: Folder,
    state: State,
}

type State = Arc<Mutex<(Fault, usize)>>;

impl Flaky {
    fn fault(&self) -> Fault {
        self.state.lock().unwrap().0
    }
}

fn full() -> std::io::Error {
    std::io::ErrorKind::StorageFull.into()
}

impl Disk for Flaky {
    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        while self.fault() == Fault::Still {
            std::thread::sleep(Duration::from_millis(1));
        }
        match self.fault() {
            Fault::None | Fault::Sync | Fault::Still => self.folder.append(lines),
            Fault::Full(room) | Fault::Stuck(room) => {
                self.folder.append(&lines[..room.min(lines.len())])?;
                Err(full())
            }
        }
    }

    fn cut(&mut self, length: u64) -> std::io::Result<()> {
        if matches!(self.fault(), Fault::Stuck(_)) { Err(full()) } else { self.folder.cut(length) }
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.state.lock().unwrap().1 += 1;
        if self.fault() == Fault::Sync { Err(full()) } else { self.folder.sync() }
    }

    fn rotate(&mut self, name: &str) -> std::io::Result<()> {
        self.folder.rotate(name)
    }

    fn set_aside(&mut self, offset: u64, name: &str) -> std::io::Result<()> {
        self.folder.set_aside(offset, name)
    }

    fn remove(&mut self, name: &str) -> std::io::Result<()> {
        self.folder.remove(name)
    }

    fn mark(&mut self, slot: usize, text: &[u8]) -> std::io::Result<()> {
        self.folder.mark(slot, text)
    }

    fn sync_marks(&mut self) -> std::io::Result<()> {
        self.folder.sync_marks()
    }
}

/// A log over a flaky disk, with its writer at work.
struct Running {
    folder: tempfile::TempDir,
    state: State,
    audit: Audit,
    writer: JoinHandle<()>,
}

fn start(sync: SyncPolicy, fail_mode: FailMode, seats: usize) -> Running {
    let folder = scratch();
    let state = State::default();
    let disk = Flaky { folder: Folder::open(folder.path()).unwrap(), state: Arc::clone(&state) };
    let log = start::open(disk, folder.path(), options(sync), now()).unwrap();
    let (audit, writer) = Audit::over(Writer::new(log), seats, fail_mode);
    Running { folder, state, audit, writer }
}

impl Running {
    fn set(&self, fault: Fault) {
        self.state.lock().unwrap().0 = fault;
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::open(Some(self.audit.seat().expect("a seat")), &kit::pack(), "req_1");
        ledger.replied(hyper::StatusCode::OK);
        ledger
    }

    fn close(&self) -> Receipt {
        self.ledger().close(Outcome::Complete)
    }

    async fn recovers(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.audit.is_sound() {
            assert!(Instant::now() < until, "the log does not recover");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the writer; gives outcome, status and error of each record of an intact log.
    async fn records(self) -> Vec<(String, u64, Option<String>)> {
        drop(self.audit);
        self.writer.await.unwrap();
        assert_eq!(breach(self.folder.path()), None);
        let text = |line: &Value, field: &str| line[field].as_str().map(str::to_owned);
        let brief = |line: &Value| {
            (text(line, "outcome").unwrap(), line["status"].as_u64().unwrap(), text(line, "error"))
        };
        lines(self.folder.path()).iter().map(brief).collect()
    }
}

fn whole() -> (String, u64, Option<String>) {
    ("complete".into(), 200, None)
}

fn failed(status: u64) -> (String, u64, Option<String>) {
    ("failed".into(), status, Some("audit_unavailable".into()))
}

#[tokio::test]
async fn a_full_disk_refuses_what_it_cannot_record_and_goes_on_when_it_has_room() {
    for fault in [Fault::Full(0), Fault::Full(1000), Fault::Stuck(1000), Fault::Sync] {
        let log = start(SyncPolicy::Always, FailMode::Block, 16);
        assert_eq!(log.close().await, Ok(()));
        let mut stream = log.ledger();
        stream.begin();
        let [mut a, mut b, mut late] = [log.ledger(), log.ledger(), log.ledger()];
        log.set(fault);
        for receipt in [&mut a, &mut b, &mut stream].map(|ledger| ledger.close(Outcome::Complete)) {
            assert_eq!(receipt.await, Err(Unwritten), "{fault:?}");
        }
        assert!(log.audit.seat().is_none() && !log.audit.is_sound());
        assert_eq!(late.close(Outcome::Complete).await, Err(Unwritten));
        log.set(Fault::None);
        log.recovers().await;
        assert_eq!(log.close().await, Ok(()));
        let expected = [whole(), failed(503), failed(503), failed(200), failed(503), whole()];
        assert_eq!(log.records().await, expected, "{fault:?}");
    }
}

#[tokio::test]
async fn under_fail_mode_allow_the_answer_goes_and_the_record_follows() {
    let log = start(SyncPolicy::Always, FailMode::Allow, 16);
    log.set(Fault::Full(10));
    assert_eq!(log.close().await, Ok(()));
    assert!(log.audit.seat().is_none());
    log.set(Fault::None);
    log.recovers().await;
    assert_eq!(log.records().await, [whole()]);
}

#[tokio::test]
async fn what_a_failed_sync_may_have_lost_is_written_again() {
    let folder = scratch();
    let state = State::default();
    let disk = Flaky { folder: Folder::open(folder.path()).unwrap(), state: Arc::clone(&state) };
    let mut log = start::open(disk, folder.path(), options(SyncPolicy::Interval), now()).unwrap();
    for _ in 0..3 {
        log.write(now(), [&mut *record("req_1")]).unwrap();
    }
    state.lock().unwrap().0 = Fault::Sync;
    assert!(log.sync(now()).is_err());
    // What the system dropped after it could not write it.
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join(segment::ACTIVE)).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 700], 100).unwrap();
    assert!(breach(folder.path()).is_some());
    state.lock().unwrap().0 = Fault::None;
    log.write(now(), [&mut *record("req_1")]).unwrap();
    assert_eq!(breach(folder.path()), None);
    assert_eq!(lines(folder.path()).len(), 4);
}

#[tokio::test]
async fn records_that_come_while_the_disk_syncs_share_the_next_sync() {
    let log = start(SyncPolicy::Always, FailMode::Block, 200);
    assert_eq!(log.close().await, Ok(()));
    *log.state.lock().unwrap() = (Fault::Still, 0);
    let receipts: Vec<Receipt> = (0..150).map(|_| log.close()).collect();
    log.set(Fault::None);
    for receipt in receipts {
        assert_eq!(receipt.await, Ok(()));
    }
    let syncs = log.state.lock().unwrap().1;
    assert!((1..=3).contains(&syncs), "{syncs} syncs for 150 records");
    assert_eq!(log.records().await.len(), 151);
}

/// A provider's stream in two pieces.
struct Pieces(std::collections::VecDeque<&'static str>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(Bytes::from(piece)))))
    }
}

#[tokio::test]
async fn the_last_events_of_a_stream_wait_for_the_disk() {
    let log = start(SyncPolicy::Always, FailMode::Block, 16);
    log.set(Fault::Still);
    let pieces = Pieces(
        [
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"two\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        ]
        .into(),
    );
    let target = Arc::new(Target::prepare(&kit::target("a", "http://127.0.0.1:9/v1"), None).unwrap());
    let assembler = Assembler::new(Endpoint::Chat, kit::session(""), true, "req_1".into(), Asked::default());
    let never = Box::pin(std::future::pending());
    let mut body = GuardedBody::new(pieces, assembler, log.ledger(), Lease::on(&target), never);
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_millis(100), body.frame()).await.ok()?;
        let bytes = frame?.unwrap().into_data().unwrap();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    };
    assert!(next().await.is_some_and(|frame| frame.contains("one")));
    assert_eq!(next().await, None);
    assert_eq!(next().await, None);
    log.set(Fault::None);
    let until = Instant::now() + Duration::from_secs(10);
    let last = loop {
        assert!(Instant::now() < until);
        if let Some(last) = next().await {
            break last;
        }
    };
    assert!(last.contains("two") && last.ends_with("data: [DONE]\n\n"), "{last}");
    drop(body);
    assert_eq!(log.records().await, [whole()]);
}

#[tokio::test]
async fn a_full_queue_has_no_seat_and_has_one_again() {
    let log = start(SyncPolicy::None, FailMode::Block, 2);
    let (a, b) = (log.ledger(), log.ledger());
    assert!(log.audit.seat().is_none() && log.audit.is_sound());
    drop(a);
    let until = Instant::now() + Duration::from_secs(10);
    while log.audit.seat().is_none() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(b);
    assert_eq!(log.records().await.len(), 2);
}
