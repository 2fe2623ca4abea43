#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| assize_fuzz::template(data));
