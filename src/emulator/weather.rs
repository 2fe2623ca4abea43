//! What keeps a cloud from answering for the moment: too many requests, and bad luck drawn from a seed.

use jiff::Timestamp;
use serde_json::json;

use super::config::Config;
use super::dialect::Answer;
use super::store::Random;

/// Who is turned away before anything is looked at.
pub(super) struct Weather {
    rate: Option<f64>,
    unstable: f64,
    random: Random,
    /// How many requests may come at once yet, and since when.
    room: Option<(f64, Timestamp)>,
}

impl Weather {
    /// `None` if nobody is ever turned away.
    pub(super) fn new(config: &Config) -> Option<Self> {
        (config.rate.is_some() || config.unstable > 0.0).then(|| Self {
            rate: config.rate,
            unstable: config.unstable,
            random: Random::new(config.seed ^ 0x7765_6174),
            room: None,
        })
    }

    /// The answer to whoever comes at a bad time; nothing of the request is carried out then.
    pub(super) fn turn_away(&mut self, now: Timestamp) -> Option<Answer> {
        if let Some(rate) = self.rate {
            let (room, since) = self.room.unwrap_or((rate.max(1.0), now));
            let passed = now.duration_since(since).as_secs_f64().max(0.0);
            let room = (room + passed * rate).min(rate.max(1.0));
            if room < 1.0 {
                self.room = Some((room, now));
                return Some(later(429, "Too Many Requests", 1));
            }
            self.room = Some((room - 1.0, now));
        }
        if self.unstable <= 0.0 {
            return None;
        }
        // Half of it each, and in time to come again at once.
        match self.random.fraction() * 100.0 {
            drawn if drawn < self.unstable / 2.0 => Some(later(503, "Service Unavailable", 0)),
            drawn if drawn < self.unstable => Some(later(429, "Too Many Requests", 0)),
            _ => None,
        }
    }
}

fn later(code: u16, title: &str, seconds: u32) -> Answer {
    let message = "The service cannot answer at the moment; try again later.";
    let error = json!({"error": {"code": code, "title": title, "message": message}});
    let mut answer = Answer::json(code, error);
    answer.headers.push(("retry-after", seconds.to_string()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::Dialect;
    use std::time::Duration;

    fn weather(change: impl FnOnce(&mut Config)) -> Weather {
        let mut config = Config::new(Dialect::Octavia);
        change(&mut config);
        Weather::new(&config).expect("weather")
    }

    #[test]
    fn so_many_a_second_are_let_in_and_the_rest_is_told_when_to_come_again() {
        let mut weather = weather(|config| config.rate = Some(5.0));
        let mut now = Timestamp::UNIX_EPOCH;
        for _ in 0..3 {
            let answers: Vec<_> = (0..20).filter_map(|_| weather.turn_away(now)).collect();
            assert_eq!(answers.len(), 15);
            assert_eq!(answers[0].status, 429);
            assert_eq!(answers[0].headers, [("retry-after", "1".to_owned())]);
            now += Duration::from_secs(1);
        }
    }

    #[test]
    fn bad_luck_comes_as_often_as_it_is_asked_for_and_again_with_the_same_seed() {
        let drawn = |seed| {
            let mut weather = weather(|config| {
                config.unstable = 5.0;
                config.seed = seed;
            });
            let statuses = (0..10_000).map(|_| weather.turn_away(Timestamp::UNIX_EPOCH));
            statuses
                .map(|answer| answer.map(|answer| answer.status))
                .collect::<Vec<_>>()
        };
        let one = drawn(1);
        for status in [429, 503] {
            let count = one.iter().filter(|it| **it == Some(status)).count();
            assert!((200..300).contains(&count), "{count} times {status}");
        }
        assert_eq!(one, drawn(1));
        assert_ne!(one, drawn(2));
    }
}
