//! `cargo fuzz run parse`: see `tests::fuzz::parse`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::parse(bytes));
