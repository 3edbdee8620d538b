//! What became of each rule: carried over, with what it lost on the way, or not, and why.

use serde_json::{Value, json};

/// What became of all rules of a file.
#[derive(Debug, Default)]
pub(super) struct Account {
    rules: Vec<Fate>,
    /// What is said of the file as a whole.
    file: Vec<String>,
}

/// What became of one rule.
#[derive(Debug)]
struct Fate {
    id: String,
    carried: bool,
    notes: Vec<String>,
}

impl Account {
    /// Notes something of the file as a whole.
    pub(super) fn of_file(&mut self, note: String) {
        self.file.push(note);
    }

    /// Notes a rule.
    pub(super) fn rule(&mut self, id: &str, carried: bool, notes: Vec<String>) {
        self.rules.push(Fate { id: id.to_owned(), carried, notes });
    }

    /// How many rules were carried over.
    pub(super) fn carried(&self) -> usize {
        self.rules.iter().filter(|rule| rule.carried).count()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let total = self.rules.len();
        let mut lines = vec![format!("{} of {total} rules are carried over", self.carried())];
        lines.extend(self.file.iter().cloned());
        for Fate { id, carried, notes } in self.rules.iter().filter(|rule| !rule.notes.is_empty()) {
            let what = if *carried { "" } else { "not carried over: " };
            lines.push(format!("{id}: {what}{}", notes.join("; ")));
        }
        lines
    }

    pub(super) fn json(&self) -> Value {
        let rule = |rule: &Fate| json!({"id": rule.id, "carried": rule.carried, "notes": rule.notes});
        json!({
            "carried": self.carried(),
            "total": self.rules.len(),
            "notes": self.file,
            "rules": self.rules.iter().map(rule).collect::<Vec<_>>(),
        })
    }
}
