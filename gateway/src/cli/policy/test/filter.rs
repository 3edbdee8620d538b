//! Which tests run: those whose `file::test name` a filter fits.

use engine::matcher::glob;
use similar::TextDiff;

use crate::cli::shown;

/// How many tests are named where a filter fits none.
const NAMED: usize = 5;

/// How much of a filter and of words of a name must agree for the name to be meant.
const NEAR: f32 = 0.6;

/// What a person wants to run.
#[derive(Debug, Default)]
pub(in crate::cli::policy) struct Filters {
    /// As written, and whether anything has fitted.
    all: Vec<(String, bool)>,
    /// Every test that was asked about.
    known: Vec<String>,
    left_out: usize,
}

impl Filters {
    /// Those that are given; without any, every test runs.
    pub(super) fn new(written: &[String]) -> Self {
        Self { all: written.iter().map(|one| (one.clone(), false)).collect(), ..Self::default() }
    }

    /// Whether a test is to run, without noting it.
    pub(in crate::cli::policy) fn fits(&self, file: &str, name: &str) -> bool {
        let label = label(file, name);
        self.all.is_empty() || self.all.iter().any(|(written, _)| fits(written, &label))
    }

    /// Whether a test is to run.
    pub(super) fn wants(&mut self, file: &str, name: &str) -> bool {
        let label = label(file, name);
        let mut wanted = self.all.is_empty();
        for (written, fitted) in &mut self.all {
            let fits = fits(written, &label);
            *fitted |= fits;
            wanted |= fits;
        }
        self.left_out += usize::from(!wanted);
        self.known.push(label);
        wanted
    }

    /// How many tests were not to run.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// What is wrong with the filters that fitted no test, and which tests may have been meant.
    pub(super) fn complaint(&self) -> Option<String> {
        let (written, _) = self.all.iter().find(|(_, fitted)| !fitted)?;
        let near = self.near(written);
        let (title, named) = if near.is_empty() {
            let first: Vec<&str> = self.known.iter().map(String::as_str).take(NAMED).collect();
            let all = self.known.len();
            let title = if all == first.len() {
                "the tests are:".to_owned()
            } else {
                format!("the first of {all} tests are:")
            };
            (title, first)
        } else {
            ("did you mean:".to_owned(), near)
        };
        let named: String = named.iter().map(|label| format!("\n  {}", shown(label))).collect();
        Some(format!("no test fits `--filter {written}`; {title}{named}"))
    }

    /// The tests with words that are most like a filter's.
    fn near(&self, written: &str) -> Vec<&str> {
        let mut rated: Vec<(f32, &str)> =
            self.known.iter().map(|label| (likeness(written, label), label.as_str())).collect();
        rated.retain(|(likeness, _)| *likeness >= NEAR);
        rated.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        rated.into_iter().map(|(_, label)| label).take(NAMED).collect()
    }
}

fn label(file: &str, name: &str) -> String {
    format!("{file}::{name}")
}

fn fits(written: &str, label: &str) -> bool {
    label.contains(written) || written.contains(['*', '?']) && glob::fits(written, label)
}

/// How much a filter is like as many words of a label, at best: 0 to 1.
fn likeness(written: &str, label: &str) -> f32 {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        parts.map(str::to_lowercase).collect()
    };
    let (wanted, words) = (words(written), words(label));
    let count = wanted.len().clamp(1, words.len().max(1));
    let wanted = wanted.join(" ");
    let ratio = |window: &[String]| TextDiff::from_chars(&wanted, &window.join(" ")).ratio();
    words.windows(count).map(ratio).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(written: &[&str]) -> Filters {
        Filters::new(&written.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_part_or_a_glob_of_the_whole_fits() {
        assert!(filters(&[]).fits("a.ktr", "any"));
        let both = filters(&["cards", "rules/*::*?mail"]);
        assert!(both.fits("x.ktr", "two cards") && both.fits("rules/a.ktr", "an email"));
        assert!(!both.fits("other/a.ktr", "an email") && !both.fits("rules/a.ktr", "an email too"));
        assert!(filters(&["why?"]).fits("a.ktr", "so why? because"), "a sign of globs may stand for itself");
    }

    #[test]
    fn a_filter_that_fits_nothing_tells_what_may_have_been_meant() {
        let mut filters = filters(&["blubird", "code"]);
        for name in ["bluebird is kept", "a code name", "something else"] {
            filters.wants("house.ktr", name);
        }
        let complaint = filters.complaint().unwrap();
        assert_eq!(
            complaint,
            "no test fits `--filter blubird`; did you mean:\n  house.ktr::bluebird is kept"
        );
        assert_eq!(filters.left_out(), 2);
    }
}
