//! `cargo fuzz run config`: see `tests::fuzz::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::config(bytes));
