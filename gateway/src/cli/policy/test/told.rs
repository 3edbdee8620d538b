//! A run of tests as people and programs read it.

use grammar::Diagnostic;
use serde_json::{Value, json};

use super::run::{Row, Run};
use crate::cli::{Terminal, shown};

impl Run {
    /// The tests by file, what went wrong below each, and how many passed.
    pub(super) fn print_text(&self, terminal: &mut Terminal) {
        let mut file = "";
        for row in &self.rows {
            if row.file != file {
                file = &row.file;
                terminal.line(shown(file));
            }
            let sign = if row.passed() { terminal.good("✓") } else { terminal.bad("✗") };
            let todo = if row.todo > 0 { format!(" ({})", misses(row.todo)) } else { String::new() };
            terminal.line(format!("  {sign} {}{todo}", shown(&row.name)));
            terminal.diagnostics(&row.failures, &self.sources);
        }
        terminal.line(self.summary());
    }

    /// How many passed, failed, are known to miss, and did not run; and the files that could not.
    pub(super) fn summary(&self) -> String {
        let failed = self.rows.iter().filter(|row| !row.passed()).count();
        let mut summary = format!("{} passed, {failed} failed", self.rows.len() - failed);
        let todo: usize = self.rows.iter().map(|row| row.todo).sum();
        if todo > 0 {
            summary.push_str(&format!(", {}", misses(todo)));
        }
        if self.filters.left_out() > 0 {
            summary.push_str(&format!(", {} left out", self.filters.left_out()));
        }
        match self.broken.len() {
            0 => {}
            1 => summary.push_str(", 1 file could not run"),
            many => summary.push_str(&format!(", {many} files could not run")),
        }
        summary
    }

    /// One object.
    pub(super) fn print_json(&self, coverage: bool, terminal: &mut Terminal) {
        let ok = self.broken.is_empty() && self.rows.iter().all(Row::passed);
        let results: Vec<Value> = self.rows.iter().map(|row| self.row(row)).collect();
        let mut object = json!({"ok": ok, "results": results, "left_out": self.filters.left_out()});
        if let Some(fields) = object.as_object_mut().filter(|_| coverage) {
            fields.insert("coverage".to_owned(), self.survey.json(&self.sources));
        }
        terminal.line(object.to_string());
    }

    fn row(&self, row: &Row) -> Value {
        let failures: Vec<Value> = row.failures.iter().map(|failure| self.failure(failure)).collect();
        json!({
            "name": row.name,
            "file": row.file,
            "verdict": row.verdict,
            "reason_code": row.reason_code,
            "passed": row.passed(),
            "todo": row.todo,
            "details": {"policy_results": row.policies, "failures": failures},
        })
    }

    fn failure(&self, failure: &Diagnostic) -> Value {
        let place = self.sources.place(failure.span);
        let mut told = json!({
            "message": failure.message,
            "file": place.file,
            "line": place.line,
            "column": place.column,
        });
        if let (Some(fields), Some(difference)) = (told.as_object_mut(), &failure.difference) {
            fields.insert("expected".to_owned(), difference.expected.as_str().into());
            fields.insert("got".to_owned(), difference.got.as_str().into());
        }
        told
    }
}

fn misses(count: usize) -> String {
    if count == 1 { "1 known miss".to_owned() } else { format!("{count} known misses") }
}
