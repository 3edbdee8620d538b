//! The lives of a gateway, one after the other in one folder: each begins, reloads now and then, and ends, by a signal or a kill.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::binary::Process;
use tests::ledger::verify;
use tests::{Provider, Setup, get, post};

/// What all lives have in common, and what their clients see.
pub(crate) struct Stage {
    setups: [Setup; 2],
    pub(crate) folder: Arc<TempDir>,
    /// Where the gateway listens, while it does, and the number of its life.
    now: Mutex<Option<(SocketAddr, usize)>>,
    pub(crate) over: AtomicBool,
    pub(crate) lives: AtomicUsize,
    pub(crate) kills: AtomicUsize,
    pub(crate) reloads: AtomicUsize,
}

impl Stage {
    pub(crate) fn new(one: Setup, other: Setup) -> Self {
        let (folder, _) = one.write();
        Self {
            setups: [one, other],
            folder: Arc::new(folder),
            now: Mutex::default(),
            over: AtomicBool::default(),
            lives: AtomicUsize::default(),
            kills: AtomicUsize::default(),
            reloads: AtomicUsize::default(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Where the gateway is and in which life; nothing while it is not there.
    pub(crate) fn gateway(&self) -> Option<(SocketAddr, usize)> {
        *self.now.lock().unwrap()
    }

    /// Whether it is still in that life, and nobody has told it to end.
    pub(crate) fn still_lives(&self, life: usize) -> bool {
        self.gateway().is_some_and(|(_, now)| now == life)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

/// A clock's lowest digits, for moments that nothing else depends on.
pub(crate) fn random(below: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let mut mixed = now.as_nanos() as u64 ^ 0x9E37_79B9_7F4A_7C15;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 31)) % below.max(1)
}

/// One life.
pub(crate) struct Life<'s> {
    stage: &'s Stage,
    process: Option<Process>,
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stage.over.store(true, Ordering::SeqCst); // clients do not wait for a gateway that never comes
        }
    }
}

impl<'s> Life<'s> {
    pub(crate) fn begin(stage: &'s Stage) -> Self {
        let mut life = Self { stage, process: None };
        let process = stage.setups[0].process_in(Arc::clone(&stage.folder));
        let number = stage.lives.fetch_add(1, Ordering::SeqCst) + 1;
        *stage.now.lock().unwrap() = Some((process.address, number));
        life.process = Some(process);
        life
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it lives")
    }

    /// Lives for a while and ends, in one of the ways.
    pub(crate) fn live(mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200 + random(300)));
            self.reload();
        }
        match random(3) {
            0 => self.stop(),
            _ => self.kill(),
        }
        let (report, code) = verify(&self.stage.state());
        assert_eq!((code, &report["broken"]), (0, &serde_json::Value::Null), "{report}");
    }

    /// Lives for a while without an end; gives its memory over that time.
    pub(crate) fn watched(&mut self, time: Duration, provider: &Provider) -> Vec<usize> {
        let (until, mut memory) = (Instant::now() + time.max(Duration::from_secs(2)), Vec::new());
        while Instant::now() < until && !self.stage.is_over() {
            std::thread::sleep(Duration::from_millis(200));
            memory.push(self.process().resident());
            if memory.len().is_multiple_of(10) {
                self.reload();
                provider.forget();
            }
        }
        memory
    }

    /// Takes up another configuration, the one before, or one that is refused.
    fn reload(&self) {
        let [one, other] = &self.stage.setups;
        let folder = self.stage.folder.path();
        let status = match random(3) {
            0 => {
                one.write_into(folder);
                200
            }
            1 => {
                other.write_into(folder);
                200
            }
            _ => {
                std::fs::write(folder.join("policy-config.yaml"), "pack: [").expect("a file");
                422
            }
        };
        let reply = post(self.process().admin, "/keeptrusts/config/reload", "", "");
        assert_eq!(reply.status, status, "{}", reply.body);
        one.write_into(folder); // a next life begins with what is good
        self.stage.reloads.fetch_add(1, Ordering::SeqCst);
        assert_eq!(get(self.process().admin, "/livez").status, 200);
    }

    /// Ends it with a signal; what is under way is finished.
    pub(crate) fn stop(&mut self) {
        *self.stage.now.lock().unwrap() = None;
        let ended = self.process.take().expect("it lives").stop_within(Duration::from_secs(40));
        assert!(ended.success(), "{ended}");
    }

    fn kill(&mut self) {
        *self.stage.now.lock().unwrap() = None;
        self.stage.kills.fetch_add(1, Ordering::SeqCst);
        self.process.take().expect("it lives").kill();
    }
}
