//! A data set: JSONL that is read in batches and judged on all cores, in order, with a bar for those who watch.

use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;

use super::lines::{Line, Lines};

/// An input that is judged line by line.
pub(super) struct DataSet {
    name: String,
    metadata: Option<Metadata>,
    lines: Lines<Box<dyn BufRead>>,
    bar: ProgressBar,
}

impl DataSet {
    /// The file of that name; `-` is the standard input. The bar is made for its size.
    pub(super) fn open(name: &str, bar: impl FnOnce(Option<u64>) -> ProgressBar) -> Result<Self, String> {
        let (input, metadata): (Box<dyn BufRead>, _) = if name == "-" {
            (Box::new(std::io::stdin().lock()), None)
        } else {
            let file = File::open(name).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
            let metadata = file.metadata().ok();
            (Box::new(BufReader::new(file)), metadata)
        };
        let bar = bar(metadata.as_ref().map(Metadata::len));
        Ok(Self { name: name.to_owned(), metadata, lines: Lines::new(input), bar })
    }

    /// The next lines, judged; none at the end.
    pub(super) fn judged<R: Send>(&mut self, judge: impl Fn(&Line) -> R + Sync) -> Result<Vec<R>, String> {
        let batch = self.lines.batch().map_err(|error| format!("`{}` cannot be read: {error}", self.name))?;
        let judged = on_all_cores(&batch, judge);
        self.bar.set_position(self.lines.read());
        if batch.is_empty() {
            self.bar.finish_and_clear();
        }
        Ok(judged)
    }

    /// Whether a path leads to that very file, under whatever name.
    pub(super) fn is(&self, path: &str) -> bool {
        let Some(file) = self.metadata.as_ref().filter(|file| file.is_file()) else { return false };
        let other = std::fs::metadata(path);
        other.is_ok_and(|other| (file.dev(), file.ino()) == (other.dev(), other.ino()))
    }
}

/// Judges lines on all cores; the results are in the order of the lines. Each core takes the next line when it is done
/// with one, so that a few long ones keep nobody waiting.
fn on_all_cores<R: Send>(lines: &[Line], judge: impl Fn(&Line) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(lines.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(line) = lines.get(at) else { return done };
            done.push((at, judge(line)));
        }
    };
    let mut judged: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        // A thread that panicked loses its lines, which nobody would count: stop instead.
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    judged.sort_unstable_by_key(|(at, _)| *at);
    judged.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_lines_whoever_judges_them() {
        let lines: Vec<Line> = (0..500).map(|number| Line { number, bytes: None }).collect();
        let judge = |line: &Line| {
            // The first lines take longest.
            if line.number < 3 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            line.number
        };
        assert_eq!(on_all_cores(&lines, judge), (0..500).collect::<Vec<_>>());
        assert_eq!(on_all_cores(&[], judge), Vec::<usize>::new());
    }
}
