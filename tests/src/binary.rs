//! The `kt` executable that users run: built once, started, read, stopped by signals.
