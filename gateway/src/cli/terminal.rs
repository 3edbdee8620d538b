//! What a person or a pipe sees: results on the standard output, the rest on the standard error.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use grammar::{Diagnostic, Sources};
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;

/// The two outputs, and whether they take colours.
#[derive(Debug)]
pub(super) struct Terminal {
    out_colours: bool,
    err_colours: bool,
    /// Whether a result could not be written.
    unwritten: bool,
    /// Whether nobody reads the results any more.
    deaf: bool,
}

impl Terminal {
    /// Colours where the output is a terminal that has some, and `NO_COLOR` is unset or empty.
    pub(super) fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let allowed = !is_dumb && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            out_colours: allowed && std::io::stdout().is_terminal(),
            err_colours: allowed && std::io::stderr().is_terminal(),
            unwritten: false,
            deaf: false,
        }
    }

    /// A line of the result.
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        self.print(format!("{}\n", line.as_ref()).as_bytes());
    }

    /// A result as it is. A reader that has gone away is no error; a full disk is one, told once.
    pub(super) fn print(&mut self, result: &[u8]) {
        let mut output = std::io::stdout().lock();
        match output.write_all(result).and_then(|()| output.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe && !self.unwritten => {
                self.unwritten = true;
                self.fail(format!("the result cannot be written: {error}"));
            }
            Err(error) => self.deaf |= error.kind() == ErrorKind::BrokenPipe,
            Ok(()) => {}
        }
    }

    /// Whether nobody reads the results any more, or they cannot be written.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf || self.unwritten
    }

    /// What a verb came to, after all of its result was or was not written.
    pub(super) fn end(&self, exit: Exit) -> Exit {
        if self.unwritten { Exit::Failed } else { exit }
    }

    /// A line beside the result.
    pub(super) fn note(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr(), "{}", line.as_ref());
    }

    /// Why the verb cannot run.
    pub(super) fn fail(&mut self, sentence: impl AsRef<str>) -> Exit {
        let failure = self.failure(sentence);
        self.note(failure);
        Exit::Failed
    }

    /// The same as a line that somebody else writes.
    pub(super) fn failure(&self, sentence: impl AsRef<str>) -> String {
        format!("{} {}", paint("error:", "1;31", self.err_colours), sentence.as_ref())
    }

    /// Diagnostics with their excerpts.
    pub(super) fn diagnostics(&mut self, diagnostics: &[Diagnostic], sources: &Sources) {
        let text = grammar::render::render(diagnostics, sources, self.err_colours);
        let _ = write!(std::io::stderr(), "{text}");
    }

    /// A word in green on a terminal.
    pub(super) fn good(&self, word: &str) -> String {
        paint(word, "32", self.out_colours)
    }

    /// A word in red on a terminal.
    pub(super) fn bad(&self, word: &str) -> String {
        paint(word, "31", self.out_colours)
    }

    /// Whether the result takes colours.
    pub(super) fn out_colours(&self) -> bool {
        self.out_colours
    }

    /// Whether the standard error takes colours.
    pub(super) fn err_colours(&self) -> bool {
        self.err_colours
    }

    /// A bar for people who wait while so many bytes are read.
    pub(super) fn bar(&self, size: Option<u64>) -> ProgressBar {
        if !self.is_watched() {
            return ProgressBar::hidden();
        }
        let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    /// Whether people read the standard error.
    pub(super) fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

fn paint(word: &str, style: &str, colours: bool) -> String {
    if colours { format!("\u{1b}[{style}m{word}\u{1b}[0m") } else { word.to_owned() }
}

/// Text of somebody else, safe to show: what a terminal would obey is written as an escape.
pub(super) fn shown(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}
