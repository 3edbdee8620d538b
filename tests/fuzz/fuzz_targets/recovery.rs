//! `cargo fuzz run recovery`: see `tests::fuzz::recovery`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::recovery(bytes));
