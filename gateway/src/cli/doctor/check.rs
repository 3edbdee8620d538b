//! One thing that was looked at, and how it stands.

use serde_json::{Value, json};

use crate::cli::{Terminal, shown};

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As it should be.
    Well,
    /// A gateway runs, but perhaps not as meant.
    Doubtful,
    /// In the way.
    Wanting,
}

impl Standing {
    fn name(self) -> &'static str {
        match self {
            Standing::Well => "ok",
            Standing::Doubtful => "warning",
            Standing::Wanting => "failed",
        }
    }
}

/// What was looked at, and what was found.
#[derive(Clone, Debug)]
pub(super) struct Check {
    what: &'static str,
    subject: String,
    pub(super) standing: Standing,
    message: String,
    help: Option<String>,
}

impl Check {
    /// Something that needs a look; `help` is what to do.
    pub(super) fn new(
        what: &'static str,
        subject: impl Into<String>,
        standing: Standing,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let (subject, message, help) = (subject.into(), message.into(), Some(help.into()));
        Self { what, subject, standing, message, help }
    }

    /// Something that is as it should be.
    pub(super) fn well(what: &'static str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { help: None, ..Self::new(what, subject, Standing::Well, message, "") }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "check": self.what,
            "subject": self.subject,
            "status": self.standing.name(),
            "message": self.message,
            "help": self.help,
        })
    }

    /// A line for people.
    pub(super) fn print(&self, terminal: &mut Terminal) {
        let name = format!("{:7}", self.standing.name());
        let name = match self.standing {
            Standing::Well => terminal.good(&name),
            Standing::Doubtful => name,
            Standing::Wanting => terminal.bad(&name),
        };
        let help = self.help.as_ref().map(|help| format!("; {}", shown(help))).unwrap_or_default();
        let (subject, message) = (shown(&self.subject), shown(&self.message));
        terminal.line(format!("{name} {:8} {subject}: {message}{help}", self.what));
    }
}
