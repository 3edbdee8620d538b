//! `cargo fuzz run framing`: see `tests::fuzz::framing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::framing(bytes));
