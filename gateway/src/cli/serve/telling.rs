//! How the process log of a running gateway is written: what of it, in which form, and by whom.

use std::fmt::Debug;

use clap::ValueEnum;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::log::Log;

/// The variable that says what is told.
const VARIABLE: &str = "KT_LOG";
/// What is told when it says nothing.
const USUAL: &str = "info";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line of text per event
    Text,
    /// A JSON object per event
    Json,
}

/// What of the log is written, by `KT_LOG`. A word that is no level would be taken for the name of a part, and silence the rest.
pub(super) fn filter() -> Result<EnvFilter, String> {
    let written = match std::env::var(VARIABLE) {
        Ok(written) if !written.trim().is_empty() => written,
        Ok(_) | Err(std::env::VarError::NotPresent) => USUAL.to_owned(),
        Err(std::env::VarError::NotUnicode(_)) => return Err(misread("no text")),
    };
    let parts: Vec<&str> = written.split(',').map(str::trim).collect();
    match parts.iter().find(|part| !is_understood(part)) {
        Some(part) => Err(misread(&format!("`{}`", crate::cli::shown(part)))),
        None => EnvFilter::try_new(parts.join(",")).map_err(|_| misread(&format!("`{written}`"))),
    }
}

fn misread(what: &str) -> String {
    format!(
        "`{VARIABLE}` holds {what}, which is not understood; write a level ({}), or levels of parts as in `info,gateway::route=debug`",
        LEVELS.join(", ")
    )
}

/// A level, or the path of a module and a level.
fn is_understood(part: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level));
    let is_path = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':'))
    };
    match part.split_once('=') {
        Some((path, level)) => is_path(path) && is_level(level),
        None => is_level(part),
    }
}

/// From now on events are lines of the log.
pub(super) fn begin(log: &Log, format: LogFormat, filter: EnvFilter, colours: bool) {
    let log = log.clone();
    // Complaints of the library about a log that cannot be written would go to the standard error, and panic where that is
    // what cannot be written.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false).with_ansi(colours);
    let subscriber = subscriber.with_writer(move || log.clone());
    // Only a second subscriber could fail, and there is none.
    let _ = match format {
        LogFormat::Text if colours => subscriber.try_init(),
        LogFormat::Text => subscriber.fmt_fields(debug_fn(write_field).delimited(" ")).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}

/// Writes a field as the library does, but for the style that it gives to names also where there are no colours: there is a
/// line for each request.
fn write_field(line: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
    match field.name() {
        "message" => write!(line, "{value:?}"),
        name => write!(line, "{}={value:?}", name.trim_start_matches("r#")),
    }
}

#[cfg(test)]
mod tests {
    use super::is_understood;

    #[test]
    fn levels_and_paths_with_levels_are_understood_and_nothing_else() {
        for good in ["warn", "INFO", "off", "gateway::route=debug", "hyper_util=trace"] {
            assert!(is_understood(good), "{good}");
        }
        for bad in ["verbose", "3", "", "gateway=", "=info", "gateway=loud", "[span]=info", "gateway"] {
            assert!(!is_understood(bad), "{bad}");
        }
    }
}
