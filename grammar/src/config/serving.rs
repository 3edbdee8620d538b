//! How the gateway itself is served: taking up changes of the files.

/// `reload:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Whether the gateway looks for changes of the files by itself.
    pub watch: bool,
    /// Time between two looks, in milliseconds.
    pub interval_ms: u32,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: false, interval_ms: 1000 }
    }
}
