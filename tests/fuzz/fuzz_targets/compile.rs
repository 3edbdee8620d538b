//! `cargo fuzz run compile`: see `tests::fuzz::compile`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::compile(bytes));
