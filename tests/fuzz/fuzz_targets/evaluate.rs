//! `cargo fuzz run evaluate`: see `tests::fuzz::evaluate`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::evaluate(bytes));
