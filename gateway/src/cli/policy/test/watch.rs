//! `--watch`: the tests run again whenever a file that they read changes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Test;
use super::files::{self, Found};
use crate::cli::{Exit, Terminal};
use crate::server::Signals;

/// How long nothing must have happened before the tests run: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(80);

/// The longest that the tests wait for that.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest wait for the system to tell of something: a folder that is filled while it comes to be watched may not be
/// told of.
const LOOK: Duration = Duration::from_secs(2);

/// Runs the tests until a signal comes, or nobody reads the results any more. The exit code is that of the last run.
pub(super) fn run(test: Test, terminal: &mut Terminal) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return terminal.fail(format!("waiting for changes cannot be started: {error}")),
    };
    let watched = runtime.block_on(watch(test, terminal));
    // A run that has not ended is of no interest any more.
    runtime.shutdown_background();
    watched.unwrap_or_else(|sentence| terminal.fail(sentence))
}

async fn watch(test: Test, terminal: &mut Terminal) -> Result<Exit, String> {
    if !test.pack_dir.is_dir() {
        return Ok(test.once(terminal).0);
    }
    let mut signals = Signals::new().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let (mut watched, mut events) = Watched::start()?;
    let mut ran = Ran { exit: Exit::Failed, read: Vec::new(), is_deaf: false };
    let mut files = Files::now(&test, &ran.read);
    loop {
        watched.add(&files)?;
        let run = tokio::task::spawn_blocking({
            let test = test.clone();
            move || once(&test)
        });
        tokio::select! {
            () = signals.next() => return Ok(ran.exit),
            run = run => ran = run.map_err(|error| format!("the tests could not run: {error}"))?,
        }
        if ran.is_deaf {
            return Ok(ran.exit);
        }
        files.learn(&ran.read);
        let count = files.contents.len();
        terminal.note(format!("watching {count} {}; Ctrl-C ends", if count == 1 { "file" } else { "files" }));
        let changes = tokio::select! {
            () = signals.next() => return Ok(ran.exit),
            changes = watched.changes(&test, &ran.read, &mut files, &mut events) => changes?,
        };
        terminal.note(changes.join("\n"));
    }
}

/// What came of a run.
struct Ran {
    exit: Exit,
    /// The files that it has read.
    read: Vec<PathBuf>,
    /// Whether nobody reads the results any more.
    is_deaf: bool,
}

fn once(test: &Test) -> Ran {
    let mut terminal = Terminal::new();
    let (exit, sources) = test.once(&mut terminal);
    // Shipped texts have names that lead nowhere.
    let mut read: Vec<PathBuf> = sources.names().map(PathBuf::from).filter(|path| path.is_file()).collect();
    read.sort();
    read.dedup();
    Ran { exit: terminal.end(exit), read, is_deaf: terminal.is_deaf() }
}

/// Waits until something happens and then nothing more for a while, or until it is time to look anyway.
async fn quiet(events: &mut UnboundedReceiver<()>) {
    match tokio::time::timeout(LOOK, events.recv()).await {
        Err(_) => return,
        Ok(None) => return tokio::time::sleep(LOOK).await,
        Ok(Some(())) => {}
    }
    let settled = async { while let Ok(Some(())) = tokio::time::timeout(QUIET, events.recv()).await {} };
    let _ = tokio::time::timeout(PATIENCE, settled).await;
}

/// What is told of changes in folders.
struct Watched(RecommendedWatcher);

impl Watched {
    fn start() -> Result<(Self, UnboundedReceiver<()>), String> {
        let (sender, receiver) = unbounded_channel();
        let tell = move |event: notify::Result<Event>| {
            // Reading is no change: the tests read.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = sender.send(());
            }
        };
        let watcher = notify::recommended_watcher(tell);
        Ok((Self(watcher.map_err(|error| format!("files cannot be watched: {error}"))?), receiver))
    }

    /// Watches the folders of these files. One that is watched already goes on to be; one that was made anew is again.
    fn add(&mut self, files: &Files) -> Result<(), String> {
        for folder in &files.folders {
            match self.0.watch(folder, RecursiveMode::NonRecursive) {
                Err(error) if folder.is_dir() => {
                    return Err(format!("`{}` cannot be watched: {error}", folder.display()));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Waits until files are not what they were, and says how.
    async fn changes(
        &mut self,
        test: &Test,
        read: &[PathBuf],
        files: &mut Files,
        events: &mut UnboundedReceiver<()>,
    ) -> Result<Vec<String>, String> {
        loop {
            let mut now = Files::now(test, read);
            self.add(&now)?;
            if now.folders != files.folders {
                // Something may have come into a new folder before it was watched.
                now = Files::now(test, read);
            }
            let changes = now.since(files);
            *files = now;
            if !changes.is_empty() {
                return Ok(changes);
            }
            quiet(events).await;
        }
    }
}

/// The files that the tests read, and the folders in which new ones would matter.
struct Files {
    /// By the real path: the path as it is shown, and a digest of what is in it.
    contents: BTreeMap<PathBuf, (PathBuf, u64)>,
    folders: BTreeSet<PathBuf>,
}

impl Files {
    fn now(test: &Test, read: &[PathBuf]) -> Self {
        let configs = files::configs(&test.pack_dir, &test.policy_config);
        let mut found = Found::default();
        // What could not be searched was told by the run.
        let _ = found.collect(&test.pack_dir, 0);
        let cases = files::case_files_of(&configs).unwrap_or_default();
        let mut files = Files { contents: BTreeMap::new(), folders: found.folders.into_iter().collect() };
        files.folders.insert(files::folder_of_cases(&configs));
        [found.files, configs, cases].iter().for_each(|paths| files.learn(paths));
        files.learn(read);
        files
    }

    /// Takes files as they are, but for those that are known.
    fn learn(&mut self, paths: &[PathBuf]) {
        for path in paths {
            let shown = path.strip_prefix("./").unwrap_or(path);
            let (Ok(real), Ok(bytes)) = (path.canonicalize(), std::fs::read(path)) else { continue };
            self.folders.extend([path.parent(), real.parent()].into_iter().flatten().map(folder));
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            self.contents.entry(real).or_insert_with(|| (shown.to_owned(), hasher.finish()));
        }
    }

    /// What is another than it was, one line each.
    fn since(&self, before: &Files) -> Vec<String> {
        let line = |what: &str, path: &Path| format!("{what} {}", path.display());
        let here =
            self.contents.iter().filter_map(|(real, (shown, digest))| match before.contents.get(real) {
                Some((_, known)) if known == digest => None,
                Some(_) => Some(line("changed", shown)),
                None => Some(line("new", shown)),
            });
        let gone = before.contents.iter().filter(|(real, _)| !self.contents.contains_key(*real));
        here.chain(gone.map(|(_, (shown, _))| line("removed", shown))).collect()
    }
}

/// A folder as the system takes it: that of a file without one is the current folder.
fn folder(path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() }
}
