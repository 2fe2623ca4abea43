//! How fast all cases together may send: as the target says, and slower while the endpoint asks for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::exchange::Response;

/// The first gap between requests once an endpoint has asked for time, and the longest.
const FIRST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(2);

/// The longest time that one answer can make everybody wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the next request may go out, whoever sends it.
pub(super) struct Pace {
    /// Between two requests at the least.
    apart: Duration,
    state: Mutex<State>,
}

struct State {
    next: Instant,
    /// Grows while the endpoint turns requests away, and shrinks again.
    gap: Duration,
}

impl Pace {
    /// So many requests a second at the most.
    pub(super) fn new(rate: Option<f64>) -> Self {
        let apart = rate.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok());
        Self {
            apart: apart.unwrap_or_default(),
            state: Mutex::new(State {
                next: Instant::now(),
                gap: Duration::ZERO,
            }),
        }
    }

    /// The time at which one more request may go out; it is taken.
    pub(super) fn slot(&self) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = state.next.max(Instant::now());
        state.next = slot + self.apart.max(state.gap);
        slot
    }

    /// Learns from an answer. Whether it turns the request away until later is returned, and for how long.
    pub(super) fn learn(&self, response: &Response) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match turned_away(response) {
            Some(after) => {
                state.gap = (state.gap * 2).clamp(FIRST, LONGEST);
                state.next = state.next.max(Instant::now() + after);
                Some(after)
            }
            None => {
                state.gap = state.gap * 7 / 8;
                if state.gap < FIRST / 8 {
                    state.gap = Duration::ZERO;
                }
                None
            }
        }
    }
}

/// For how long an answer turns a request away: 429 or 503 with a Retry-After in seconds (RFC 9110, 10.2.3).
fn turned_away(response: &Response) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    let after = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(after).min(PATIENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, after: Option<&str>) -> Response {
        let after = after.map(|after| ("Retry-After".to_owned(), after.to_owned()));
        Response {
            status,
            headers: after.into_iter().collect(),
            body: Vec::new().into(),
        }
    }

    fn ahead(pace: &Pace) -> Duration {
        pace.slot().saturating_duration_since(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn requests_keep_their_distance_whoever_sends_them() {
        let pace = Pace::new(Some(10.0));
        let slots: Vec<Duration> = (0..3).map(|_| ahead(&pace)).collect();
        assert_eq!(slots, [0, 100, 200].map(Duration::from_millis));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(
            ahead(&pace),
            Duration::ZERO,
            "what was not used is not saved up"
        );
        assert_eq!(ahead(&Pace::new(None)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_turned_away_slows_all_down_until_it_goes_well_again() {
        let pace = Pace::new(None);
        for (status, after) in [
            (503, None),
            (429, Some("soon")),
            (500, Some("9")),
            (200, Some("9")),
        ] {
            assert_eq!(pace.learn(&answer(status, after)), None);
            assert_eq!(ahead(&pace), Duration::ZERO);
        }
        assert_eq!(
            pace.learn(&answer(429, Some("3"))),
            Some(Duration::from_secs(3))
        );
        assert_eq!(ahead(&pace), Duration::from_secs(3));
        assert_eq!(ahead(&pace), Duration::from_millis(3005));
        pace.learn(&answer(503, Some("0")));
        ahead(&pace);
        assert_eq!(ahead(&pace), Duration::from_millis(3020));
        for _ in 0..50 {
            pace.learn(&answer(200, None));
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(ahead(&pace), Duration::ZERO);
        assert_eq!(ahead(&pace), Duration::ZERO);
        assert_eq!(pace.learn(&answer(503, Some("99999"))), Some(PATIENCE));
    }
}
