//! Randomness that a seed repeats: a counter, mixed.

use std::ops::RangeInclusive;
use std::time::Duration;

use uuid::{Builder, Uuid};

/// A stream of numbers, one a counter value; different seeds give different streams.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Mixed once, so that neighbouring seeds do not give shifted copies of one stream.
        Self {
            state: mix(seed ^ 0x6173_7369_7a65_0001),
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A version 4 UUID.
    pub(crate) fn id(&mut self) -> Uuid {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// A number from 0 up to but not including 1, evenly.
    pub(crate) fn fraction(&mut self) -> f64 {
        // A double holds 53 bits.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A duration of the range, evenly; the start of an empty range.
    pub(crate) fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let (low, high) = (*range.start(), *range.end());
        let Some(width) = high.checked_sub(low) else {
            return low;
        };
        let steps = u64::try_from(width.as_micros())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        low + Duration::from_micros(self.next() % steps)
    }
}

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
