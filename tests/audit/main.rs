//! The audit log of the `kt` that users run: killed under load, on a full disk, read by a stranger.

mod full;
mod kill;
mod stranger;
