//! `kt policy fields` and `kt policy functions`: the reference, from the tables that the compiler uses.

use crate::cli::{Exit, Terminal};

pub(super) fn fields(terminal: &mut Terminal) -> Exit {
    for field in engine::schema::fields() {
        let phases: Vec<&str> = field.phases.iter().map(|phase| phase.name()).collect();
        let ty = field.ty.to_string();
        let ty = if ty.len() > 28 { "enum(…)".to_owned() } else { ty };
        terminal.line(format!("{:<18} {ty:<28} {:<18} {}", field.name, phases.join(", "), field.doc));
    }
    Exit::Well
}

pub(super) fn functions(terminal: &mut Terminal) -> Exit {
    for (_, usage) in engine::FUNCTIONS {
        terminal.line(usage);
    }
    terminal.line("");
    for validator in engine::matcher::validator::ALL {
        terminal.line(format!("where {:<14} {}", validator.name, validator.doc));
    }
    Exit::Well
}
