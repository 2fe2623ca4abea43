//! stub until the report branch lands
use crate::outcome::*;
/// x
#[derive(Debug)]
pub struct Console;
impl Console {
    /// x
    pub fn new(_s: bool) -> Self {
        Self
    }
    /// x
    pub fn finished(&self, o: &CaseOutcome, _v: bool) -> Option<String> {
        Some(format!(
            "{:5} {} {}\n",
            o.verdict.as_str(),
            o.id,
            o.reason.clone().unwrap_or_default()
        ))
    }
    /// x
    pub fn summary(&self, r: &RunReport) -> String {
        let mut t = String::new();
        for o in &r.outcomes {
            for f in &o.findings {
                t += &format!(
                    "{} {:?} {} expected {} actual {} ({})\n",
                    o.id, f.requirements, f.check, f.expected, f.actual, f.location
                );
            }
            for b in &o.observations {
                t += &format!(
                    "{} observed {:?} {} = {}\n",
                    o.id, b.requirements, b.name, b.value
                );
            }
            for l in &o.leaked {
                t += &format!("{} leaked {:?}\n", o.id, l);
            }
        }
        for l in &r.leaked {
            t += &format!("leaked {l:?}\n");
        }
        t + &format!("{:?} {:?}\n", r.counts(), r.duration)
    }
}
/// x
pub fn junit(_r: &RunReport) -> String {
    String::new()
}
