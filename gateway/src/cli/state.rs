//! The folder in which kt keeps what outlives it.

use std::path::PathBuf;

/// The folder that was named, or else `$XDG_STATE_HOME/kt`, or `~/.local/state/kt`.
pub(super) fn dir(named: Option<PathBuf>) -> Result<PathBuf, &'static str> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let usual = || Some(set("XDG_STATE_HOME").filter(|path| path.is_absolute()).or_else(home)?.join("kt"));
    named
        .or_else(usual)
        .ok_or("there is no home folder to keep the audit log in; name one with `--state-dir`")
}
