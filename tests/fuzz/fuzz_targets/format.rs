//! `cargo fuzz run format`: see `tests::fuzz::format`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::format(bytes));
