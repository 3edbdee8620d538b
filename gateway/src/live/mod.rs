//! What is in force now, and how something else takes its place while the gateway runs.

mod prints;
mod source;
mod told;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use grammar::config;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::console::Playground;
use crate::error::Error;
use crate::gateway::Gateway;
use prints::Prints;
pub(crate) use source::{Fresh, Source};
use told::Opened;
pub(crate) use told::{Outcome, Told, Trigger};
pub(crate) use watch::watch;

/// The gateway as it is now. A request takes it once, and keeps it to its end.
#[derive(Debug)]
pub(crate) struct Live {
    now: ArcSwap<Gateway>,
    source: Source,
    opened: Opened,
    /// Held by the reload that is under way.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The files as they were when they were read last. Locked for as long as they are read anew.
    prints: Mutex<Prints>,
    /// What came of the last time.
    last: Mutex<Option<Told>>,
    /// The probes of the targets that are in force.
    probes: Mutex<JoinSet<()>>,
    /// Told whenever something new is in force.
    changed: Notify,
    playground: Playground,
}

impl Live {
    /// Begins with that gateway, made from that source.
    pub(crate) fn new(gateway: Gateway, source: Source) -> Self {
        let prints = Prints::now(source::files_of(&gateway.pack));
        Self {
            opened: Opened {
                audit: gateway.pack.config.audit.clone(),
                telemetry: gateway.pack.config.telemetry.clone(),
                state: gateway.pack.config.state.clone(),
            },
            now: ArcSwap::from_pointee(gateway),
            source,
            turn: Arc::default(),
            prints: Mutex::new(prints),
            last: Mutex::default(),
            probes: Mutex::default(),
            changed: Notify::new(),
            playground: Playground::default(),
        }
    }

    /// What is in force now.
    pub(crate) fn now(&self) -> Arc<Gateway> {
        self.now.load_full()
    }

    /// What the audit log promises, since the start.
    pub(crate) fn audit(&self) -> &config::Audit {
        &self.opened.audit
    }

    /// What spans are made by, since the start.
    pub(crate) fn telemetry(&self) -> &config::Telemetry {
        &self.opened.telemetry
    }

    /// What came of the last reload.
    pub(crate) fn last(&self) -> Option<Told> {
        locked(&self.last).clone()
    }

    /// Where drafts of rules are tried.
    pub(crate) fn playground(&self) -> &Playground {
        &self.playground
    }

    /// Probes the targets that are in force, and no others.
    pub(crate) fn probe(&self) {
        let gateway = self.now();
        *locked(&self.probes) = gateway.router.watch(&gateway.upstream);
    }

    /// Reads the files anew, on a thread of its own, when its turn has come. Whoever leaves before that is forgotten, so
    /// that what waits is never more than those who do; what has begun is done all the same.
    pub(crate) async fn reload(self: &Arc<Self>, trigger: Trigger) -> Result<Told, Error> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let live = Arc::clone(self);
        let reloaded = tokio::task::spawn_blocking(move || {
            let told = live.reload_here(trigger);
            drop(turn);
            told
        });
        let reloaded = reloaded.await;
        reloaded.map_err(|error| Error::new(format!("the configuration could not be read: {error}")))
    }

    /// One at a time: the next waits, and reads what is there by then.
    fn reload_here(&self, trigger: Trigger) -> Told {
        let mut prints = locked(&self.prints);
        let before = prints.again();
        let (read, outcome) = self.source.read(&self.now());
        // A file that changed meanwhile may have been read as it was or as it is: it counts as it was.
        *prints = Prints::with(read, before);
        let outcome = match outcome {
            Ok(fresh) => self.swap(fresh),
            Err(refused) => Outcome::Refused(refused),
        };
        let told = Told::now(trigger, outcome);
        told.log();
        self.now().metrics.reloaded(told.is_taken());
        *locked(&self.last) = Some(told.clone());
        self.changed.notify_one();
        told
    }

    fn swap(&self, fresh: Fresh) -> Outcome {
        let before = self.now();
        let needs_restart = told::needs_restart(&self.opened, &fresh.pack.config);
        let (hash, warnings) = (fresh.pack.hash().to_owned(), fresh.warnings.clone());
        let after = before.with(fresh);
        let policies = after.pack.policies().len();
        self.now.store(Arc::new(after));
        self.probe();
        let previous_hash = before.pack.hash().to_owned();
        Outcome::Taken { hash, previous_hash, policies, warnings, needs_restart }
    }
}

/// What a panic left locked is as good as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
