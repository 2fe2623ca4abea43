//! `assize serve`: the emulator until it is stopped.

use std::time::Duration;

use anyhow::Context as _;
use assize::emulator::{Dialect, Emulator};
use assize::suite::parse_duration;

use crate::args;
use crate::output::{complain, say};

/// The kinds that have a quota.
pub(crate) const KINDS: &[&str] = &[
    "loadbalancers",
    "listeners",
    "pools",
    "members",
    "healthmonitors",
    "l7policies",
    "rules",
];

/// The files that are open besides those of connections.
const FILES: u64 = 64;

pub(crate) fn serve(arguments: &args::Serve) -> anyhow::Result<u8> {
    let mut config = crate::emulator::config(Dialect::from(arguments.dialect), arguments.seed);
    if let Some(defect) = arguments
        .defects
        .iter()
        .find(|defect| !defect.dialects().contains(&config.dialect))
    {
        let elsewhere: Vec<&str> = defect
            .dialects()
            .iter()
            .map(|dialect| dialect.name())
            .collect();
        anyhow::bail!(
            "{} cannot have the defect `{}`; start it with --dialect {}",
            config.dialect.name(),
            defect.name(),
            elsewhere.join(" or ")
        );
    }
    config.defects.clone_from(&arguments.defects);
    if let Some(text) = &arguments.pending {
        config.pending = pending(text).with_context(|| format!("`--pending {text}` is no time; write one such as 50ms, or a range such as 50ms..400ms"))?;
    }
    config.token_life = arguments.token_life;
    config.rate = arguments.rate.map(f64::from);
    config.unstable = f64::from(arguments.unstable);
    for (kind, most) in &arguments.quotas {
        let quotas = &mut config.quotas;
        let quota = match kind.as_str() {
            "loadbalancers" => &mut quotas.load_balancers,
            "listeners" => &mut quotas.listeners,
            "pools" => &mut quotas.pools,
            "members" => &mut quotas.members,
            "healthmonitors" => &mut quotas.health_monitors,
            "l7policies" => &mut quotas.l7_policies,
            _ => &mut quotas.l7_rules,
        };
        *quota = Some(*most);
    }
    config.patience = arguments.patience;
    config.connections = connections(arguments.connections as usize);
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    runtime.block_on(async {
        let emulator = Emulator::bind(config, arguments.listen).await.with_context(|| format!("{} cannot be listened on; choose another with --listen, or port 0 for a free one", arguments.listen))?;
        say(&format!("{}\n", emulator.url()))?;
        complain("serving until Ctrl-C; tokens: assize-owner, assize-other, assize-readonly, assize-admin; Keystone at /v3: user owner, password assize-owner, project owner\n");
        let running = emulator.serve();
        crate::run::interrupted().await;
        running.shutdown().await?;
        Ok(0)
    })
}

/// So many connections, or as many as the system has files for, which is told then.
#[cfg(unix)]
fn connections(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let files = wanted as u64 + FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let possible = maximum.map_or(files, |maximum| maximum.min(files));
    let mut had = current.unwrap_or(possible);
    if had < possible {
        let raised = Rlimit {
            current: Some(possible),
            maximum,
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            had = possible;
        }
    }
    let room = usize::try_from(had.saturating_sub(FILES)).unwrap_or(wanted);
    if room < wanted {
        complain(&format!(
            "warning: the system lets this process have {had} files, enough for {room} connections; raise the limit (ulimit -n) or lower --connections\n"
        ));
    }
    wanted.min(room.max(1))
}

#[cfg(not(unix))]
fn connections(wanted: usize) -> usize {
    wanted
}

fn pending(text: &str) -> Option<std::ops::RangeInclusive<Duration>> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let to = parse_duration(to)?;
    // `50..400ms` takes the unit of its end.
    let from = match from.parse::<f64>() {
        Ok(_) if from != text => parse_duration(&format!(
            "{from}{}",
            text.trim_end()
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
        ))
        .or_else(|| parse_duration(from))?,
        _ => parse_duration(from)?,
    };
    (from <= to).then_some(from..=to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_is_one_time_or_a_range_whose_unit_may_stand_at_its_end() {
        let ms = Duration::from_millis;
        for (text, range) in [
            ("50ms", Some(ms(50)..=ms(50))),
            ("50ms..400ms", Some(ms(50)..=ms(400))),
            ("50..400ms", Some(ms(50)..=ms(400))),
            ("1s", Some(ms(1000)..=ms(1000))),
            ("4..1s", None),
            ("soon", None),
            ("..", None),
        ] {
            assert_eq!(pending(text), range, "{text}");
        }
    }
}
