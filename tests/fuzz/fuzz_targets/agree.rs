//! `cargo fuzz run agree`: see `tests::fuzz::agree`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::fuzz::agree(bytes));
